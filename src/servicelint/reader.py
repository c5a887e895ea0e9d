"""Reading a program's files: their texts and their facts, the latter from the cache where it has them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from servicelint.facts import codec
from servicelint.facts.record import ModuleFacts, Region, Scope
from servicelint.facts.unreadable import UnreadableSource
from servicelint.other_processes import OtherProcesses
from servicelint.own_code import code_version
from servicelint.sources.reading import Texts
from servicelint.workers import extracted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicelint.other_processes import Pool
    from servicelint.program.linking.modules import Module
    from servicelint.sources.cache import Cache
    from servicelint.sources.known_digests import KnownDigests


class Reader:
    """Reads texts and facts. ``unreadable`` tells, by path, what could not be read and why.

    ``buffers`` hold the texts of files that stand in an editor instead of on the disk, by path. ``pool``
    makes facts beside this process. ``tracebacks`` are those of crashes while reading.
    """

    def __init__(
        self,
        cache: Cache | None = None,
        buffers: Mapping[str, str] | None = None,
        pool: Pool | None = None,
        known: KnownDigests | None = None,
    ) -> None:
        self.cache = cache
        self.texts = Texts(buffers, known)
        self.unreadable: dict[str, UnreadableSource] = {}
        self.tracebacks: list[str] = []
        self.elsewhere = OtherProcesses(pool, self._is_missing)

    def text(self, path: str) -> str:
        """The text of a file; where it can't be decoded, something that keeps its lines."""
        try:
            return self.texts.text(path)
        except UnreadableSource as error:
            self.unreadable[path] = error
            return error.raw_text

    def facts(self, path: str, source: str) -> ModuleFacts:
        """The facts of a file, from the cache if it has them."""
        if path in self.unreadable:
            return empty_facts()
        key = facts_key(self.texts.digest(path))
        known = self.cache.get("facts", key) if self.cache else None
        if known is not None:
            with contextlib.suppress(msgspec.DecodeError):  # damaged: made anew
                return codec.decode(known)
        made = self.elsewhere.facts(path) or extracted(source)
        if made.traceback:
            self.tracebacks.append(made.traceback)
        if made.unreadable is not None:
            self.unreadable[path] = made.unreadable
            return empty_facts()
        if self.cache:
            self.cache.put("facts", key, made.facts)
        return codec.decode(made.facts)

    def _is_missing(self, module: Module) -> bool:
        """Whether the facts of a module have to be made of its text."""
        if module.is_parsed:
            return False
        key = facts_key(self.texts.digest(module.path))
        return not (self.cache and self.cache.has("facts", key)) and module.path not in self.unreadable


def facts_key(digest: bytes) -> bytes:
    """Under what the cache keeps the facts of a content."""
    return digest + code_version().encode()


def empty_facts() -> ModuleFacts:
    """The facts of a file that says nothing."""
    return ModuleFacts(
        [Scope("module", "", -1, [], {}, [], [], [])], [], [], [], [Region("module", -1, 0)], [], []
    )
