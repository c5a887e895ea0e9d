"""The pylint plugin: what pylint's users expect of it, and what pylint does to plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import astroid
import pytest
from pylint.lint import PyLinter

from servicelint import registry
from servicelint.pylint import register
from tests.hosts.hosting import CALLER, FOUND, WRAPPER, Hosting

if TYPE_CHECKING:
    from pathlib import Path

    from pylint.message import Message

NAME = "http-call-without-timeout"
TEXT = FOUND.removeprefix("SVC101 ")
DIRECT = "import requests\n\nrequests.get('http://users')\n"


@pytest.fixture(autouse=True)
def _nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """pylint finds no library: what we find must not depend on that."""

    def look(self: object, name: str, *rest: Any, **more: Any) -> None:
        raise astroid.AstroidImportError(name)

    monkeypatch.setattr(astroid.manager.AstroidManager, "ast_from_module_name", look)


def places(told: tuple[list[Message], str]) -> list[tuple[str, int, str]]:
    messages, said = told
    assert said == ""
    return [(message.path, message.line, message.symbol) for message in messages]


AT_THE_CALL = [("shop/users.py", 4, NAME)]


# --- messages ------------------------------------------------------------------------------------


def test_a_fault_that_two_files_make(project: Hosting) -> None:
    [message], _ = project.pylint("shop")
    assert (message.path, message.symbol, message.msg_id) == ("shop/users.py", NAME, "W9101")
    assert (message.line, message.column, message.end_line, message.end_column) == (4, 11, 4, 32)
    assert message.msg == TEXT


def test_columns_are_code_points_from_0(project: Hosting) -> None:
    line = 'x = "\N{OLD HUNGARIAN CAPITAL LETTER A}é", fetch("u")\n'
    project.write({"shop/users.py": "from shop.http import fetch\n\n" + line})
    [message], _ = project.pylint("shop")
    assert (message.line, message.column) == (3, 10)


def test_every_rule_is_a_message_of_its_family() -> None:
    linter = PyLinter()
    register(linter)
    for rule in registry.rules().values():
        [definition] = linter.msgs_store.get_message_definitions(rule.name)
        assert definition.msgid == rule.pylint_id
        assert definition.checker_name == f"servicelint-{registry.family(rule)}"
    names = [checker.name for checker in linter.get_checkers()]
    register(linter)
    assert [checker.name for checker in linter.get_checkers()] == names, "as older versions do in workers"


def test_a_family_can_be_switched_off(project: Hosting) -> None:
    assert places(project.pylint("--disable=servicelint-deadlines", "shop")) == []
    assert places(project.pylint("--disable=servicelint-run", "shop")) == AT_THE_CALL


@pytest.mark.usefixtures("rule_that_is_off")
def test_a_rule_that_is_off_is_only_told_when_enabled(project: Hosting) -> None:
    assert places(project.pylint("shop")) == AT_THE_CALL
    assert ("shop/users.py", 4, "every-call") in places(project.pylint("--enable=every-call", "shop"))
    assert ("shop/users.py", 4, "every-call") in places(project.pylint("--enable=W9199", "shop"))


# --- comments and settings -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "is_silent"),
    [
        (CALLER.replace('users")', f'users")  # pylint: disable={NAME}'), True),
        (CALLER.replace('users")', 'users")  # pylint: disable=W9101'), True),
        (CALLER.replace("    return", f"    # pylint: disable-next={NAME}\n    return"), True),
        (CALLER.replace("    return", f"    # pylint: disable={NAME}\n    return"), True),
        (f"# pylint: disable={NAME}\n{CALLER}", True),
        (f"# pylint: skip-file\n{CALLER}", True),
        (CALLER.replace('users")', 'users")  # noqa: SVC101'), True),
        (CALLER.replace('users")', 'users")  # noqa: SVC104'), False),
        (CALLER.replace('users")', 'users")  # pylint: disable=disabled-timeout'), False),
    ],
)
def test_comments(project: Hosting, text: str, is_silent: bool) -> None:
    project.write({"shop/users.py": text})
    assert (places(project.pylint("shop")) == []) is is_silent
    assert (project.servicelint("check").returncode == 0) is is_silent, "the command line agrees"


def test_an_unneeded_comment_is_known_to_pylint(project: Hosting) -> None:
    project.write({"shop/users.py": CALLER.replace('users")', f'users", 5)  # pylint: disable={NAME}')})
    assert places(project.pylint("--enable=useless-suppression", "shop")) == [
        ("shop/users.py", 4, "useless-suppression")
    ]


def test_our_settings_hold(project: Hosting) -> None:
    project.write({"pyproject.toml": "[tool.servicelint]\nignore = ['SVC101']\n"})
    assert places(project.pylint("shop")) == []


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_settings_that_are_wrong_are_one_clear_line(project: Hosting, jobs: str) -> None:
    project.write({"servicelint.toml": "ignored = ['SVC101']\n"})
    done = project.run("pylint", "--load-plugins=servicelint.pylint", f"-j{jobs}", "shop")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"servicelint: {project.folder / 'servicelint.toml'}: ignored: unknown key; did you mean `ignore`?"
    ]


# --- editors and processes -----------------------------------------------------------------------


def test_the_text_of_stdin_counts(project: Hosting) -> None:
    project.servicelint("check")
    clean = CALLER.replace('users")', 'users", timeout=3)')
    assert places(project.pylint("--from-stdin", "shop/users.py", text=clean)) == []
    moved = places(project.pylint("--from-stdin", "shop/users.py", text="\n" + CALLER))
    assert moved == [("shop/users.py", 5, NAME)]
    [message], _ = project.pylint("--from-stdin", "shop/new.py", text=CALLER)
    assert (message.path, message.line) == ("shop/new.py", 4)


def test_a_single_file_does_not_read_its_program(project: Hosting) -> None:
    project.write({"shop/far.py": DIRECT})
    messages, said = project.pylint("--from-stdin", "shop/users.py", text=CALLER)
    assert [message.symbol for message in messages] == [NAME]
    assert said.startswith(f"servicelint: the cache does not hold {project.folder} as it is now")
    assert places(project.pylint("--from-stdin", "shop/users.py", text=CALLER)) == AT_THE_CALL


def test_the_scope_can_be_set(project: Hosting) -> None:
    settings = "[MAIN]\nload-plugins=servicelint.pylint\nservicelint-scope=file"
    project.write({"shop/far.py": DIRECT, ".pylintrc": settings})
    assert places(project.pylint("--rcfile=.pylintrc", "shop/users.py")) == AT_THE_CALL, "nothing is said"
    project.write({".pylintrc": f"{settings}s"})
    with pytest.raises(SystemExit):
        project.pylint("--rcfile=.pylintrc", "shop/users.py")


def test_each_run_of_a_long_process_reads_anew(project: Hosting) -> None:
    assert places(project.pylint("shop")) == AT_THE_CALL
    project.write({"shop/http.py": WRAPPER.replace("None", "5")})
    assert places(project.pylint("shop")) == []


def test_workers_link_the_program_once(project: Hosting, tmp_path: Path) -> None:
    project.write({f"shop/part{number}.py": CALLER for number in range(12)})
    linked = project.count_linking(tmp_path)
    options = ("--load-plugins=servicelint.pylint", "--disable=all", f"--enable={NAME}", "shop")
    outputs = [project.run("pylint", *options, "-j4").stdout for _ in ("cold", "warm")]
    outputs.append(project.run("pylint", *options, "-j1").stdout)
    told = [[line for line in output.splitlines() if NAME in line] for output in outputs]
    assert len(told[0]) == 13
    assert told[0] == told[1] == told[2]
    assert linked.read_text() == "linked\n"
