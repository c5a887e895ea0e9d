"""The command beside bandit and ruff: ``python -m tests.benchmarks.command CHECKOUT [FILE] [RULES]``.

Installs them in an environment of their own. ``FILE`` is the one that is changed: by default the middle one.
``RULES`` are those to select. With two processes, cold and warm, as the figures to reach are given.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tests.benchmarks.measuring import Cost, cost, heading, show

PEERS = ("bandit", "ruff")
TOOL = [sys.executable, "-m", "servicelint"]
REPEATS = 3


def peers(folder: Path) -> dict[str, str]:
    """The commands of the peers, installed in a folder."""
    venv.create(folder, with_pip=True)
    programs = folder / "bin"
    subprocess.run([programs / "pip", "install", "--quiet", *PEERS], check=True)
    return {name: str(programs / name) for name in PEERS}


def middle(checkout: Path) -> Path:
    """The file in the middle of a checkout."""
    files = sorted(checkout.rglob("*.py"))
    return files[len(files) // 2]


def changed(command: list[str], file: Path) -> Cost:
    """What it costs to check again after a change of one file."""
    content = file.read_bytes()
    try:
        costs = []
        for number in range(REPEATS):
            file.write_bytes(content + f"\n\ndef added_{number}():\n    return {number}\n".encode())
            costs.append(cost(command, file.parent))
        return Cost.least(costs)
    finally:
        file.write_bytes(content)


def table(checkout: Path, file: Path, scratch: Path, rules: list[str]) -> None:
    """Print the table."""
    programs = peers(scratch / "peers")
    check = [*TOOL, "check", "--jobs", "2", "--exit-zero", *rules, str(checkout)]
    cached = [*check, "--cache-dir", str(scratch / "cache")]
    heading(*PEERS)
    bandit = cost([programs["bandit"], "-q", "-r", "-t", "B113", str(checkout)], scratch)
    ruff = cost(
        [programs["ruff"], "check", "--isolated", "--select", "S113", "--no-cache", str(checkout)], scratch
    )
    show("bandit -r -t B113", bandit)
    show("ruff check --select S113 --no-cache", ruff, bandit)
    show("check --no-cache", cost([*check, "--no-cache"], scratch), bandit, ruff)
    show("check, with an empty cache", cost(cached, scratch), bandit, ruff)
    warm = Cost.least([cost(cached, scratch) for _ in range(REPEATS)])
    show("check, nothing changed", warm, bandit, ruff)
    show(f"check, {file.name} changed", changed(cached, file), bandit, ruff)
    show("servicelint --version", cost([*TOOL, "--version"], scratch))
    show("python -c pass", cost([sys.executable, "-c", "pass"], scratch))


def main() -> None:
    """Print one table."""
    checkout = Path(sys.argv[1]).resolve()
    file = checkout / sys.argv[2] if len(sys.argv) > 2 and sys.argv[2] else middle(checkout)
    rules = ["--select", sys.argv[3]] if len(sys.argv) > 3 else []
    with tempfile.TemporaryDirectory() as scratch:
        table(checkout, file, Path(scratch), rules)


if __name__ == "__main__":
    main()
