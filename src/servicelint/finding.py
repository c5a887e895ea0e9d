"""Findings: what a rule reports, in the shape that hosts and reports use."""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["error", "warning", "info"]
Dialect = Literal["noqa", "pylint"]
"""Whose comments silence findings."""


class Place(msgspec.Struct, frozen=True, order=True):
    """A place in a file: ``path`` with forward slashes, line and column from 1, columns in code points."""

    path: str
    line: int
    column: int = 1


class TraceStep(msgspec.Struct, frozen=True):
    """One step of the explanation of a finding."""

    place: Place
    message: str


class Cause(msgspec.Struct, frozen=True):
    """The one place that many findings share; ``id`` is its name in the code."""

    place: Place
    id: str


class Finding(msgspec.Struct, frozen=True):
    """One thing found. ``end_line`` and ``end_column`` are exclusive, as for an editor's selection.

    ``worst_case_seconds`` is how long a call may take with all its retries, where the finding is about that.
    ``silenced_by`` tells in whose comments it is silenced; a host that reads such comments itself ignores it.
    """

    place: Place
    code: str
    name: str
    message: str
    severity: Severity = "warning"
    end_line: int = 0
    end_column: int = 0
    function: str = ""
    trace: tuple[TraceStep, ...] = ()
    cause: Cause | None = None
    worst_case_seconds: float | None = None
    fingerprint: str = ""
    silenced_by: tuple[Dialect, ...] = ()

    @property
    def order(self) -> tuple[Place, str]:
        """What findings are sorted by."""
        return self.place, self.code

    @property
    def is_failure_to_read(self) -> bool:
        """Whether it says that something could not be read or run, rather than that code is at fault."""
        return self.code in ("SVC001", "SVC004")


class UnknownCall(msgspec.Struct, frozen=True):
    """An outbound call of which nothing is shown either way: no finding, told only to who asks.

    ``call`` is its name, ``reason`` why its bound can't be told. Places are as in a finding.
    """

    place: Place
    call: str
    protocol: str
    reason: str
    end_line: int
    end_column: int
    function: str = ""
    trace: tuple[TraceStep, ...] = ()
