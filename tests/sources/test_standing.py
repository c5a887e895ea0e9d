"""What stands below a program's root is seen at a glance, and every change of it is."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from servicelint.sources.standing import SETTLED, Standing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "program"
    (folder / "shop").mkdir(parents=True)
    for name in ("a.py", "shop/b.py", "compose.yaml", "picture.png"):
        (folder / name).write_text(name)
    return folder


def taken(root: Path) -> Standing:
    standing = Standing.taken(root, [], time.time() + 10 * SETTLED)
    assert standing is not None
    return standing


def test_nothing_has_changed(root: Path) -> None:
    assert taken(root).changed() == set()


def test_it_can_be_kept(root: Path) -> None:
    standing = taken(root)
    kept = Standing.unpacked(standing.packed())
    assert kept is not None
    assert (kept.changed(), kept.digest) == (set(), standing.digest)


@pytest.mark.parametrize("cut", [0, 5, 40, -3])
def test_what_is_damaged_is_none(root: Path, cut: int) -> None:
    assert Standing.unpacked(taken(root).packed()[:cut]) is None or cut == -3


@pytest.mark.parametrize("name", ["a.py", "shop/b.py", "compose.yaml"])
def test_a_written_file_is_named(root: Path, name: str) -> None:
    standing = taken(root)
    (root / name).write_text("other")
    assert standing.changed() == {os.fsencode(root / name)}


def test_a_file_that_is_put_in_place_is_named(root: Path) -> None:
    standing = taken(root)
    (root / "shop" / ".b.py.swp").write_text("an editor's")
    (root / "shop" / "new").write_text("other")
    (root / "shop" / "new").replace(root / "shop" / "b.py")
    assert standing.changed() == {os.fsencode(root / "shop" / "b.py")}


def test_an_older_time_of_writing_hides_nothing(root: Path) -> None:
    file = root / "a.py"
    before = file.stat()
    standing = taken(root)
    file.write_text("b.py")  # as long as before
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert standing.changed() == {os.fsencode(file)}


OTHERWISE: dict[str, Callable[[Path], object]] = {
    "a new file": lambda root: (root / "shop" / "c.py").write_text(""),
    "a file less": lambda root: (root / "shop" / "b.py").unlink(),
    "a file of another name": lambda root: (root / "a.py").rename(root / "c.py"),
    "a new folder": lambda root: (root / "other").mkdir(),
    "a folder less": lambda root: (root / "shop").rename(root.parent / "shop"),
    "a new manifest": lambda root: (root / "shop" / "Dockerfile").write_text(""),
    "a root below": lambda root: (root / "shop" / ".git").mkdir(),
    "a root": lambda root: (root / ".git").mkdir(),
    "a root above": lambda root: (root.parent / ".git").mkdir(),
}


@pytest.mark.parametrize("change", OTHERWISE.values(), ids=OTHERWISE)
def test_files_that_come_and_go_are_noticed(root: Path, change: Callable[[Path], object]) -> None:
    standing = taken(root)
    change(root)
    assert standing.changed() is None


def test_what_is_installed_counts(root: Path, tmp_path: Path) -> None:
    packages = tmp_path / "site-packages"
    packages.mkdir()
    standing = Standing.taken(root, [packages], time.time() + 10 * SETTLED)
    assert standing is not None
    (packages / "more").mkdir()
    assert standing.changed() == {os.fsencode(packages)}
    (packages / "more").rmdir()
    packages.rmdir()
    assert standing.changed() is None


@pytest.mark.parametrize("name", ["pyproject.toml", "servicelint.toml"])
def test_settings_above_count(root: Path, name: str) -> None:
    standing = taken(root)
    (root.parent / name).write_text("")
    assert standing.changed() == {os.fsencode(root.parent / name)}


def test_what_nothing_looks_at_does_not_count(root: Path) -> None:
    standing = taken(root)
    (root / "picture.png").write_text("other")
    (root / "new.png").write_text("")
    (root / "shop" / "__pycache__").mkdir()
    (root / ".hidden").mkdir()
    assert standing.changed() == set()


def test_what_has_just_changed_may_change_again_unseen(root: Path) -> None:
    assert Standing.taken(root, [], time.time()) is None
