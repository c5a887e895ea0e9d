"""Reads of ``name.a.b`` where ``name`` is what an import bound: found in the text, parsed only in doubt."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, NamedTuple

from servicelint.facts.masking import masked
from servicelint.facts.name_bindings import is_only_imported
from servicelint.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORMATTED = regex(r"(?<!\w)(?:[fFtT][rR]?|[rR][fFtT])\Z")
_IMPORTS = regex(r"(?<!\w)(?:from(?!\w)[\s.\w]*)?(?<!\w)import(?!\w)(?:\s*\([^)]*\)?|[^\r\n;]*)")
_STEP = regex(r"\s*\.\s*([^\W\d]\w*)")


class Path(NamedTuple):
    """``name.steps``; ``ends`` are the offsets behind each of the steps."""

    start: int
    steps: tuple[str, ...]
    ends: tuple[int, ...]


@functools.lru_cache(maxsize=4096)
def _reading(name: str) -> re.Pattern[str]:
    # begins with the name itself, so that it is searched for as a whole
    return re.compile(rf"{re.escape(name)}(?<!\w{re.escape(name)})(?=\s*\.\s*[^\W\d])")


def paths(text: str, name: str) -> Iterator[Path]:
    """What may be reads of attributes of ``name``, in comments and strings too."""
    for found in _reading(name).finditer(text):
        steps: list[str] = []
        ends: list[int] = []
        end = found.end()
        while step := _STEP.match(text, end):
            end = step.end()
            steps.append(step[1])
            ends.append(end)
        yield Path(found.start(), tuple(steps), tuple(ends))


class Certainty:
    """Tells which of these stand in code and mean the import."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._only_imported: dict[str, bool] = {}
        self._parsed: dict[str, set[int]] = {}

    @functools.cached_property
    def code(self) -> str:
        """The text without strings and comments."""
        return masked(self._text)

    def is_read(self, name: str, start: int) -> bool:
        """Whether ``name`` at an offset is a read of what an import bound."""
        if self.code[start] == '"':
            return self._is_formatted(start) and start in self._reads(name)
        if self._code_without_imports[start] == " " or re.search(
            r"\.\s*\Z", self.code[max(0, start - 80) : start]
        ):
            return False
        if name not in self._only_imported:
            self._only_imported[name] = self._is_never_rebound(name)
        return self._only_imported[name] or start in self._reads(name)

    def _is_formatted(self, start: int) -> bool:
        """Whether an offset lies in an f-string or t-string."""
        while start and self.code[start - 1] == '"':
            start -= 1
        return _FORMATTED.search(self.code, max(0, start - 3), start) is not None

    def _is_never_rebound(self, name: str) -> bool:
        """Whether only imports bind the name: surely so if it stands nowhere else but before a dot."""
        bare = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w|\s*\.)")
        return bare.search(self._code_without_imports) is None or is_only_imported(self._text, name)

    @functools.cached_property
    def _code_without_imports(self) -> str:
        return _IMPORTS.sub(lambda found: " " * len(found.group()), self.code)

    def _reads(self, name: str) -> set[int]:
        known = self._parsed.get(name)
        if known is None:
            from servicelint.facts.name_scopes import reads_of_import  # brings libcst

            known = self._parsed[name] = reads_of_import(self._text, name)
        return known
