"""From source text to facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts.builder import Builder
from servicelint.facts.limits import within_limits
from servicelint.facts.logical_lines import logical_lines
from servicelint.facts.pieces import LINES_IN_A_PIECE, pieces
from servicelint.facts.statements import StatementReader
from servicelint.facts.syntax_tree import LARGEST, syntax_tree
from servicelint.facts.tree_lines import tree_lines
from servicelint.facts.unreadable import UnreadableSource

if TYPE_CHECKING:
    import ast

    from servicelint.facts.pieces import Piece
    from servicelint.facts.record import ModuleFacts, Unread


def extract(text: str, lines_in_a_piece: int = LINES_IN_A_PIECE) -> ModuleFacts:
    """The facts of one module's source text, of which no more than a piece is parsed at a time.

    Raises:
        UnreadableSource: if neither the interpreter nor libcst (1.9) can parse the text.
    """
    tree = syntax_tree(text) if len(text) <= LARGEST else None
    lines = tree_lines(text, tree) if tree else None
    if tree is None or lines is None or len(lines) > lines_in_a_piece:
        return _extract_by_pieces(text, lines_in_a_piece)
    builder = Builder(lines)
    StatementReader(builder).read_all(tree.body)
    return builder.facts()


def _extract_by_pieces(text: str, lines_in_a_piece: int) -> ModuleFacts:
    lines = logical_lines(text)
    builder = Builder(lines)
    reader = StatementReader(builder)
    unread: list[Unread] = []
    for piece in pieces(text, lines, lines_in_a_piece):
        builder.lines_before = piece.lines_before
        reader.read_all(_body(piece, unread))
    facts = builder.facts()
    facts.unread = unread
    return facts


def _body(piece: Piece, unread: list[Unread]) -> list[ast.stmt]:
    """The statements of a piece; what can't be read in it is added to ``unread``."""
    text, left_out = within_limits(piece.text, piece.lines)
    unread += left_out
    try:
        return parse(text).body
    except UnreadableSource as error:
        raise error.moved(piece.lines_before) from None


def parse(text: str) -> ast.Module:
    """Parse a module: as the interpreter does, and as libcst does what that cannot take.

    Raises:
        UnreadableSource: if libcst can't either.
    """
    tree = syntax_tree(text)
    if tree is not None:
        return tree
    from servicelint.facts.later_syntax import later_syntax_tree  # brings libcst: few files need it

    return later_syntax_tree(text)
