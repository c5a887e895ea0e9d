"""The gate leaves nothing out: with every call of every module evaluated, the same is found."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import pytest

from servicelint import registry
from servicelint.config import Config, read_folder
from servicelint.program.carriers.worklist import Carriers
from servicelint.run import Run
from servicelint.sources.discovery import select
from tests.test_resume import CROWDS, PROJECTS, edit

if TYPE_CHECKING:
    from pathlib import Path

    from servicelint.facts.record import Call
    from servicelint.program.linking.modules import Module
    from servicelint.result import Result

EDITS = 3


class EverythingMatters(Carriers):
    """A gate that stands open: marks begin in every module, and every call may be one that sends."""

    def _seeds(self) -> list[Module]:
        return list(self.program.modules.modules)

    def may_send(self, module: Module, call: Call) -> bool:
        return True


def result_of(folder: Path) -> Result:
    config = read_folder(folder) or Config()
    return Run(select([folder], folder), config, folder).check(registry.rules().values())


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
