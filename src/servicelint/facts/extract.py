"""From source text to facts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from servicelint.facts.builder import Builder
from servicelint.facts.limits import within_limits
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
    text, unread = within_limits(text, lines)
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
        raise _syntax_error(error) from None
    except Exception as error:  # noqa: BLE001
        # libcst reports some refusals (null bytes, odd encodings) as plain exceptions of many kinds
        raise UnreadableSource(1, 1, f"{type(error).__name__}: {error}") from None


def _syntax_error(error: cst.ParserSyntaxError) -> UnreadableSource:
    """libcst's error (1.9) at the place that its text names, without the list of tokens that it hoped for."""
    place = re.search(r"error at (\d+):(\d+)", error.message)
    if place:
        return UnreadableSource(int(place[1]), int(place[2]) + 1, "invalid syntax")
    reason = error.message.partition(": ")[2].strip() or error.message
    return UnreadableSource(error.raw_line, error.raw_column + 1, f"invalid syntax: {reason}")
