"""What libcst reads becomes the tree that the interpreter would make of it."""

from __future__ import annotations

import ast
import re
import sys

import pytest

from servicelint.facts.extract import extract, parse
from servicelint.facts.later_syntax import later_syntax_tree
from servicelint.facts.names import captured
from servicelint.facts.syntax_tree import syntax_tree
from servicelint.facts.unreadable import UnreadableSource
from tests.samples import sources

_UNREAD = re.compile(r", ctx=\w+\(\)|, kind='u'|, type_params=\[\]|, type_ignores=\[\]")
_BINARY = ["+", "-", "*", "/", "//", "%", "**", "|", "&", "^", "<<", ">>", "@"]

FORMS = [
    "x = 1, 0x1f, 1_000, 1.5, 2j, ..., None, True, b'a' b'b', 'a' 'b', u'c', r'\\d'",
    "x = f'{a}{{b}}\\n{c!r:>{d}}' 'e' rf'\\d{f}'",
    "x = f'{a = }{b=:3}{c = !s}'",
    *(f"x {operator}= y {operator} z" for operator in _BINARY),
    "x = a < b <= c == d != e is not f not in g in h is i > j >= k",
    "x = (a or b) or c or d and (e and f) and not ~-+g",
    "x = (a + b) + (c + d) + e",
    "x = a if b else c if d else e",
    "x = lambda a, /, b=1, *c, d, e=2, **f: a(b, *c, d=d, *e, **f)",
    "x = a[b], a[b:c, ::d], a[b,], a[(b, c)], a[:]",
    "x = [*a, b], {*a, b}, {**a, b: c}, (*a,), (), []",
    "x = [a for b in c if d if e for f in g], {a for a in b}, {a: b for a, b in c}, (a for a in b)",
    "async def f():\n    x = [await a async for a in b]\n    async with a as b, c: pass\n"
    "    async for a, *b in c: pass\n    else: pass",
    "def f(a: 'b', *, c: d = e) -> g:\n    global h\n    x = yield\n    yield a\n    yield from b\n"
    "    return (y := 1)",
    "@a.b(c)\n@d\nclass E(F, *g, metaclass=H, **i):\n    x: int = 1\n    self.y: str",
    "try:\n    a\nexcept (B, C) as d: e\nexcept F: raise G from h\nelse: i\nfinally: j",
    "if a: b; c\nelif d: e\nelse:\n    if f: g",
    "while a:\n    break\nelse:\n    continue",
    "import a.b, c as d\nfrom . import e\nfrom ..f import (g as h, i)\nfrom j import *",
    "del a, b[c]\ndel (d, e)\nassert a, b\nassert c\nraise\nreturn",
    "match a:\n    case [b, *c] if d: e\n    case {'f': g, **h} | I(j, k=l) as m: pass\n    case _: pass",
    "a = b = c, d = e\n[x, y] = z\na.b[c] = d",
    "é = ü('ß', a(\n  'é', b()))",
]


class _Read(ast.NodeTransformer):
    """A tree without what no facts are read from: all of patterns but their names, and ``except*``."""

    def visit_match_case(self, node: ast.match_case) -> ast.match_case:
        names: list[ast.pattern] = [ast.MatchAs(None, name) for name in captured(node.pattern)]
        node.pattern = ast.MatchSequence(names)
        self.generic_visit(node)
        return node

    def visit_TryStar(self, node: ast.Try) -> ast.Try:
        self.generic_visit(node)
        return ast.Try(node.body, node.handlers, node.orelse, node.finalbody)


def dumped(tree: ast.AST) -> str:
    return _UNREAD.sub("", ast.dump(_Read().visit(tree)))


def places(tree: ast.AST) -> list[tuple[int | None, ...]]:
    """Where statements begin and calls stand, but for those in f-strings, which Python 3.11 misplaces."""
    formatted = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)
    }
    found: list[tuple[int | None, ...]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and id(node) not in formatted:
            found.append((node.lineno, node.col_offset, node.end_lineno, node.end_col_offset))
        elif isinstance(node, ast.stmt | ast.ExceptHandler):
            found.append((node.lineno, node.col_offset))
    return sorted(found, key=str)


@pytest.mark.parametrize("text", FORMS)
def test_each_form(text: str) -> None:
    assert places(later_syntax_tree(text)) == places(ast.parse(text))
    assert dumped(later_syntax_tree(text)) == dumped(ast.parse(text))


def test_real_code() -> None:
    compared = 0
    for path, text in sources(30).items():
        tree = syntax_tree(text)
        try:
            found = later_syntax_tree(text)
        except UnreadableSource:  # libcst (1.9) refuses some of the standard library's own tests
            continue
        if tree is not None and text.isascii():  # the interpreter normalises names, libcst keeps them
            compared += 1
            assert places(found) == places(tree), path
            assert dumped(found) == dumped(tree), path
    assert compared > 10


LATER = {
    (3, 11): "try:\n    a()\nexcept* B:\n    c()\n",
    (3, 12): "type A[T] = list[T]\ndef f[T](a: T) -> T: return g(f'{a['b']}')\nclass C[T](D): e = h()\n",
    (3, 14): "try:\n    a()\nexcept B, C:\n    d(t'{e()}')\n",
}


@pytest.mark.parametrize("version", LATER, ids=lambda version: ".".join(map(str, version)))
def test_a_later_syntax_is_read(version: tuple[int, int]) -> None:
    text = LATER[version]
    assert (syntax_tree(text) is not None) == (sys.version_info >= version)
    converted, own = later_syntax_tree(text), parse(text)
    assert dumped(converted).count("Call(") == len(extract(text).calls) == dumped(own).count("Call(")


def test_what_nobody_can_read_is_told_at_its_place() -> None:
    with pytest.raises(UnreadableSource) as error:
        parse("a()\nb c\n")
    assert (error.value.line, error.value.column) == (2, 4)
