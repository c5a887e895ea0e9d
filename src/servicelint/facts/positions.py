"""Where a call stands, computed only for the calls that are reported.

The record knows a call's logical line and its rank there. The exact place comes from parsing that one
logical line again, with the same reader.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

from servicelint.facts.arguments import arguments_of
from servicelint.facts.builder import Builder
from servicelint.facts.extract import parse
from servicelint.facts.limits import Reduced, reduce
from servicelint.facts.logical_lines import count_newlines, indent_of, logical_lines, physical_lines
from servicelint.facts.statements import StatementReader
from servicelint.facts.unreadable import UnreadableSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from servicelint.facts.record import Call


class Span(NamedTuple):
    """A piece of source: lines and columns from 1, columns in code points, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


# A block's header alone is no module: what must stand around it, by how it begins.
_SURROUNDINGS = (
    (re.compile(r"@"), "", "\ndef f(): pass"),
    (re.compile(r"elif\b"), "if 0: pass\n", "pass"),
    (re.compile(r"else\b"), "if 0: pass\n", "pass"),
    (re.compile(r"try\b"), "", "\nfinally: pass"),
    (re.compile(r"except\b"), "try: pass\n", "pass"),
    (re.compile(r"finally\b"), "try: pass\n", "pass"),
    (re.compile(r"case\b.*:", re.DOTALL), "match 0:\n ", "pass"),
    (re.compile(r"match\b.*:\Z", re.DOTALL), "", "\n case _: pass"),
    (re.compile(r""), "", "pass"),
)


def call_span(lines: Sequence[str], call: Call) -> Span:
    """The place of ``call`` in the source whose physical lines (with their ends) are ``lines``."""
    return _span(lines, call, lambda node: node)


def argument_span(lines: Sequence[str], call: Call, argument: int) -> Span:
    """The place of one argument's value."""
    return _span(lines, call, lambda node: _value(arguments_of(node)[argument]))


def _value(argument: ast.expr | ast.keyword) -> ast.expr:
    return argument.value if isinstance(argument, ast.keyword | ast.Starred) else argument


def _span(lines: Sequence[str], call: Call, choose: Callable[[ast.Call], ast.expr]) -> Span:
    span = _span_in("".join(lines[call.line - 1 : call.last_line]), call.ordinal, choose)
    if span is None:  # the line was edited since: point at its beginning
        return Span(call.line, 1, call.last_line, 1)
    return span._replace(line=span.line + call.line - 1, end_line=span.end_line + call.line - 1)


def _span_in(source: str, ordinal: int, choose: Callable[[ast.Call], ast.expr]) -> Span | None:
    """The place of (a part of) the ``ordinal``-th call of one logical line, counted from that line."""
    indent, statement, reduced = _statement(source)
    for pattern, before, after in _SURROUNDINGS:
        if not pattern.match(statement):
            continue
        own_line = after != "pass" or statement.endswith(":")  # else the block stands on its header's line
        code = before + reduced.text + (after if own_line else "")
        try:
            node = _node(code, ordinal, choose)
        except UnreadableSource:  # ``case = {a: b()}`` is no case after all
            continue
        if node is not None:  # else ``case[a()]: b = c`` was taken for a case
            place = _place(node, code)
            found = _shifted(place, before, indent) if place else None
            return found and _restored(found, statement, reduced.insertions, indent)
    return None


@functools.lru_cache(maxsize=4)
def _statement(source: str) -> tuple[int, str, Reduced]:
    """How far a logical line is indented, the line without that, and what the parser can take of it."""
    indent = len(source) - len(source.lstrip(" \t\f"))
    source = source[indent:]
    statement = source[: logical_lines(source)[0].end]
    return indent, statement, reduce(statement)


def _node(code: str, ordinal: int, choose: Callable[[ast.Call], ast.expr]) -> ast.expr | None:
    """What is chosen of the ``ordinal``-th call in some code, if there are so many.

    Raises:
        UnreadableSource: if the code can't be parsed.
    """
    nodes, misplaced = _read(code)
    if ordinal >= len(nodes):
        return None
    chosen = choose(nodes[ordinal])
    return choose(_read_without_loss(code)[ordinal]) if chosen in misplaced else chosen


@functools.lru_cache(maxsize=4)  # one statement can hold thousands of calls
def _read(code: str) -> tuple[list[ast.Call], set[ast.AST]]:
    """The calls of some code, and the nodes that CPython before 3.12 misplaces: those in f-strings.

    Raises:
        UnreadableSource: if the code can't be parsed.
    """
    tree = parse(code)
    return _calls(code, tree), set() if sys.version_info >= (3, 12) else set(_within_strings(tree))


def _within_strings(tree: ast.Module) -> Iterator[ast.AST]:
    for string in (node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)):
        for part in string.values:
            yield from ast.walk(part)


@functools.lru_cache(maxsize=4)
def _read_without_loss(code: str) -> list[ast.Call]:
    from servicelint.facts.later_syntax import later_syntax_tree  # brings libcst

    return _calls(code, later_syntax_tree(code))


def _calls(code: str, tree: ast.Module) -> list[ast.Call]:
    call_nodes: list[ast.Call] = []
    StatementReader(Builder(logical_lines(code), call_nodes)).read_all(tree.body)
    return call_nodes


def _place(node: ast.expr, code: str) -> Span | None:
    """Where a node stands in some code, columns from 0; None for one in an annotation given as text."""
    if not node.lineno or node.end_lineno is None or node.end_col_offset is None:
        return None
    lines = [line.encode("utf-8", "surrogatepass") for line in physical_lines(code)]

    def column(line: int, offset: int) -> int:
        return len(lines[line - 1][:offset].decode("utf-8", "surrogatepass"))

    start, end = column(node.lineno, node.col_offset), column(node.end_lineno, node.end_col_offset)
    return Span(node.lineno, start, node.end_lineno, end)


def _restored(span: Span, statement: str, insertions: tuple[tuple[int, int], ...], indent: int) -> Span:
    """A place in a statement that was made small as a place in the original."""
    for offset, width in insertions:
        line = count_newlines(statement, 0, offset) + 1
        column = indent_of(statement, offset) + 1 + (indent if line == 1 else 0)
        if span.line == line and span.column >= column + width:
            span = span._replace(column=span.column - width)
        if span.end_line == line and span.end_column >= column + width:
            span = span._replace(end_column=span.end_column - width)
    return span


def _shifted(place: Span, before: str, indent: int) -> Span:
    """A place in the surrounded, unindented text as a place in the source's own lines."""
    lines_before = before.count("\n")
    lead = len(before.rpartition("\n")[2])

    def column(line: int, value: int) -> int:
        return value + 1 + (indent - lead if line == lines_before + 1 else 0)

    return Span(
        place.line - lines_before, column(place.line, place.column),
        place.end_line - lines_before, column(place.end_line, place.end_column),
    )  # fmt: skip
