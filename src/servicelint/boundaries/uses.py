"""Calls between services as data: what is kept of each module for the questions on the whole program."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from servicelint.boundaries.declared import Protocol  # noqa: TC001 - msgspec reads the annotation

if TYPE_CHECKING:
    from collections.abc import Iterable


class Use(NamedTuple):
    """A call of one service by another, and where it stands: lines and columns from 1, the end exclusive."""

    source: str
    target: str
    protocol: Protocol
    subject: str
    path: str
    line: int
    column: int
    end_line: int
    end_column: int


class Uses(msgspec.Struct):
    """The calls between services; ``untold`` are services ("" for code of nobody) and protocols.

    Over these the service has calls that go nobody knows where.
    """

    calls: list[Use] = msgspec.field(default_factory=list)
    untold: list[tuple[str, Protocol]] = msgspec.field(default_factory=list)

    @classmethod
    def together(cls, parts: Iterable[Uses]) -> Uses:
        """All of several, in the order of files and lines."""
        found = cls()
        for part in parts:
            found.calls += part.calls
            found.untold += part.untold
        found.calls.sort(key=lambda use: (use.path, use.line, use.column))
        found.untold = sorted(set(found.untold))
        return found
