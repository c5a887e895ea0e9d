"""The handlers found are those that each framework would run, by its own account."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from servicelint.config import Config
from servicelint.run import Run
from servicelint.sources.discovery import select
from tests.handlers.tables import module_of

pytestmark = [pytest.mark.slow, pytest.mark.libraries]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
APPS = sorted(
    path.stem for path in (HERE / "apps").iterdir() if path.stem.endswith("_app") and path.suffix != ".yaml"
)


@pytest.mark.parametrize("app", APPS)
def test_handlers_are_those_of_the_route_table(app: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "tests.handlers.tables", app],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "EVENTLET_NO_GREENDNS": "yes"},  # with it, nameko can't start beside trio
    )
    if "ModuleNotFoundError" in printed.stderr:
        pytest.skip(printed.stderr.splitlines()[-1])
    assert printed.returncode == 0, printed.stderr
    table = {line.split()[1].replace("<locals>.", "") for line in printed.stdout.splitlines()}
    assert table, "the framework runs nothing"
    assert found_in(app) == table


def found_in(app: str) -> set[str]:
    """The handlers that the program finds in an application's module."""
    target = HERE / "apps" / app
    path = target if target.is_dir() else target.with_suffix(".py")
    program = Run(select([path], ROOT, include_tests=True), Config(), ROOT).program
    handlers = [each for each in program.handlers.all() if each.is_entry]
    ending = module_of(app).rpartition(".")[2]
    return {each.name for each in handlers if each.function.module.name.endswith(ending)}
