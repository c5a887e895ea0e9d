"""An editor that asks flake8 again is told an earlier answer at a glance, for as long as that is true."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from servicelint.sources.standing import SETTLED
from tests.hosts.hosting import CALLER, FOUND, WRAPPER, Hosting

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

AT_THE_CALL = f"shop/users.py:4:12: {FOUND}"
AT_A_GLANCE = """
import sys
sys.modules["servicelint.hosts.session"] = sys.modules["msgspec"] = None
from flake8.main.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""flake8 where nothing can be linked or decoded: only what was answered before can be told."""


@pytest.fixture
def known(project: Hosting) -> Hosting:
    """A project that stood still for a while before it was checked, and of which a file was asked about."""
    time.sleep(SETTLED + 0.5)
    project.servicelint("check")
    assert found(project.flake8("shop/users.py")) == [AT_THE_CALL]
    return project


def found(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.stderr == ""
    return done.stdout.splitlines()


def at_a_glance(project: Hosting, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return project.run("--select=SVC", "-j1", *arguments, text=text, code=AT_A_GLANCE)


def test_the_same_is_told_without_a_look_at_the_program(known: Hosting) -> None:
    assert found(at_a_glance(known, "shop/users.py")) == [AT_THE_CALL]
    assert found(at_a_glance(known, "--stdin-display-name", "shop/users.py", "-", text=CALLER)) == [
        AT_THE_CALL
    ]


OTHERWISE: dict[str, Callable[[Hosting], None]] = {
    "the file": lambda project: project.write({"shop/users.py": f"\n{CALLER}"}),
    "another file": lambda project: project.write({"shop/http.py": WRAPPER.replace("None", "5")}),
    "settings": lambda project: project.write({"servicelint.toml": 'ignore = ["SVC101"]\n'}),
    "a new file": lambda project: project.write({"requests.py": ""}),
    "a file less": lambda project: (project.folder / "shop" / "http.py").unlink(),
    "a root below": lambda project: (project.folder / "shop" / ".git").mkdir(),
}


@pytest.mark.parametrize("change", OTHERWISE.values(), ids=OTHERWISE)
def test_what_changes_the_answer_is_noticed(known: Hosting, change: Callable[[Hosting], None]) -> None:
    change(known)
    assert "ModuleNotFoundError" in at_a_glance(known, "shop/users.py").stderr, "nothing old is told"
    fresh = known.run("flake8", "--select=SVC", "--servicelint-scope=program", "shop/users.py")
    assert known.flake8("shop/users.py").stdout == fresh.stdout


def test_other_options_are_another_question(known: Hosting) -> None:
    assert "ModuleNotFoundError" in at_a_glance(known, "--servicelint-scope=file", "shop/users.py").stderr
    assert "ModuleNotFoundError" in at_a_glance(known, "--extend-select=SVC405", "shop/users.py").stderr


def test_a_buffer_leaves_no_trace_on_the_file(known: Hosting) -> None:
    clean = CALLER.replace('users")', 'users", timeout=3)')
    named = ("--stdin-display-name", "shop/users.py", "-")
    for _ in range(2):
        assert found(known.flake8(*named, text=clean)) == []
        assert found(known.flake8("shop/users.py")) == [AT_THE_CALL]
    assert known.servicelint("check").stdout.startswith("shop/users.py:4:12: SVC101")


def test_an_answer_without_the_program_is_not_kept(project: Hosting) -> None:
    time.sleep(SETTLED + 0.5)
    assert AT_THE_CALL in project.flake8("shop/users.py").stdout
    assert "ModuleNotFoundError" in at_a_glance(project, "shop/users.py").stderr
