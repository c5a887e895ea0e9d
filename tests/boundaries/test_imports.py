"""The import scanner says what libcst's tree says, whatever stands around the imports."""

from __future__ import annotations

import textwrap

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicelint.facts.imports import imports
from servicelint.facts.masking import masked
from tests.boundaries.libcst_imports import Read, libcst_imports
from tests.samples import sources

PAIRS = {
    "plain": ("import a\n", [("a", "", 0, "a")]),
    "dotted": ("import a.b.c\n", [("a.b.c", "", 0, "a")]),
    "renamed": ("import a.b as c, d\n", [("a.b", "", 0, "c"), ("d", "", 0, "d")]),
    "member": ("from a import b as c\n", [("a", "b", 0, "c")]),
    "relative": ("from ..a import b\n", [("a", "b", 2, "b")]),
    "dots only": ("from . import b\nfrom .import c\nfrom ... import d\n",
                  [("", "b", 1, "b"), ("", "c", 1, "c"), ("", "d", 3, "d")]),
    "spaced": ("from . . a . b import(c)\n", [("a.b", "c", 2, "c")]),
    "star": ("from a import *\n", [("a", "*", 0, "*")]),
    "in brackets": ("from a import (  # ) import x\n    b, # import y\n    c as d,\n)\n",
                    [("a", "b", 0, "b"), ("a", "c", 0, "d")]),
    "continued": ("from a \\\n  import b, \\\n  c\nimport \\\n d\n",
                  [("a", "b", 0, "b"), ("a", "c", 0, "c"), ("d", "", 0, "d")]),
    "one line": ("x = 1; import a; from b import c; y = 2\n", [("a", "", 0, "a"), ("b", "c", 0, "c")]),
    "after a colon": ("if x: import a\nelse: from b import c\n", [("a", "", 0, "a"), ("b", "c", 0, "c")]),
    "lazy": ("lazy import a\nlazy from b import c\n", [("a", "", 0, "a"), ("b", "c", 0, "c")]),
    "after yield from": ("def f():\n    yield from g; import a\n", [("a", "", 0, "a")]),
    "in a string": ("x = 'import a'\ny = '''\nimport b\n'''\nz = \"\\\nimport c\"\n# import d\n", []),
    "in an f-string": ("x = f'{y[\"import a\"]}'; import b\n", [("b", "", 0, "b")]),
    "in a nested f-string": ("x = f'{y['import a']}' 'import b'; import c\n", [("c", "", 0, "c")]),
    "triple in a field": ("x = f'{y['''it's; import a''']}'\nimport c\n", [("c", "", 0, "c")]),
    "other words": ("important = reimport = 1\nx.import_ = 2\nfrom_ = 3\n", []),
    "carriage returns": ("import a\rimport b\r\nimport c\n",
                         [("a", "", 0, "a"), ("b", "", 0, "b"), ("c", "", 0, "c")]),
    "unfinished": ("from a import (b,\n  c", [("a", "b", 0, "b"), ("a", "c", 0, "c")]),
    "nothing": ("", []),
}  # fmt: skip


def scanned(text: str) -> list[Read]:
    return [
        Read(fact.module, fact.member, fact.level, fact.bound, fact.start, fact.is_for_types)
        for fact in imports(text)
    ]


@pytest.mark.parametrize("case", PAIRS)
def test_every_form(case: str) -> None:
    text, expected = PAIRS[case]
    assert [(each.module, each.member, each.level, each.bound) for each in imports(text)] == expected


def test_where_a_name_stands() -> None:
    text = "from shop import (\n    orders,\n    users as u,\n)\n"
    assert [text[each.start : each.end] for each in imports(text)] == ["orders", "users"]
    assert {text[each.statement :].split(maxsplit=1)[0] for each in imports(text)} == {"from"}


GUARDED = """
from typing import TYPE_CHECKING as CHECKING
import typing as t

if t.TYPE_CHECKING:
    import types_1
    if other:
        import types_2
    (
a) = 1
    import types_3
elif other:
    import run_1
else:
    import run_2
if not TYPE_CHECKING:
    import run_3
elif other:
    import types_4
else:
    import types_5
if CHECKING: import types_6; import types_7
if CHECKING and other:
    import types_8
if CHECKING or other:
    import run_4
else:
    import run_5
if not CHECKING or other:
    import run_6
else:
    import types_9
if not (CHECKING):
    import run_7
for x in y:
    import run_8
else:
    import run_9
"""


def test_what_only_type_checkers_run() -> None:
    found = {each.module: each.is_for_types for each in imports(GUARDED) if each.module[-1].isdigit()}
    assert found == {name: name.startswith("types") for name in found}
    assert len(found) == 18


# --- held against libcst -------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b1", "_c", "importlib", "from_x", "lazy", "é"])
DOTTED = st.lists(NAMES, min_size=1, max_size=3).map(".".join)
ALIASED = st.builds(lambda name, alias: f"{name} as {alias}" if alias else name, NAMES, st.none() | NAMES)
DOTTED_ALIASED = st.builds(lambda n, alias: f"{n} as {alias}" if alias else n, DOTTED, st.none() | NAMES)


def in_brackets(names: list[str], comma: str, comment: str) -> str:
    return f"({comment}\n{f',{comment}{chr(10)}   '.join(names)}{comma}{comment}\n)"


COMMENTS = st.sampled_from(["", "  # import zzz", "  # it's (", '  # """'])
MEMBERS = (
    st.just("*")
    | st.lists(ALIASED, min_size=1, max_size=3).map(", ".join)
    | st.builds(in_brackets, st.lists(ALIASED, min_size=1, max_size=3), st.sampled_from(["", ","]), COMMENTS)
    | st.lists(ALIASED, min_size=2, max_size=3).map(", \\\n    ".join)
)
ORIGINS = DOTTED | st.builds(
    lambda dots, name: dots + name, st.sampled_from([".", "..", ". ."]), DOTTED | st.just("")
)
IMPORTS = st.lists(DOTTED_ALIASED, min_size=1, max_size=3).map(lambda names: f"import {', '.join(names)}")
STATEMENTS = (
    IMPORTS
    | st.builds(lambda origin, names: f"from {origin} import {names}", ORIGINS, MEMBERS)
    | st.sampled_from([
        "x = 'import a'", 'y = "it\'s; import b"', "z = '''\nimport c\n'''", 'w = """"import d\n\\""""',
        "raw = r'\\''", "f = f'{x!r:>{y}} import e'", "g = f'{{import}} {z[\"import f\"]}'",
        'h = f"""{x} \'import g\' {y}"""', "b = 'import' 'import'", "important = 1", "(yield from x)",
        "k = (\n'a'  # import k\n)", "l = 'a\\\nimport l'", "pass  # import m", "m = x.important",
        "from importlib import import_module", "import_module('import n')",
    ])
)  # fmt: skip
LINES = st.lists(STATEMENTS, min_size=1, max_size=2).map("; ".join)
TESTS = st.sampled_from([
    "TYPE_CHECKING", "not TYPE_CHECKING", "typing.TYPE_CHECKING", "x", "TYPE_CHECKING and x",
    "not TYPE_CHECKING or x", "(TYPE_CHECKING)", "not (t.TYPE_CHECKING)", "x or TYPE_CHECKING",
])  # fmt: skip


def block(header: str, body: str) -> str:
    return f"{header}:\n{textwrap.indent(body, '    ', lambda _: True)}"


def indented(lines: list[str]) -> str:
    """Statements without line ends of their own, which indenting would change."""
    return "\n".join(line for line in lines if "\n" not in line) or "pass"


def branches(test: str, body: list[str], second: str, other: list[str], last: list[str]) -> str:
    text = block(f"if {test}", indented(body))
    if second:
        text += "\n" + block(f"elif {second}", indented(other))
    return text + "\n" + block("else", indented(last)) if last else text


BODIES = st.lists(LINES, max_size=3)
BLOCKS = (
    st.builds(branches, TESTS, BODIES, st.just("") | TESTS, BODIES, BODIES)
    | st.builds(lambda body: block("def f()", indented(body)), BODIES)
    | st.builds(lambda body: block("try", indented(body)) + "\nfinally: pass", BODIES)
    | st.builds(lambda test, body: block("while x", block(f"if {test}", indented(body))), TESTS, BODIES)
)
MODULES = st.lists(LINES | BLOCKS, max_size=8).map(lambda parts: "\n".join(parts) + "\n")


@settings(max_examples=100, deadline=None)
@given(MODULES)
def test_it_reads_what_libcst_reads(text: str) -> None:
    assert scanned(text) == libcst_imports(text)


@given(st.text(alphabet="import from a.b,()*\\\n\r;#'\"{}f:", max_size=60))
def test_it_never_fails(text: str) -> None:
    for fact in imports(text):
        assert text[fact.start : fact.end].strip()
    assert len(masked(text)) == len(text)


@pytest.mark.slow
def test_it_reads_real_code_as_libcst_does() -> None:
    wrong = []
    for name, text in sources(250).items():
        try:
            expected = libcst_imports(text)
        except (cst.ParserSyntaxError, RecursionError):
            continue
        if scanned(text) != expected:
            wrong.append(name)
    assert wrong == []
