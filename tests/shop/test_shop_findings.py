"""The check finds every planted fault of the shop, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from servicelint import registry
from servicelint.config import Config, read_folder
from servicelint.run import Run
from servicelint.sources.discovery import select
from tests.shop.shop_services import SHOP, SOURCE

MARKER = re.compile(r"# expect: (SVC\d{3})")


def test_every_planted_fault_is_found_and_nothing_else() -> None:
    planted = sorted(
        (path, number, code)
        for path in (*SOURCE.rglob("*.py"), SHOP / "pyproject.toml")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for code in MARKER.findall(line)
    )
    rules = [rule for rule in registry.rules().values() if rule.on_by_default]
    run = Run(select([SHOP], SHOP), read_folder(SHOP) or Config(), SHOP)
    findings = run.check(rules).findings
    assert (
        sorted((Path(each.place.path).resolve(), each.place.line, each.code) for each in findings) == planted
    )


def test_the_readme_shows_what_is_printed() -> None:
    """Its example is a finding of the shop, to the letter."""
    readme = (SHOP.parents[1] / "README.md").read_text("utf-8")
    shown = re.findall(r"^ *fixtures/shop/.*$", readme, re.MULTILINE)
    command = [sys.executable, "-m", "servicelint", "check", "--no-cache", "fixtures/shop"]
    printed = subprocess.run(command, cwd=SHOP.parents[1], capture_output=True, text=True, check=False).stdout
    assert len(shown) == 3
    assert "\n".join(shown) in printed
