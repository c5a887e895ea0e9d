"""Which versions a project pins, read from the files that projects have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from servicelint.sources.pins import pin_files, pins

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {"httpx", "requests", "aio-pika"}


def pinned(folder: Path, **files: str) -> dict[str, str]:
    """The pins of a project with these files; ``__`` in a name stands for a dot, ``_`` for what it is."""
    for name, text in files.items():
        path = folder / name.replace("__", ".")
        path.write_text(text)
    return pins(pin_files(folder), NAMES)


LOCK = """
[[package]]
name = "httpx"
version = "0.27.0"
[[package]]
name = "own"
source = { editable = "." }
"""


@pytest.mark.parametrize("name", ["uv__lock", "poetry__lock", "pdm__lock"])
def test_lock_files(tmp_path: Path, name: str) -> None:
    assert pinned(tmp_path, **{name: LOCK}) == {"httpx": "==0.27.0"}


def test_pipfile(tmp_path: Path) -> None:
    lock = {"default": {"httpx": {"version": "==0.27.0"}}, "develop": {"requests": {"version": "==2.31"}}}
    assert pinned(tmp_path, Pipfile__lock=json.dumps(lock)) == {"httpx": "==0.27.0", "requests": "==2.31"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("httpx==0.27.0", "==0.27.0"),
        ("HTTPX[http2] == 0.27.0 ; python_version > '3.8'  # why", "==0.27.0"),
        ("httpx==0.27.0 --hash=sha256:00", "==0.27.0"),
        ("httpx==0.27.0 \\\n    --hash=sha256:00", "==0.27.0"),
        ("httpx>=0.27,<1", "<1,>=0.27"),
        ("httpx", None),
        ("-e git+https://host/httpx", None),
        ("httpx @ https://host/httpx-0.27.0.whl", None),
        ("# httpx==0.27.0", None),
        ("httpx==not=a=version", None),
        ("httpx-sse==0.4", None),
    ],
)
def test_requirements(tmp_path: Path, line: str, expected: str | None) -> None:
    assert pinned(tmp_path, requirements__txt=f"{line}\n").get("httpx") == expected


def test_names_are_compared_as_the_index_does(tmp_path: Path) -> None:
    assert pinned(tmp_path, requirements__txt="Aio_Pika==9.4\n") == {"aio-pika": "==9.4"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[project]\ndependencies = ["httpx==0.27"]', "==0.27"),
        ('[project.optional-dependencies]\nx = ["httpx==0.27"]', "==0.27"),
        ('[dependency-groups]\nx = ["httpx==0.27", { include-group = "y" }]', "==0.27"),
        ('[tool.poetry.dependencies]\nhttpx = "^0.27.1"', "==0.27.*,>=0.27.1"),
        ('[tool.poetry.dependencies]\nhttpx = "^2.1"', "==2.*,>=2.1"),
        ('[tool.poetry.dependencies]\nhttpx = { version = "~0.27", extras = ["http2"] }', "==0.27.*,>=0.27"),
        ('[tool.poetry.group.dev.dependencies]\nhttpx = "0.27"', "==0.27"),
        ('[tool.poetry.dependencies]\nhttpx = "*"', None),
    ],
)
def test_projects(tmp_path: Path, text: str, expected: str | None) -> None:
    assert pinned(tmp_path, pyproject__toml=text).get("httpx") == expected


def test_the_most_precise_file_counts(tmp_path: Path) -> None:
    found = pinned(
        tmp_path,
        uv__lock=LOCK,
        requirements__txt="httpx==0.28.1\nrequests==2.31\n",
        pyproject__toml='[project]\ndependencies = ["httpx>=0.20", "requests>=2"]',
    )
    assert found == {"httpx": "==0.27.0", "requests": "==2.31"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv__lock", "httpx = [["),
        ("uv__lock", 'package = "httpx"'),
        ("Pipfile__lock", "httpx {"),
        ("Pipfile__lock", '["httpx"]'),
        ("pyproject__toml", 'project = "httpx"'),
        ("pyproject__toml", '[project]\ndependencies = "httpx"'),
    ],
)
def test_a_file_that_is_something_else_says_nothing(tmp_path: Path, name: str, text: str) -> None:
    assert pinned(tmp_path, **{name: text}) == {}


def test_a_file_of_other_bytes_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(b"httpx==0.27\xff\n")
    (tmp_path / "uv.lock").mkdir()
    assert pinned(tmp_path) == {}
