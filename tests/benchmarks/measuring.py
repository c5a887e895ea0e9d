"""What commands cost. Only ratios of one table mean something: machines are noisy."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Cost(NamedTuple):
    """Seconds by the clock and of all processors; the peak memory of the largest process, in MB."""

    wall: float
    processor: float
    memory: float

    @classmethod
    def least(cls, costs: list[Cost]) -> Cost:
        """The run that was disturbed least."""
        return min(costs)


def cost(
    command: list[str], folder: Path, environment: dict[str, str] | None = None, text: bytes = b""
) -> Cost:
    """What a command costs, in a folder, with a standard input and its output thrown away.

    Its byte code may be kept, as where it is installed: peers' is, since pip installs them.
    """
    inherited = {name: each for name, each in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**inherited, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.close()
    _, _, used = os.wait4(process.pid, 0)  # of this process and those that it waited for
    process.returncode = 0
    wall = time.perf_counter() - start
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def show(name: str, measured: Cost, *others: Cost) -> None:
    """Print a line of a table: the cost, and its ratio to others by the clock and by processor time."""
    ratios = "".join(
        f"{measured.wall / each.wall:9.3f} {measured.processor / each.processor:9.3f} "
        f"{measured.wall - each.wall:+9.2f}"
        for each in others
    )
    own = f"{measured.wall:9.2f} {measured.processor:9.2f} {measured.memory:6.0f}"
    print(f"{name:44} {own} {ratios}", flush=True)


def heading(*others: str) -> None:
    """Print the heading of a table with ratios to ``others``."""
    ratios = "".join(f"{'x ' + name:>9} {'processor':>9} {'more (s)':>9}" for name in others)
    print(f"{'':44} {'wall (s)':>9} {'processor':>9} {'MB':>6} {ratios}")
