"""What calls a function it is given: the catalog's positions and keywords, held against real ones.

Invokers are known by their last name alone, so each is held against those that programs mostly mean.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from servicelint.catalog.shipped import shipped_libraries
from tests.catalog.calls import resolve

if TYPE_CHECKING:
    from servicelint.catalog.model import Invoker

pytestmark = pytest.mark.libraries

INVOKERS = {name: invoker for library in shipped_libraries() for name, invoker in library.invokers.items()}
EXEMPLARS = {
    "submit": (
        "concurrent.futures.ThreadPoolExecutor.submit",
        "concurrent.futures.ProcessPoolExecutor.submit",
    ),
    "run_in_executor": ("asyncio.AbstractEventLoop.run_in_executor", "asyncio.BaseEventLoop.run_in_executor"),
    "to_thread": ("asyncio.to_thread",),
    "run_sync": ("anyio.to_thread.run_sync", "trio.to_thread.run_sync"),
    "run_in_threadpool": ("starlette.concurrency.run_in_threadpool",),
    "call_soon": ("asyncio.BaseEventLoop.call_soon",),
    "call_soon_threadsafe": ("asyncio.BaseEventLoop.call_soon_threadsafe",),
    "call_later": ("asyncio.BaseEventLoop.call_later",),
    "call_at": ("asyncio.BaseEventLoop.call_at",),
    "start_soon": ("anyio.abc.TaskGroup.start_soon", "trio.Nursery.start_soon"),
    "add_task": ("starlette.background.BackgroundTasks.add_task",),
    "map": ("concurrent.futures.Executor.map", "multiprocessing.pool.Pool.map"),
    "imap": ("multiprocessing.pool.Pool.imap",),
    "imap_unordered": ("multiprocessing.pool.Pool.imap_unordered",),
    "starmap": ("multiprocessing.pool.Pool.starmap",),
    "map_async": ("multiprocessing.pool.Pool.map_async",),
    "apply_async": ("multiprocessing.pool.Pool.apply_async",),
    "Thread": ("threading.Thread",),
    "Process": ("multiprocessing.Process",),
    "Timer": ("threading.Timer",),
}
# Written in C without a signature, or of libraries that the tests don't need.
WITHOUT_EXEMPLAR = {
    "call", "call_async", "deferToThread", "filter", "retry_call", "run", "spawn", "spawn_later",
}  # fmt: skip
NAMES_OF_A_FUNCTION = {"async_fn", "callback", "fn", "func", "function", "sync_fn", "target"}


def test_every_invoker_has_an_exemplar_or_is_known_to_have_none() -> None:
    assert set(EXEMPLARS) | WITHOUT_EXEMPLAR >= set(INVOKERS)


@pytest.mark.parametrize(
    ("name", "exemplar"),
    [(name, exemplar) for name, exemplars in EXEMPLARS.items() for exemplar in exemplars],
)
def test_the_function_is_taken_where_the_catalog_says(name: str, exemplar: str) -> None:
    invoker: Invoker = INVOKERS[name]
    pytest.importorskip(exemplar.partition(".")[0])
    parameters = [name for name in inspect.signature(resolve(exemplar)).parameters if name != "self"]
    if invoker.callable is not None:
        assert parameters[invoker.callable] in NAMES_OF_A_FUNCTION
    named = [named for named in (invoker.keyword, invoker.args, invoker.kwargs) if named]
    # A class that takes anything (`Process(*args, **kw)`) says nothing of its keywords.
    assert set(named) <= set(parameters) or "kwargs" in parameters
