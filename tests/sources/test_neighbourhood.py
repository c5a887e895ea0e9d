"""The import neighbourhood of a file: what it imports, in every form, and nothing that it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicelint.sources import neighbourhood as module
from servicelint.sources.neighbourhood import neighbourhood

if TYPE_CHECKING:
    from pathlib import Path

FILES = (
    "app/__init__.py",
    "app/main.py",
    "app/settings.py",
    "app/clients/__init__.py",
    "app/clients/users.py",
    "app/clients/orders.pyi",
    "app/clients/deep/__init__.py",
    "app/clients/deep/retry.py",
    "src/lib/__init__.py",
    "src/lib/http.py",
    "far/away.py",
    "tool.py",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


def near(root: Path, text: str, file: str = "app/clients/users.py") -> set[str]:
    found = neighbourhood(root / file, root, ("far",), text)
    assert len(found) == len(set(found))
    packages = {"app/__init__.py", "app/clients/__init__.py"}
    names = {path.relative_to(root).as_posix() for path in found}
    assert packages <= names, "a file's own packages say what its name is"
    return names - packages


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("", set()),
        ("import app.settings", {"app/settings.py"}),
        ("import json, app.settings as s", {"app/settings.py"}),
        ("from app import settings, main", {"app/settings.py", "app/main.py"}),
        ("from app import (\n    settings,\n    main,\n)", {"app/settings.py", "app/main.py"}),
        ("from app.settings import TIMEOUT", {"app/settings.py"}),
        ("from app.settings import *", {"app/settings.py"}),
        ("from . import orders", {"app/clients/orders.pyi"}),
        ("from .orders import get", {"app/clients/orders.pyi"}),
        ("from .. import settings", {"app/settings.py"}),
        ("from ..settings import TIMEOUT", {"app/settings.py"}),
        ("from ..clients.deep.retry import x", {"app/clients/deep/__init__.py", "app/clients/deep/retry.py"}),
        ("def f():\n    import tool", {"tool.py"}),
        ("import lib.http", {"src/lib/__init__.py", "src/lib/http.py"}),
        ("import away", {"far/away.py"}),
        ("import requests, os.path", set()),
        ("from ........ import settings", set()),
    ],
)
def test_what_an_import_means(root: Path, text: str, files: set[str]) -> None:
    assert near(root, text) == files


def test_what_imports_import(root: Path) -> None:
    (root / "app/settings.py").write_text("import lib.http\n")
    (root / "src/lib/http.py").write_text("import tool, app.settings\n")
    expected = {"app/settings.py", "src/lib/__init__.py", "src/lib/http.py", "tool.py"}
    assert near(root, "from .. import settings") == expected


def test_the_text_on_the_disk(root: Path) -> None:
    (root / "tool.py").write_text("import app.main\n")
    found = neighbourhood(root / "tool.py", root)
    assert [path.relative_to(root).as_posix() for path in found] == ["app/__init__.py", "app/main.py"]


def test_what_cannot_be_read_imports_nothing(root: Path) -> None:
    (root / "app/settings.py").write_bytes(b"# coding: nonsense\nimport tool\n")
    assert near(root, "import app.settings") == {"app/settings.py"}


def test_nothing_outside_the_program(root: Path) -> None:
    found = neighbourhood(
        root / "app/main.py", root / "app", (), "import tool, app.settings\nfrom .. import tool"
    )
    assert (root / "tool.py") not in found
    assert (root / "app/settings.py") in found


def test_the_nearest_files_are_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 3)
    (root / "app/settings.py").write_text("import tool\n")
    assert near(root, "import app.settings") == {"app/settings.py"}
