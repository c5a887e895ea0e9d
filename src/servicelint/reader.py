"""Reading a program's files: their texts and their facts, the latter from the cache where it has them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

import msgspec

from servicelint.facts import codec
from servicelint.facts.record import ModuleFacts, Region, Scope
from servicelint.facts.unreadable import UnreadableSource
from servicelint.own_code import code_version
from servicelint.sources.reading import Texts
from servicelint.workers import all_extracted, broken_pool, extracted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Executor, Future

    from servicelint.program.linking.modules import Module
    from servicelint.sources.cache import Cache
    from servicelint.sources.known_digests import KnownDigests
    from servicelint.workers import Extracted


class Pool(Protocol):
    """Other processes or machines: any ``concurrent.futures.Executor``, made when it is first asked for."""

    def executor(self) -> Executor | None:
        """The executor; None if there is none."""


FEWEST = 64
"""Files to parse that are worth the start of other processes."""

_BATCH = 8
"""Files that a process is given at a time, at most."""

_FEWEST_BATCHES = 4
"""Files that are waited for are given to several processes."""


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
        self._pool = pool
        self._ordered: dict[str, tuple[Future[list[Extracted]], int]] = {}
        self._wanted: list[Module] = []

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
        made = self._delivered(path) or extracted(source)
        if made.traceback:
            self.tracebacks.append(made.traceback)
        if made.unreadable is not None:
            self.unreadable[path] = made.unreadable
            return empty_facts()
        if self.cache:
            self.cache.put("facts", key, made.facts)
        return codec.decode(made.facts)

    # --- beside this process ---------------------------------------------------------------------

    def order(self, modules: Iterable[Module]) -> None:
        """Have facts that will be asked for made by other processes, once that is worth their start."""
        if self._pool is None:
            return
        wanted = dict.fromkeys((*self._wanted, *modules))
        missing = [module for module in wanted if self._is_missing(module)]
        if not missing or (not self._ordered and len(missing) < FEWEST):
            self._wanted = missing
            return
        self._wanted = []
        executor = self._pool.executor()
        if executor is None:
            return
        try:
            size = max(1, min(_BATCH, len(missing) // _FEWEST_BATCHES))
            for batch in (missing[at : at + size] for at in range(0, len(missing), size)):
                future = executor.submit(all_extracted, [module.text for module in batch])
                self._ordered |= {module.path: (future, number) for number, module in enumerate(batch)}
        except broken_pool():
            self._give_up_pool()

    def _is_missing(self, module: Module) -> bool:
        if module.is_parsed or module.path in self._ordered:
            return False
        key = facts_key(self.texts.digest(module.path))
        return not (self.cache and self.cache.has("facts", key)) and module.path not in self.unreadable

    def _delivered(self, path: str) -> Extracted | None:
        """What another process made of a file; None if none was asked, or it died of something."""
        future, number = self._ordered.get(path, (None, 0))
        if future is None:
            return None
        try:
            return future.result()[number]
        except broken_pool():
            self._give_up_pool()
            return None

    def _give_up_pool(self) -> None:
        """Other processes were killed, say for want of memory: the rest is done in this one."""
        self._pool = None
        self._ordered.clear()


def facts_key(digest: bytes) -> bytes:
    """Under what the cache keeps the facts of a content."""
    return digest + code_version().encode()


def empty_facts() -> ModuleFacts:
    """The facts of a file that says nothing."""
    return ModuleFacts(
        [Scope("module", "", -1, [], {}, [], [], [])], [], [], [], [Region("module", -1, 0)], [], []
    )
