"""What the cache promises: the same findings, sooner; and never a result lost to a cache that is broken."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from servicelint.sources.cache import Cache

if TYPE_CHECKING:
    from pathlib import Path

LOUD = "import requests\n\n\ndef f():\n    return requests.get('http://users')\n"
MENDED = LOUD.replace("users')", "users', timeout=3)")
RUN = """
import sys
from servicelint.hosts.cli import main
try:
    main()
finally:
    print("libcst" in sys.modules, file=sys.stderr)
"""


class Program:
    """A folder with one file, checked with a cache of its own; ``parsed`` tells whether libcst was needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "program"
        self.cache = folder / "cache"
        self.folder.mkdir()
        self.write(LOUD)

    def write(self, text: str) -> None:
        (self.folder / "a.py").write_text(text)

    def check(self, *options: str) -> tuple[int, str, list[str], bool]:
        done = subprocess.run(
            [sys.executable, "-c", RUN, "check", "--isolated", "--cache-dir", str(self.cache), *options],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        *problems, parsed = done.stderr.splitlines()
        return done.returncode, done.stdout, problems, parsed == "True"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_a_second_run_says_the_same_without_parsing(program: Program) -> None:
    first, second = program.check(), program.check()
    assert first[0] == 1
    assert first[:3] == second[:3]
    assert (first[3], second[3]) == (True, False)


def test_a_changed_file_is_read_again(program: Program) -> None:
    assert program.check()[0] == 1
    program.write(MENDED)
    assert program.check()[0] == 0
    program.write(LOUD)
    assert program.check()[0] == 1


def test_other_settings_are_another_result(program: Program) -> None:
    assert program.check()[0] == 1
    assert program.check("--ignore", "SVC101")[0] == 0
    assert program.check()[0] == 1


def test_without_a_cache_nothing_is_written(program: Program) -> None:
    assert program.check("--no-cache")[0] == 1
    assert not program.cache.exists()


@pytest.mark.parametrize("damage", [b"", b"this is no database", b"SQLite format 3\0" + b"x" * 4_000])
def test_a_damaged_file_is_begun_anew(program: Program, damage: bytes) -> None:
    first = program.check()
    Cache(program.cache).path.write_bytes(damage)
    again, warm = program.check(), program.check()
    assert first[:2] == again[:2] == warm[:2]
    assert not warm[3]


def test_a_folder_that_cannot_be_made_is_said_in_one_line(program: Program) -> None:
    program.cache.write_text("a file in the way")
    status, _, problems, _ = program.check()
    assert status == 1
    [line] = problems
    assert "the cache can't be used" in line
    assert "--no-cache" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_read_only_folder(program: Program) -> None:
    program.cache.mkdir(mode=0o500)
    assert program.check()[0] == 1


def test_two_processes_at_once(program: Program) -> None:
    command = [sys.executable, "-m", "servicelint", "check", "--isolated", "--cache-dir", str(program.cache)]
    both = [subprocess.Popen(command, cwd=program.folder, stdout=subprocess.PIPE) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [1, 1]
    assert outputs[0] == outputs[1]
