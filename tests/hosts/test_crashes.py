"""A crash hides nothing else: it is one clear finding a file in every host, beside what the others find."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

import pytest
from click.testing import CliRunner

from servicelint.hosts import session
from servicelint.hosts.cli import cli
from servicelint.program.carriers.worklist import Carriers
from servicelint.program.linking.modules import Module, ModuleIndex
from servicelint.program.linking.wholes import Whole
from servicelint.program.sites import Site, Sites

if TYPE_CHECKING:
    from click.testing import Result

    from tests.hosts.hosting import Hosting

CRASH = "crashed on this file: ZeroDivisionError: a defect"
DIRECT = "import os\nimport requests\n\nrequests.get('http://users')\n"


def crashing(*_: object, **__: object) -> NoReturn:
    raise ZeroDivisionError("a\ndefect")


@pytest.fixture
def project(project: Hosting) -> Hosting:
    """The package with a fault in a file of its own, and what flake8 and pylint find in it themselves."""
    project.write({"shop/direct.py": DIRECT})
    return project


def by_command_line(project: Hosting, monkeypatch: pytest.MonkeyPatch, *options: str) -> Result:
    monkeypatch.chdir(project.folder)
    return CliRunner().invoke(
        cli, ["check", "--cache-dir", str(project.cache), *options], prog_name="servicelint"
    )


def by_flake8(project: Hosting) -> dict[str, list[str]]:
    """By file, what flake8 says."""
    done = project.flake8("--select=SVC,F")
    assert done.stderr == ""
    return told(line.removeprefix("./") for line in done.stdout.splitlines())


def by_pylint(project: Hosting) -> dict[str, list[str]]:
    messages, said = project.pylint("--enable=unused-import", "shop")
    assert said == ""
    return told(f"{each.path}:{each.line}:{each.column}: {each.msg_id} {each.msg}" for each in messages)


def told(lines: object) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:  # type: ignore[attr-defined]
        path, _, rest = line.partition(":")
        found.setdefault(path.removeprefix("shop/"), []).append(rest.partition(": ")[2])
    return {path: sorted(texts) for path, texts in found.items()}


FILES = {"__init__.py", "direct.py", "http.py", "users.py"}


@pytest.mark.parametrize(
    ("owner", "name"),
    [(Carriers, "_seeds"), (ModuleIndex, "__init__"), (Sites, "of")],
    ids=["carriers", "program", "sites"],
)
def test_what_all_files_rest_on(
    project: Hosting, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    monkeypatch.setattr(owner, name, crashing)
    done = by_command_line(project, monkeypatch)
    assert done.exit_code == 2
    lines = done.output.splitlines()[:-1]
    assert lines[0].startswith("shop/__init__.py:1:1: SVC001 ")
    told_of = [line for line in lines if "SVC001" in line]
    assert all(line.endswith(CRASH) for line in told_of)
    others = [re.fullmatch(r"    and on (\d) other files?; see --verbose", line) for line in lines]
    assert len(told_of) + sum(int(other[1]) for other in others if other) == len(FILES)
    for found, code, unused in (
        (by_flake8(project), "SVC001", "F401"),
        (by_pylint(project), "W9001", "W0611"),
    ):
        assert set(found) == FILES
        for texts in found.values():
            [crash] = [text for text in texts if text.startswith(code)]
            assert crash.endswith(CRASH)
        assert any(text.startswith(unused) for text in found["direct.py"]), "the host's own checks go on"


def test_what_one_file_rests_on(project: Hosting, monkeypatch: pytest.MonkeyPatch) -> None:
    sites_of = Sites.of

    def of(self: Sites, module: Module) -> list[Site]:
        return sites_of(self, module) if module.path.endswith("direct.py") else crashing()

    monkeypatch.setattr(Sites, "of", of)
    done = by_command_line(project, monkeypatch)
    assert done.exit_code == 3
    assert "shop/direct.py:4:1: SVC101" in done.output
    crashed = [line for line in done.output.splitlines() if "SVC001" in line]
    assert crashed
    assert not any(line.startswith("shop/direct.py") and "SVC101" in line for line in crashed)
    assert by_flake8(project)["direct.py"][-1].startswith("SVC101")
    assert any(text.startswith("W9101") for text in by_pylint(project)["direct.py"])


@pytest.mark.parametrize(
    ("step", "called"),
    [
        ("servicelint.kept_run.keep", "keeping the run for the next"),
        ("servicelint.resume.resumed", "going on from an earlier run"),
        ("servicelint.sources.manifests.reading.read_manifests", "reading manifests"),
        ("servicelint.checking.Checker.check_anew", "the look at the program as a whole"),
        ("servicelint.program.retries.faults.RetryFaults.endless", "SVC204"),
        ("servicelint.suppression.Suppressions.silencing", "the look at its text"),
    ],
)
def test_a_step_that_findings_do_not_need(
    project: Hosting, monkeypatch: pytest.MonkeyPatch, step: str, called: str
) -> None:
    monkeypatch.setattr(step, crashing)
    done = by_command_line(project, monkeypatch, "--verbose")
    assert done.exit_code == 3
    assert done.output.count("ZeroDivisionError: a\ndefect") == 1, "one trace-back"
    assert called in done.output
    assert "shop/direct.py:4:1: SVC101" in done.output
    assert "shop/users.py:4:12: SVC101" in done.output
    for found, code in ((by_flake8(project), "SVC"), (by_pylint(project), "W9")):
        texts = [text for each in found.values() for text in each]
        assert sum(text.startswith(f"{code}101") for text in texts) == 2
        assert any(text.startswith(f"{code}001 ") and called in text for text in texts)


def test_a_crash_is_not_kept(project: Hosting, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Carriers, "_seeds", crashing)
        assert by_command_line(project, monkeypatch).exit_code == 2
    assert by_command_line(project, monkeypatch).exit_code == 1


def test_what_a_host_itself_asks_for(project: Hosting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "select", crashing)
    for found in (by_flake8(project), by_pylint(project)):
        assert set(found) == FILES
        assert any(
            "servicelint crashed on this file: ZeroDivisionError" in text for text in found["users.py"]
        )


def test_what_crashed_is_not_sought_again(project: Hosting, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question on the whole program is asked for each file: seconds of linking, thousands of times."""
    sought: list[str] = []

    def seeds(self: Carriers) -> NoReturn:
        sought.append("seeds")
        crashing()

    def telling(self: Whole[object], value: object) -> object:
        if self._name == "socket default":  # without which no call is judged
            return tell(self, value)
        sought.append(self._name)
        crashing()

    tell = Whole._telling
    monkeypatch.setattr(Whole, "_telling", telling)
    assert by_command_line(project, monkeypatch, "--no-cache").exit_code == 3
    assert sought
    monkeypatch.setattr(Carriers, "_seeds", seeds)
    assert by_command_line(project, monkeypatch, "--no-cache").exit_code == 2
    assert sought.count("seeds") == 1
    first, second = sought[: sought.index("seeds")], sought[sought.index("seeds") + 1 :]
    assert len(first) == len(set(first))
    assert len(second) == len(set(second))
