"""Large files are read in pieces: what is found does not depend on where they are cut."""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicelint.facts.extract import extract
from servicelint.facts.logical_lines import logical_lines
from servicelint.facts.pieces import pieces
from servicelint.facts.unreadable import UnreadableSource
from tests.samples import sources

if TYPE_CHECKING:
    from pathlib import Path

STATEMENTS = (
    "import requests\n",
    "x = requests.get(u)\n",
    "x = (1,\n2)\n",
    "# a comment\n",
    "\n",
    "@wrapped(a)\n@twice\ndef f(a):\n    return g(a)\n",
    "if a: b()\nelif c: d()\nelse: e()\n",
    "try:\n    a()\nexcept E:\n    b()\nelse:\n    c()\nfinally:\n    d()\n",
    "for a in b():\n    c(a)\nelse:\n    d()\n",
    "class A(B):\n    c = D()\n\n    def f(self):\n        self.g = h()\n",
    "text = '''\nif no:\nelse\n'''\n",
    "if a:\n    exit()\n",
    "@f('''\n''')\n# between\n\nasync def f(): await g()\n",
)


@given(st.lists(st.sampled_from(STATEMENTS)).map("".join), st.integers(1, 12))
def test_the_cuts_change_nothing(text: str, most: int) -> None:
    assert extract(text, most) == extract(text)


@pytest.mark.parametrize("most", [1, 30])
def test_the_cuts_change_nothing_in_real_code(most: int) -> None:
    for text in sources(20).values():
        assert extract(text, most) == extract(text)


@given(st.lists(st.sampled_from(STATEMENTS)).map("".join), st.integers(1, 12))
def test_nothing_is_lost(text: str, most: int) -> None:
    cut = list(pieces(text, logical_lines(text), most))
    assert "".join(piece.text for piece in cut) == text
    begun = ["".join(piece.text for piece in cut[:number]).count("\n") for number in range(len(cut))]
    assert [piece.lines_before for piece in cut] == begun


def test_an_error_is_told_at_its_line() -> None:
    text = "a()\n" * 20 + "b c\n" + "c()\n"
    with pytest.raises(UnreadableSource) as error:
        extract(text, 3)
    assert error.value.line == 21


def test_what_is_left_out_is_told_at_its_line() -> None:
    deep = "x = " + "(" * 9_000 + ")" * 9_000 + "\n"
    [unread] = extract("a()\n" * 20 + deep, 3).unread
    assert (unread.line, unread.last_line) == (21, 21)


@pytest.mark.slow
def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    function = "def f{}(a):\n    x = requests.get('http://h', params={{'a': a}})\n    return x.json()\n\n"
    text = "import requests\n" + "".join(function.format(n) for n in range(7_500))
    (tmp_path / "large.py").write_text(text, "utf-8")
    command = [sys.executable, "-m", "servicelint", "check", "--no-cache", "--jobs=1", "--statistics", "."]
    finished = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, preexec_fn=_with_little_memory
    )
    assert (finished.returncode, finished.stderr) == (1, "")
    assert "7500 findings" in finished.stdout


def _with_little_memory() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (450 << 20, 450 << 20))
