"""The import facts of all files of a program, kept together in one entry of the cache."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

import msgspec

from servicelint.facts.imports import ImportFact, imports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from servicelint.program.linking.modules import Module
    from servicelint.sources.cache import Cache

_snapshots = msgspec.msgpack.Decoder(dict[bytes, msgspec.Raw])
_facts = msgspec.msgpack.Decoder(list[ImportFact])


class ImportFacts:
    """The import facts of files by their content; those of one file are decoded when they are asked for.

    Args:
        cache: where they are kept under ``key``, which is the program's own.
        digest: what changes when the content of the file at a path does.
    """

    def __init__(self, cache: Cache | None, key: bytes, digest: Callable[[str], bytes]) -> None:
        self._cache = cache
        self._key = key
        self._digest = digest
        self._used: dict[bytes, msgspec.Raw] = {}
        self._is_new = False

    def of(self, module: Module) -> Sequence[ImportFact]:
        """The import facts of a module."""
        if self._cache is None:
            return imports(module.text)
        digest = self._digest(module.path)
        kept = self._kept.get(digest)
        if kept is not None:
            self._used[digest] = kept
            with contextlib.suppress(msgspec.DecodeError):  # damaged: made anew
                return _facts.decode(kept)
        facts = imports(module.text)
        self._used[digest] = msgspec.Raw(msgspec.msgpack.encode(facts))
        self._is_new = True
        return facts

    def save(self, modules: Iterable[Module]) -> None:
        """Keep what is known of all these, if something is new."""
        if self._cache is not None and self._is_new:
            known = {**self._kept, **self._used}
            present = {self._digest(module.path) for module in modules}
            snapshot = {digest: facts for digest, facts in known.items() if digest in present}
            self._cache.put("imports", self._key, msgspec.msgpack.encode(snapshot))

    @functools.cached_property
    def _kept(self) -> dict[bytes, msgspec.Raw]:
        data = self._cache.get("imports", self._key) if self._cache else None
        if data is not None:
            with contextlib.suppress(msgspec.DecodeError):
                return _snapshots.decode(data)
        return {}
