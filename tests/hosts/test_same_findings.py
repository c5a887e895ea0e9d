"""One verdict, many hosts: the command line, flake8 and pylint report the same findings at the same places.

Left out are only files that a host can't take itself: it hands those to no plugin.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from servicelint.config import OWN_FILE
from tests.fixtures.markers import markers
from tests.fixtures.projects import FIXTURES, read_text
from tests.hosts.hosting import PYLINT_IDS, Hosting

if TYPE_CHECKING:
    from collections.abc import Iterable


class Told(NamedTuple):
    """A finding as a host tells it; columns are code points from 1."""

    path: str
    line: int
    column: int
    code: str
    message: str


class Report(NamedTuple):
    """What a host found, and the files that it could not take."""

    findings: list[Told]
    refused: set[str]

    def without(self, refused: Iterable[str]) -> list[Told]:
        """The findings in order, but for some files."""
        return sorted(told for told in self.findings if told.path not in refused)


UNREADABLE = "svc004_unreadable_file/"
"""Where the fixtures stand that a host's own parser may refuse."""

NEWER_THAN_PYTHON = "/orders/lazily.py"
"""A fixture in the syntax of a later Python, which hosts hand to plugins only there."""

NOTHING_INSTALLED = """
import astroid
from importlib.metadata import packages_distributions
def without_libraries(look, installed):
    import astroid
    def ast_from_module_name(self, name, *rest, **more):
        if name and name.partition(".")[0] in installed:
            raise astroid.AstroidImportError("not installed: {modname}", modname=name)
        return look(self, name, *rest, **more)
    return ast_from_module_name
manager = astroid.manager.AstroidManager
manager.ast_from_module_name = without_libraries(manager.ast_from_module_name, set(packages_distributions()))
"""
"""Keeps pylint from looking into the libraries that happen to be installed here, which also takes it long."""

TOO_DEEP = ("long.py", "deep.py")
"""Files that overflow the stack of pyflakes, which ends the run of flake8, or of pylint."""


def by_command_line(hosting: Hosting) -> Report:
    """What the command line finds; only it tells of settings and manifests."""
    done = hosting.run("servicelint", "check", "--format", "json")
    told = [Told(*(each[key] for key in Told._fields)) for each in json.loads(done.stdout)["findings"]]
    return Report([each for each in told if each.path.endswith(".py")], set())


def by_flake8(hosting: Hosting) -> Report:
    form = "--format=%(path)s\t%(row)d\t%(col)d\t%(code)s\t%(text)s"
    done = hosting.run("flake8", "--select=SVC,E9", f"--extend-exclude={','.join(TOO_DEEP)}", form)
    assert done.stderr == ""
    lines = [line.removeprefix("./").split("\t", 4) for line in done.stdout.splitlines()]
    told = [Told(path, int(row), int(column), code, text) for path, row, column, code, text in lines]
    return Report(
        [each for each in told if each.code.startswith("SVC")],
        {each.path for each in told if each.code.startswith("E9")},
    )


def by_pylint(hosting: Hosting, jobs: int = 1) -> Report:
    """What pylint finds, asked about each file: of a folder it leaves out what is in no package."""
    paths = (path.relative_to(hosting.folder) for path in sorted(hosting.folder.rglob("*.py")))
    files = [path.as_posix() for path in paths if path.name not in TOO_DEEP]
    done = hosting.run(
        "pylint",
        f"--init-hook={NOTHING_INSTALLED}",
        "--load-plugins=servicelint.pylint",
        "--disable=all",
        f"--enable=syntax-error,astroid-error,parse-error,{','.join(PYLINT_IDS)}",
        "--output-format=json2",
        f"-j{jobs}",
        *files,
    )
    assert done.stderr == ""
    messages = json.loads(done.stdout)["messages"]
    told = {
        is_ours: [_told_by_pylint(each) for each in messages if each["messageId"].startswith("W9") is is_ours]
        for is_ours in (True, False)
    }
    return Report(told[True], {each.path for each in told[False]})


def _told_by_pylint(message: dict[str, Any]) -> Told:
    """pylint counts columns from 0."""
    code = f"SVC{message['messageId'][2:]}"
    return Told(message["path"], message["line"], message["column"] + 1, code, message["message"])


@pytest.fixture(scope="module")
def hosting(tmp_path_factory: pytest.TempPathFactory) -> Hosting:
    """All fixtures as one program."""
    folder = tmp_path_factory.mktemp("hosts")
    hosting = Hosting(folder / "fixtures", folder / "cache")
    shutil.copytree(
        FIXTURES, hosting.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    return hosting


@pytest.fixture(scope="module")
def expected(hosting: Hosting) -> Report:
    """What the command line finds."""
    return by_command_line(hosting)


def test_the_fixtures_are_loud(expected: Report) -> None:
    """As one program they show at least what each of them is there for.

    Those on request ids are left out: what one of them does for all calls would hold for the others too.
    """
    files = [path for path in FIXTURES.rglob("*.py") if has_faults(path)]
    folders = {path.relative_to(FIXTURES).parts[:2] for path in files}
    folders = {folder for folder in folders if not folder[0].startswith("svc3")}
    assert {tuple(told.path.split("/")[:2]) for told in expected.findings} >= folders
    assert len(expected.findings) > 2 * len(folders)


def has_faults(path: Path) -> bool:
    """Whether a file has findings as a part of one large program, where settings of its own don't hold."""
    if any((folder / OWN_FILE).exists() for folder in path.parents):
        return False
    return any(marker.verb == "expect" and marker.code != "SVC001" for marker in markers(read_text(path)))


@pytest.mark.parametrize("settings", sorted(FIXTURES.rglob(OWN_FILE)), ids=lambda path: path.parent.name)
def test_programs_with_settings_of_their_own(settings: Path, tmp_path: Path) -> None:
    hosting = Hosting(tmp_path / "program", tmp_path / "cache")
    shutil.copytree(settings.parent, hosting.folder, dirs_exist_ok=True)
    expected = by_command_line(hosting)
    for found in (by_flake8(hosting), by_pylint(hosting)):
        assert may_be_refused(found)
        assert found.without(found.refused) == expected.without(found.refused)


def may_be_refused(found: Report) -> bool:
    """Whether a host refused only files that are there to be refused."""
    return all(path.startswith(UNREADABLE) or path.endswith(NEWER_THAN_PYTHON) for path in found.refused)


def test_flake8_finds_the_same(hosting: Hosting, expected: Report) -> None:
    found = by_flake8(hosting)
    assert may_be_refused(found)
    left_out = {*found.refused, *too_deep(expected)}
    assert found.without(left_out) == expected.without(left_out)


@pytest.mark.parametrize("jobs", [1, 4])
def test_pylint_finds_the_same(hosting: Hosting, expected: Report, jobs: int) -> None:
    found = by_pylint(hosting, jobs)
    assert may_be_refused(found)
    left_out = {*found.refused, *too_deep(expected)}
    assert found.without(left_out) == expected.without(left_out)


def too_deep(report: Report) -> set[str]:
    return {told.path for told in report.findings if told.path.endswith(TOO_DEEP)}


# --- real code -----------------------------------------------------------------------------------

CHECKOUTS = os.environ.get("SERVICELINT_CHECKOUTS", "")
"""A folder with checkouts of real programs; for each of them, the hosts are held together as above."""


@pytest.mark.slow
@pytest.mark.skipif(not CHECKOUTS, reason="SERVICELINT_CHECKOUTS names no folder")
@pytest.mark.parametrize("name", ["dapr", "open-webui", "mlflow"])
def test_real_programs(name: str, tmp_path: Path) -> None:
    hosting = Hosting(tmp_path / name, tmp_path / "cache")
    hosting.patience = 3600.0
    shutil.copytree(
        Path(CHECKOUTS, name), hosting.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git")
    )
    expected = by_command_line(hosting)
    for found in (by_flake8(hosting), by_pylint(hosting, jobs=2)):
        print(name, len(expected.findings), len(found.findings), sorted(found.refused))
        assert found.without(found.refused) == expected.without(found.refused)
