"""What the parser cannot take, found before it is asked to.

Measured with libcst 1.9 (docs/decisions/0002): 5,000 nested brackets or chained calls overflow the stack of
its native parser and kill the process; a sum of 8,000 terms takes 19 s, a chain of 4,000 attributes 35 s.
So a logical line beyond the limits below is left out: blanked, with the positions of all others kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from servicelint.facts.record import Unread

if TYPE_CHECKING:
    from servicelint.facts.logical_lines import LogicalLine

DEEPEST_NESTING = 100
LONGEST_RUN = 800
SUSPECT_LENGTH = 1_000
"""Shorter logical lines (characters) cannot exceed the other limits by much: they are not looked at."""

_TOKEN = re.compile(
    r"(?P<string>[A-Za-z]{0,2}(?:'''(?:[^'\\]|\\.|'(?!''))*'''|\"\"\"(?:[^\"\\]|\\.|\"(?!\"\"))*\"\"\""
    r"|'(?:[^'\\\r\n]|\\.)*'|\"(?:[^\"\\\r\n]|\\.)*\"))"
    r"|(?P<comment>#[^\r\n]*)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<end>[,:;])"
    r"|(?P<link>\.|\b(?:and|or|not|if|in|is|lambda|await)\b|[-+*/%@&|^~<>=]+)|\w+|\s+|.",
    re.DOTALL,
)


def leave_out_excess(text: str, lines: list[LogicalLine]) -> tuple[str, list[Unread]]:
    """Blank the logical lines that are beyond the parser's limits; returns the text and what was left out."""
    unread: list[Unread] = []
    for line in lines:
        if line.end - line.start < SUSPECT_LENGTH:
            continue
        reason = excess(text[line.start : line.end])
        if reason:
            unread.append(Unread(line.first, line.last, reason))
            text = text[: line.start] + _blank(text[line.start : line.end]) + text[line.end :]
    return text, unread


def _blank(statement: str) -> str:
    """A statement of the same length and lines that does nothing; a block's header stays one.

    An ``elif`` or ``def`` this long can't be replaced: then the parser refuses the file, harmlessly.
    """
    start = "if 1:" if statement.rstrip().endswith(":") else "pass"
    return start + re.sub(r"[^\r\n]", " ", statement[len(start) :])


def excess(statement: str) -> str:
    """Why a statement is beyond the parser's limits, or ""."""
    runs = [0]
    deepest = longest = 0
    for token in _TOKEN.finditer(statement):
        kind = token.lastgroup
        if kind == "open":
            runs[-1] += 1
            runs.append(0)
            deepest = max(deepest, len(runs) - 1)
        elif kind == "close":
            runs[max(0, len(runs) - 2) :] = [runs[-2] if len(runs) > 1 else 0]
        elif kind == "end":
            runs[-1] = 0
        elif kind in ("link", "string"):
            runs[-1] += 1
        longest = max(longest, runs[-1])
    if deepest > DEEPEST_NESTING:
        return f"brackets nested {deepest} deep"
    if longest > LONGEST_RUN:
        return f"an expression of {longest} parts in a row"
    return ""
