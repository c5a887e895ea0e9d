"""Input that no one wants: one clear line each, the right exit status, the other files checked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests import unprivileged

if TYPE_CHECKING:
    from pathlib import Path

LOUD = "import requests\n\n\ndef f():\n    return requests.get('http://users')\n"
COMMAND = [sys.executable, "-m", "servicelint"]


class Folder:
    """A folder of its own to run the program in."""

    command = COMMAND

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / ".git").mkdir()
        (path / "good.py").write_text(LOUD)

    def __call__(
        self, *arguments: str, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments],
            cwd=self.path,
            capture_output=True,
            check=False,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=120,
            env={**os.environ, **(environment or {})},
        )

    def check(self, *arguments: str, status: int = 3) -> list[str]:
        """The findings as lines, without the summary; nothing may stand on stderr."""
        done = self("check", "--no-cache", *arguments)
        assert (done.returncode, done.stderr) == (status, "")
        return done.stdout.splitlines()[:-1]

    def unreadable(self, *arguments: str) -> str:
        """What is said of the one file that can't be read, ``good.py`` being checked as ever."""
        lines = self.check(*arguments)
        assert [line for line in lines if line.startswith("good.py:5:12: SVC101")]
        [line] = [line for line in lines if "SVC004" in line]
        return line


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


# --- paths ---------------------------------------------------------------------------------------


def test_a_missing_path_among_others(folder: Folder) -> None:
    said = folder.unreadable("good.py", "gone.py")
    assert said == "gone.py:1:1: SVC004 can't be read: No such file or directory"


def test_a_path_that_cannot_be_one(folder: Folder) -> None:
    done = folder("check", "a" * 5_000)
    assert done.returncode == 2
    assert "no such file" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_without_python(folder: Folder) -> None:
    (folder.path / "data").mkdir()
    done = folder("check", "data")
    assert (done.returncode, done.stderr) == (0, "servicelint: no Python files to check\n")


def test_links_that_lead_to_themselves(folder: Folder) -> None:
    (folder.path / "loop.py").symlink_to("loop.py")
    (folder.path / "a").mkdir()
    (folder.path / "a" / "up").symlink_to("..")
    assert "loop.py:1:1: SVC004 can't be read: Too many levels of symbolic links" in folder.unreadable()


@pytest.fixture
def unprivileged_folder(folder: Folder) -> Folder:
    """A folder whose permissions hold for the program, though not for the tests if root runs them."""
    folder.command = unprivileged.python("-m", "servicelint")
    return folder


needs_permissions = pytest.mark.skipif(not unprivileged.IS_POSSIBLE, reason="root may read everything here")


@needs_permissions
@pytest.mark.parametrize("named", [[], ["secret.py", "good.py"]])
def test_a_file_that_may_not_be_read(unprivileged_folder: Folder, named: list[str]) -> None:
    secret = unprivileged_folder.path / "secret.py"
    secret.write_text(LOUD)
    secret.chmod(0)
    assert unprivileged_folder.unreadable(*named) == "secret.py:1:1: SVC004 can't be read: Permission denied"


@needs_permissions
def test_a_folder_that_may_not_be_read(unprivileged_folder: Folder) -> None:
    secret = unprivileged_folder.path / "secret"
    secret.mkdir()
    (secret / "a.py").write_text(LOUD)
    secret.chmod(0)
    try:
        done = unprivileged_folder("check", "--no-cache")
    finally:
        secret.chmod(0o700)
    said = "servicelint: secret: can't be read: Permission denied; its files are left out\n"
    assert (done.returncode, done.stderr) == (3, said)
    assert "good.py:5:12: SVC101" in done.stdout


@needs_permissions
def test_settings_that_may_not_be_read(unprivileged_folder: Folder) -> None:
    settings = unprivileged_folder.path / "servicelint.toml"
    settings.touch(0)
    done = unprivileged_folder("check", "--no-cache")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"servicelint: {settings}: can't be read: Permission denied\n"


def test_a_file_that_vanishes_during_the_run(folder: Folder) -> None:
    (folder.path / "gone.py").write_text(LOUD)
    code = (
        "from pathlib import Path; from servicelint import run\n"
        "class Vanishing(run.Run):\n"
        "    def __init__(self, *given, **named):\n"
        "        super().__init__(*given, **named)\n"
        "        Path('gone.py').unlink()\n"
        "run.Run = Vanishing\n"
        "from servicelint.hosts.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "check", "--no-cache"]
    done = subprocess.run(command, cwd=folder.path, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (3, "")
    first, second, _ = done.stdout.splitlines()
    assert first == "gone.py:1:1: SVC004 can't be read: No such file or directory"
    assert second.startswith("good.py:5:12: SVC101")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_cannot_be_shown(folder: Folder) -> None:
    names = [b"a\xff.py", b"b\n::error.py", b"c\x1b[31m.py"]
    for name in names:
        with open(os.path.join(os.fsencode(folder.path), name), "w") as file:  # noqa: PTH118, PTH123
            file.write(LOUD)
    lines = folder.check(status=1)
    assert [line.split(":5:")[0] for line in lines] == [
        "a\\udcff.py", "b\\n::error.py", "c\\x1b[31m.py", "good.py",
    ]  # fmt: skip
    report = json.loads(folder("check", "--format", "json").stdout)
    assert len(report["findings"]) == 4


def test_a_terminal_that_knows_few_characters(folder: Folder) -> None:
    (folder.path / "é.py").write_text(LOUD)
    done = folder("check", environment={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (1, "")
    assert ".py:5:12: SVC101" in done.stdout.splitlines()[1]


# --- contents ------------------------------------------------------------------------------------

CONTENTS = {
    "syntax": (b"import requests\ndef f(:\n", ": SVC004 invalid syntax"),
    "an open bracket": (b"import requests\nx = (1,\n", "SVC004 invalid syntax"),
    "an indentation": (b"import requests\nif 1:\nx = 1\n", "SVC004 invalid syntax"),
    "null bytes": (b"x = 1\ny = '\0'\n", "2:1: SVC004 the file holds a null byte; remove it"),
    "latin-1": ("x = 1\ny = 'é'\n".encode("latin-1"), "2:6: SVC004 not utf-8: "),
    "a coding line that lies": (b"# coding: ascii\ny = '\xe9'\n", "2:6: SVC004 not ascii: "),
    "no such coding": (b"# coding: nonsense\n", "1:1: SVC004 unknown encoding: nonsense; save it as UTF-8"),
    "no text encoding": (b"# coding: rot13\nimport requests\n", "1:1: SVC004 not rot13: "),
    "an encoding of nothing": (b"# coding: undefined\nimport requests\n", "1:1: SVC004 not undefined: "),
    "lone surrogates": (b"# coding: unicode_escape\nx = '\\ud800'\n", "1:1: SVC004 not unicode_escape: "),
    "two encodings": (b"\xef\xbb\xbf# coding: latin-1\n", "1:1: SVC004 "),
    "UTF-16": (
        "import requests\n".encode("utf-16"),
        "1:1: SVC004 invalid or missing encoding declaration",
    ),
    "a program": (b"\x7fELF\x02\x01\x01\0\0\0\0requests", "1:1: SVC004 the file holds a null byte"),
    "deep": (b"import requests\nx = " + b"(" * 9_000 + b")" * 9_000, "2:1: SVC004 too deep or large"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_contents_that_cannot_be_read(folder: Folder, name: str) -> None:
    content, expected = CONTENTS[name]
    (folder.path / "bad.py").write_bytes(content)
    said = folder.unreadable()
    assert said.startswith("bad.py:")
    assert expected in said


SLOW = {
    "nested patterns": "match a:\n  case " + "{1: " * 30 + "b" + "}" * 30 + ":\n    pass\n",
    "nested classes as patterns": "match a:\n  case " + "A(b=" * 30 + "b" + ")" * 30 + ":\n    pass\n",
    "a sum": "x = " + "+".join(["a"] * 20_000) + "\n",
    "a chain": "x = a" + ".b()" * 20_000 + "\n",
    "a string without end": "x = '" + "\\'" * 200_000,
    "indentations": "".join(" " * depth + "if a:\n" for depth in range(300)),
    "branches": "if a: pass\n" + "elif a: pass\n" * 9_000,
    "conditions": "x = " + "a if b else " * 9_000 + "c\n",
    "lambdas": "x = " + "lambda: " * 9_000 + "c\n",
    "f-strings": "x = f'{" + "(" * 9_000 + ")" * 9_000 + "}'\n",
    "dots": "import a" + ".a" * 9_000 + "\n",
    "loops in a display": "x = [a" + " for a in b" * 3_000 + "]\n",
    "contexts": "with " + ", ".join(["a() as b"] * 9_000) + ": pass\n",
}


@pytest.mark.parametrize("name", SLOW)
def test_contents_that_kill_or_stop_a_parser(folder: Folder, name: str) -> None:
    (folder.path / "bad.py").write_text(f"import requests\nrequests.get('u')\n{SLOW[name]}")
    before = os.times().children_user  # not the time on the wall: other programs may be busy
    done = folder("check", "--no-cache")
    assert os.times().children_user - before < 15
    assert done.returncode in (1, 3), done.stderr
    assert done.stderr == ""
    assert "good.py:5:12: SVC101" in done.stdout
    assert "bad.py:" in done.stdout


# --- ends ----------------------------------------------------------------------------------------


def test_a_reader_that_leaves(folder: Folder) -> None:
    for number in range(300):
        (folder.path / f"m{number}.py").write_text(LOUD * 10)
    command = f"'{sys.executable}' -m servicelint check --no-cache | head -1"
    done = subprocess.run(
        command, cwd=folder.path, shell=True, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("after", [0.0, 0.2, 0.8])
def test_interrupted(folder: Folder, after: float) -> None:
    for number in range(300):
        (folder.path / f"m{number}.py").write_text(LOUD * 40)
    process = subprocess.Popen(
        [*COMMAND, "check", "--cache-dir", "cache"],
        cwd=folder.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (folder.path / "cache").exists():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    try:
        stdout, stderr = process.communicate(timeout=3)
    except subprocess.TimeoutExpired:  # Python drops one that comes while it runs its own hooks of a fork
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    # Python ends itself by the signal if it came while a string was executed; a shell says 130 of both
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in stderr
    assert "SVC101" not in stdout


def test_a_defect_is_one_line(folder: Folder) -> None:
    code = (
        "from servicelint import run\n"
        "def broken(*_): raise ZeroDivisionError('of\\nmine')\n"
        "run.Run.check = broken\n"
        "from servicelint.hosts.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "check", "--no-cache"]
    done = subprocess.run(command, cwd=folder.path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr == (
        "servicelint: a defect of servicelint: ZeroDivisionError: of mine; "
        "please report it with what --verbose shows\n"
    )
