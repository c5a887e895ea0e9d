"""The hook, as pre-commit runs it: from the repository, in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.hosts.hosting import CALLER, FOUND, WRAPPER

ROOT = Path(__file__).parents[2]


def test_the_hook_runs_once_for_the_whole_program() -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert hook["id"] == "servicelint"
    assert hook["entry"].split()[0] == "servicelint"
    assert hook["require_serial"] is True
    assert hook["pass_filenames"] is False


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_try_repo(tmp_path: Path) -> None:
    """Needs a package index: pre-commit installs the hook with what it depends on."""
    project = tmp_path / "project"
    (project / "shop").mkdir(parents=True)
    files = {"__init__": "", "http": WRAPPER, "users": CALLER}
    for name, text in files.items():
        (project / "shop" / f"{name}.py").write_text(text)
    environment = {
        **os.environ,
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=project,
            env=environment,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=600,
        )

    def hook() -> subprocess.CompletedProcess[str]:
        return run(sys.executable, "-m", "pre_commit", "try-repo", str(ROOT), "servicelint", "--all-files")

    assert run("git", "init", "-q").returncode == 0
    assert run("git", "add", ".").returncode == 0
    loud = hook()
    assert loud.returncode == 1, loud.stdout + loud.stderr
    assert f"shop/users.py:4:12: {FOUND}" in loud.stdout
    (project / "shop" / "users.py").write_text(CALLER.replace('users")', 'users", timeout=3)'))
    quiet = hook()
    assert quiet.returncode == 0, quiet.stdout + quiet.stderr
    assert "Passed" in quiet.stdout
