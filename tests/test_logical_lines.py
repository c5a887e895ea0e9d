"""Logical lines are those that Python's own tokenizer finds."""

from __future__ import annotations

import io
import sys
import tokenize

import pytest

from servicelint.facts.logical_lines import comments, logical_lines
from tests.samples import sources

SILENT = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)

NASTY = {
    "backslashes before braces": "a = fr'\\{{', fr'\\{{{1}'\nb = f'\\}}'\ny = 1\n",
    "empty": "",
    "comments only": "# a\n\n  # b\n",
    "no end of line": "x = 1",
    "crlf": "x = (1,\r\n     2)\r\nif x:\r\n    y = 'a\\\r\nb'\r\n",
    "form feed": "x = 1\n\x0c\ndef f():\n\x0c    return 1\n",
    "backslash": "x = 1 + \\\n    2\nif x and \\\n   x:\n    pass\n",
    "backslash in a comment": "x = 1  # \\\ny = 2\n",
    "brackets in strings": 'x = \'([{\'\ny = """\n([{\n"""\nz = 1\n',
    "quotes in comments": "x = 1  # it's\ny = '''# no comment\n'''\n",
    "escaped quotes": "x = 'it\\'s'\ny = \"\\\\\"\nz = r'\\''\n",
    "triple quotes with quotes": "x = '''a''b'''\ny = \"\"\"\"a\"\"\"\nz = ''\n",
    "continued string": "x = 'a\\\nb'\ny = 1\n",
    "raw bytes": 'x = rb\'\\\\\'\ny = bR"\\""\n',
    "f-strings": 'x = f\'{a}{{}}{b!r:>{width}}\'\ny = f"""\n{a\n}\n"""\nz = 1\n',
    "semicolons": "x = 1; y = 2\nif x: y = 3; z = 4\n",
    "decorators": "@a\n@b(\n    1\n)\nclass C: pass\n",
    "names beyond ASCII": "é = 'ü'\nß = (\n 1)\n",
}
NEW_FSTRINGS = {  # since Python 3.12
    "the same quote": "x = f'{a['k']}'\ny = 1\n",
    "nested": "x = f'{f'{f'{1}'}'}'\ny = 1\n",
    "lines and comments in fields": "x = f'{(\n a  # it\\'s }\n)}'\ny = 1\n",
    "nested format": "x = f'{a:{b:{c}}}'\ny = 1\n",
    "lambda and walrus": "x = f'{(lambda y: y)(1)}{(z := 2)}'\ny = 1\n",
    "named character": "x = f'\\N{BULLET}{a}'\ny = 1\n",
    "a dict in a field": "x = f'{ {'a': {1: 2}}['a'] }'\ny = 1\n",
    "triple in single": "x = f'{'''a\nb'''}'\ny = 1\n",
}


def by_tokenize(text: str) -> list[tuple[int, int]]:
    found = []
    start = None
    for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
        if token.type in SILENT:
            continue
        if token.type == tokenize.NEWLINE:
            if start is not None:
                found.append((start, token.start[0]))
            start = None
        elif start is None:
            start = token.start[0]
    return found


def spans(text: str) -> list[tuple[int, int]]:
    return [(line.first, line.last) for line in logical_lines(text)]


def test_the_standard_library() -> None:
    texts = sources(150)
    assert len(texts) > 100
    compared = 0
    for path, text in texts.items():
        try:
            expected = by_tokenize(text)
        except (tokenize.TokenError, SyntaxError):
            continue
        assert spans(text) == expected, path
        compared += 1
    assert compared > 100


@pytest.mark.parametrize("name", NASTY)
def test_nasty_cases(name: str) -> None:
    assert spans(NASTY[name]) == by_tokenize(NASTY[name])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="tokenize reads these as Python 3.12 and later do")
@pytest.mark.parametrize("name", NEW_FSTRINGS)
def test_nested_fstrings_as_tokenize_has_them(name: str) -> None:
    assert spans(NEW_FSTRINGS[name]) == by_tokenize(NEW_FSTRINGS[name])


@pytest.mark.parametrize("name", NEW_FSTRINGS)
def test_nested_fstrings_end_where_they_do(name: str) -> None:
    """On every interpreter: the first statement, and then ``y = 1`` on the last line."""
    text = NEW_FSTRINGS[name]
    last = text.count("\n")
    assert spans(text) == [(1, last - 1), (last, last)]


def test_a_lone_carriage_return_ends_a_line() -> None:
    """As for Python's parser; ``tokenize`` splits lines elsewhere."""
    assert spans("x = 1\ry = (\r2)\rz = 3") == [(1, 1), (2, 3), (4, 4)]


def test_text_and_indentation() -> None:
    text = "if a:\n    b()  # why\n"
    first, second = logical_lines(text)
    assert (text[first.start : first.end], first.indent) == ("if a:", 0)
    assert (text[second.start : second.end], second.indent) == ("b()", 4)


@pytest.mark.parametrize("text", ["(", "'", '"""', "f'{", "f'{a:", "}", "\\", "f'{a:{", "\x00", "x = f'"])
def test_what_is_not_python_ends(text: str) -> None:
    logical_lines(text)


def test_comments() -> None:
    text = "# alone\nx = '# none'  # behind\n  # deeper\r\n"
    found = [(each.line, each.indent, each.text, each.is_alone) for each in comments(text)]
    assert found == [(1, 0, "# alone", True), (2, 14, "# behind", False), (3, 2, "# deeper", True)]
