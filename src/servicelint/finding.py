"""Findings: what a rule reports, in the shape that hosts and reports use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning", "info"]
Dialect = Literal["noqa", "pylint"]
"""Whose comments silence findings."""


@dataclass(frozen=True, order=True)
class Place:
    """A place in a file: ``path`` with forward slashes, line and column from 1, columns in code points."""

    path: str
    line: int
    column: int = 1


@dataclass(frozen=True)
class TraceStep:
    """One step of the explanation of a finding."""

    place: Place
    message: str


@dataclass(frozen=True)
class Cause:
    """The one place that many findings share; ``id`` is its name in the code."""

    place: Place
    id: str


@dataclass(frozen=True)
class Finding:
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
    fingerprint: str = field(default="", compare=False)
    silenced_by: tuple[Dialect, ...] = field(default=(), compare=False)

    @property
    def order(self) -> tuple[Place, str]:
        """What findings are sorted by."""
        return self.place, self.code

    @property
    def is_failure_to_read(self) -> bool:
        """Whether it says that something could not be read or run, rather than that code is at fault."""
        return self.code in ("SVC001", "SVC004")


@dataclass(frozen=True)
class UnknownCall:
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
