from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicelint import registry
from servicelint.rule import Findings, Module, Rule
from tests.hosts.hosting import CALLER, WRAPPER, Hosting

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Hosting:
    """A package whose one module calls a wrapper of the other without a timeout."""
    hosting = Hosting(tmp_path / "project", tmp_path / "cache")
    hosting.write({"shop/__init__.py": "", "shop/http.py": WRAPPER, "shop/users.py": CALLER})
    return hosting


EVERY_CALL = Rule(
    "svc199_every_call",
    "Off.\n\nWhy it hurts: x\n\nInstead: x\n\nGaps: x\n",
    message="{call} is there",
    on_by_default=False,
)


@EVERY_CALL.each_module
def _every_call(module: Module) -> Findings:
    for call in module.outbound_calls(protocol="http"):
        yield EVERY_CALL.at(call)


@pytest.fixture
def rule_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """SVC199, which reports every call, and only if it is named."""
    known = registry.rules() | {EVERY_CALL.code: EVERY_CALL}
    monkeypatch.setattr(registry, "rules", lambda: known)
