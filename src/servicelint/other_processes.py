"""Having other processes work ahead: they make of texts what will be asked for soon.

While this process would wait for them, it makes what they have not begun with.
"""

from __future__ import annotations

import contextlib
import functools
from collections import deque
from threading import RLock
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec

from servicelint.program.elsewhere import Elsewhere
from servicelint.program.linking.vocabulary import Numbers, Share
from servicelint.workers import all_extracted, all_flows, all_scanned, broken_pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Executor, Future

    from servicelint.facts.flows import Flows
    from servicelint.program.linking.modules import Module
    from servicelint.workers import Extracted

Made = TypeVar("Made")

FEWEST = 64
"""Files to parse that are worth the start of other processes."""

FEWEST_TO_SCAN = 1_000
"""Files with words to find that are."""

_BATCH = 4
"""Files that a process is given at a time, at most."""

_FEWEST_BATCHES = 4
"""Files that are waited for are given to several processes."""

_numbers = msgspec.msgpack.Decoder(Numbers)


class Pool(Protocol):
    """Other processes or machines: any ``concurrent.futures.Executor``, made when it is first asked for.

    There are ``jobs``, this process among them.
    """

    jobs: int

    def executor(self) -> Executor | None:
        """The executor; None if there is none."""


class _Batch(Generic[Made]):
    """The ``texts`` that one process is given, as a ``future`` tells; ``made`` was made of them here."""

    def __init__(self, modules: Sequence[Module]) -> None:
        self.texts = [module.text for module in modules]  # read in the thread that orders
        self.future: Future[Sequence[Made]] | None = None
        self.made: Sequence[Made] | None = None


class _Ordered(Generic[Made]):
    """What was ordered of one kind and not been taken yet; ``make`` makes it of texts.

    Only ``most`` batches are given away at a time: what an executor has, nobody takes back. (Futures could be
    cancelled, but if a process dies then, the ``ProcessPoolExecutor`` of CPython 3.11 never ends.)
    """

    def __init__(self, make: Callable[[Sequence[str]], Sequence[Made]], most: int) -> None:
        self._make = make
        self._most = most
        self._given = 0
        self._left: deque[_Batch[Made]] = deque()
        self._by_path: dict[str, tuple[_Batch[Made], int]] = {}
        self._lock = RLock()

    def __contains__(self, module: Module) -> bool:
        return module.path in self._by_path

    def order(self, executor: Executor, modules: Sequence[Module]) -> None:
        """Have it made of some modules' texts.

        Raises:
            BrokenExecutor: if the processes are gone.
        """
        size = max(1, min(_BATCH, len(modules) // _FEWEST_BATCHES))
        for some in (modules[at : at + size] for at in range(0, len(modules), size)):
            batch = _Batch[Made](some)
            self._left.append(batch)
            self._by_path |= {module.path: (batch, number) for number, module in enumerate(some)}
        self._give(executor)

    def _give(self, executor: Executor) -> None:
        with self._lock:
            while self._left and self._given < self._most:
                batch = self._left.popleft()
                batch.future = executor.submit(self._make, batch.texts)
                self._given += 1
                batch.future.add_done_callback(functools.partial(self._give_more, executor))

    def _give_more(self, executor: Executor, ready: Future[Sequence[Made]]) -> None:
        """In another thread: a batch is ready. A broken executor is not asked: in CPython 3.13 that hangs."""
        if ready.cancelled() or isinstance(ready.exception(), broken_pool()):
            return
        with self._lock:
            self._given -= 1
            with contextlib.suppress(RuntimeError):  # no executor any more: what is left is made here
                self._give(executor)

    def taken(self, path: str) -> tuple[Made] | None:
        """What was made of the file at a path; None if it was not ordered, or that crashed.

        Raises:
            BrokenExecutor: if the process died.
        """
        if path not in self._by_path:
            return None
        batch, number = self._by_path.pop(path)
        while batch.made is None and not (batch.future and batch.future.done()) and self._make_last():
            pass
        made = batch.made if batch.future is None else self._delivered(batch.future)
        return None if made is None else (made[number],)

    def _make_last(self) -> bool:
        """Make here what nobody was given yet, the last of it; tells whether there was any."""
        with self._lock:
            batch = self._left.pop() if self._left else None
        if batch is None:
            return False
        with contextlib.suppress(Exception):  # crashes again for the file that it is asked of
            batch.made = self._make(batch.texts)
        return True

    def _delivered(self, future: Future[Sequence[Made]]) -> Sequence[Made] | None:
        error = future.exception()
        if isinstance(error, broken_pool()):
            raise error
        return None if error else future.result()


class OtherProcesses(Elsewhere):
    """The processes of a pool. ``is_missing`` tells whether facts have to be made at all."""

    def __init__(self, pool: Pool | None, is_missing: Callable[[Module], bool]) -> None:
        self._pool = pool
        self._is_missing = is_missing
        self._has_started = False
        self._wanted: list[Module] = []
        most = pool.jobs if pool else 0
        self._facts: _Ordered[Extracted] = _Ordered(all_extracted, most)
        self._flows: _Ordered[Flows | None] = _Ordered(all_flows, most)

    def order(self, modules: Iterable[Module]) -> None:
        """Have facts made that will be asked for, once that is worth the start of other processes."""
        if self._pool is None:
            return
        wanted = dict.fromkeys((*self._wanted, *modules))
        missing = [each for each in wanted if each not in self._facts and self._is_missing(each)]
        is_worth_it = bool(missing) and (self._has_started or len(missing) >= FEWEST)
        self._wanted = [] if is_worth_it else missing
        if is_worth_it:
            self._order(self._facts, missing)

    def facts(self, path: str) -> Extracted | None:
        """The facts that another process has made, or makes, of a file; None if it is left to this one."""
        made = self._taken(self._facts, path)
        return made[0] if made else None

    def order_flows(self, modules: Iterable[Module]) -> None:
        """Have it read what becomes of the names of some modules, which will be asked."""
        if self._pool is None:
            return
        missing = [each for each in modules if each not in self._flows]
        if self._has_started or len(missing) >= FEWEST:
            self._order(self._flows, missing)

    def flows(self, module: Module) -> Flows | None:
        """What becomes of the names of a module."""
        made = self._taken(self._flows, module.path)
        return made[0] if made else super().flows(module)

    def hand_out(self, modules: Sequence[Module]) -> list[Share]:
        """Have other processes scan the last of some modules: as many each as are left here."""
        executor = self._executor() if len(modules) >= FEWEST_TO_SCAN else None
        if executor is None or self._pool is None:
            return []
        size = len(modules) // self._pool.jobs
        first = len(modules) - size * (self._pool.jobs - 1)
        try:
            return [self._share(executor, modules[at : at + size]) for at in range(first, len(modules), size)]
        except broken_pool():
            self._give_up()
            return []

    def _share(self, executor: Executor, modules: Sequence[Module]) -> Share:
        future = executor.submit(all_scanned, [module.text for module in modules])

        def tables() -> Numbers | None:
            try:
                return _numbers.decode(future.result())
            except broken_pool():
                self._give_up()
                return None

        return Share(modules, tables)

    # --- the pool --------------------------------------------------------------------------------

    def _order(self, ordered: _Ordered[Made], modules: Sequence[Module]) -> None:
        executor = self._executor()
        if executor is not None:
            try:
                ordered.order(executor, modules)
            except broken_pool():
                self._give_up()

    def _taken(self, ordered: _Ordered[Made], path: str) -> tuple[Made] | None:
        try:
            return ordered.taken(path)
        except broken_pool():
            self._give_up()
            return None

    def _executor(self) -> Executor | None:
        executor = self._pool.executor() if self._pool else None
        self._has_started = executor is not None
        return executor

    def _give_up(self) -> None:
        """Other processes were killed, say for want of memory: the rest is done in this one."""
        self._pool, self._has_started = None, False
        self._facts, self._flows = _Ordered(all_extracted, 0), _Ordered(all_flows, 0)
