"""From source text to facts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from servicelint.facts.builder import Builder
from servicelint.facts.limits import within_limits
from servicelint.facts.logical_lines import logical_lines
from servicelint.facts.pieces import LINES_IN_A_PIECE, pieces
from servicelint.facts.statements import StatementReader
from servicelint.facts.unreadable import UnreadableSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicelint.facts.pieces import Piece
    from servicelint.facts.record import ModuleFacts, Unread


def extract(text: str, lines_in_a_piece: int = LINES_IN_A_PIECE) -> ModuleFacts:
    """The facts of one module's source text, of which no more than a piece is parsed at a time.

    Raises:
        UnreadableSource: if libcst (1.9) can't parse the text, or it is beyond its limits.
    """
    lines = logical_lines(text)
    builder = Builder(lines)
    reader = StatementReader(builder)
    unread: list[Unread] = []
    for piece in pieces(text, lines, lines_in_a_piece):
        reader.read_all(_body(piece, unread))
    facts = builder.facts()
    facts.unread = unread
    return facts


def _body(piece: Piece, unread: list[Unread]) -> Sequence[cst.CSTNode]:
    """The statements of a piece; what can't be read in it is added to ``unread``."""
    text, left_out = within_limits(piece.text, piece.lines)
    unread += left_out
    try:
        return parse(text).body
    except UnreadableSource as error:
        raise error.moved(piece.lines_before) from None


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
