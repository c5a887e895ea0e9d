"""The command line's contract: others script against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

QUIET = "import requests\nrequests.get('http://users', timeout=3)\n"
LOUD = "import requests\n\ndef f():\n    return requests.get('http://users')\n"
BROKEN = "import requests\ndef f(:\n"

FINDING_KEYS = {
    "path", "line", "column", "end_line", "end_column", "code", "name", "message", "severity", "function",
    "trace", "worst_case_seconds", "fix", "cause", "fingerprint",
}  # fmt: skip


class Tool:
    """The program ``servicelint`` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".git").mkdir()

    def write(self, **files: str | bytes) -> None:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (self.folder / f"{name}.py").write_bytes(data)

    def __call__(self, *arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
        program = ["-c", code] if code else ["-m", "servicelint"]
        return subprocess.run(
            [sys.executable, *program, *arguments],
            cwd=self.folder,
            capture_output=True,
            check=False,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=60,
        )

    def json(self, *arguments: str) -> dict[str, Any]:
        done = self("check", "--format", "json", *arguments)
        assert done.stderr == ""
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def codes(self, *arguments: str) -> list[str]:
        return [finding["code"] for finding in self.json(*arguments)["findings"]]


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    return Tool(tmp_path)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a usage or configuration error says: exit status 2, one line, nothing on stdout."""
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    [line] = done.stderr.splitlines()
    return line


# --- exit statuses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "status", "with_exit_zero"),
    [
        ({"a": QUIET}, 0, 0),
        ({"a": LOUD, "b": QUIET}, 1, 0),
        ({"a": BROKEN, "b": QUIET}, 2, 2),
        ({"a": BROKEN, "b": LOUD}, 3, 3),
    ],
)
def test_exit_status(tool: Tool, files: dict[str, str], status: int, with_exit_zero: int) -> None:
    tool.write(**files)
    assert tool("check").returncode == status
    assert tool("check", "--exit-zero").returncode == with_exit_zero


def test_nothing_to_check(tool: Tool) -> None:
    done = tool("check")
    assert done.returncode == 0
    assert "no Python files" in done.stderr


def test_missing_path(tool: Tool) -> None:
    assert "nowhere.py: no such file" in one_line(tool("check", "nowhere.py"))


def test_wrong_configuration(tool: Tool) -> None:
    (tool.folder / "servicelint.toml").write_text("selct = []")
    assert "selct: unknown key; did you mean `select`?" in one_line(tool("check"))
    assert tool("check", "--isolated").returncode == 0


def test_a_pattern_that_is_none(tool: Tool) -> None:
    tool.write(a=QUIET)
    assert "exclude" in one_line(tool("check", "--exclude", "!"))


def test_no_rule_selected(tool: Tool) -> None:
    tool.write(a=LOUD)
    assert "no rule matches" in one_line(tool("check", "--select", "XYZ"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "--nonsense"], "No such option"),
        (["check", "--nonsense"], "; see `python -m servicelint check -h`"),
        (["nonsense"], "No such command 'nonsense'"),
        (["check", "--format", "xml"], "'xml' is not one of"),
        (["check", "--jobs", "x"], "'x' is not a valid integer"),
        (["check", "--output", "."], "is a directory"),
        (["check", "--config", "none.toml"], "none.toml: no such file"),
        (["explain"], "Missing argument"),
    ],
)
def test_usage_errors(tool: Tool, arguments: list[str], said: str) -> None:
    assert said in one_line(tool(*arguments))


def test_asked_for_nothing_it_shows_the_help(tool: Tool) -> None:
    done = tool()
    assert "Commands:" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is full")
def test_a_full_disk_behind_standard_output(tool: Tool) -> None:
    tool.write(a=LOUD)
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "servicelint", "check"],
            cwd=tool.folder,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
            timeout=60,
        )
    assert done.returncode == 2
    assert done.stderr == "servicelint: standard output: can't be written: No space left on device\n"


@pytest.mark.parametrize("arguments", [["check"], ["rules"], ["explain", "SVC101"]])
def test_every_start_fails_loudly_when_no_rule_loads(tool: Tool, arguments: list[str]) -> None:
    tool.write(a=QUIET)
    code = "import servicelint.checkers as c; c.__path__ = []; from servicelint.hosts.cli import main; main()"
    assert "no rule was found" in one_line(tool(*arguments, code=code))


# --- output --------------------------------------------------------------------------------------


def test_text(tool: Tool) -> None:
    tool.write(a=LOUD)
    first, summary = tool("check").stdout.splitlines()
    assert first == "a.py:4:12: SVC101 requests.get can wait for ever: no `timeout` is given"
    assert summary.startswith("1 finding in 1 file; outbound calls: 0 bounded, 1 unbounded")


def test_json(tool: Tool) -> None:
    tool.write(a=LOUD, b=BROKEN, c=QUIET)
    report = tool.json()
    assert (set(report), report["version"]) == ({"version", "findings", "errors", "summary"}, 1)
    first, second = report["findings"]
    assert set(first) == FINDING_KEYS
    assert (first["path"], first["line"], first["column"], first["end_line"], first["end_column"]) == (
        "a.py", 4, 12, 4, 40,
    )  # fmt: skip
    assert (first["code"], first["name"]) == ("SVC101", "http-call-without-timeout")
    assert (first["severity"], first["function"], first["fix"], first["cause"]) == (
        "warning",
        "f",
        None,
        None,
    )
    assert second["code"] == "SVC004"
    assert [error["path"] for error in report["errors"]] == ["b.py"]
    sites = {"bounded": 1, "unbounded": 1, "forwarded": 0, "unknown": 0}
    counts = {"files": 3, "findings": 2, "sites": sites, "unguarded": 2}
    assert report["summary"] == counts | {"skipped_manifests": []}


def test_a_file_is_judged_by_its_whole_program(tool: Tool) -> None:
    """What ``check a.py`` finds is what ``check`` finds there: callers elsewhere count."""
    tool.write(
        api="class Api:\n    def __init__(self, session):\n        self.session = session\n\n"
        "    def users(self):\n        return self.session.get('http://users')\n",
        main="import requests\nfrom api import Api\n\napi = Api(requests.Session())\n",
        other=LOUD,
    )
    whole, alone = tool.json(), tool.json("api.py")
    assert [found["path"] for found in whole["findings"]] == ["api.py", "other.py"]
    assert alone["findings"] == whole["findings"][:1]
    assert alone["summary"]["files"] == 1
    assert alone["summary"]["sites"]["unbounded"] == 1


def test_json_trace(tool: Tool) -> None:
    tool.write(a="import requests\nsession = requests.Session()\nsession.get('http://users')\n")
    [found] = tool.json()["findings"]
    assert [set(step) for step in found["trace"]] == [{"path", "line", "column", "message"}]
    assert found["trace"][0]["line"] == 2


def test_fingerprints_stay_when_lines_move(tool: Tool) -> None:
    tool.write(a=LOUD)
    before = [finding["fingerprint"] for finding in tool.json()["findings"]]
    tool.write(a=LOUD.replace("def f", "# new\n\n\ndef f"))
    assert [finding["fingerprint"] for finding in tool.json()["findings"]] == before


def test_findings_are_sorted(tool: Tool) -> None:
    tool.write(b=LOUD, a=LOUD + LOUD, c=BROKEN)
    places = [(each["path"], each["line"], each["column"]) for each in tool.json()["findings"]]
    assert places == sorted(places)
    assert len(places) == 4


def test_output_file(tool: Tool) -> None:
    tool.write(a=LOUD)
    printed = tool("check").stdout
    done = tool("check", "--output", "report.txt")
    assert (done.returncode, done.stdout) == (1, "")
    assert (tool.folder / "report.txt").read_text("utf-8") == printed
    assert "can't be written" in tool("check", "--output", "missing/report.txt").stderr


@pytest.mark.parametrize("arguments", ["check", "rules", "explain SVC101", "check --format json"])
def test_a_closed_pipe_ends_silently(tool: Tool, arguments: str) -> None:
    tool.write(a=LOUD)
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "servicelint", *arguments.split()]
    with os.fdopen(write, "wb") as stdout:
        done = subprocess.run(
            command, cwd=tool.folder, stdout=stdout, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert done.stderr == b""
    assert done.returncode == (1 if "check" in arguments else 0)


def test_statistics(tool: Tool) -> None:
    tool.write(a=LOUD, b=LOUD + "requests.get('http://users', timeout=None)\n")
    assert tool("check", "--statistics").stdout.splitlines()[-2:] == [
        "     2 SVC101 http-call-without-timeout",
        "     1 SVC103 disabled-timeout",
    ]


UNKNOWN = """\
import os
import requests
from plans import patience


def f():
    return requests.get('http://users', timeout=patience())


def g():
    return requests.get('http://users', timeout=3)
"""
REASON = "the value of `timeout` can't be told"


def test_what_cannot_be_told_is_told_when_asked_for(tool: Tool) -> None:
    tool.write(a=UNKNOWN, b=LOUD)
    plain, shown = tool("check"), tool("check", "--show-unknown")
    *findings, summary = plain.stdout.splitlines()
    assert "1 unknown" in summary
    assert shown.stdout.splitlines() == [*findings, f"a.py:7:12: unknown: requests.get: {REASON}", summary]
    assert (plain.returncode, shown.returncode) == (1, 1)
    assert tool("check", "--show-unknown", "a.py").returncode == 0, "it is no finding"
    [told] = tool.json("--show-unknown")["unknown"]
    assert told == {
        "path": "a.py", "line": 7, "column": 12, "end_line": 7, "end_column": 60, "call": "requests.get",
        "protocol": "http", "reason": REASON, "function": "f", "trace": [],
    }  # fmt: skip
    assert tool.json("--show-unknown", "b.py")["unknown"] == []
    assert tool.json("--show-unknown", "--no-cache")["unknown"] == [told]


def test_what_cannot_be_told_has_a_trace(tool: Tool) -> None:
    wrapper = "import requests\n\ndef fetch(url, timeout):\n    return requests.get(url, timeout=timeout)\n"
    tool.write(
        wrapper=wrapper, a="from plans import patience\nfrom wrapper import fetch\n\nfetch('u', patience())\n"
    )
    first, second, _ = tool("check", "--show-unknown").stdout.splitlines()
    assert first == "a.py:4:1: unknown: fetch: " + REASON
    assert second == "    wrapper.py:4: the request is sent here"


# --- standard input ------------------------------------------------------------------------------


def piped(tool: Tool, text: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "servicelint", "check", "--no-cache", *arguments]
    return subprocess.run(command, cwd=tool.folder, input=text, capture_output=True, check=False, timeout=60)


def test_the_text_on_standard_input_counts(tool: Tool) -> None:
    tool.write(a=QUIET, b=LOUD)
    done = piped(tool, LOUD.encode(), "--stdin-filename", "a.py")
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.startswith(b"a.py:4:12: SVC101")
    assert b"b.py" not in done.stdout


def test_a_file_on_standard_input_need_not_exist(tool: Tool) -> None:
    done = piped(tool, LOUD.encode(), "--stdin-filename", "package/new.py")
    assert (done.returncode, done.stdout[:24]) == (1, b"package/new.py:4:12: SVC")


def test_bytes_on_standard_input_that_are_no_text(tool: Tool) -> None:
    done = piped(tool, b"x = 1\n\ny = '\xe9'\n", "--stdin-filename", "a.py")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"servicelint: standard input: 3:6: not utf-8")


# --- choosing rules and files --------------------------------------------------------------------


def test_select_and_ignore(tool: Tool) -> None:
    tool.write(a=LOUD + "requests.get('http://users', timeout=None)\n")
    assert tool.codes() == ["SVC101", "SVC103"]
    assert tool.codes("--select", "SVC103") == ["SVC103"]
    assert tool.codes("--select", "SVC1", "--ignore", "SVC103") == ["SVC101"]
    assert tool.codes("--ignore", "SVC1", "--select", "SVC103") == ["SVC103"]
    assert tool.codes("--select", "svc101,svc103") == ["SVC101", "SVC103"]


def test_tests_are_left_out_unless_wanted(tool: Tool) -> None:
    tool.write(test_a=LOUD)
    assert tool("check").returncode == 0
    assert tool.codes("--include-tests") == ["SVC101"]
    assert tool.codes("test_a.py") == ["SVC101"]


def test_what_is_named_is_checked_unless_it_is_forced_out(tool: Tool) -> None:
    tool.write(a=LOUD, test_a=LOUD)
    assert tool.codes("--exclude", "a.py", "a.py", "test_a.py") == ["SVC101"] * 2
    assert tool.codes("--exclude", "test_a.py", "--force-exclude", "a.py", "test_a.py") == ["SVC101"]
    done = tool("check", "--force-exclude", "test_a.py")
    assert (done.returncode, "no Python files" in done.stderr) == (0, True)


def test_exclude(tool: Tool) -> None:
    tool.write(a=LOUD, b=LOUD)
    assert tool.json("--exclude", "a.py")["findings"][0]["path"] == "b.py"


def test_settings_are_read(tool: Tool) -> None:
    tool.write(a=LOUD)
    (tool.folder / "pyproject.toml").write_text("[tool.servicelint]\nignore = ['SVC101']\n")
    assert tool.codes() == []
    assert tool.codes("--isolated") == ["SVC101"]
    (tool.folder / "other.toml").write_text("ignore = ['SVC103']\n")
    assert tool.codes("--config", "other.toml") == ["SVC101"]


def test_comments_silence(tool: Tool) -> None:
    tool.write(a=LOUD.replace("users')", "users')  # noqa: SVC101"))
    assert tool.codes() == []


# --- files of many kinds -------------------------------------------------------------------------

UNREADABLE = {
    "syntax": BROKEN.encode(),
    "null byte": b"x = 1\n\0\n",
    "latin-1 without a coding line": "x = 1\ny = 'é'\n".encode("latin-1"),
    "a coding that is none": b"# coding: nonsense\n",
    "too deep": b"import requests\nx = " + b"(" * 5_000 + b")" * 5_000 + b"\n",
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_cannot_be_read_is_said_and_others_are_checked(tool: Tool, kind: str) -> None:
    tool.write(a=UNREADABLE[kind], b=LOUD)
    done = tool("check", "--format", "json")
    assert done.returncode == 3, done.stderr
    report = json.loads(done.stdout)
    assert [(each["path"], each["code"]) for each in report["findings"]] == [
        ("a.py", "SVC004"),
        ("b.py", "SVC101"),
    ]


def test_a_file_that_is_gone(tool: Tool) -> None:
    tool.write(b=LOUD)
    (tool.folder / "a.py").symlink_to("nowhere")
    assert tool.codes() == ["SVC004", "SVC101"]
    assert tool("check").returncode == 3


def test_a_pipe_is_not_waited_for(tool: Tool) -> None:
    os.mkfifo(tool.folder / "a.py")
    assert tool.codes() == ["SVC004"]


def test_what_cannot_be_read_is_said_whatever_is_selected(tool: Tool) -> None:
    tool.write(a=BROKEN)
    assert tool.codes("--select", "SVC101") == ["SVC004"]
    assert tool("check", "--ignore", "SVC004").returncode == 0


def test_a_file_that_cannot_matter_is_parsed_only_if_it_is_named(tool: Tool) -> None:
    tool.write(a="def f(:\n")
    assert tool.codes() == []
    assert tool.codes("a.py") == ["SVC004"]


READABLE = {
    "byte order mark": b"\xef\xbb\xbf" + LOUD.encode(),
    "crlf": LOUD.replace("\n", "\r\n").encode(),
    "coding line": b"# coding: latin-1\nx = '\xe9'\n" + LOUD.encode(),
    "form feed": LOUD.replace("def f", "\x0c\ndef f").encode(),
    "tabs": LOUD.replace("    ", "\t").encode(),
    "no end of line": LOUD.rstrip().encode(),
}


@pytest.mark.parametrize("kind", READABLE)
def test_what_can_be_read(tool: Tool, kind: str) -> None:
    tool.write(a=READABLE[kind])
    [found] = tool.json()["findings"]
    assert (found["code"], found["function"]) == ("SVC101", "f")
    expected_line = READABLE[kind].count(b"\n", 0, READABLE[kind].index(b"return")) + 1
    assert (found["line"], found["end_line"]) == (expected_line, expected_line)
    assert found["end_column"] - found["column"] == len("requests.get('http://users')")


def test_an_empty_file(tool: Tool) -> None:
    tool.write(a="")
    assert tool("check").returncode == 0


def test_columns_are_code_points(tool: Tool) -> None:
    tool.write(a="import requests\nx = '\U0001f600é', requests.get('http://users')\n")
    [found] = tool.json()["findings"]
    assert found["column"] == 11


def test_paths_are_relative_to_the_working_directory(tool: Tool) -> None:
    (tool.folder / "package").mkdir()
    (tool.folder / "package" / "a.py").write_text(LOUD)
    assert tool.json("package")["findings"][0]["path"] == "package/a.py"
    assert tool.json(str(tool.folder / "package"))["findings"][0]["path"] == "package/a.py"


# --- the other verbs -----------------------------------------------------------------------------


def test_version(tool: Tool) -> None:
    done = tool("--version")
    assert (done.returncode, done.stdout) == (0, f"servicelint {version('servicelint')}\n")


def test_rules(tool: Tool) -> None:
    done = tool("rules")
    codes = [line.split()[0] for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert codes == sorted(codes)
    assert {"SVC001", "SVC004", "SVC101", "SVC103", "SVC104"} <= set(codes)


@pytest.mark.parametrize("subject", ["SVC101", "svc101", "http-call-without-timeout", "W9101"])
def test_explain_a_rule(tool: Tool, subject: str) -> None:
    done = tool("explain", subject)
    assert done.returncode == 0
    assert done.stdout.startswith("SVC101 http-call-without-timeout (pylint: W9101)\n\nAn outbound HTTP call")
    assert "Why it hurts:" in done.stdout


def test_explain_a_place(tool: Tool) -> None:
    tool.write(a=LOUD, b=QUIET)
    assert "requests.get, an outbound call: unbounded" in tool("explain", "a.py:4").stdout
    assert "bounded" in tool("explain", "b.py:2").stdout
    assert "no outbound call is known here" in tool("explain", "a.py:1").stdout


@pytest.mark.parametrize("subject", ["SVC999", "nonsense", "a.py:x", ":3"])
def test_explain_what_is_not_there(tool: Tool, subject: str) -> None:
    assert "neither a rule" in one_line(tool("explain", subject))


def test_explain_a_missing_file(tool: Tool) -> None:
    assert "no such file" in one_line(tool("explain", "nowhere.py:3"))
