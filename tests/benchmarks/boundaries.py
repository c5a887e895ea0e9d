"""Boundaries beside import-linter and tach: ``python -m tests.benchmarks.boundaries PACKAGE [RULES]``.

Fifty services are declared over the package's components, none of which may import another, for each tool.
Each runs cold (without its cache) and warm, in turns, and its best time counts; only ratios of one table mean
something. ``RULES`` are those to select: by default those that the others have, too, on imports.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SERVICES = 50
ROUNDS = 3
RULES = "SVC401,SVC402,SVC408"

Command = list[str | Path]


def seconds(command: Command, folder: Path) -> float:
    """How long a command takes; its byte code may be kept, as where it is installed."""
    environment = {name: each for name, each in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr.decode())
    return time.perf_counter() - start


def components(package: Path, folder: Path) -> list[str]:
    """Packages two levels below the top, spread over all of them; one level where that gives too few."""
    for pattern in ("*/*/__init__.py", "*/__init__.py"):
        found = sorted(path.parent for path in package.glob(pattern))
        if len(found) >= SERVICES:
            chosen = found[:: len(found) // SERVICES][:SERVICES]
            return [".".join(path.relative_to(folder).parts) for path in chosen]
    raise SystemExit(f"{package} has less than {SERVICES} packages")


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


def best_times(folder: Path, caches: Path, rules: str) -> dict[str, float]:
    """The best time of each tool, cold and warm."""
    tools = Path(sys.executable).parent
    ours: Command = [tools / "servicelint", "check", "--select", rules, "--cache-dir", caches / "ours"]
    theirs: Command = [tools / "lint-imports", "--cache-dir", caches / "theirs"]
    tachs: Command = [tools / "tach", "check"]
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        shutil.rmtree(caches, ignore_errors=True)
        for name, command in (
            ("servicelint cold", ours), ("import-linter cold", theirs), ("tach", tachs),
            ("servicelint warm", ours), ("import-linter warm", theirs),
        ):  # fmt: skip
            best[name] = min(best.get(name, 1e9), seconds(command, folder))
    return best


def show(best: dict[str, float]) -> None:
    """Print the table: seconds, and how many times import-linter's and tach's."""
    print(f"{'':20} {'seconds':>8} {'of import-linter':>17} {'of tach':>8}")
    for name, took in best.items():
        theirs = best["import-linter warm" if name.endswith("warm") else "import-linter cold"]
        print(f"{name:20} {took:8.2f} {took / theirs:17.2f} {took / best['tach']:8.2f}")


def main() -> None:
    """Print one table."""
    package = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "program"
        shutil.copytree(package, folder / package.name)
        declare(folder, components(folder / package.name, folder))
        show(best_times(folder, Path(scratch) / "caches", sys.argv[2] if len(sys.argv) > 2 else RULES))


if __name__ == "__main__":
    main()
