"""What the catalog can say about request ids: what carries the id of what came in to what goes out."""

from __future__ import annotations

from typing import Literal

from servicelint.catalog.record import Record

Continued = Literal["request", "rpc", "message"]
"""The kinds of handlers that are told apart; one of a websocket handles requests."""


class Instrumentation(Record, frozen=True):
    """Something that puts the id on outbound calls, or takes it over from inbound ones, once it is on.

    It is switched on where ``methods`` of it are called, or where it is called itself if it has none;
    ``on-import``: where it is imported. ``covers`` are the catalog's libraries (or protocols) whose calls it
    puts the id on, "*" for all. ``continues`` tells the kinds of handlers for which it takes over the inbound
    id, ``answers`` that it puts the id on answers too, ``keeps-context`` that threads take the context along.
    """

    covers: tuple[str, ...] = ()
    continues: tuple[Continued, ...] = ()
    methods: tuple[str, ...] = ()
    on_import: bool = False
    keeps_context: bool = False
    answers: bool = False
    aliases: tuple[str, ...] = ()


class Injector(Record, frozen=True):
    """A function that puts the current id into a mapping it is given (or returns one with it)."""

    aliases: tuple[str, ...] = ()


class ContextKeeper(Record, frozen=True):
    """A library's variable, or function, in which the id of the request is kept while it is handled."""

    aliases: tuple[str, ...] = ()


class LogField(Record, frozen=True):
    """A library's filter, processor or method that writes the id of the request on lines of the log."""

    aliases: tuple[str, ...] = ()


class Correlation:
    """All that is known of ids, by the qualified names a program can use."""

    def __init__(self) -> None:
        self.instrumentations: dict[str, Instrumentation] = {}
        self.launchers: dict[str, Instrumentation] = {}
        self.injectors: set[str] = set()
        self.keepers: set[str] = set()
        self.log_fields: set[str] = set()

    def add(
        self,
        instrumentations: dict[str, Instrumentation],
        launchers: dict[str, Instrumentation],
        injectors: dict[str, Injector],
        keepers: dict[str, ContextKeeper],
        log_fields: dict[str, LogField],
    ) -> None:
        """Take in what one library says."""
        self.instrumentations.update(instrumentations)
        self.launchers.update(launchers)
        kinds = ((self.injectors, injectors), (self.keepers, keepers), (self.log_fields, log_fields))
        for names, entries in kinds:
            for name, entry in entries.items():
                names.update((name, *entry.aliases))
