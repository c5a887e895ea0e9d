"""Large files in pieces, so that their trees never stand in memory all at once.

libcst (1.9) takes about 20 kB of memory for a line: a generated file of 50,000 lines took more than 1 GB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from servicelint.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from servicelint.facts.logical_lines import LogicalLine

LINES_IN_A_PIECE = 2_000
"""Logical lines; a single statement may hold more."""

_CONTINUES = regex(r"(?:elif|else|except|finally)\b")


class Piece(NamedTuple):
    """Some whole statements of a file, and how many physical lines stand before them.

    ``lines`` are its logical lines: their numbers are the file's, their offsets the piece's own.
    """

    text: str
    lines_before: int
    lines: list[LogicalLine]


def pieces(text: str, lines: Sequence[LogicalLine], most: int) -> Iterator[Piece]:
    """The text cut between statements of the module, at least ``most`` logical lines each but the last."""
    start = line_number = 0
    own: list[LogicalLine] = []
    after_decorator = False
    for line in lines:
        is_cut = line.indent == 0 and not after_decorator and not _CONTINUES.match(text, line.start)
        if len(own) >= most and is_cut:
            yield Piece(text[start : line.start], line_number, own)
            start, line_number, own = line.start, line.first - 1, []
        after_decorator = text.startswith("@", line.start)
        own.append(line._replace(start=line.start - start, end=line.end - start) if start else line)
    yield Piece(text[start:], line_number, own)
