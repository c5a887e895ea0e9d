"""Checking again says what checking from nothing says, whatever was edited: files, or what stands beside.

CI tries some programs; ``SERVICELINT_SECONDS=600`` goes on for that long, ``SERVICELINT_SEED`` begins at
another. ``SERVICELINT_CHECKOUTS`` names a folder of real programs, of which copies are edited.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from servicelint import registry
from servicelint.config import Config, ConfigError, read_folder
from servicelint.result import Result
from servicelint.run import Run
from servicelint.sources.cache import Cache
from servicelint.sources.discovery import select
from tests import generated, test_resume

PROGRAMS, EDITS = 10, 8
"""How many programs CI tries, and how often each is edited."""

SECONDS = float(os.environ.get("SERVICELINT_SECONDS", "0"))
SEED = int(os.environ.get("SERVICELINT_SEED", "0"))
CHECKOUTS = os.environ.get("SERVICELINT_CHECKOUTS", "")


def checked(folder: Path, cache: Path | None = None) -> Result | str:
    """What is found; or why the settings can't be used."""
    kept = Cache(cache) if cache else None
    try:
        config = read_folder(folder) or Config()
        selection = select([folder], folder, config.exclude, include_tests=config.include_tests)
        return Run(selection, config, folder, kept).check(registry.selected(config.select, config.ignore))
    except ConfigError as error:
        return str(error)
    finally:
        if kept:
            kept.close()


def hold(folder: Path, cache: Path, chosen: random.Random, edits: int) -> None:
    """Edit a program, and compare after each edit."""
    done = ["as made"]
    for number in range(edits + 1):
        if number:
            is_within = chosen.random() < 0.3 and any(folder.rglob("*.py"))
            done.append((test_resume.edit if is_within else generated.edit)(folder, chosen))
        expected = checked(folder)
        assert not isinstance(expected, Result) or not expected.tracebacks, done
        assert checked(folder, cache) == expected, done
        assert checked(folder, cache) == expected, [*done, "again"]


@pytest.mark.parametrize("seed", range(SEED, SEED + PROGRAMS))
def test_generated_programs(seed: int, tmp_path: Path) -> None:
    chosen = random.Random(seed)
    generated.made(chosen, tmp_path / "program")
    hold(tmp_path / "program", tmp_path / "cache", chosen, EDITS)


@pytest.mark.slow
@pytest.mark.skipif(not SECONDS, reason="SERVICELINT_SECONDS is not set")
def test_for_long(tmp_path: Path) -> None:
    end, seed = time.monotonic() + SECONDS, SEED
    while time.monotonic() < end:
        chosen = random.Random(f"long {seed}")
        generated.made(chosen, tmp_path / f"program{seed}")
        hold(tmp_path / f"program{seed}", tmp_path / "cache", chosen, 4 * EDITS)
        shutil.rmtree(tmp_path / f"program{seed}")
        seed += 1
    print(f"{seed - SEED} programs, edited {4 * EDITS} times each")


@pytest.mark.slow
@pytest.mark.skipif(not CHECKOUTS, reason="SERVICELINT_CHECKOUTS names no folder")
@pytest.mark.parametrize("name", ["flytekit"])
def test_real_programs(name: str, tmp_path: Path) -> None:
    shutil.copytree(Path(CHECKOUTS, name), tmp_path / name, ignore=shutil.ignore_patterns(".git"))
    hold(tmp_path / name, tmp_path / "cache", random.Random(SEED), max(EDITS, int(SECONDS / 20)))
