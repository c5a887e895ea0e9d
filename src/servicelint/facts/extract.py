"""From source text to facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from servicelint.facts.builder import Builder
from servicelint.facts.limits import leave_out_excess
from servicelint.facts.logical_lines import logical_lines
from servicelint.facts.statements import StatementReader

if TYPE_CHECKING:
    from servicelint.facts.record import ModuleFacts


class UnreadableSource(Exception):
    """Source that can't be read: ``line`` and ``column`` (both from 1) and why.

    ``raw_text`` is its text with wrong characters in it, enough to find comments.
    """

    def __init__(self, line: int, column: int, reason: str, raw_text: str = "") -> None:
        super().__init__(f"{line}:{column}: {reason}")
        self.line = line
        self.column = column
        self.reason = reason
        self.raw_text = raw_text


def extract(text: str) -> ModuleFacts:
    """The facts of one module's source text.

    Raises:
        UnreadableSource: if libcst (1.9) can't parse the text, or it is beyond its limits.
    """
    lines = logical_lines(text)
    text, unread = leave_out_excess(text, lines)
    builder = Builder(lines)
    StatementReader(builder).read_all(parse(text).body)
    facts = builder.facts()
    facts.unread = unread
    return facts


def parse(text: str) -> cst.Module:
    """Parse a module.

    Raises:
        UnreadableSource: if libcst can't.
    """
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        reason = error.message.removeprefix("parser error: ").strip()
        raise UnreadableSource(error.raw_line, error.raw_column + 1, reason) from None
    except Exception as error:  # noqa: BLE001
        # libcst reports some refusals (null bytes, odd encodings) as plain exceptions of many kinds
        raise UnreadableSource(1, 1, f"{type(error).__name__}: {error}") from None
