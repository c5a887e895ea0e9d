"""What the cache promises: the same findings, sooner; and never a result lost to a cache that is broken."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from servicelint.sources.cache import Cache
from tests import unprivileged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOUD = "import requests\n\n\ndef f():\n    return requests.get('http://users')\n"
MENDED = LOUD.replace("users')", "users', timeout=3)")
RUN = """
import sys
from servicelint.hosts.cli import main
try:
    main()
finally:
    print("servicelint.facts.extract" in sys.modules, file=sys.stderr)
"""


class Program:
    """A folder with one file, checked with a cache of its own; ``parsed`` tells whether that was needed."""

    python: Sequence[str] = (sys.executable,)

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "program"
        self.cache = folder / "cache"
        self.folder.mkdir()
        self.write(LOUD)

    def write(self, text: str) -> None:
        (self.folder / "a.py").write_text(text)

    def check(self, *options: str) -> tuple[int, str, list[str], bool]:
        done = subprocess.run(
            [*self.python, "-c", RUN, "check", "--isolated", "--cache-dir", str(self.cache), *options],
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


needs_permissions = pytest.mark.skipif(
    not unprivileged.IS_POSSIBLE, reason="nothing is read-only to root here"
)


@needs_permissions
def test_a_read_only_folder(program: Program) -> None:
    program.python = unprivileged.python()
    program.cache.mkdir(mode=0o500)
    status, _, problems, _ = program.check()
    assert status == 1
    [line] = problems
    assert "the cache can't be used: " in line


@needs_permissions
@pytest.mark.parametrize("of_files", [0o400, 0o600])
def test_a_read_only_cache_is_read(program: Program, of_files: int) -> None:
    first = program.check()
    settled(database(program))
    program.python = unprivileged.python()
    for path in program.cache.iterdir():
        path.chmod(of_files)
    program.cache.chmod(0o500)
    warm = program.check()
    program.write(MENDED)
    changed = program.check()
    assert (warm[:2], warm[3]) == (first[:2], False), "what it holds is taken"
    assert (changed[0], changed[3]) == (0, True), "what it does not hold is found all the same"
    for found in (warm, changed):
        [line] = found[2]
        assert "the cache can't be written, only read: " in line


@needs_permissions
def test_a_cache_that_may_not_be_read(program: Program) -> None:
    first = program.check()
    program.python = unprivileged.python()
    database(program).chmod(0)
    status, found, problems, _ = program.check()
    assert (status, found, len(problems)) == (*first[:2], 1)


def test_two_processes_at_once(program: Program) -> None:
    command = [sys.executable, "-m", "servicelint", "check", "--isolated", "--cache-dir", str(program.cache)]
    both = [subprocess.Popen(command, cwd=program.folder, stdout=subprocess.PIPE) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [1, 1]
    assert outputs[0] == outputs[1]


# --- damage --------------------------------------------------------------------------------------


def test_bytes_damaged_in_the_middle_never_change_a_result(program: Program) -> None:
    first = program.check()
    path = database(program)
    settled(path)
    whole = path.read_bytes()
    for place in range(len(whole) // 9, len(whole), len(whole) // 9):
        path.write_bytes(
            whole[:place] + bytes(byte ^ 0x55 for byte in whole[place : place + 40]) + whole[place + 40 :]
        )
        assert program.check()[:2] == first[:2], place


def test_a_truncated_file(program: Program) -> None:
    first = program.check()
    path = database(program)
    settled(path)
    whole = path.read_bytes()
    for length in (50, 1_000, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:length])
        assert program.check()[:2] == first[:2], length


@pytest.mark.parametrize(
    "table", ["entries (id INTEGER, newer TEXT)", "entries (kind, key, day, data, more)", "other (x)"]
)
def test_the_database_of_another_format(program: Program, table: str) -> None:
    path = database(program)
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE {table}")
    first, warm = program.check(), program.check()
    assert (first[0], first[2], warm[:3], warm[3]) == (1, [], first[:3], False)


def test_a_value_damaged_in_the_table_is_not_taken(program: Program) -> None:
    first = program.check()
    path = database(program)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        rows = connection.execute("SELECT kind, key, data FROM entries").fetchall()
        for kind, key, data in rows:
            damaged = data.replace(b"users", b"USERS").replace(b"SVC101", b"SVC999")
            connection.execute("UPDATE entries SET data = ? WHERE kind = ? AND key = ?", (damaged, kind, key))
    assert rows
    assert program.check()[:3] == first[:3]


# --- writing -------------------------------------------------------------------------------------

FULL_DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, 8_192))
from servicelint.hosts.cli import main
main()
"""
KILLED = """
import os, signal, sys
from servicelint.sources import cache
real = cache.sqlite3.connect

class Connection(cache.sqlite3.Connection):
    def executemany(self, statement, rows):
        done = super().executemany(statement, list(rows))
        os.kill(os.getpid(), signal.SIGKILL)
        return done

cache.sqlite3.connect = lambda *given, **named: real(*given, factory=Connection, **named)
from servicelint.hosts.cli import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_a_full_disk_costs_one_line(program: Program) -> None:
    program.write(LOUD * 500)
    done = started(program, FULL_DISK)
    assert done.returncode == 1
    assert "SVC101" in done.stdout
    [line] = done.stderr.splitlines()
    assert "the cache can't be used" in line
    assert program.check()[0] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_killed_in_the_middle_of_a_write(program: Program) -> None:
    assert started(program, KILLED).returncode == -signal.SIGKILL
    first, warm = program.check(), program.check()
    assert (first[0], first[2]) == (1, [])
    assert first[:3] == warm[:3]
    assert (first[3], warm[3]) == (True, False)


def test_many_processes_at_once(program: Program) -> None:
    for number in range(20):
        (program.folder / f"m{number}.py").write_text(LOUD * 20)
    command = [sys.executable, "-m", "servicelint", "check", "--isolated", "--cache-dir", str(program.cache)]
    running = [
        subprocess.Popen(command, cwd=program.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    outputs = [process.communicate(timeout=120) for process in running]
    assert {process.returncode for process in running} == {1}
    assert len({output for output, _ in outputs}) == 1
    assert {errors for _, errors in outputs} == {b""}
    assert not program.check()[3]


def started(program: Program, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, "check", "--isolated", "--cache-dir", str(program.cache)],
        cwd=program.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def settled(path: Path) -> None:
    """Have all that was written in the one file."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute("PRAGMA journal_mode = DELETE")


def database(program: Program) -> Path:
    """The file of the program's cache, opened by nobody."""
    cache = Cache(program.cache)
    cache.close()
    return cache.path
