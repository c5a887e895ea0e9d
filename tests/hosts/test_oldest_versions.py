"""The hosts at the lowest versions of flake8, pylint and all else that pyproject.toml claims."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]

BESIDE = ["filelock", "hypothesis", "pytest", "pytest-xdist", "sqlglot"]
"""What the tests themselves need, in any version."""


def lowest(requirement: str) -> str:
    """A requirement with its lower bound as the only version."""
    return re.sub(r">=([\w.]+)", r"==\1", requirement)


def test_what_lowest_means() -> None:
    assert lowest("tomli>=2.0; python_version < '3.11'") == "tomli==2.0; python_version < '3.11'"


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.skipif(
    "SERVICELINT_OLDEST" not in os.environ, reason="SERVICELINT_OLDEST is not set: takes minutes"
)
def test_the_hosts_at_the_lowest_versions(tmp_path: Path) -> None:
    """Run it with the oldest Python that is supported: ``SERVICELINT_OLDEST=1 python3.10 -m pytest …``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    pinned = [lowest(each) for each in (*project["dependencies"], *extras["flake8"], *extras["pylint"])]
    python = str(tmp_path / "venv" / "bin" / "python")
    for command in (
        [sys.executable, "-m", "venv", str(tmp_path / "venv")],
        [python, "-m", "pip", "install", "--quiet", *pinned, *BESIDE, str(ROOT)],
        [python, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "-m", "not slow", "tests/hosts"],
    ):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True, timeout=3600)
        assert done.returncode == 0, done.stdout + done.stderr
