"""Whether the handlers found in real applications are those of their route tables.

``python -m tests.handlers.compare_applications FOLDER [NAME ...]`` installs each application from the package
index into an environment of its own below ``FOLDER`` (once), reads its routes there from the running
framework, looks for handlers of requests in its source, and prints a table. It ends with 1 if fewer than 0.97
are found in one, or one is invented: neither a route's nor a method of a view class, which its framework runs
once it is routed. Some of these take minutes to install, so this is no part of the tests.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import NamedTuple

from servicelint.config import Config
from servicelint.run import Run
from servicelint.sources.discovery import select
from servicelint.workers import at_full_speed
from tests.handlers.application_tables import IF_ROUTED

ROOT = Path(__file__).parents[2]
LEAST = 0.97

APPLICATIONS = {
    "mlflow": ("mlflow[auth,gateway]==3.17.2",),
    "prefect": ("prefect==3.8.8", "fastapi<0.120"),
    "jupyter_server": ("jupyter_server==2.21.1",),
    "wagtail": ("wagtail==8.0.1", "django-ninja"),
    "open_webui": ("open-webui==0.12.4",),
    "superset": ("apache-superset==6.1.0", "flask-caching<2.3"),
}
"""What is installed for each."""


class Compared(NamedTuple):
    """What routes of a package name, what further view classes have, and what is found."""

    routed: set[str]
    views: set[str]
    found: set[str]

    @property
    def share(self) -> float:
        """The part of the routes that is found."""
        return len(self.routed & self.found) / len(self.routed)

    @property
    def invented(self) -> set[str]:
        """What is found and is no handler."""
        return self.found - self.routed - self.views


def python_of(name: str, folder: Path) -> Path:
    """The interpreter of an application's environment, which is made if need be."""
    home = folder / name
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *APPLICATIONS[name]], check=True)
    return python


def compared(name: str, folder: Path) -> Compared:
    """What an application says it would run, of its own package, and what is found there."""
    python = python_of(name, folder)
    command = [python, "-m", "tests.handlers.application_tables", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        raise SystemExit(f"{name} does not start:\n{done.stderr}")
    lines = [line.replace("<locals>.", "") for line in done.stdout.splitlines()]
    own = (f"{name}.", f"{name} ")
    return Compared(
        {line for line in lines if line.startswith(own)},
        {line.removeprefix(IF_ROUTED) for line in lines if line.removeprefix(IF_ROUTED).startswith(own)},
        found_in(name, python),
    )


def found_in(name: str, python: Path) -> set[str]:
    """The handlers that are found in the source of the package."""
    where = f"import importlib.util as u; print(u.find_spec({name!r}).submodule_search_locations[0])"
    printed = subprocess.run([python, "-c", where], cwd="/", capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory() as folder, at_full_speed():  # what is in an environment is left out
        package = Path(folder, name)
        shutil.copytree(printed.stdout.strip(), package)
        selection = select([package], Path(folder), include_tests=False)
        handlers = Run(selection, Config(), Path(folder)).program.handlers.all()
        requested = [each for each in handlers if each.kind in ("request", "websocket")]
        named = {(dotted(each.function.module.path, folder), each.name) for each in requested}
        return {f"{module} {handler}" for module, handler in named if not module.endswith(".tests")}


def dotted(path: str, root: str) -> str:
    """A module's name by its path, also where a folder between has no ``__init__.py``."""
    return ".".join(Path(path).relative_to(Path(root).resolve()).with_suffix("").parts).removesuffix(
        ".__init__"
    )


def main(folder: Path, names: list[str]) -> int:
    """Compare, and print the table; gives the exit status."""
    is_good = True
    print(f"{'application':16} {'routed':>7} {'found':>6} {'share':>6} {'other views':>12} {'invented':>9}")
    for name in names or list(APPLICATIONS):
        each = compared(name, folder)
        hits, others = len(each.routed & each.found), len(each.found & each.views - each.routed)
        counts = f"{hits:6} {each.share:6.3f} {others:12} {len(each.invented):9}"
        print(f"{name:16} {len(each.routed):7} {counts}", flush=True)
        for title, lines in (("missed", each.routed - each.found), ("invented", each.invented)):
            print("".join(f"    {title}: {line}\n" for line in sorted(lines)), end="")
        is_good = is_good and each.share >= LEAST and not each.invented
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
