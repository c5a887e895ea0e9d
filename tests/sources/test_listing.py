"""A run whose files are listed says what one says that looks for them."""

from __future__ import annotations

import datetime
import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from servicelint import program_files, registry
from servicelint.config import Config, Exemption
from servicelint.program_files import listed
from servicelint.run import Run
from servicelint.sources.cache import Cache
from servicelint.sources.discovery import Selection, select
from servicelint.sources.listing import MOST_CHANGED
from servicelint.sources.standing import SETTLED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOUD = "import requests\n\nrequests.get('http://users')\n"
RULES = registry.selected(("SVC",), ())
ENDS = datetime.date(2030, 1, 1)
CONFIG = Config(exceptions=(Exemption("a", "b", until=ENDS, reason="moving"),))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "program"
    folder.mkdir()
    for number in range(MOST_CHANGED + 5):
        (folder / f"a{number}.py").write_text(LOUD if number < 3 else "")
    (folder / "compose.yaml").write_text("services: {}\n")
    time.sleep(SETTLED + 0.5)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    with Cache(tmp_path / "cache") as cache:
        yield cache


def checked(root: Path, cache: Cache) -> list[tuple[str, int]]:
    """What a run finds that looks for its files."""
    return found(Run(select((root,), root), CONFIG, root, cache))


def found(run: Run) -> list[tuple[str, int]]:
    result = run.check(RULES)
    if run.cache:
        run.cache.save()
    return [(finding.place.path.rpartition("/")[2], finding.place.line) for finding in result.findings]


def test_files_that_changed_are_read_again(root: Path, cache: Cache) -> None:
    assert checked(root, cache) == [("a0.py", 3), ("a1.py", 3), ("a2.py", 3)]
    (root / "a1.py").write_text("")
    (root / "a9.py").write_text(f"\n{LOUD}")
    known = listed(cache, root, RULES, CONFIG)
    assert known is not None
    assert known[1] == {(root / name).as_posix() for name in ("a1.py", "a9.py")}
    run = Run(Selection(), CONFIG, root, cache, listed=known)
    assert found(run) == [("a0.py", 3), ("a2.py", 3), ("a9.py", 4)] == checked(root, cache)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_what_stands_beside_the_code_may_have_any_name(root: Path, cache: Cache) -> None:
    for name, text in (
        (b"\xff.sh", "gunicorn a0:app\n"),
        (b"\xff.yaml", "kind: VirtualService\nx: {{ y }}\n"),
    ):
        (root / os.fsdecode(name)).write_text(text)
    time.sleep(SETTLED + 0.5)
    assert checked(root, cache) == [("a0.py", 3), ("a1.py", 3), ("a2.py", 3)]
    before = Run(select((root,), root), CONFIG, root)
    run = Run(Selection(), CONFIG, root, cache, listed=listed(cache, root, RULES, CONFIG))
    assert run.files.listing is not None
    assert run._beside.commands == before._beside.commands
    assert run._beside.manifests.skipped == before._beside.manifests.skipped == ["\\udcff.yaml"]


def test_what_else_changed_needs_a_look(root: Path, cache: Cache) -> None:
    checked(root, cache)
    assert listed(cache, root, RULES[:3], CONFIG) is None
    assert listed(cache, root, RULES, Config()) is None
    (root / "compose.yaml").write_text("services: {users: {image: users}}\n")
    assert listed(cache, root, RULES, CONFIG) is None


def test_many_changes_need_a_look(root: Path, cache: Cache) -> None:
    checked(root, cache)
    for number in range(MOST_CHANGED + 1):
        (root / f"a{number}.py").write_text("pass\n")
    assert listed(cache, root, RULES, CONFIG) is None


def test_files_that_come_need_a_look(root: Path, cache: Cache) -> None:
    checked(root, cache)
    (root / "new.py").write_text(LOUD)
    assert listed(cache, root, RULES, CONFIG) is None


def test_an_exception_that_ends_needs_a_look(
    root: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked(root, cache)
    assert listed(cache, root, RULES, CONFIG) is not None

    class Later(datetime.date):
        @classmethod
        def today(cls) -> Later:
            return cls(2030, 1, 2)

    monkeypatch.setattr(program_files.datetime, "date", Later)
    assert listed(cache, root, RULES, CONFIG) is None


def test_what_stands_in_an_editor_is_not_listed(root: Path, cache: Cache) -> None:
    path = (root / "a0.py").as_posix()
    found(Run(select((root,), root), CONFIG, root, cache, {path: ""}))
    assert listed(cache, root, RULES, CONFIG) is None


def test_a_damaged_listing_is_none(root: Path, cache: Cache) -> None:
    checked(root, cache)
    cache._connection.execute("UPDATE entries SET data = x'00' WHERE kind = 'listing'")  # type: ignore[union-attr]
    assert listed(cache, root, RULES, CONFIG) is None
