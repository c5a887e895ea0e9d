"""Making facts in other processes: the step that most of a run from nothing is spent in."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from servicelint.facts import codec
from servicelint.facts.unreadable import UnreadableSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor
    from types import TracebackType

    from servicelint.facts.flows import Flows

DEEPEST_RECURSION = 6_000
"""Nested expressions within the parser's limits need more than Python's usual 1,000 frames."""


MOST_PROCESSES = 61
"""More are refused on Windows by ``concurrent.futures``."""


class Extracted(NamedTuple):
    """What became of one source text: its facts as data, or why there are none."""

    facts: bytes
    unreadable: UnreadableSource | None = None
    traceback: str = ""


def extracted(text: str) -> Extracted:
    """The facts of a source text. A crash is the file's, and told as such: the others go on."""
    from servicelint.facts.extract import extract  # what a warm run does without

    try:
        return Extracted(codec.encode(extract(text)))
    except UnreadableSource as error:
        return Extracted(b"", error)
    except Exception as error:  # noqa: BLE001 - reported at its file
        from servicelint.crashes import formatted

        reason = f"reading it failed, {type(error).__name__}: {error}"
        return Extracted(b"", UnreadableSource(1, 1, reason), formatted(error))


def broken_pool() -> type[Exception]:
    """What is raised where other processes died: few runs have any."""
    from concurrent.futures import BrokenExecutor

    return BrokenExecutor


def all_extracted(texts: Sequence[str]) -> list[Extracted]:
    """The facts of some source texts."""
    return [extracted(text) for text in texts]


def all_flows(texts: Sequence[str]) -> list[Flows | None]:
    """What becomes of the names in some source texts."""
    from servicelint.facts.flows import flows

    return [flows(text) for text in texts]


def all_scanned(texts: Sequence[str]) -> bytes:
    """What some source texts hold, as data."""
    from servicelint.program.linking.vocabulary import scanned

    return msgspec.msgpack.encode(scanned(texts))


class ProcessPool:
    """Processes that start when they are first asked for, and end with the ``with`` block.

    With this one they are ``jobs``: it works, too, while they do.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._executor: Executor | None = None

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def executor(self) -> Executor | None:
        """The processes; None where one is enough."""
        if self._executor is None and self.jobs > 1:
            from concurrent.futures import ProcessPoolExecutor

            self._executor = ProcessPoolExecutor(min(self.jobs - 1, MOST_PROCESSES), initializer=_prepare)
        return self._executor


def _prepare() -> None:
    """In a new process: the main one answers Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setrecursionlimit(max(sys.getrecursionlimit(), DEEPEST_RECURSION))
    gc.disable()


@contextmanager
def at_full_speed(*, is_last: bool = False) -> Iterator[None]:
    """Room for deep expressions, and no search for circles of garbage, of which a run makes hardly any.

    Without that search, a run of seconds took a seventh less time and a sixth more memory (CPython 3.11).
    ``is_last``: the process has little left to do, so what is there at the end is never searched.
    """
    depth, collects = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(depth, DEEPEST_RECURSION))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(depth)
        if is_last:
            gc.freeze()
        if collects:
            gc.enable()


def processors() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows don't tell
        return os.cpu_count() or 1
