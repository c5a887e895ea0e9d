"""Settings: where they are found, and what is said of those that can't be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from servicelint.config import Config, ConfigError, Timeouts, load, read_file, read_folder

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = {
    "selct = ['SVC1']": "selct: unknown key; did you mean `select`?",
    "quite-something = 1": "quite-something: unknown key",
    "select = 'SVC1'": "select: expected `array`, got `str`",
    "select = [1]": "select[0]: expected `str`, got `int`",
    "root = 'yes'": "root: expected `bool`, got `str`",
    "include_tests = true": "include_tests: unknown key; did you mean `include-tests`?",
    "[timeouts]\nmax-second = 3": "timeouts.max-second: unknown key; did you mean `max-seconds`?",
    "[timeouts]\nmax-seconds = '3'": "timeouts.max-seconds: expected `float | null`, got `str`",
    "[timeouts]\nstreams = 'never'": "timeouts.streams: invalid enum value 'never'",
    "clients = 3": "clients: expected `object`, got `int`",
}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("method", ["FeedStub.Watch", "/acme.Feed/SubscribeAll", "priceStream", "Listen"])
def test_streams_that_stay_open_are_told_by_their_names(method: str) -> None:
    assert Timeouts().may_stay_open(method)
    assert not Timeouts(streams="report").may_stay_open(method)


@pytest.mark.parametrize("method", ["", "FeedStub.Export", "WatchStub.Get", "/acme.Listener/Get"])
def test_other_streams_have_an_end(method: str) -> None:
    assert not Timeouts().may_stay_open(method)
    assert not Timeouts(open_streams=("Import", "Other.*")).may_stay_open(method)


@pytest.mark.parametrize("pattern", ["Export", "Exp*", "FeedStub.*"])
def test_settings_name_further_streams(pattern: str) -> None:
    assert Timeouts(open_streams=(pattern,)).may_stay_open("FeedStub.Export")


@pytest.mark.parametrize("text", REFUSED)
def test_its_own_file_is_strict(text: str, tmp_path: Path) -> None:
    path = write(tmp_path / "servicelint.toml", text)
    with pytest.raises(ConfigError) as raised:
        read_folder(tmp_path)
    assert str(raised.value) == f"{path}: {REFUSED[text]}"


@pytest.mark.parametrize("text", [text for text in REFUSED if not text.startswith("[")])
def test_so_is_pyproject_and_the_key_has_its_full_path(text: str, tmp_path: Path) -> None:
    path = write(tmp_path / "pyproject.toml", f"[tool.servicelint]\n{text}")
    with pytest.raises(ConfigError) as raised:
        read_folder(tmp_path)
    assert str(raised.value) == f"{path}: tool.servicelint.{REFUSED[text]}"


def test_nested_beyond_what_a_parser_takes(tmp_path: Path) -> None:
    (tmp_path / "servicelint.toml").write_text(f"select = {'[' * 5_000}{']' * 5_000}")
    with pytest.raises(ConfigError, match="nested too deeply"):
        read_folder(tmp_path)


@pytest.mark.parametrize("data", [b"select = [", b"select = \xff", b"= 1"])
@pytest.mark.parametrize("name", ["servicelint.toml", "pyproject.toml"])
def test_not_toml(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigError, match="not TOML"):
        read_folder(tmp_path)


@pytest.mark.parametrize("text", ["tool = 3", "[project]\nname = 'x'", "", "[tool.other]\nx = 1"])
def test_a_pyproject_that_says_nothing_of_servicelint(text: str, tmp_path: Path) -> None:
    path = write(tmp_path / "pyproject.toml", text)
    assert read_folder(tmp_path) is None
    assert msgspec.structs.replace(read_file(path), origin=None) == Config()


def test_a_table_that_is_none(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool]\nservicelint = 3")
    with pytest.raises(ConfigError, match=r"tool\.servicelint: expected `object`, got `int`"):
        read_folder(tmp_path)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_file(tmp_path / "servicelint.toml")


def test_no_settings_are_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert load(tmp_path) == (Config(), None)
    assert Config().select == ("SVC",)


def test_the_search_goes_upwards_and_the_nearest_counts(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool.servicelint]\nignore = ['SVC104']")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert load(deep)[1] == tmp_path
    write(tmp_path / "a" / "servicelint.toml", "ignore = ['SVC103']")
    found, folder = load(write(deep / "module.py", ""))
    assert (found.ignore, folder) == (("SVC103",), tmp_path / "a")


def test_the_search_ends_at_the_top_of_the_repository(tmp_path: Path) -> None:
    write(tmp_path / "servicelint.toml", "ignore = ['SVC104']")
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    assert load(tmp_path / "repository") == (Config(), None)


def test_what_can_be_said(tmp_path: Path) -> None:
    path = write(
        tmp_path / "servicelint.toml",
        "root = true\nexclude = ['old/']\nsource-roots = ['lib']\ninclude-tests = true\n"
        "[timeouts]\nmax-seconds = 30\n",
    )
    found = read_file(path)
    assert (found.root, found.exclude, found.source_roots) == (True, ("old/",), ("lib",))
    assert (found.include_tests, found.timeouts.max_seconds) == (True, 30)
