"""Turns: one process after the other, and nobody waits for one that is dead."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from servicelint.sources import turns

if TYPE_CHECKING:
    from pathlib import Path

HOLDING = """
import sys, time
from pathlib import Path
from servicelint.sources.turns import turn
with turn(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
    print("let go", flush=True)
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(turns, "LONGEST_WAIT", 0.2)
    return tmp_path / "a.turn"


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def is_free(path: Path) -> bool:
    """Whether one would not have to wait."""
    probe = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN EXCLUSIVE')"
    return (
        subprocess.run(
            [sys.executable, "-c", probe, str(path)], check=False, stderr=subprocess.DEVNULL
        ).returncode
        == 0
    )


def test_one_waits_for_the_other(path: Path) -> None:
    with turns.turn(path):
        assert not is_free(path)
    assert is_free(path)


def test_a_process_that_dies_lets_go(path: Path) -> None:
    with holder(path) as process:
        assert not is_free(path)
        process.kill()
    assert is_free(path)


def test_nobody_waits_for_ever(path: Path) -> None:
    with holder(path) as process:
        with turns.turn(path):
            assert process.poll() is None
        assert process.communicate("")[0] == "let go\n"


def test_where_nothing_can_be_written_there_are_no_turns(path: Path) -> None:
    with turns.turn(path / "no" / "such" / "folder"), turns.turn(path.parent):
        pass


def test_an_error_lets_go(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), turns.turn(path):
        raise ZeroDivisionError
    assert is_free(path)
