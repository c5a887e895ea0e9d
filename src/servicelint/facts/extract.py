"""From source text to facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from servicelint.facts.builder import Builder
from servicelint.facts.limits import leave_out_excess
from servicelint.facts.logical_lines import logical_lines
from servicelint.facts.statements import StatementReader
from servicelint.facts.unreadable import UnreadableSource

if TYPE_CHECKING:
    from servicelint.facts.record import ModuleFacts


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
