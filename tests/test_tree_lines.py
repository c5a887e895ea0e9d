"""The logical lines that a tree tells are those that a scan finds."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicelint.facts.brackets import bracket_tree
from servicelint.facts.limits import DEEPEST_NESTING, LONGEST_RUN, SUSPECT_LENGTH, reduce
from servicelint.facts.logical_lines import logical_lines
from servicelint.facts.syntax_tree import syntax_tree
from servicelint.facts.tree_lines import tree_lines
from tests.samples import sources
from tests.test_logical_lines import NASTY

Lines = list[tuple[int, int, int]]

FORMS = (
    "x = 1\n",
    "# a comment\n\nx\n",
    "'''a text\nof two lines'''\n",
    "(\n    a()\n)\n",
    "x = (  # why\n    1,\n)  # because\n",
    "@a\n# between\n@b(\n    1\n)\n\n@c.d\ndef f(\n    x=1,\n) -> int:  # why\n    # first\n\n    return\n",
    "@a\nclass C(\n    B,\n):\n    @property\n    async def f(self):\n        ...\n\n    x: int\n",
    "class C:\n    # only\n    @a\n    def f(self):\n        pass\n",
    "if a:\n    b()\nelif (\n    c\n    # why\n):\n    d()\nelif e:\n    f()\nelse:  # last\n    g()\n",
    "if a:\n    b()\nelse:\n    if c:\n        d()\n",
    "for a in b(\n    c\n):\n    d()\nelse:\n\n    e()\nwhile a:\n    break\nelse:\n    f()\n",
    "try:\n    a()\nexcept E:\n    b()\nexcept (\n    F,\n) as error:\n    c()\nelse:\n    d()\n",
    "try:\n    a()\nfinally:\n    # at last\n    e()\n",
    "with a() as b, c(\n    d\n) as e:\n    f()\n",
    "async def f():\n    async with a() as b:\n        async for c in b:\n            await d(c)\n",
)
LEFT = (
    "x = 1; y = 2\n",
    "if a: b()\n",
    "class C: pass\n",
    "try: a()\nfinally: b()\n",
    "x = 1 \\\n; y = 2\n",
    "x = 1 \\\n\ny = 2\n",
    "if a: \\\n    b()\n",
    "if a:\n    b()\nelse: \\\n    c()\n",
    "@(\n    a\n)\ndef f():\n    pass\n",
    "@ a\ndef f():\n    pass\n",
    "match a:\n    case 1:\n        b()\n",
    "x = 1\r\ny = 2\r\n",
    "\x0cx = 1\n",
    f"x = {'(' * 150}1{')' * 150}\n# {'long ' * 200}\n"
    + f"y = [{', '.join(['(' * 101 + '1' + ')' * 101] * 5)}]\n",
    f"x = {' + '.join(['a'] * (LONGEST_RUN + 2))}\n",
    "if a:\n    b()\n" + "elif a:\n    b()\n" * 60,
)


def told(text: str) -> Lines | None:
    tree = syntax_tree(text)
    lines = tree_lines(text, tree) if tree else None
    return None if lines is None else [(line.first, line.last, line.indent) for line in lines]


def scanned(text: str) -> Lines:
    return [(line.first, line.last, line.indent) for line in logical_lines(text)]


@pytest.mark.parametrize("text", FORMS)
def test_each_form_is_told(text: str) -> None:
    assert told(text) == scanned(text)
    assert told("def g():\n" + textwrap.indent(text, "\t")) == scanned(
        "def g():\n" + textwrap.indent(text, "\t")
    )


@pytest.mark.parametrize("text", LEFT)
def test_what_a_tree_does_not_tell_is_left_to_the_scan(text: str) -> None:
    assert told(text) is None


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_nasty_texts(text: str) -> None:
    assert told(text) in (None, scanned(text))


@given(st.lists(st.sampled_from((*FORMS, *LEFT[:12]))).map("".join))
def test_one_after_the_other(text: str) -> None:
    assert told(text) in (None, scanned(text))


def test_real_code() -> None:
    both = [(told(text), scanned(text)) for text in sources(150).values() if "\\\n" not in text]
    assert all(lines in (None, all_lines) for lines, all_lines in both)
    assert sum(lines is not None for lines, _ in both) > len(both) / 2


PIECES = (
    "a",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "f'{",
    "}'",
    "'b'",
    '"',
    " + ",
    ".",
    " and ",
    " await ",
    ":=",
    ", ",
)


@given(st.lists(st.sampled_from(PIECES), max_size=60), st.integers(1, 60))
def test_a_line_that_is_not_looked_into_is_within_the_limits(pieces: list[str], times: int) -> None:
    statement = "".join(pieces) * times
    if len(statement) >= SUSPECT_LENGTH and reduce(statement).text is statement:
        root = bracket_tree(statement)
        assert root.height <= DEEPEST_NESTING
        assert root.run <= LONGEST_RUN
