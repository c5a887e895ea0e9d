"""How long boundaries take on a large package, beside import-linter and tach in one run.

On demand: ``SERVICELINT_PACKAGES=folder/homeassistant pytest -s tests/boundaries/test_speed.py``. Each tool
runs cold (without its cache) and warm, in turns, and its best time counts.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SERVICES = 50
ROUNDS = 3
MOST_COLD, MOST_WARM = 3.0, 1.0
"""Times what import-linter takes, cold and warm."""

Command = list[str | Path]
NAMED = [each for each in os.environ.get("SERVICELINT_PACKAGES", "").split(":") if each]


@pytest.mark.parametrize("named", NAMED)
def test_it_is_about_as_fast_as_import_linter(named: str, tmp_path: Path) -> None:
    folder = tmp_path / "program"
    shutil.copytree(named, folder / Path(named).name)
    declare(folder, components(folder / Path(named).name, folder))
    tools = Path(sys.executable).parent
    ours: Command = [tools / "servicelint", "check", "--select", "SVC4", "--cache-dir", tmp_path / "ours"]
    theirs: Command = [tools / "lint-imports", "--cache-dir", tmp_path / "theirs"]
    tachs: Command = [tools / "tach", "check"]
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for cache in ("ours", "theirs"):
            shutil.rmtree(tmp_path / cache, ignore_errors=True)
        for name, command in (
            ("ours cold", ours), ("import-linter cold", theirs), ("tach", tachs), ("ours warm", ours),
            ("import-linter warm", theirs),
        ):  # fmt: skip
            best[name] = min(best.get(name, 1e9), seconds(command, folder))
    cold, warm = (
        best["ours cold"] / best["import-linter cold"],
        best["ours warm"] / best["import-linter warm"],
    )
    shown = ", ".join(f"{name} {took:.2f} s" for name, took in best.items())
    print(f"\n{named}: {shown}; cold {cold:.2f} and warm {warm:.2f} times import-linter, ", end="")
    beside_tach = [best[name] / best["tach"] for name in ("ours cold", "ours warm")]
    print(f"cold {beside_tach[0]:.2f} and warm {beside_tach[1]:.2f} times tach")
    assert cold <= MOST_COLD
    assert warm <= MOST_WARM


def seconds(command: Command, folder: Path) -> float:
    """How long a command takes; its byte code may be kept, as where it is installed."""
    environment = {name: each for name, each in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return time.perf_counter() - start


def components(package: Path, folder: Path) -> list[str]:
    """Packages two levels below the top, spread over all of them; one level where that gives too few."""
    for pattern in ("*/*/__init__.py", "*/__init__.py"):
        found = sorted(path.parent for path in package.glob(pattern))
        if len(found) >= SERVICES:
            chosen = found[:: len(found) // SERVICES][:SERVICES]
            return [".".join(path.relative_to(folder).parts) for path in chosen]
    raise AssertionError("too few packages")


def declare(folder: Path, names: list[str]) -> None:
    """The same rule for each tool: none of these may import another, directly or indirectly."""
    ours = ["root = true", *(f"[services.{name.rpartition('.')[2]}]\nmodules = ['{name}']" for name in names)]
    (folder / "servicelint.toml").write_text("\n".join(ours), "utf-8")
    listed = "".join(f"\n    {name}" for name in names)
    top = names[0].partition(".")[0]
    (folder / ".importlinter").write_text(
        f"[importlinter]\nroot_package = {top}\n\n"
        "[importlinter:contract:1]\nname = apart\ntype = independence\n"
        f"modules ={listed}\n",
        "utf-8",
    )
    tachs = [
        'source_roots = ["."]',
        *(f"[[modules]]\npath = {json.dumps(name)}\ndepends_on = []" for name in names),
    ]
    (folder / "tach.toml").write_text("\n".join(tachs), "utf-8")
