"""What a team declares: services, what others may use of them, on whom they depend and how."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

import msgspec

from servicelint.catalog.record import Record

Protocol = Literal["import", "http", "grpc", "queue"]
"""How one service uses another."""

TypeChecking = Literal["deny", "warn", "allow"]
"""What is said of an import that only type checkers run: as of any other, severity info, or nothing."""


class Dependency(Record, frozen=True):
    """How a service depends on another: ``orders = { by = ["import", "http"], type-checking = "allow" }``.

    ``orders = "http"`` is short for ``{ by = "http" }``. ``type-checking`` is the settings' own unless given.
    """

    by: Protocol | tuple[Protocol, ...] = ()
    type_checking: TypeChecking | None = None

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The ways in which it does."""
        return (self.by,) if isinstance(self.by, str) else self.by


class Service(Record, frozen=True):
    """One service.

    ``modules`` are the patterns of what belongs to it, ``interface`` of what others may import (all of it if
    it is left out, nothing if it is empty), ``hosts`` the names by which it is called, ``queues`` the queues
    and topics that it owns, ``database`` any name for the one it uses, where its code does not show it.
    ``depends-on`` names other services.
    """

    modules: tuple[str, ...] = ()
    interface: tuple[str, ...] | None = None
    depends_on: dict[str, Protocol | tuple[Protocol, ...] | Dependency] = msgspec.field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    database: str = ""
    breaker: Literal["required", "mesh", "off"] | None = None

    def dependency(self, other: str) -> Dependency | None:
        """How it depends on another service, or None."""
        declared = self.depends_on.get(other)
        if declared is None or isinstance(declared, Dependency):
            return declared
        return Dependency(by=declared)


class Exemption(Record, frozen=True):
    """Imports that are let through: from modules that fit ``from`` into modules that fit ``to``.

    ``until`` is the last day on which it counts; without one it counts for ever.
    """

    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    until: datetime.date | None = None

    def has_expired(self, today: datetime.date) -> bool:
        """Whether its last day has passed."""
        return self.until is not None and self.until < today
