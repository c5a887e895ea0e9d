"""What is too deep or too large for the parser: never a dead process, and its calls are found."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicelint.facts.extract import extract
from servicelint.facts.limits import LONGEST_CHAIN, reduce, skeleton, within_limits, without_excess
from servicelint.facts.logical_lines import logical_lines
from servicelint.facts.positions import call_span
from servicelint.facts.record import Attribute, Call, ModuleFacts
from servicelint.program.linking.modules import split_lines
from tests.samples import sources

if TYPE_CHECKING:
    from collections.abc import Iterator

CALL = "requests.get(u)"
LONGEST = 15.0
"""Seconds of a processor that one of these may take; unbounded, they take minutes or the process."""


@pytest.fixture(autouse=True)
def deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(6_000)
    yield
    sys.setrecursionlimit(before)


def long_sum(terms: int, call: str = CALL, between: str = " + ") -> str:
    return between.join(["a"] * (terms // 2) + [call] + ["a"] * (terms // 2))


def nested(depth: int, call: str = CALL) -> str:
    return "f(" * depth + call + ")" * depth


READ = {
    "a sum": "x = " + long_sum(5_000),
    "a sum that begins and ends with calls": f"x={CALL}+" + "a+" * 5_000 + CALL,
    "a sum over lines": "x = (" + long_sum(5_000, between="\n    + ") + ")",
    "a sum with backslashes": "x = " + long_sum(5_000, between=" \\\n    + "),
    "a sum with comments": "x = (" + long_sum(2_000, between="  # why (\n    + ") + ")",
    "nested calls": "x = " + nested(150),
    "nested brackets": "x = " + "(" * 150 + CALL + ")" * 150,
    "an argument": f"f(1, key={long_sum(2_000)}, **k)",
    "a condition": f"if a:\n    pass\nelif {long_sum(2_000, between=' or ')}:\n    pass",
    "a default": f"def f(a, b={long_sum(2_000)}):\n    pass",
    "a deep default": f"def f(a, b={nested(150)}):\n    pass",
    "a result": f"def f():\n    return {long_sum(2_000, between=' or ')}",
    "an awaited call": f"async def f():\n    return {long_sum(2_000, between=' or ', call=f'await {CALL}')}",
    "a loop": f"for x, y in {long_sum(2_000)}:\n    pass",
    "a context": f"with {long_sum(2_000)} as b, c as d:\n    pass",
    "a decorator": f"@f({long_sum(2_000)})\ndef f(): pass",
    "a base": f"class C({nested(150)}):\n    pass",
    "signs": "x = " + "-" * 5_000 + CALL,
    "negations": "x = " + "not " * 5_000 + CALL,
    "lambdas": "x = " + "lambda: " * 1_000 + CALL,
    "conditions in a row": "x = " + "a if b else " * 5_000 + CALL,
    "subscripts": f"x = {CALL}" + "[1]" * 5_000,
    "a field of an f-string": "x = f'{" + "(" * 90 + CALL + ")" * 90 + "}'",
    "many strings": "x = (" + "'a'\n" * 3_100 + f", {CALL})",
    "many contexts": "with " + "a() as b, " * 3_000 + f"{CALL} as c:\n    pass",
    "patterns": f"match a:\n  case {'{1: ' * 6}b{'}' * 6}:\n    {CALL}",
}


@pytest.mark.parametrize("name", READ)
def test_what_python_reads_is_read(name: str) -> None:
    text = READ[name] + "\n"
    compile(text, name, "exec", 0x400, dont_inherit=True)  # PyCF_ONLY_AST: it is Python
    facts = timed(text)
    assert facts.unread == []
    assert shown(text, gets(facts)) == [CALL] * text.count(CALL)


HALF_READ = {
    "a chain": (f"x = {CALL}" + ".a()" * 1_500, "an expression of 3003 parts in a row", 1),
    "deeper than Python goes": ("x = " + nested(5_000), "brackets nested 5001 deep", 1),
    "deep patterns": (
        f"match a:\n  case {'{1: ' * 20}b{'}' * 20}:\n    {CALL}",
        "patterns nested 20 deep",
        1,
    ),
    "classes as patterns": (f"match a:\n  case {'A(b=' * 40}b{')' * 40}:\n    {CALL}", "nested 40 deep", 1),
    "a guard": (f"match a:\n  case b if {long_sum(2_000, between=' or ')}:\n    {CALL}", "2003 parts", 1),
    "dots": (f"import {'a.' * 5_000}a\n{CALL}", "parts in a row", 1),
    "a deep field": ("x = f'{" + nested(5_000) + "}'", "nested 5002 deep", 0),
    "a target": ("x = " * 3_000 + f"1\n{CALL}", "parts in a row", 1),
    "brackets left open": ("x = " + "[" * 5_000, "nested 5000 deep", 0),
}


@pytest.mark.parametrize("name", HALF_READ)
def test_what_is_left_out_is_said_and_the_rest_is_read(name: str) -> None:
    text, reason, found = HALF_READ[name]
    facts = timed(text + "\n")
    [unread] = facts.unread
    assert reason in unread.reason
    assert shown(text, gets(facts)) == [CALL] * found


@pytest.mark.parametrize("name", READ)
def test_what_is_blanked_keeps_every_offset(name: str) -> None:
    text = f"{READ[name]}\ny = {CALL}\n"
    found = without_excess(text, logical_lines(text))
    assert len(found) == len(text)
    assert found.endswith(f"\ny = {CALL}\n")
    assert found.count("\n") == text.count("\n")


def test_a_large_table_of_calls() -> None:
    text = "x = {" + "".join(f"'k{number}': {CALL},\n" for number in range(4_000)) + "}\n"
    found = gets(timed(text))
    assert len(found) == 4_000
    assert shown(text, found[:200]) == [CALL] * 200


def test_a_long_chain_of_branches() -> None:
    count = 3_000
    text = "if a:\n    pass\n" + "".join(f"elif a == {each}:\n    {CALL}\n" for each in range(count))
    facts = timed(text + "else:\n    pass\n")
    assert facts.unread == []
    assert [call.line for call in gets(facts)] == [4 + 2 * number for number in range(count)]


def test_short_chains_stay_one_statement() -> None:
    text = "if a:\n    pass\n" + "elif a:\n    pass\n" * LONGEST_CHAIN
    assert within_limits(text, logical_lines(text)) == (text, [])


@pytest.mark.parametrize("quote", ["'", '"', '"""', "f'", "f'{", "'''\\"])
def test_escapes_in_a_string_without_end_take_no_time(quote: str) -> None:
    started = time.process_time()
    reduce(f"x = {quote}" + "\\'\\\"" * 50_000)
    assert time.process_time() - started < LONGEST


def test_real_code_is_within_the_limits() -> None:
    for path, text in sources(150).items():
        found, unread = within_limits(text, logical_lines(text))
        assert (found, unread) == (text, []), path


PARTS = st.lists(st.sampled_from(["a", "f(b)", "g.h(f(c))[0]", "(d, i())", "'s'", "f'{j()}'"]), min_size=1)


@settings(deadline=None, max_examples=20)
@given(PARTS, PARTS, st.sampled_from([" + ", "\n  + ", " or ", "+", " if k() else "]))
def test_every_call_of_a_sum_is_kept_at_its_place(before: list[str], after: list[str], between: str) -> None:
    beyond = ["a"] * 900
    text = "x = (" + between.join(before + beyond + after) + ")\n"
    facts = extract(text)
    assert facts.unread == []
    names = [call for call in facts.calls if getattr(call.callee, "name", "") in "fgihjk"]
    expected = sum(text.count(f"{name}(") for name in "fgihjk")
    assert len(names) == expected
    for span_text in shown(text, names):
        assert span_text.endswith(")")
        assert span_text[0] in "fgijk"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("if a:", "if (_):"),
        ("elif a\\\n:", "elif (_\n):"),
        ("while a:", "while (_):"),
        ("async for a in b:", "async for _ in (_):"),
        ("with a as b:", "with (_):"),
        ("def f(\n a):", "def f(\n):"),
        ("async def f(a):", "async def f():"),
        ("class C(a):", "class C():"),
        ("case {1: a}:", "case (_):"),
        ("except a:", "except (_):"),
        ("@a", "@(_)"),
        ("a = (\r\nb)", "(\r\n)"),
    ],
)
def test_what_stands_for_a_statement_is_of_its_kind(statement: str, expected: str) -> None:
    assert skeleton(statement) == expected


def timed(text: str) -> ModuleFacts:
    started = time.process_time()
    facts = extract(text)
    assert time.process_time() - started < LONGEST
    return facts


def gets(facts: ModuleFacts) -> list[Call]:
    return [call for call in facts.calls if isinstance(call.callee, Attribute) and call.callee.name == "get"]


def shown(text: str, calls: list[Call]) -> list[str]:
    """The text at the places of calls."""
    lines = split_lines(text)
    spans = [call_span(lines, call) for call in calls]
    return [lines[span.line - 1][span.column - 1 : span.end_column - 1] for span in spans]
