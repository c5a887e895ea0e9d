"""What the plugins cost their hosts: ``python -m tests.benchmarks.hosts flake8|pylint CHECKOUT [FILE]``.

All runs of a table are made one after the other on the same machine; only their ratios mean something.
``FILE`` is checked alone, as editors do; by default it is the checkout's largest file.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import Cost, cost, heading, show

WITHOUT_PLUGIN = """
import importlib.metadata as metadata
every = metadata.distributions
metadata.distributions = lambda: (each for each in every() if each.metadata["name"] != "servicelint")
"""
FLAKE8 = "import sys; from flake8.main.cli import main; sys.exit(main(sys.argv[1:]))"
PYLINT = "import sys; from pylint import run_pylint; run_pylint(sys.argv[1:])"
REPEATS = 5


class Bench:
    """Runs a host on a checkout, with a cache of its own."""

    def __init__(self, checkout: Path, cache: Path) -> None:
        self.checkout = checkout
        self.cache = cache

    def run(self, code: str, *arguments: str, text: bytes = b"") -> Cost:
        """Run Python code with arguments and a standard input."""
        environment = {"XDG_CACHE_HOME": str(self.cache)}
        return cost([sys.executable, "-c", code, *arguments], self.checkout, environment, text)

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


def largest(checkout: Path) -> str:
    """The largest Python file below a folder."""
    file = max(checkout.rglob("*.py"), key=lambda path: path.stat().st_size)
    return file.relative_to(checkout).as_posix()


def main() -> None:
    """Print one table."""
    host, checkout = sys.argv[1], Path(sys.argv[2]).resolve()
    file = sys.argv[3] if len(sys.argv) > 3 else largest(checkout)
    heading("alone")
    with tempfile.TemporaryDirectory() as cache:
        {"flake8": flake8, "pylint": pylint}[host](Bench(checkout, Path(cache)), file)


if __name__ == "__main__":
    main()
