"""What files hold, known by what the system says of them: a file that looks as it did is not read again.

As in git's index, size, times and number of a file stand for its content. The time of the last change of its
entry is among them, which programs that put back an older time of writing can't put back. A file that was
written so shortly before it was read that a second write might leave its times as they are is not trusted.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from typing import TYPE_CHECKING

import msgspec

from servicelint.sources.standing import SETTLED

if TYPE_CHECKING:
    from servicelint.sources.cache import Cache

Seen = tuple[int, int, int, int, bytes]
"""Size, times of the last writing and of the last change of the entry (nanoseconds), number; the digest."""

_kept = msgspec.msgpack.Decoder(dict[bytes, Seen])


class KnownDigests:
    """The digests of files by their looks, kept in the cache under ``key``."""

    def __init__(self, cache: Cache | None, key: bytes) -> None:
        self._cache = cache
        self._key = key
        self._used: dict[bytes, Seen] = {}
        self._is_new = False

    @functools.cached_property
    def _known(self) -> dict[bytes, Seen]:
        data = self._cache.get("looks", self._key) if self._cache else None
        if data is not None:
            with contextlib.suppress(msgspec.DecodeError):  # damaged: made anew
                return _kept.decode(data)
        return {}

    def of(self, path: str, status: os.stat_result) -> bytes | None:
        """The digest of a file's content, if it is known for a file that looks so."""
        file = os.fsencode(path)
        seen = self._known.get(file)
        if seen is None or seen[:-1] != _looks(status):
            return None
        self._used[file] = seen
        return seen[-1]

    def note(self, path: str, status: os.stat_result, digest: bytes) -> None:
        """A file that looked so before it was read has this digest."""
        if max(status.st_mtime, status.st_ctime) + SETTLED < time.time():
            self._used[os.fsencode(path)] = (*_looks(status), digest)
            self._is_new = True

    def save(self) -> None:
        """Keep what was used, if something is new."""
        if self._cache is not None and self._is_new:
            self._cache.put("looks", self._key, msgspec.msgpack.encode(self._used))
            self._is_new = False


def _looks(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
