"""Source text with its strings and comments covered: what is left is code, at the same offsets.

A keyword in it is a keyword. No parser is needed, so this is quick enough for every file of a program. The
replacement fields of f-strings are covered too: no statement can stand in them.
"""

from __future__ import annotations

import re

from servicelint.facts.logical_lines import strings
from servicelint.regex import regex

_COVERED = regex(
    r"#[^\r\n]*|\\(?:\r\n|\r|\n)"
    r"|\"\"\"[^\"\\]*(?:(?:\\.|\"(?!\"\"))[^\"\\]*)*(?:\"\"\"|\Z)"
    r"|'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*(?:'''|\Z)"
    r"|\"[^\"\\\r\n]*(?:\\(?:\r\n|.)[^\"\\\r\n]*)*\"?"
    r"|'[^'\\\r\n]*(?:\\(?:\r\n|.)[^'\\\r\n]*)*'?",
    re.DOTALL,
)
_BLANK = regex(r"#[^\r\n]*|\\(?:\r\n|\r|\n)")
_PREFIX = regex(r"(?<![^\W])[A-Za-z]{1,2}\Z")


def masked(text: str, end: int | None = None) -> str:
    """``text`` up to ``end``: comments and line continuations turned into spaces, strings into quotes.

    Every character keeps its offset. Line ends inside strings are covered, so that each line end that is left
    ends a statement or stands in brackets.
    """
    end = len(text) if end is None else end
    parts: list[str] = []
    last = 0
    for found in _COVERED.finditer(text, 0, end):
        start, stop = found.span()
        parts.append(text[last:start])
        if text[start] in "#\\":
            parts.append(" " * (stop - start))
        elif _may_nest(text, start, found.group()):
            return _masked_exactly(text, end)
        else:
            parts.append('"' * (stop - start))
        last = stop
    parts.append(text[last:end])
    return "".join(parts)


def _may_nest(text: str, start: int, token: str) -> bool:
    """Whether this begins an f-string or t-string that holds a string with its own quotes (Python 3.12)."""
    if "{" not in token or token.count("{") == token.count("}"):
        return False
    prefix = _PREFIX.search(text, max(0, start - 3), start)
    return prefix is not None and prefix.group().lower().strip("rb") in ("f", "t")


def _masked_exactly(text: str, end: int) -> str:
    parts: list[str] = []
    last = 0
    for start, stop in strings(text):
        parts += (text[last:start], '"' * (stop - start))
        last = stop
    parts.append(text[last:])
    return _BLANK.sub(lambda found: " " * len(found.group()), "".join(parts))[:end]
