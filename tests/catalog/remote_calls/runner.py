"""Makes the calls in a process of their own, which is left behind with whatever still waits.

Usage: ``python -m tests.catalog.remote_calls.runner blocking|awaited``, with the peers' ports as a JSON
object on standard input. Prints a JSON object: what became of each case of that kind. The two kinds have a
process each: gRPC's threads and its event loop do not go together well.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from tests.catalog.libraries import GRPC
from tests.catalog.remote_calls.cases import WAITS, Case, all_cases
from tests.catalog.remote_calls.making import make_awaited, make_blocking

if TYPE_CHECKING:
    from collections.abc import Mapping

IMPORTED = {
    "blocking": ("grpc",),
    "awaited": (
        "grpc.aio",
        "grpclib.client",
        "grpclib.metadata",
        "google.protobuf.empty_pb2",
        "tests.catalog.remote_calls.messages",
    ),
}
SLOTS = 40
# A wait is shown by this much time without an end: three times the bound that the cases set.
WAIT_SECONDS = 3.0
# An end may be late where the machine is busy: what counts is that it comes.
END_SECONDS = 15.0

Results = dict[str, dict[str, Any]]


def ended(error: BaseException | None, started: float) -> dict[str, Any]:
    """What became of a call that ended."""
    message = str(error)[:200] if error else ""
    name = type(error).__name__ if error else ""
    return {"ended": True, "error": name, "message": message, "seconds": time.monotonic() - started}


def patience(case: Case) -> float:
    """How long to watch a call, in seconds."""
    return WAIT_SECONDS if case.expected == WAITS else END_SECONDS


# --- blocking -----------------------------------------------------------------------------------


def watch_blocking(case: Case, ports: Mapping[str, int]) -> dict[str, Any]:
    """Make a call in a thread of its own, and see how it ends, if it does."""
    results: list[dict[str, Any]] = []
    is_over = threading.Event()

    def run() -> None:
        started = time.monotonic()
        try:
            make_blocking(case.remote, case.call(ports))
        except BaseException as error:  # noqa: BLE001 - whatever ends a call is told
            results.append(ended(error, started))
        else:
            results.append(ended(None, started))
        is_over.set()

    threading.Thread(target=run, daemon=True).start()
    is_over.wait(patience(case))
    return results[0] if results else {"ended": False}


def watch_all_blocking(cases: list[Case], ports: Mapping[str, int]) -> Results:
    """Make all calls, many at a time."""
    remaining = iter(cases)
    results: Results = {}
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                case = next(remaining, None)
            if case is None:
                return
            results[case.name] = watch_blocking(case, ports)

    workers = [threading.Thread(target=work) for _ in range(SLOTS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results


# --- awaited ------------------------------------------------------------------------------------


async def watch_awaited(case: Case, ports: Mapping[str, int], slots: asyncio.Semaphore) -> dict[str, Any]:
    """Make a call in a task of its own, and see how it ends, if it does."""
    async with slots:
        started = time.monotonic()
        task = asyncio.ensure_future(make_awaited(case.remote, case.call(ports)))
        done, _ = await asyncio.wait([task], timeout=patience(case))
        if not done:
            LEFT_WAITING.append(task)
            return {"ended": False}
        # grpc.aio (seen with 1.85): a deadline that passes while the request is still being written (its
        # `_write` finds the call done) cancels the call's own task, instead of an `AioRpcError`.
        return ended(asyncio.CancelledError() if task.cancelled() else task.exception(), started)


LEFT_WAITING: list[asyncio.Task[None]] = []


async def watch_all_awaited(cases: list[Case], ports: Mapping[str, int]) -> Results:
    """Make all calls, many at a time."""
    slots = asyncio.Semaphore(SLOTS)
    found = await asyncio.gather(*(watch_awaited(case, ports, slots) for case in cases))
    return {case.name: result for case, result in zip(cases, found, strict=True)}


def main(kind: str) -> None:
    """Make all calls of a kind, print what became of them, and leave."""
    ports = json.load(sys.stdin)
    for module in IMPORTED[kind]:  # threads that import the same modules wait for each other
        importlib.import_module(module)
    cases = [case for case in all_cases(GRPC).values() if case.remote.client.blocking == (kind == "blocking")]

    def leave(results: Results) -> None:
        json.dump(results, sys.stdout)
        sys.stdout.flush()
        os._exit(0)  # what waits for ever would keep the process

    if kind == "blocking":
        leave(watch_all_blocking(cases, ports))

    async def watch_and_leave() -> None:
        leave(await watch_all_awaited(cases, ports))

    asyncio.run(watch_and_leave())


if __name__ == "__main__":
    main(sys.argv[1])
