"""Crashes: what is told when a rule, or a step of a run, meets a defect. Everything else goes on."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from servicelint import registry
from servicelint.finding import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicelint.finding import Finding

MOST_NAMED = 3
"""Rules that a finding names: a question that many of them ask crashes in all."""


class Crashes:
    """The crashes of a run. ``tracebacks`` holds one for each error."""

    def __init__(self) -> None:
        self.tracebacks: list[str] = []
        self._by_path: defaultdict[str, dict[str, dict[str, None]]] = defaultdict(dict)
        self._traced: set[str] = set()

    def note(self, path: str, who: str, error: Exception) -> None:
        """Note that a rule or step crashed on a file, by its shown path."""
        described = description(error)
        self._by_path[path].setdefault(described, {})[who] = None
        if described not in self._traced:
            self._traced.add(described)
            self.tracebacks.append(formatted(error))

    def taken(self, path: str) -> list[Finding]:
        """A finding for each error on a file since they were last taken."""
        return [_finding(path, list(who), error) for error, who in self._by_path.pop(path, {}).items()]

    def left(self) -> list[Finding]:
        """The findings on all files that were not taken yet."""
        return [finding for path in list(self._by_path) for finding in self.taken(path)]


def description(error: Exception) -> str:
    """An error in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")


def formatted(error: Exception) -> str:
    """An error with where it came from, as Python prints it."""
    import traceback  # few runs crash

    return "".join(traceback.format_exception(error))


def _finding(path: str, who: Sequence[str], error: str) -> Finding:
    more = len(who) - MOST_NAMED
    named = ", ".join(who[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return registry.rules()["SVC001"].at_place(Place(path, 1), rule=named, error=error)
