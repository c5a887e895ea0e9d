"""A call's place, read from its logical line alone, is the one that libcst gives it in the whole file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicelint.facts.builder import Builder
from servicelint.facts.extract import parse
from servicelint.facts.later_syntax import later_syntax_tree
from servicelint.facts.logical_lines import logical_lines
from servicelint.facts.positions import argument_span, call_span
from servicelint.facts.statements import StatementReader
from servicelint.facts.unreadable import UnreadableSource
from servicelint.program.linking.modules import split_lines
from tests.samples import sources

if TYPE_CHECKING:
    import ast

Place = tuple[int, int, int, int]

HEADERS = [
    "@a(b())\ndef f(x=c()): return d()",
    "@a\n@b()\nclass C(d(), e=f()):\n    g = h()",
    "if a():\n    pass\nelif b(c()):\n    pass\nelse: d()",
    "for x in a():\n    b()\nelse:\n    c()",
    "while a(): b()",
    "try: a()\nexcept b() as c: d()\nelse: e()\nfinally: f()",
    "try:\n    a()\nexcept* b():\n    c()",
    "with a() as b, c() as d:\n    e()",
    "async def f():\n    async with a() as b:\n        await c()\n    async for d in e(): f()",
    "match a():\n    case 1 if b():\n        c()\n    case {'d': 2}: e()",
    "case = {'a': b()}\nmatch = {'a': b()}\ncase[a()]: int = 1\nprint(case, match[b():c()])",
    "match[a()]: int = b()",
    "case(a)[b():c()]",
    "if a:\n\tb(\n\t  c()\n\t)\n",
    "if a:\n    x = b(); y = c(d())  # e()\n",
    "é = ü('ß', a(\n  'é', b()))",
    "x = [a() for b in c() if d()]\ny = lambda e=f(): g()",
    "x = f'{a()}{b():{c()}}'",
    "x = a().b().c(d)",
    "if a:\n    b()\n    \x0c\n    c()\n",
    "x: a() = b()\n",
    "def f(a: b() = c()) -> d(): pass",
]


def expected_and_found(text: str) -> list[tuple[Place, Place]]:
    nodes: list[ast.Call] = []
    builder = Builder(logical_lines(text), nodes)
    StatementReader(builder).read_all(later_syntax_tree(text).body)
    assert builder.line_index == len(builder.lines) - 1, "logical lines and statements are out of step"
    lines = split_lines(text)
    return [
        (_place(node, lines), tuple(call_span(lines, call)))
        for call, node in zip(builder.calls, nodes, strict=True)
        if node.lineno  # a call in an annotation that is given as text stands nowhere
    ]


def _place(node: ast.Call, lines: list[str]) -> Place:
    def column(line: int, offset: int) -> int:
        return len(lines[line - 1].encode()[:offset].decode()) + 1

    end = node.end_lineno or 0
    return node.lineno, column(node.lineno, node.col_offset), end, column(end, node.end_col_offset or 0)


@pytest.mark.parametrize("text", HEADERS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_every_kind_of_statement(text: str, newline: str) -> None:
    pairs = expected_and_found(text.replace("\n", newline))
    assert pairs
    assert [found for _, found in pairs] == [expected for expected, _ in pairs]


@pytest.mark.slow
def test_the_standard_library() -> None:
    compared = 0
    for path, text in sources(25).items():
        try:
            pairs = expected_and_found(text)
        except UnreadableSource:
            continue
        for expected, found in pairs:
            assert found == expected, path
        compared += len(pairs)
    assert compared > 1_000


def _only_call(text: str) -> tuple[list[str], Builder]:
    builder = Builder(logical_lines(text))
    StatementReader(builder).read_all(parse(text).body)
    return split_lines(text), builder


def test_an_argument_has_a_place() -> None:
    lines, builder = _only_call("if x:\n    get(url,\n        timeout=None)\n")
    assert tuple(argument_span(lines, builder.calls[0], 1)) == (3, 17, 3, 21)


def test_a_line_that_was_edited_since_is_pointed_at() -> None:
    _, builder = _only_call("x = get(url)\n")
    assert tuple(call_span(["x = 1\n"], builder.calls[0])) == (1, 1, 1, 1)


def test_a_call_in_an_annotation_given_as_text_is_pointed_at_by_its_line() -> None:
    lines, builder = _only_call('x: "get()" = 1\n')
    assert [tuple(call_span(lines, call)) for call in builder.calls] == [(1, 1, 1, 1)]
