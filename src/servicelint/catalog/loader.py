"""Reading the catalog's data files and looking names up in them."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING

from servicelint.catalog.correlation import Correlation
from servicelint.catalog.guards import Breaker
from servicelint.catalog.inbound import App, Frameworks
from servicelint.catalog.messaging import (
    Consuming,
    Envelope,
    Making,
    Publishing,
    QueueClient,
    TaskDecorator,
)
from servicelint.catalog.model import (
    CallDetails,
    Channel,
    Client,
    Invoker,
    Library,
    Meaning,
    Method,
    Scope,
    Sender,
    Settings,
    Stub,
    TimeoutClass,
)
from servicelint.catalog.retries import Retry, RetryFilter, RetryStop, RetryWait
from servicelint.catalog.tables import TableFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from servicelint.catalog.record import Parameter, Record

STUB = "Stub"
"""How the names of generated stub classes end."""

Strategy = RetryStop | RetryWait | RetryFilter
Queue = QueueClient | Envelope | TaskDecorator
Entry = Client | Sender | TimeoutClass | Scope | CallDetails | Breaker | Retry | Strategy | Queue | App
MADE = (
    Client, TimeoutClass, CallDetails, Breaker, Retry, RetryStop, RetryWait, RetryFilter,
    QueueClient, Envelope, App,
)  # fmt: skip
"""The entries whose call gives an object of theirs."""


class Catalog:
    """All libraries, indexed by the qualified names a program can use for their symbols."""

    def __init__(self, libraries: Iterable[Library], clients: Mapping[str, Client] | None = None) -> None:
        self.libraries = {library.library: library for library in libraries}
        self._canonical: dict[str, str] = {}
        self._factories: dict[str, dict[str, str]] = {}
        self._entries: dict[str, tuple[Library, Entry]] = {}
        self.invokers: dict[str, Invoker] = {}
        self.channels: dict[str, Channel] = {}
        self.plain_interceptors: set[str] = set()
        self.remaining: set[str] = set()
        self.stubs: list[Stub] = []
        self.frameworks = Frameworks()
        self.correlation = Correlation()
        self.tables = TableFacts()
        self.settings: dict[str, Settings] = {}
        self._making: frozenset[str] | None = None
        for library in self.libraries.values():
            self._add_library(library)
            self.invokers.update(library.invokers)
            self.channels.update(library.channels)
            self.plain_interceptors.update(library.plain_interceptors)
            self.remaining.update(name.rpartition(".")[2] for name in library.remaining)
            self.stubs += library.stubs.values()
            for name, settings in library.settings.items():
                self.settings.update(dict.fromkeys((name, *settings.aliases), settings))
        for library in self.libraries.values():
            self._add_framework(library)
        self.stubs.sort(key=lambda stub: -len(stub.module))
        for name, client in (clients or {}).items():
            self._add(team_library(name, client), name, client)

    def _add_library(self, library: Library) -> None:
        groups: tuple[Mapping[str, Entry], ...] = (
            library.senders, library.clients, library.timeouts, library.scopes, library.details,
            library.breakers, library.retries, library.retry_stops, library.retry_waits,
            library.retry_filters,
            library.queues, library.envelopes, library.tasks,
        )  # fmt: skip
        for group in groups:
            for name, entry in group.items():
                self._add(library, name, entry)

    def _add_framework(self, library: Library) -> None:
        """What tells of handlers; an application that is a client too is kept as that."""
        self.correlation.add(
            library.instrumentations, library.launchers, library.injectors, library.context_keepers,
            library.log_fields,
        )  # fmt: skip
        self.tables.add(library.table_classes, library.table_names, library.connections, library.takers)
        self.frameworks.add(
            library.title, library.apps, library.registrars, library.handler_classes, library.generated
        )
        for name, app in library.apps.items():
            if all(self.entry(each) is None for each in (name, *app.aliases)):
                self._add(library, name, app)

    def _add(self, library: Library, name: str, entry: Entry) -> None:
        self._entries[name] = (library, entry)
        kin = entry.kin if isinstance(entry, QueueClient) else ()
        for alias in (*entry.aliases, *kin):
            self._canonical[alias] = name
        service = entry.service if isinstance(entry, QueueClient) else ""
        for factory in entry.factories if isinstance(entry, Client | Breaker | QueueClient | App) else ():
            self._factories.setdefault(factory, {})[service] = name

    @functools.cached_property
    def errors(self) -> dict[str, tuple[str, ...]]:
        """The libraries' exceptions by name, each with its direct bases."""
        failures = [library.failures for library in self.libraries.values()]
        return {name: bases for each in failures for name, bases in each.bases.items()}

    @functools.cached_property
    def error_aliases(self) -> dict[str, str]:
        """Further names of exceptions, each with the one that the catalog knows."""
        failures = [library.failures for library in self.libraries.values()]
        return {name: known for each in failures for name, known in each.aliases.items()}

    @functools.cached_property
    def breaking(self) -> frozenset[str]:
        """Every name of a symbol that breaks circuits, and the modules that lead to it."""
        return self._leading_to((Breaker,))

    @functools.cached_property
    def retrying(self) -> frozenset[str]:
        """Every name of a symbol that tries again, and the modules that lead to it."""
        return self._leading_to((Retry,))

    @functools.cached_property
    def prefixes(self) -> frozenset[str]:
        """Every name of a symbol that sends, publishes, makes clients or guards calls, and modules to it."""
        return self._leading_to((Client, Sender, QueueClient, TaskDecorator)) | self.breaking | self.retrying

    def _leading_to(self, kinds: tuple[type[Record], ...]) -> frozenset[str]:
        wanted = {name for name, (_, entry) in self._entries.items() if isinstance(entry, kinds)}
        wanted |= {alias for alias, name in self._canonical.items() if name in wanted}
        wanted |= {factory for factory, made in self._factories.items() if wanted & set(made.values())}
        parts = [name.split(".") for name in wanted]
        return frozenset(".".join(each[:length]) for each in parts for length in range(1, len(each) + 1))

    @functools.cached_property
    def packages(self) -> frozenset[str]:
        """The names at the top of all libraries that something is known of, and of the standard library."""
        known = (name.partition(".")[0] for name in (*self._entries, *self._canonical))
        return sys.stdlib_module_names.union(known)

    @functools.cached_property
    def transports(self) -> frozenset[str]:
        """The libraries' own transport classes, which set no bound of their own."""
        clients = [entry for _, entry in self._entries.values() if isinstance(entry, Client)]
        mounted = [client.mounting.transports for client in clients if client.mounting]
        return frozenset(name for names in (*mounted, *(c.transports for c in clients)) for name in names)

    @functools.cached_property
    def transport_retries(self) -> dict[str, Parameter]:
        """How the libraries' own transport classes are given a policy of retries."""
        clients = [entry for _, entry in self._entries.values() if isinstance(entry, Client)]
        mounting = [client.mounting for client in clients if client.mounting and client.mounting.retries]
        return {name: each.retries for each in mounting for name in each.transports if each.retries}

    def making_methods(self) -> frozenset[str]:
        """The names of methods that hand out a client."""
        if self._making is None:
            clients = [entry for _, entry in self._entries.values() if isinstance(entry, Client)]
            makers: list[Method | Making] = [m for client in clients for m in client.methods if m.returns]
            makers += [making for queue in self._queue_clients() for making in queue.makes]
            self._making = frozenset(name for maker in makers for name in maker.names)
        return self._making

    def method_names(self) -> frozenset[str]:
        """The names of all methods that matter: that send, publish, receive, make clients, or are hooks."""
        found: set[str] = set()
        for _, entry in self._entries.values():
            for method in entry.methods if isinstance(entry, Client) else ():
                found.update(method.names, method.through)
        for queue in self._queue_clients():
            described: tuple[Making | Publishing | Consuming, ...] = (
                *queue.makes, *queue.publishing, *queue.consuming,
            )  # fmt: skip
            found.update(name for each in described for name in each.names)
        return frozenset(found | self.task_decorators)

    @functools.cached_property
    def holding_attributes(self) -> frozenset[str]:
        """The names of attributes that hold a client."""
        return frozenset(name for queue in self._queue_clients() for name in queue.holds)

    @functools.cached_property
    def task_decorators(self) -> frozenset[str]:
        """The last names of the decorators that make tasks."""
        entries = ((name, entry) for name, (_, entry) in self._entries.items())
        return frozenset(
            name.rpartition(".")[2] for name, entry in entries if isinstance(entry, TaskDecorator)
        )

    def making(self, method: str, returns: str) -> Making | None:
        """How a method of this name hands out an object of the class ``returns``, if any does."""
        makings = (making for queue in self._queue_clients() for making in queue.makes)
        return next((each for each in makings if method in each.names and each.returns == returns), None)

    def _queue_clients(self) -> list[QueueClient]:
        return [entry for _, entry in self._entries.values() if isinstance(entry, QueueClient)]

    def scope_names(self, is_meant: Callable[[Scope], bool]) -> set[str]:
        """The qualified names, aliases too, of the scopes that bound what they enclose."""
        found: set[str] = set()
        for name, (_, entry) in self._entries.items():
            if isinstance(entry, Scope) and is_meant(entry):
                found.update((name, *entry.aliases))
        return found

    def sends_any_attribute(self, of: object) -> bool:
        """Whether any attribute of an object of this class sends when it is called."""
        entry = self.entry(getattr(of, "name", ""))
        return isinstance(entry, Client) and entry.site == "any-attribute"

    def canonical(self, qualified_name: str) -> str:
        """The one name under which the catalog keeps what ``qualified_name`` refers to."""
        return self._canonical.get(qualified_name, qualified_name)

    def knows(self, qualified_name: str) -> bool:
        """Whether the catalog has the symbol under any of its names."""
        return (
            self.entry(qualified_name) is not None
            or self.is_factory(qualified_name)
            or self.stub(qualified_name) is not None
        )

    def stub(self, qualified_name: str) -> Stub | None:
        """What is known of generated classes of this name, if it is the name of one."""
        module, _, name = qualified_name.rpartition(".")
        if not name.endswith(STUB):
            return None
        return next((stub for stub in self.stubs if module.endswith(stub.module)), None)

    @functools.cached_property
    def over_channels(self) -> frozenset[str]:
        """The classes of remote methods whose calls a channel may bound: by its config or interceptors."""
        clients = [entry for _, entry in self._entries.values() if isinstance(entry, Client)]
        channels = [client for client in clients if client.service_config]
        return frozenset(method.returns for channel in channels for method in channel.methods)

    def names_stubs(self, qualified_name: str) -> bool:
        """Whether a dotted name is, or goes through, a module of generated stubs."""
        found = [ending for ending in self._stub_endings if ending in qualified_name]
        return bool(found) and any(part.endswith(tuple(found)) for part in qualified_name.split("."))

    @functools.cached_property
    def _stub_endings(self) -> tuple[str, ...]:
        return tuple(stub.module for stub in self.stubs)

    def is_factory(self, qualified_name: str) -> bool:
        """Whether calling ``qualified_name`` returns a client."""
        return bool(self._made(qualified_name))

    def made_by(self, qualified_name: str, service: str = "") -> str | None:
        """The class, of a client or application, that the factory ``qualified_name`` makes, if it is one.

        ``service`` is the call's first argument, where that decides.
        """
        made = self._made(qualified_name)
        return made.get("") or made.get(service)

    def _made(self, qualified_name: str) -> dict[str, str]:
        return self._factories.get(self.canonical(qualified_name)) or self._factories.get(qualified_name, {})

    def entry(self, qualified_name: str) -> Entry | None:
        """What is known of a symbol, under any of its names."""
        found = self._entries.get(self.canonical(qualified_name))
        return found[1] if found else None

    def library_of(self, qualified_name: str) -> Library:
        """The library whose entry ``qualified_name`` is.

        Raises:
            KeyError: if the catalog has no such entry.
        """
        return self._entries[self.canonical(qualified_name)][0]

    def meaning(self, qualified_name: str, name: str) -> Meaning:
        """The meaning ``name`` as the library of ``qualified_name`` defines it.

        Raises:
            KeyError: if the library does not define it.
        """
        return self.library_of(qualified_name).meanings[name]


def team_library(name: str, client: Client) -> Library:
    """The one-client library that stands for a client a team added in its configuration."""
    title = client.library or name.partition(".")[0]
    return Library(library=title, title=title, meanings=client.meanings, clients={name: client})
