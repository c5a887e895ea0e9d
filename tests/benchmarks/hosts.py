"""What the plugins cost their hosts: ``python -m tests.benchmarks.hosts flake8|pylint CHECKOUT [FILE]``.

All runs of a table are made one after the other on the same machine; only their ratios mean something.
``FILE`` is checked alone, as editors do; by default it is the checkout's largest file.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

WITHOUT_PLUGIN = """
import importlib.metadata as metadata
every = metadata.distributions
metadata.distributions = lambda: (each for each in every() if each.metadata["name"] != "servicelint")
"""
FLAKE8 = "import sys; from flake8.main.cli import main; sys.exit(main(sys.argv[1:]))"
PYLINT = "import sys; from pylint import run_pylint; run_pylint(sys.argv[1:])"
REPEATS = 5


class Cost(NamedTuple):
    """Seconds: by the clock, and of all processors."""

    wall: float
    processor: float

    @classmethod
    def least(cls, costs: list[Cost]) -> Cost:
        """The run that was disturbed least."""
        return min(costs)


class Bench:
    """Runs a host on a checkout, with a cache of its own."""

    def __init__(self, checkout: Path, cache: Path) -> None:
        self.checkout = checkout
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}

    def run(self, code: str, *arguments: str, text: bytes = b"") -> Cost:
        """Run Python code with arguments and a standard input."""
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=self.checkout,
            env=self.environment,
            input=text,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Cost(wall, used)

    def often(self, code: str, *arguments: str, texts: list[bytes] | None = None) -> Cost:
        """The least of several runs, each with a text of its own if there are some."""
        given = texts or [b""] * REPEATS
        return Cost.least([self.run(code, *arguments, text=text) for text in given])


def flake8(bench: Bench, file: str) -> None:
    """The table for flake8."""
    plain = bench.run(WITHOUT_PLUGIN + FLAKE8, "--isolated", "-j2", ".")
    show("flake8 alone", plain)
    show("with the plugin, cold", bench.run(FLAKE8, "--isolated", "-j2", "."), plain)
    show("with the plugin, warm", bench.run(FLAKE8, "--isolated", "-j2", "."), plain)
    source = (bench.checkout / file).read_bytes()
    texts = [source + f"\n# {number}\n".encode() for number in range(REPEATS)]
    named = ("--isolated", f"--stdin-display-name={file}", "-")
    one = bench.often(WITHOUT_PLUGIN + FLAKE8, *named, texts=texts)
    show(f"{file} alone", one)
    show("the same with the plugin, unchanged", bench.often(FLAKE8, "--isolated", file), one)
    show("the same, a changed buffer", bench.often(FLAKE8, *named, texts=texts), one)
    scope = "--servicelint-scope=file"
    show("the same, with what it imports", bench.often(FLAKE8, scope, *named, texts=texts), one)


def pylint(bench: Bench, file: str) -> None:
    """The table for pylint."""
    del file
    plugin = "--load-plugins=servicelint.pylint"
    plain = bench.run(PYLINT, "-j2", "--recursive=y", ".")
    show("pylint alone", plain)
    show("with the plugin, cold", bench.run(PYLINT, "-j2", "--recursive=y", plugin, "."), plain)
    show("with the plugin, warm", bench.run(PYLINT, "-j2", "--recursive=y", plugin, "."), plain)


def show(name: str, cost: Cost, plain: Cost | None = None) -> None:
    """Print a line of the table."""
    ratio = "" if plain is None else f"{cost.wall / plain.wall:7.2f} {cost.wall - plain.wall:+8.2f} s"
    processor = "" if plain is None else f"{cost.processor / plain.processor:7.2f}"
    print(f"{name:60} {cost.wall:8.2f} s {cost.processor:8.2f} s {ratio} {processor}", flush=True)


def largest(checkout: Path) -> str:
    """The largest Python file below a folder."""
    file = max(checkout.rglob("*.py"), key=lambda path: path.stat().st_size)
    return file.relative_to(checkout).as_posix()


def main() -> None:
    """Print one table."""
    host, checkout = sys.argv[1], Path(sys.argv[2]).resolve()
    file = sys.argv[3] if len(sys.argv) > 3 else largest(checkout)
    print(f"{'':60} {'wall':>10} {'processor':>10} {'ratio':>7} {'more':>10} {'ratio (processor)'}")
    with tempfile.TemporaryDirectory() as cache:
        {"flake8": flake8, "pylint": pylint}[host](Bench(checkout, Path(cache)), file)


if __name__ == "__main__":
    main()
