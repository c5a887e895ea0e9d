"""A project in a folder of its own, and the programs that check it."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING
from unittest import mock

import astroid
import flake8.main.cli
import flake8.utils
from pylint.lint import Run
from pylint.reporters import CollectingReporter

from servicelint import registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pylint.message import Message

WRAPPER = """\
import requests

session = requests.Session()

def fetch(url, timeout=None):
    return session.get(url, timeout=timeout)
"""
"""A wrapper that leaves the timeout to its callers."""

CALLER = """\
from shop.http import fetch

def users():
    return fetch("http://users")
"""
FOUND = "SVC101 fetch can wait for ever: no `timeout` is given to fetch, which sets none of its own"

PYLINT_IDS = [rule.pylint_id for rule in registry.rules().values() if rule.on_by_default]
LOCAL_PLUGIN = "[flake8:local-plugins]\nextension = SVC = servicelint.hosts.flake8:Plugin\n"

COUNTING = """
import os
import servicelint.run
check = servicelint.run.Run._from_nothing
def counted(self, rules):
    with open(os.environ["LINKED"], "a") as file:
        file.write("linked\\n")
    return check(self, rules)
servicelint.run.Run._from_nothing = counted
"""
"""Code that notes in a file each time that a program is linked, in whatever process."""


class Hosting:
    """Runs programs in a folder, with a cache of its own. ``patience`` is how many seconds they may take."""

    patience = 120.0

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.cache = cache
        self.environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(cache),
            "LOCALAPPDATA": str(cache),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        (folder / ".git").mkdir(parents=True)
        if not any(point.name == "SVC" for point in entry_points(group="flake8.extension")):
            (folder / ".flake8").write_text(LOCAL_PLUGIN)  # installed before there was a plugin

    def write(self, files: dict[str, str]) -> None:
        """Write files by their paths."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())

    def run(self, *arguments: str, text: str = "", code: str = "") -> subprocess.CompletedProcess[str]:
        """Run a module, or code, with this interpreter; ``text`` is its standard input."""
        program = ["-c", code] if code else ["-m"]
        return subprocess.run(
            [sys.executable, *program, *arguments],
            cwd=self.folder,
            env=self.environment,
            input=text,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=self.patience,
        )

    def flake8(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run flake8 for our codes, in this process: starting another takes most of the time."""
        arguments = ("-j1", "--select=SVC", *arguments)
        flake8.utils.stdin_get_value.cache_clear()
        with self._inside(text) as (out, error):
            status = flake8.main.cli.main(list(arguments))
        return subprocess.CompletedProcess(arguments, status, _content(out), _content(error))

    def pylint(self, *arguments: str, text: str = "") -> tuple[list[Message], str]:
        """Run pylint for our ids, in this process: its messages, and what was said to stderr."""
        astroid.MANAGER.clear_cache()
        options = ("--load-plugins=servicelint.pylint", "--disable=all", f"--enable={','.join(PYLINT_IDS)}")
        with self._inside(text) as (_, error):
            reporter = CollectingReporter()  # shows paths from the working directory
            Run([*options, *arguments], reporter=reporter, exit=False)
        return reporter.messages, _content(error)

    @contextlib.contextmanager
    def _inside(self, text: str) -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
        """This process in the folder, with streams of its own."""
        inner, out, error = (
            io.TextIOWrapper(io.BytesIO(each), "utf-8") for each in (text.encode(), b"", b"")
        )
        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.dict(os.environ, self.environment))
            stack.callback(os.chdir, os.getcwd())  # noqa: PTH109 - goes back to where it was
            os.chdir(self.folder)
            stack.enter_context(mock.patch.object(sys, "stdin", inner))
            stack.enter_context(contextlib.redirect_stdout(out))
            stack.enter_context(contextlib.redirect_stderr(error))
            yield out, error

    def count_linking(self, folder: Path) -> Path:
        """The file with a line for each time that a process started from here links a program."""
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(COUNTING)
        self.environment |= {"PYTHONPATH": str(folder / "site"), "LINKED": str(folder / "linked")}
        return folder / "linked"

    def servicelint(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run servicelint."""
        return self.run("servicelint", *arguments)


def _content(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()
