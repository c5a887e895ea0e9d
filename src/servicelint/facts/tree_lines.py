"""The logical lines of a file that the interpreter has parsed, in a third of the time that a scan takes.

The tree tells where statements begin and end; where the header of a block ends the text tells. Files in which
that is not enough are left to the scan (:mod:`servicelint.facts.logical_lines`), as is what parsers might not
take: several statements on a line, lines continued behind one, ``match``, expressions beyond the limits.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from servicelint.facts.limits import LONGEST_CHAIN, SUSPECT_LENGTH, reduce
from servicelint.facts.logical_lines import LogicalLine

if TYPE_CHECKING:
    from collections.abc import Sequence

_FUNCTIONS_AND_CLASSES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BRANCHING = (ast.If, ast.For, ast.AsyncFor, ast.While)
_SCAN_FOR = ("\r", "\f", "\v")
"""Characters that end lines, or stand before them, in a way of their own."""


class NotTold(Exception):
    """The tree does not tell."""


def tree_lines(text: str, tree: ast.Module) -> list[LogicalLine] | None:
    """The logical lines of a text, if its tree tells them; they have no offsets.

    None if it does not, or if one of them is beyond the limits of parsers.
    """
    if any(each in text for each in _SCAN_FOR) or text.count("elif") > LONGEST_CHAIN:
        return None
    has_continuations = "\\\n" in text
    if has_continuations and ";" in text:
        return None
    reader = _Reader(text.split("\n"), has_continuations=has_continuations)
    try:
        reader.read(tree.body)
    except NotTold:
        return None
    return reader.lines


class _Reader:
    """Walks the statements of a file; ``rows`` are its physical lines."""

    def __init__(self, rows: Sequence[str], *, has_continuations: bool) -> None:
        self.lines: list[LogicalLine] = []
        self._rows = rows
        self._has_continuations = has_continuations
        self._last = 0

    def read(self, body: Sequence[ast.stmt]) -> None:
        """Read statements in order.

        Raises:
            NotTold: if something can't be told of one of them.
        """
        for statement in body:
            kind = type(statement)
            if kind in _FUNCTIONS_AND_CLASSES:
                for decorator in statement.decorator_list:  # type: ignore[attr-defined]  # as its kind has it
                    self._decorator(decorator)
            inner: list[ast.stmt] | None = getattr(statement, "body", None)
            if inner is None:
                if kind is ast.Match:
                    raise NotTold
                self._add(statement.lineno, statement.end_lineno or 0, statement.col_offset)
                continue
            self._block(statement.lineno, statement.col_offset, inner)
            if kind in _BRANCHING:
                self._otherwise(statement.orelse)  # type: ignore[attr-defined]  # as above
            elif isinstance(statement, ast.Try) or kind.__name__ == "TryStar":
                self._after_try(statement)  # type: ignore[arg-type]  # as above

    def _decorator(self, decorator: ast.expr) -> None:
        row = self._rows[decorator.lineno - 1]
        indent = decorator.col_offset - 1
        if row[indent : indent + 1] != "@" or row[:indent].strip() or decorator.end_lineno is None:
            raise NotTold  # ``@(`` and ``@ name``
        self._add(decorator.lineno, decorator.end_lineno, indent)

    def _block(self, first: int, indent: int, body: Sequence[ast.stmt]) -> None:
        """A block's header that begins on a line, and what is in the block."""
        self._add(first, self._header_end(body), indent)
        self.read(body)

    def _otherwise(self, orelse: Sequence[ast.stmt]) -> None:
        if not orelse:
            return
        row = self._rows[orelse[0].lineno - 1]
        if isinstance(orelse[0], ast.If) and row.startswith("elif", orelse[0].col_offset):
            self.read(orelse)
        else:
            self._keyword("else", orelse)

    def _after_try(self, statement: ast.Try) -> None:
        for handler in statement.handlers:
            self._block(handler.lineno, handler.col_offset, handler.body)
        if statement.orelse:
            self._keyword("else", statement.orelse)
        if statement.finalbody:
            self._keyword("finally", statement.finalbody)

    def _keyword(self, keyword: str, body: Sequence[ast.stmt]) -> None:
        """A block whose header is a word, which has no place in the tree."""
        line = self._header_end(body)
        row = self._rows[line - 1]
        indent = len(row) - len(row.lstrip())
        if not row.startswith(keyword, indent):
            raise NotTold
        self._block(line, indent, body)

    def _header_end(self, body: Sequence[ast.stmt]) -> int:
        """The line that the header of a block ends on: the last before it that holds more than a comment."""
        begin = body[0]
        decorators: Sequence[ast.expr] = getattr(begin, "decorator_list", ())
        line = decorators[0].lineno if decorators else begin.lineno
        if not decorators and self._rows[line - 1][: begin.col_offset].strip():
            raise NotTold  # on the same line
        line -= 1
        while line > 0:
            row = self._rows[line - 1].lstrip()
            if row and row[0] != "#":
                return line
            line -= 1
        raise NotTold

    def _add(self, first: int, last: int, indent: int) -> None:
        if first <= self._last or last < first:
            raise NotTold  # several on a line
        if self._has_continuations and self._rows[last - 1].endswith("\\"):
            raise NotTold
        if last > first or len(self._rows[first - 1]) >= SUSPECT_LENGTH:
            self._measure(first, last, indent)
        self.lines.append(LogicalLine(first, last, -1, -1, indent))
        self._last = last

    def _measure(self, first: int, last: int, indent: int) -> None:
        """Make sure that a logical line is within the limits of parsers.

        Raises:
            NotTold: if it is not.
        """
        rows = self._rows[first - 1 : last]
        if sum(map(len, rows)) + len(rows) >= SUSPECT_LENGTH:
            statement = "\n".join(rows)[indent:]
            if reduce(statement).text is not statement:
                raise NotTold
