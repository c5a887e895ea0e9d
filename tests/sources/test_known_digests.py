"""Files that look as they did are not read again; whatever is written is noticed."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from servicelint.sources import known_digests
from servicelint.sources.cache import Cache
from servicelint.sources.known_digests import SETTLED, KnownDigests
from servicelint.sources.reading import Texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = b"key"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = Cache(tmp_path / "cache")
    yield cache
    cache.close()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that was written long ago."""
    monkeypatch.setattr(known_digests.time, "time", lambda now=time.time: now() + 2 * SETTLED)
    path = tmp_path / "users.py"
    path.write_text("timeout = 1\n")
    return path


def digest(file: Path, cache: Cache) -> bytes:
    """What a run finds, which begins with what is in the cache."""
    known = KnownDigests(cache, KEY)
    found = Texts(known=known).digest(str(file))
    known.save()
    cache.save()
    return found


def test_a_file_is_read_once(file: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    first = digest(file, cache)
    monkeypatch.setattr(Texts, "_content", lambda *_: pytest.fail("it is read again"))
    assert digest(file, cache) == first


def test_the_same_size_and_time_of_writing_are_not_enough(file: Path, cache: Cache) -> None:
    first, times = digest(file, cache), file.stat()
    file.write_text("timeout = 2\n")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert digest(file, cache) != first


def test_another_file_in_its_place(file: Path, cache: Cache) -> None:
    first, other = digest(file, cache), file.with_name("other.py")
    other.write_text("timeout = 3\n")
    other.replace(file)
    assert digest(file, cache) != first


def test_what_was_just_written_is_not_trusted(tmp_path: Path, cache: Cache) -> None:
    path = tmp_path / "users.py"
    path.write_text("timeout = 1\n")
    digest(path, cache)
    assert KnownDigests(cache, KEY).of(str(path), path.stat()) is None


def test_a_file_that_can_no_longer_be_read(file: Path, cache: Cache) -> None:
    first = digest(file, cache)
    file.unlink()
    assert digest(file, cache) != first


def test_damage_costs_time_only(file: Path, cache: Cache) -> None:
    first = digest(file, cache)
    cache.put("looks", KEY, b"\xc1")
    cache.save()
    assert digest(file, cache) == first


def test_a_file_that_changes_during_the_run(file: Path, cache: Cache) -> None:
    digest(file, cache)
    texts = Texts(known=KnownDigests(cache, KEY))
    looked_at = texts.digest(str(file))
    file.write_text("timeout = 2\n")
    assert texts.text(str(file)) == "timeout = 2\n"
    assert texts.is_torn, "nothing of this run may be kept"
    assert texts.digest(str(file)) != looked_at, "facts are kept under what was read"
