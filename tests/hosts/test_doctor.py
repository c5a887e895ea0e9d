"""``servicelint doctor``: what is there, and what is broken, on one screen."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

import servicelint

if TYPE_CHECKING:
    from pathlib import Path

FAILING_PLUGIN = """
from importlib import metadata
from servicelint import plugins

def added(group):
    return [metadata.EntryPoint("acme", "acme_rules", group)]

plugins.added = added
from servicelint.hosts.cli import main
main()
"""


def run(folder: Path, *arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    program = ["-c", code] if code else ["-m", "servicelint"]
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def doctor(folder: Path, *arguments: str, code: str = "") -> tuple[int, dict[str, str]]:
    """The exit status and what is said by subject."""
    done = run(folder, "doctor", "--cache-dir", "cache", *arguments, code=code)
    assert done.stderr == ""
    said: dict[str, str] = {}
    subject = ""
    for line in done.stdout.splitlines():
        subject = line[:13].strip() or subject
        said[subject] = f"{said.get(subject, '')} {line[13:]}".strip()
    assert len(done.stdout.splitlines()) < 25
    return done.returncode, said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    for name in ("src/shop/__init__", "src/shop/a", "tests/test_a", "src/shop/a_pb2", "vendor/b", "old/c"):
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "servicelint.toml").write_text("exclude = ['old/']\n[timeouts]\nmax-seconds = 30\n")
    return tmp_path


def test_all_is_well(folder: Path) -> None:
    status, said = doctor(folder)
    assert status == 0, said
    assert said["servicelint"].startswith(f"{servicelint.__version__} in ")
    assert sys.executable in said["Python"]
    assert said["flake8"] == f"{metadata.version('flake8')} sees servicelint"
    assert said["pylint"] == f"{metadata.version('pylint')} sees servicelint"
    assert "SVC101" in said["Rules"]
    assert said["Settings"] == f"{folder / 'servicelint.toml'}: exclude, timeouts.max-seconds"
    assert said["Program"] == f"{folder} imports start from: ., old, src, tests, vendor"
    assert said["Files"] == "2 checked; left out: 1 excluded, 1 generated, 1 tests, 1 vendored or migrations"
    assert "writable" in said["Cache"]
    assert said["Verdict"] == "all is well"


def test_the_cache_is_counted(folder: Path) -> None:
    (folder / "src" / "shop" / "a.py").write_text("import requests\nrequests.get('u', timeout=3)\n")
    assert run(folder, "check", "--cache-dir", "cache").returncode == 0
    assert "1 facts" in doctor(folder)[1]["Cache"]


def test_settings_that_are_wrong(folder: Path) -> None:
    (folder / "servicelint.toml").write_text("selct = []")
    status, said = doctor(folder)
    assert status == 2
    assert "BROKEN: " in said["Settings"]
    assert "selct: unknown key; did you mean `select`?" in said["Settings"]
    assert said["Verdict"] == "1 broken"


def test_a_cache_that_cannot_be_used(folder: Path) -> None:
    (folder / "cache").write_text("a file in the way")
    status, said = doctor(folder)
    assert status == 2
    assert said["Cache"].startswith("BROKEN: ")
    assert "--cache-dir" in said["Cache"]


def test_a_rule_that_cannot_be_loaded(folder: Path) -> None:
    status, said = doctor(folder, code=FAILING_PLUGIN)
    assert status == 2
    assert "BROKEN: acme = acme_rules can't be loaded: ModuleNotFoundError" in said["Rules"]
    assert "SVC101" in said["Rules"]


def test_a_run_goes_on_without_a_rule_that_cannot_be_loaded(folder: Path) -> None:
    (folder / "src" / "shop" / "a.py").write_text("import requests\nrequests.get('u')\n")
    done = run(folder, "check", "--no-cache", code=FAILING_PLUGIN)
    assert done.returncode == 3
    assert "SVC101" in done.stdout
    assert done.stderr.count("\n") == 1
    assert "rule acme = acme_rules can't be loaded: ModuleNotFoundError" in done.stderr


def test_without_the_other_linters(folder: Path) -> None:
    code = (
        "from importlib import metadata; real = metadata.version\n"
        "def version(name):\n"
        "    if name in ('flake8', 'pylint'): raise metadata.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "metadata.version = version\n"
        "from servicelint.hosts.cli import main; main()"
    )
    status, said = doctor(folder, code=code)
    absent = "not installed beside servicelint"
    assert (status, said["flake8"], said["pylint"]) == (0, absent, absent)


BLIND = """
from servicelint.hosts import doctor
said = doctor._said
def without_us(module, *arguments):
    return said(module, *(each for each in arguments if "servicelint" not in each)).replace("SVC", "")
doctor._said = without_us
doctor.metadata.entry_points = lambda *, group: []
from servicelint.hosts.cli import main
main()
"""
"""Linters that were told nothing of us: the entry point is gone, and pylint loads no plugin."""


def test_linters_that_do_not_see_us(folder: Path) -> None:
    status, said = doctor(folder, code=BLIND)
    assert status == 2
    assert said["flake8"].startswith("BROKEN: ")
    assert said["flake8"].endswith("its entry point is not installed; reinstall servicelint")
    assert said["pylint"].startswith(
        f"BROKEN: {metadata.version('pylint')} does not see servicelint: asked for"
    )
    assert said["Verdict"] == "2 broken"


def test_nothing_of_the_examined_tree_is_run(folder: Path) -> None:
    """A stranger's tree may hold modules that are called as the linters, and settings that run code."""
    evil = "open('ran', 'w').close()\n"
    for name in ("flake8", "pylint", "servicelint_evil"):
        (folder / f"{name}.py").write_text(evil)
    (folder / ".pylintrc").write_text(f"[MAIN]\ninit-hook={evil}")
    (folder / ".flake8").write_text(
        "[flake8:local-plugins]\nextension = X = servicelint_evil:Plugin\npaths = .\n"
    )
    status, said = doctor(folder)
    assert (status, said["Verdict"]) == (0, "all is well")
    assert not (folder / "ran").exists()


def test_a_folder_that_is_not_there(folder: Path) -> None:
    done = run(folder, "doctor", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "servicelint: nowhere: no such file or folder\n"
