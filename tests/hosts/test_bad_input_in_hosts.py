"""Input that no one wants, in flake8 and pylint: the files beside it are checked as ever, in one run."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests import unprivileged
from tests.hosts.hosting import PYLINT_IDS, Hosting
from tests.hosts.test_bad_input import CONTENTS, LOUD, SLOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENDS_FLAKE8 = {"no text encoding", "an encoding of nothing", "lone surrogates"}
"""Contents that end flake8 itself, before it asks a plugin."""

if sys.version_info < (3, 11, 4):  # null bytes are no syntax error there
    ENDS_FLAKE8 |= {"null bytes", "a program", "UTF-16"}

TOO_MUCH = {"deep"}
"""Contents that overflow the stacks of the hosts' own parsers."""

AT = {"good": 5, "marked": 5, "windows": 5, "latin": 6}
"""By file, the line of the one fault in it."""


@pytest.fixture
def project(tmp_path: Path) -> Hosting:
    """Files that can be read, and beside them one of each kind that can't or hardly can."""
    hosting = Hosting(tmp_path / "project", tmp_path / "cache")
    hosting.write({"good.py": LOUD, "marked.py": "\ufeff" + LOUD, "windows.py": LOUD.replace("\n", "\r\n")})
    folder = hosting.folder
    (folder / "latin.py").write_bytes(b"# coding: latin-1\n" + LOUD.encode() + b"# \xe9\n")
    (folder / "loop.py").symlink_to("loop.py")
    (folder / "gone.py").symlink_to("nowhere.py")
    os.mkfifo(folder / "pipe.py")
    (folder / "inner").mkdir()
    (folder / "inner" / "up").symlink_to("..")
    for name, content in CONTENTS.items():
        (folder / f"{name.replace(' ', '_')}.py").write_bytes(content[0])
    for name, text in SLOW.items():
        (folder / f"slow_{name.replace(' ', '_')}.py").write_text(
            f"import requests\nrequests.get('u')\n{text}"
        )
    return hosting


def by_flake8(project: Hosting, *paths: str) -> list[str]:
    """``path:line code`` of each line, and nothing else said."""
    done = project.flake8("--select=SVC,E9", "--servicelint-scope=program", *paths)
    assert (done.returncode, done.stderr) == (1, "")
    lines = [line.split(":", 3) for line in done.stdout.splitlines()]
    return [f"{path}:{line} {text.split()[0]}" for path, line, _, text in lines]


def by_pylint(project: Hosting, *paths: str) -> list[str]:
    options = ("--servicelint-scope=program", "--enable=syntax-error,parse-error,fatal,astroid-error")
    messages, said = project.pylint(*options, *paths)
    assert said == ""
    return [f"{each.path}:{each.line} {each.msg_id.replace('W9', 'SVC')}" for each in messages]


FAULTS = [f"{name}.py:{line} SVC101" for name, line in AT.items()]


@pytest.mark.parametrize("host", [by_flake8, by_pylint])
def test_a_program_with_all_of_it(project: Hosting, host: Callable[..., list[str]]) -> None:
    assert sorted(host(project, *(f"{name}.py" for name in AT))) == sorted(FAULTS)


@pytest.mark.parametrize("host", [by_flake8, by_pylint])
def test_naming_all_of_it(project: Hosting, host: Callable[..., list[str]]) -> None:
    left_out = TOO_MUCH | (ENDS_FLAKE8 if host is by_flake8 else set())
    names = [name.replace(" ", "_") for name in CONTENTS if name not in left_out]
    told = host(project, *(f"{name}.py" for name in (*AT, *names, "gone", "absent")))
    assert [each for each in sorted(told) if "SVC101" in each] == sorted(FAULTS)
    for name in (*names, "gone", "absent"):
        [line] = [each for each in told if each.startswith(f"{name}.py:")]
        assert line.split()[1].startswith(("SVC004", "E9", "E0001", "F00")), line


@pytest.mark.parametrize("host", [by_flake8, by_pylint])
def test_a_file_that_vanishes_during_the_run(
    project: Hosting, host: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from servicelint.run import Run

    check = Run._from_nothing

    def vanishing(self: Run, *given: object) -> object:
        (project.folder / "windows.py").unlink(missing_ok=True)
        return check(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Run, "_from_nothing", vanishing)
    assert sorted(host(project, "good.py", "latin.py")) == ["good.py:5 SVC101", "latin.py:6 SVC101"]
    assert not (project.folder / "windows.py").exists()


@pytest.mark.skipif(not unprivileged.IS_POSSIBLE, reason="root may read everything here")
@pytest.mark.parametrize(
    "host",
    [
        ["flake8", "-j1", "--select=SVC", "--servicelint-scope=program"],
        ["pylint", "--load-plugins=servicelint.pylint", "--disable=all", f"--enable={','.join(PYLINT_IDS)}"],
    ],
    ids=["flake8", "pylint"],
)
def test_what_may_not_be_read_beside_it(project: Hosting, host: list[str]) -> None:
    secret = project.folder / "secret"
    project.write({"secret/a.py": LOUD, "hidden.py": LOUD})
    (project.folder / "hidden.py").chmod(0)
    secret.chmod(0)
    try:
        done = subprocess.run(
            unprivileged.python("-m", *host, "good.py", "latin.py"),
            cwd=project.folder,
            env=project.environment,
            capture_output=True,
            check=False,
            text=True,
            timeout=project.patience,
        )
    finally:
        secret.chmod(0o700)
    assert done.stderr == ""
    found = [line for line in done.stdout.splitlines() if "SVC" in line or "W9" in line]
    assert [line.split(":")[0] for line in found] == ["good.py", "latin.py"]
    assert all("requests.get can wait for ever" in line for line in found)


def test_folders_without_python(project: Hosting) -> None:
    (project.folder / "data").mkdir()
    done = project.flake8("data")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert project.pylint("data") == ([], "")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("selct = []", "selct: unknown key; did you mean `select`?"),
        ("select = 5", "select: expected `array`, got `int`"),
        ("[timeouts]\nmax-seconds = 'x'", "timeouts.max-seconds: expected `float | null`, got `str`"),
        ("select = [", "not TOML: "),
        ("select = ['NONE']", "no rule matches `select`: NONE"),
        ("exclude = ['!']", "exclude: "),
    ],
)
def test_settings_that_cannot_be_used(project: Hosting, settings: str, said: str) -> None:
    project.write({"servicelint.toml": settings})
    done = project.flake8("good.py")
    assert done.returncode == 1
    assert said in done.stdout
    assert done.stdout.count("\n") == 2, "flake8's own line and ours"
    with pytest.raises(SystemExit, match="servicelint: ") as ended:
        project.pylint("good.py")
    assert said in str(ended.value)
    assert "\n" not in str(ended.value)
    command_line = project.servicelint("check")
    assert command_line.returncode == 2
    assert said in command_line.stderr
    assert command_line.stderr.count("\n") == 1
