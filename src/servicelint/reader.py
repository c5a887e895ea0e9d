"""Reading a program's files: their texts and their facts, the latter from the cache where it has them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import traceback
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from servicelint import registry
from servicelint.facts import codec
from servicelint.facts.record import ModuleFacts, Region, Scope
from servicelint.facts.unreadable import UnreadableSource
from servicelint.sources.reading import Texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicelint.sources.cache import Cache


class Reader:
    """Reads texts and facts. ``unreadable`` tells, by path, what could not be read and why.

    ``buffers`` hold the texts of files that stand in an editor instead of on the disk, by path.
    ``tracebacks`` are those of crashes while reading.
    """

    def __init__(self, cache: Cache | None = None, buffers: Mapping[str, str] | None = None) -> None:
        self.cache = cache
        self.texts = Texts(buffers)
        self.unreadable: dict[str, UnreadableSource] = {}
        self.tracebacks: list[str] = []

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
        return self._extracted(path, source, key)

    def _extracted(self, path: str, source: str, key: bytes) -> ModuleFacts:
        from servicelint.facts.extract import extract  # brings libcst, which a warm run does without

        try:
            facts = extract(source)
        except UnreadableSource as error:
            self.unreadable[path] = error
            return empty_facts()
        except Exception as error:  # noqa: BLE001 - reported at its file; the others go on
            self.tracebacks.append("".join(traceback.format_exception(error)))
            self.unreadable[path] = UnreadableSource(
                1, 1, f"reading it failed, {type(error).__name__}: {error}"
            )
            return empty_facts()
        if self.cache:
            self.cache.put("facts", key, codec.encode(facts))
        return facts


def facts_key(digest: bytes) -> bytes:
    """Under what the cache keeps the facts of a content."""
    return digest + code_version().encode()


@functools.cache
def code_version() -> str:
    """What changes when this code, or the parser, may say something else of the same files."""
    digest = hashlib.blake2b(digest_size=8)
    for folder in (Path(__file__).parent, *registry.folders()):
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".toml"):
                digest.update(path.read_bytes())
    return f"{metadata.version('libcst')} {digest.hexdigest()}"


def empty_facts() -> ModuleFacts:
    """The facts of a file that says nothing."""
    return ModuleFacts(
        [Scope("module", "", -1, [], {}, [], [], [])], [], [], [], [Region("module", -1, 0)], [], []
    )
