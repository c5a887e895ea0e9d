"""Regular expressions that are compiled when they are first used.

All modules together have a hundred; a run with one changed file uses a dozen, and to compile the others took
a twentieth of its time (CPython 3.11).
"""

from __future__ import annotations

import re
from typing import Any, cast


class _Later:
    """A pattern of which each attribute is looked up once."""

    def __init__(self, text: str, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self._text, self._flags), name)  # re keeps what it has compiled
        setattr(self, name, found)
        return found


def regex(text: str, flags: int = 0) -> re.Pattern[str]:
    """A pattern, for its methods; functions of ``re`` that take one take a compiled one only."""
    return cast("re.Pattern[str]", _Later(text, flags))
