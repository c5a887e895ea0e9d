"""The gate leaves nothing out: with every call of every module evaluated, the same is found.

``SERVICELINT_CHECKOUTS`` names a folder of real programs to try too (choose with ``-k``: a large one takes
minutes), ``SERVICELINT_CODES`` the rules, comma-separated, if not all.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from servicelint import registry
from servicelint.config import Config, read_folder
from servicelint.program.carriers.worklist import Carriers
from servicelint.run import Run
from servicelint.sources.discovery import select
from tests import generated
from tests.test_resume import CROWDS, PROJECTS, edit

if TYPE_CHECKING:
    from servicelint.facts.record import Call
    from servicelint.program.linking.modules import Module
    from servicelint.result import Result

EDITS = 3

PROGRAMS = 10
"""How many generated programs are tried."""

CHECKOUTS = os.environ.get("SERVICELINT_CHECKOUTS", "")
CODES = tuple(filter(None, os.environ.get("SERVICELINT_CODES", "").split(",")))


class EverythingMatters(Carriers):
    """A gate that stands open: marks begin in every module, and every call may be one that sends."""

    def _seeds(self) -> list[Module]:
        return list(self.program.modules.modules)

    def _stands_by(self, module: Module) -> bool:
        return False

    def may_send(self, module: Module, call: Call) -> bool:
        return True


def result_of(folder: Path) -> Result:
    config = read_folder(folder) or Config()
    rules = registry.selected(CODES, ()) if CODES else registry.rules().values()
    return Run(select([folder], folder), config, folder).check(rules)


def ungated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    with monkeypatch.context() as patch:
        patch.setattr("servicelint.program.program.Carriers", EverythingMatters)
        return result_of(folder)


@pytest.mark.parametrize("origin", [*PROJECTS, *CROWDS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_gate_changes_nothing(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "program"
    shutil.copytree(origin, folder, ignore=shutil.ignore_patterns("__pycache__"))
    chosen = random.Random(origin.name)
    for number in range(EDITS + 1):
        what = edit(folder, chosen) if number else "as it is"
        gated, expected = result_of(folder), ungated(folder, monkeypatch)
        assert (gated.findings, gated.sites) == (expected.findings, expected.sites), what


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_generated_programs(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = random.Random(seed)
    folder = tmp_path / "program"
    generated.made(chosen, folder)
    for number in range(EDITS + 1):
        what = generated.write_file(folder, chosen) if number else "as made"
        gated, expected = result_of(folder), ungated(folder, monkeypatch)
        assert not gated.tracebacks
        assert (gated.findings, gated.sites, gated.unknown) == (
            expected.findings, expected.sites, expected.unknown,
        ), what  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not CHECKOUTS, reason="SERVICELINT_CHECKOUTS names no folder")
@pytest.mark.parametrize("name", sorted(os.listdir(CHECKOUTS)) if CHECKOUTS else [""])  # noqa: PTH208
def test_real_programs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(CHECKOUTS, name).resolve()
    if not folder.is_dir():
        pytest.skip("not a folder")
    gated, expected = result_of(folder), ungated(folder, monkeypatch)
    print(f"{name}: {gated.files} files, {len(gated.findings)} findings, {sum(gated.sites.values())} sites")
    assert (gated.findings, gated.sites) == (expected.findings, expected.sites)
