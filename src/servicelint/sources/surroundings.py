"""What stands beside a program's code: manifests, and the files that say how services are started."""

from __future__ import annotations

import contextlib
import functools
import os
from typing import TYPE_CHECKING

import msgspec

from servicelint.sources.manifests.record import Manifests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servicelint.sources.cache import Cache


class _Kept(msgspec.Struct, array_like=True):
    standing: bytes
    manifests: Manifests
    commands: list[tuple[bytes, str]]


_kept = msgspec.msgpack.Decoder(_Kept)


class Surroundings:
    """What is said beside the code below a root, read when it is asked for.

    Args:
        standing: how the program stands, if that is known: what was kept of the same is told again.
        version: tells the version of our own code.
        note_crash: is told what goes wrong while manifests are read: most of what is found rests on none.
    """

    def __init__(
        self,
        root: Path,
        cache: Cache | None,
        standing: bytes | None,
        version: Callable[[], str],
        note_crash: Callable[[str, Exception], None],
    ) -> None:
        self._root = root
        self._cache = cache
        self._standing = standing
        self._version = version
        self._note_crash = note_crash

    @functools.cached_property
    def manifests(self) -> Manifests:
        """What manifests say."""
        if self._told is not None:
            return self._told.manifests
        from servicelint.sources.manifests.reading import read_manifests

        try:
            return read_manifests(self._root, self._cache, self._version())
        except Exception as error:  # noqa: BLE001 - reported
            self._note_crash("reading manifests", error)
            return Manifests()

    @functools.cached_property
    def commands(self) -> tuple[tuple[str, str], ...]:
        """The texts of files that start services, each with its path."""
        if self._told is not None:
            return tuple((os.fsdecode(path), text) for path, text in self._told.commands)
        from servicelint.sources import startfiles

        return startfiles.commands(self._root)

    def keep(self, cache: Cache, standing: bytes) -> None:
        """Keep what is said while a program stands so."""
        commands = [(os.fsencode(path), text) for path, text in self.commands]
        kept = _Kept(standing, self.manifests, commands)
        cache.put("surroundings", self._key, msgspec.msgpack.encode(kept))

    @functools.cached_property
    def _told(self) -> _Kept | None:
        data = self._cache.get("surroundings", self._key) if self._cache and self._standing else None
        if data is not None:
            with contextlib.suppress(msgspec.DecodeError):  # damaged: read anew
                kept = _kept.decode(data)
                return kept if kept.standing == self._standing else None
        return None

    @property
    def _key(self) -> bytes:
        return os.fsencode(self._root) + self._version().encode()
