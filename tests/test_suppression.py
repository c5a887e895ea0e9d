"""Comments that silence findings do so where flake8's and pylint's would, and nowhere else."""

from __future__ import annotations

import pytest

from servicelint.finding import Finding, Place
from servicelint.suppression import Suppressions

CODE, NAME, PYLINT_ID = "SVC101", "http-call-without-timeout", "W9101"
CALL = "    get(1)"


def silenced(source: str) -> list[int]:
    """The lines with a call that are silenced; each call of ``get(1`` is taken for a finding."""
    suppressions = Suppressions(source)
    lines = [number for number, line in enumerate(source.splitlines(), 1) if "get(1" in line]
    return [line for line in lines if suppressions.silencing(finding(line))]


def finding(line: int, end_line: int = 0) -> Finding:
    return Finding(Place("a.py", line, 5), CODE, NAME, "can wait", end_line=end_line or line, end_column=11)


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "#noqa",
        "# NoQA",
        "# noqa: SVC101",
        "# noqa:SVC101",
        "# noqa: svc101",
        "# noqa: E501, SVC101",
        "# noqa: F401,SVC101",
        "# noqa: E501 SVC101",
        "# noqa: SVC1",
        "# noqa: SVC101 - the peer is local",
        "# type: ignore # noqa: SVC101",
        "# noqa: the peer is local",
        f"# pylint: disable={CODE}",
        f"# pylint: disable={NAME}",
        f"# pylint: disable={PYLINT_ID}",
        f"# pylint: disable=line-too-long, {NAME}",
        f"# pylint:disable={NAME}",
        f"# why  # pylint: disable={NAME}",
        f"# pylint: disable={NAME}; the peer is local",
    ],
)
def test_silenced_at_the_end_of_the_line(comment: str) -> None:
    assert silenced(f"get(1)  {comment}\nget(1)\n") == [1]


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa: E501",
        "# noqa: SVC103",
        "# noqa: SVC2",
        "# pylint: disable=line-too-long",
        "# pylint: disable=W9103",
        "# pylint: disable=disabled-timeout",
        "# pylint: enable=all",
        "# flake8: noqa",
        "# nope",
        "'# noqa'",
    ],
)
def test_not_silenced(comment: str) -> None:
    assert silenced(f"get(1); {comment}\nget(1)\n") == []


def test_any_line_of_a_statement() -> None:
    source = "x = [\n    get(1),\n    2,  # noqa: SVC101\n]\nget(1)\n"
    assert silenced(source) == [2]


def test_a_statement_with_a_long_text() -> None:
    assert silenced('get(1, """\n# noqa\n""")\nget(1, """\n""")  # noqa\n') == [4]


def test_a_comment_on_a_line_of_its_own_is_no_noqa_for_the_next() -> None:
    assert silenced("# noqa\nget(1)\n") == []


@pytest.mark.parametrize(
    ("comment", "lines"),
    [
        ("# flake8: noqa", [2, 3]),
        ("# flake8: noqa: SVC101", [2, 3]),
        ("# flake8: noqa: E501", []),
        ("# flake8=noqa", [2, 3]),
        ("# pylint: skip-file", [2, 3]),
        ("# pylint: disable=all", [2, 3]),
    ],
)
def test_a_whole_file(comment: str, lines: list[int]) -> None:
    assert silenced(f"{comment}\nget(1)\nget(1)\n") == lines


def test_skip_file_reaches_back() -> None:
    assert silenced("get(1)\n# pylint: skip-file\n") == [1]


def test_the_next_line() -> None:
    assert silenced(f"# pylint: disable-next={NAME}\nget(1)\nget(1)\n") == [2]


def test_the_rest_of_a_block() -> None:
    source = (
        f"def f():\n{CALL}\n    # pylint: disable={NAME}\n{CALL}\n    if x:\n    {CALL}\n{CALL}\nget(1)\n"
    )
    assert silenced(source) == [4, 6, 7]


def test_the_rest_of_a_file() -> None:
    assert silenced(f"get(1)\n# pylint: disable={NAME}\nget(1)\nif x:\n{CALL}\nget(1)\n") == [3, 5, 6]


def test_enabled_again() -> None:
    source = f"# pylint: disable={NAME},other\nget(1)\n# pylint: enable={NAME}\nget(1)\n"
    assert silenced(source) == [2]
    assert silenced(source.replace(f"enable={NAME}", "enable=other")) == [2, 4]
    assert silenced(source.replace(f"enable={NAME}", "enable=all")) == [2]


def test_enabled_in_a_block_only() -> None:
    source = f"# pylint: disable={NAME}\ndef f():\n    # pylint: enable={NAME}\n{CALL}\nget(1)\n"
    assert silenced(source) == [5]


@pytest.mark.parametrize("header", ["class A:", "try:", "else:"])
def test_behind_the_header_of_a_block(header: str) -> None:
    source = f"{header}  # pylint: disable={NAME}\n{CALL}\n    if x:\n    {CALL}\nget(1)\n"
    assert silenced(source) == [2, 4]
    assert silenced(source.replace(f"pylint: disable={NAME}", "noqa")) == []


@pytest.mark.parametrize(
    "header",
    ["def f():", "async def f(a):", "class A(B):", "if x:", "elif x:", "while x:", "with x:", "for x in y:"],
)
def test_behind_other_headers_it_is_the_header(header: str) -> None:
    assert silenced(f"{header}  # pylint: disable={NAME}\n{CALL}\nget(1)\n") == []
    assert silenced(f"{header.rstrip(':')}, get(1):  # pylint: disable={NAME}\n{CALL}\n") == [1]


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_other_line_ends(newline: str) -> None:
    source = f"get(1)  # noqa\nget(1)\n# pylint: disable={NAME}\nget(1)\n".replace("\n", newline)
    assert silenced(source) == [1, 4]


def test_it_is_told_in_whose_comments() -> None:
    suppressions = Suppressions(
        f"get(1)  # noqa\nget(1)  # pylint: disable={NAME}\nget(1)  # noqa # pylint: disable={NAME}\nget(1)\n"
    )
    told = [suppressions.silencing(finding(line)) for line in (1, 2, 3, 4)]
    assert told == [("noqa",), ("pylint",), ("noqa", "pylint"), ()]
