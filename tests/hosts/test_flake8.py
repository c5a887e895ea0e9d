"""The flake8 plugin: what flake8's users expect of it, and what flake8 does to plugins."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.hosts.hosting import CALLER, FOUND, WRAPPER, Hosting

if TYPE_CHECKING:
    from pathlib import Path

AT_THE_CALL = f"shop/users.py:4:12: {FOUND}"
DIRECT = "import requests\n\nrequests.get('http://users')\n"
HEADER = "from shop.http import fetch\n\n"


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.stderr == ""
    return [line.removeprefix("./") for line in done.stdout.splitlines()]


# --- places and texts ----------------------------------------------------------------------------


def test_a_fault_that_two_files_make(project: Hosting) -> None:
    assert lines(project.flake8()) == [AT_THE_CALL]
    assert lines(project.flake8("shop")) == [AT_THE_CALL]
    assert project.flake8().returncode == 1


def test_columns_are_code_points_from_1(project: Hosting) -> None:
    project.write({"shop/users.py": HEADER + 'x = "\N{OLD HUNGARIAN CAPITAL LETTER A}é", fetch("u")\n'})
    assert lines(project.flake8()) == [f"shop/users.py:3:11: {FOUND}"]


def test_the_text_of_stdin_counts(project: Hosting) -> None:
    project.servicelint("check")
    clean = CALLER.replace('users")', 'users", timeout=3)')
    named = ("--stdin-display-name", "shop/users.py", "-")
    assert lines(project.flake8(*named, text=clean)) == []
    assert lines(project.flake8(*named, text="\n" + CALLER)) == [AT_THE_CALL.replace(":4:", ":5:")]
    assert lines(project.flake8()) == [AT_THE_CALL]


def test_a_file_that_is_not_on_the_disk_yet(project: Hosting) -> None:
    project.servicelint("check")
    named = ("--stdin-display-name", "shop/new.py", "-")
    assert lines(project.flake8(*named, text=CALLER)) == [AT_THE_CALL.replace("users", "new", 1)]
    text = WRAPPER.replace("timeout=None", "timeout")  # what is wrong here would only be shown by a caller
    assert lines(project.flake8(*named, text=text)) == []


def test_stdin_without_a_name(project: Hosting) -> None:
    assert lines(project.flake8("-", text=CALLER)) == [f"stdin:4:12: {FOUND}"]


def test_byte_order_mark_and_line_ends(project: Hosting) -> None:
    text = "\ufeff" + CALLER.replace("\n", "\r\n")
    project.write({"shop/users.py": text})
    assert lines(project.flake8()) == [AT_THE_CALL]
    assert lines(project.flake8("--stdin-display-name", "shop/users.py", "-", text=text)) == [AT_THE_CALL]


def test_files_that_the_program_leaves_out(project: Hosting) -> None:
    project.write(
        dict.fromkeys(("tests/test_a.py", "vendor/a.py", "scripts/a.py", "shop/stubs_pb2.py"), DIRECT)
    )
    project.write({"servicelint.toml": "exclude = ['scripts/']\n"})
    assert lines(project.flake8()) == [AT_THE_CALL]
    assert project.flake8("scripts/a.py").stdout == ""
    assert project.flake8("tests/test_a.py").stdout == ""


def test_a_script_without_ending(project: Hosting) -> None:
    project.write({"tool": DIRECT})
    assert [line.partition(" ")[0] for line in lines(project.flake8("tool"))] == ["tool:3:1:"]
    assert len(lines(project.flake8("shop", "tool"))) == 2


# --- options and comments ------------------------------------------------------------------------


def test_noqa_is_left_to_flake8(project: Hosting) -> None:
    project.write({"shop/users.py": CALLER.replace('users")', 'users")  # noqa: SVC101')})
    assert lines(project.flake8()) == []
    assert lines(project.flake8("--disable-noqa")) == [AT_THE_CALL]


def test_comments_of_others_hold(project: Hosting) -> None:
    comment = "  # pylint: disable=http-call-without-timeout"
    project.write({"shop/users.py": CALLER.replace('users")', f'users"){comment}')})
    assert lines(project.flake8()) == []


def test_our_settings_hold(project: Hosting) -> None:
    project.write({"pyproject.toml": "[tool.servicelint]\nignore = ['SVC101']\n"})
    assert lines(project.flake8()) == []


def test_extend_select_and_ignore(project: Hosting) -> None:
    assert lines(project.flake8("--select=F", "--extend-select=SVC101")) == [AT_THE_CALL]
    assert lines(project.flake8("--extend-select=SVC101")) == [AT_THE_CALL]
    assert lines(project.flake8("--extend-ignore=SVC10")) == []


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_settings_that_are_wrong_are_one_clear_line(project: Hosting, jobs: str) -> None:
    project.write({"pyproject.toml": "[tool.servicelint]\nignored = ['SVC101']\n"})
    done = project.run("flake8", "--select=SVC", "-j", jobs)
    assert done.returncode == 1
    assert "tool.servicelint.ignored: unknown key; did you mean `ignore`?" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_nothing_is_read_where_nothing_is_asked(project: Hosting) -> None:
    project.write({"pyproject.toml": "[tool.servicelint]\nignored = ['SVC101']\n", "empty/readme": ""})
    assert "servicelint" in project.run("flake8", "--version").stdout
    for arguments in (["empty"], ["--select=F"], ["--select=F,C9", "--extend-select=W6"]):
        done = project.flake8(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), arguments
    assert not project.cache.exists()


@pytest.mark.parametrize(
    ("options", "found"),
    [([], False), (["--select=SVC"], False), (["--select=SVC19"], False), (["--extend-select=SVC1"], False),
     (["--select=SVC199"], True), (["--extend-select=SVC199"], True), (["--select=SVC,SVC199"], True)],
)  # fmt: skip
@pytest.mark.usefixtures("rule_that_is_off")
def test_a_rule_that_is_off_is_only_told_when_named(
    project: Hosting, options: list[str], found: bool
) -> None:
    assert ("SVC199" in project.flake8(*options).stdout) is found


def test_ignored_for_some_files(project: Hosting) -> None:
    project.write({"shop/more.py": CALLER})
    option = "--per-file-ignores=shop/more.py:SVC1"
    assert lines(project.flake8(option)) == [AT_THE_CALL]


def test_each_run_of_a_long_process_reads_anew(project: Hosting) -> None:
    assert lines(project.flake8()) == [AT_THE_CALL]
    project.write({"shop/http.py": WRAPPER.replace("None", "5")})
    assert lines(project.flake8()) == []


# --- processes and cost --------------------------------------------------------------------------

WITH_START_METHOD = """
import multiprocessing, sys
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    from flake8.main.cli import main
    raise SystemExit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_link_the_program_once(project: Hosting, tmp_path: Path, method: str) -> None:
    import multiprocessing

    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this platform has no {method}")
    project.write({f"shop/part{number}.py": CALLER for number in range(12)})
    linked = project.count_linking(tmp_path)
    cold = lines(project.run(method, "-j3", "--select=SVC", code=WITH_START_METHOD))
    warm = lines(project.run(method, "-j3", "--select=SVC", code=WITH_START_METHOD))
    assert len(cold) == 13
    assert warm == cold == lines(project.flake8("-j1"))
    assert linked.read_text() == "linked\n"


def test_importing_it_costs_nothing() -> None:
    code = "import sys, json, servicelint.hosts.flake8; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"libcst", "click", "msgspec", "sqlite3", "pathspec", "platformdirs"}


def test_a_single_file_does_not_read_its_program(project: Hosting) -> None:
    project.write({"shop/far.py": DIRECT, "shop/farther.py": DIRECT})
    named = ("--stdin-display-name", "shop/users.py", "-")
    first = project.flake8(*named, text=CALLER)
    assert first.stdout.splitlines() == [AT_THE_CALL]
    assert first.stderr.splitlines() == [
        f"servicelint: the cache does not hold {project.folder} as it is now, so a file is checked with what "
        f"it imports only; run once: servicelint check {project.folder}"
    ]
    assert lines(project.flake8(*named, text=CALLER)) == [AT_THE_CALL], "it is said once"
    assert parsed(project) == 2


@pytest.mark.parametrize("check", [["servicelint", "check"], ["flake8", "--select=SVC"]])
def test_a_single_file_is_judged_with_its_program_once_that_is_known(
    project: Hosting, check: list[str]
) -> None:
    project.write({"shop/far.py": DIRECT})
    project.run(*check)
    assert parsed(project) == 3
    text = WRAPPER.replace("timeout=None", "timeout")  # what is wrong here is only shown by its caller
    assert lines(project.flake8("--stdin-display-name", "shop/http.py", "-", text=text)) == []
    project.write({"shop/far.py": f"\n{DIRECT}"})
    assert len(lines(project.flake8("shop/far.py"))) == 1
    assert parsed(project) == 5, "only what has changed"


@pytest.mark.parametrize(("scope", "files"), [("program", 4), ("file", 2)])
def test_the_scope_can_be_told(project: Hosting, scope: str, files: int) -> None:
    project.write({"shop/far.py": DIRECT, "shop/farther.py": DIRECT + "\n"})
    assert lines(project.flake8("--servicelint-scope", scope, "shop/users.py")) == [AT_THE_CALL]
    assert parsed(project) == files


def test_the_scope_can_be_set(project: Hosting) -> None:
    project.write({"shop/far.py": DIRECT, "setup.cfg": "[flake8]\nservicelint-scope = file\n"})
    assert lines(project.flake8("shop/users.py")) == [AT_THE_CALL]
    assert parsed(project) == 2
    project.write({"setup.cfg": "[flake8]\nservicelint-scope = files\n"})
    done = project.flake8("shop/users.py")
    assert done.returncode == 1
    assert "servicelint-scope: 'files' is none of auto, program, file" in done.stdout


def parsed(project: Hosting) -> int:
    """How many contents the cache has the facts of."""
    [path] = project.cache.rglob("*.sqlite")
    with sqlite3.connect(path) as connection:
        return int(connection.execute("SELECT count(*) FROM entries WHERE kind = 'facts'").fetchone()[0])
