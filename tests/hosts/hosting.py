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

import flake8.main.cli
import flake8.utils

if TYPE_CHECKING:
    from pathlib import Path

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

LOCAL_PLUGIN = "[flake8:local-plugins]\nextension = SVC = servicelint.hosts.flake8:Plugin\n"


class Hosting:
    """Runs programs in a folder, with a cache of its own."""

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
            timeout=120,
        )

    def flake8(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run flake8 for our codes, in this process: starting another takes most of the time."""
        arguments = ("-j1", "--select=SVC", *arguments)
        flake8.utils.stdin_get_value.cache_clear()
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
            status = flake8.main.cli.main(list(arguments))
        said = [_content(stream) for stream in (out, error)]
        return subprocess.CompletedProcess(arguments, status, *said)

    def servicelint(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run servicelint."""
        return self.run("servicelint", *arguments)


def _content(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()
