"""What the whole program shows, one file shows too: in flake8 and in an editor, saved or not."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from servicelint import registry
from servicelint.config import load
from servicelint.hosts.session import Session
from servicelint.run import Run
from servicelint.sources.discovery import select
from servicelint.suppression import DIALECTS
from tests.fixtures.projects import FIXTURES

PROJECTS = [
    "svc401_import_across_boundary/forms/every_form",
    "svc401_import_across_boundary/layouts/namespaces",
    "svc408_indirect_import_across_boundary/chains/through_common",
    "svc403_service_cycle/loops/three_services",
    "svc403_service_cycle/loops/by_calls",
    "svc406_undeclared_service_call/targets/by_environment",
    "svc406_undeclared_service_call/targets/wrappers",
    "svc406_undeclared_service_call/targets/framework_settings",
]


def whole(folder: Path) -> dict[Path, list[tuple[int, int, str]]]:
    """The findings of the whole program, by file."""
    found = defaultdict(list)
    run = Run(select([folder], folder), load(folder)[0], folder)
    for each in run.check(registry.selected(("SVC",), ())).findings:
        found[Path(each.place.path).resolve()].append((each.place.line, each.place.column, each.code))
    return found


@pytest.mark.parametrize("name", PROJECTS)
@pytest.mark.parametrize("is_unsaved", [False, True])
def test_each_file_by_itself(
    name: str, is_unsaved: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = Path(shutil.copytree(FIXTURES / name, tmp_path / "project"))
    monkeypatch.chdir(folder)
    expected = whole(folder)
    assert expected
    for file in sorted(folder.rglob("*.py")):
        text = file.read_text("utf-8")
        if is_unsaved:
            file.write_text("", "utf-8")
        session = Session(folder, DIALECTS, scope="program", is_single=True)
        found = session.findings(str(file), text if is_unsaved else None)
        assert [(each.place.line, each.place.column, each.code) for each in found] == expected[file.resolve()]
        file.write_text(text, "utf-8")


def test_a_file_with_what_it_imports_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = Path(shutil.copytree(FIXTURES / PROJECTS[0], tmp_path / "project"))
    monkeypatch.chdir(folder)
    file = folder / "svc/orders/statements.py"
    session = Session(folder, DIALECTS, scope="file", is_single=True)
    found = session.findings(str(file))
    assert [each.place.line for each in found] == [line for line, _, _ in whole(folder)[file.resolve()]]
