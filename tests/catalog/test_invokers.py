"""What calls a function it is given: the catalog's positions and keywords, held against real ones.

Invokers are known by their last name alone, so each is held against those that programs mostly mean.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from servicelint.catalog.shipped import shipped_libraries
from tests.catalog.calls import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    "Process": ("multiprocessing.process.BaseProcess",),
    "Timer": ("threading.Timer",),
    "call": ("circuitbreaker.CircuitBreaker.call", "pybreaker.CircuitBreaker.call"),
    "call_async": ("circuitbreaker.CircuitBreaker.call_async", "aiobreaker.CircuitBreaker.call_async"),
    "deferToThread": ("twisted.internet.threads.deferToThread",),
    "retry_call": ("retry.api.retry_call",),
}
WITHOUT_SIGNATURE: dict[str, Callable[..., object]] = {
    "filter": lambda *given: list(filter(*given)),
    "run": lambda *given: contextvars.copy_context().run(*given),
    "spawn": lambda *given: joined("spawn", *given),
    "spawn_later": lambda *given: joined("spawn_later", *given),
}
"""Those that are written in C, or take anything, are run."""


def joined(name: str, *given: Any) -> object:
    """What gevent's function of this name makes, once it has ended."""
    gevent = pytest.importorskip("gevent")
    made = getattr(gevent, name)(*given)
    made.join(SECONDS)
    return made.exception and pytest.fail(repr(made.exception))


ANOTHER_PROCESS = "Process"
"""It has no context of its caller's, nor anything else."""
NAMES_OF_A_FUNCTION = {"async_fn", "callback", "f", "fn", "func", "function", "sync_fn", "target"}


def test_every_invoker_has_an_exemplar() -> None:
    assert {*EXEMPLARS, *WITHOUT_SIGNATURE} == {*INVOKERS}


def complaints(invoker: Invoker, exemplar: str) -> Iterator[str]:
    """What a real callable contradicts."""
    function = resolve(exemplar)
    signature = inspect.signature(function).parameters
    parameters = [name for name in signature if name != "self"]
    rest = next((name for name, each in signature.items() if each.kind is each.VAR_POSITIONAL), "")
    place = next(at for at, each in enumerate(parameters) if each in NAMES_OF_A_FUNCTION)
    if invoker.callable not in (None, place):
        yield f"{invoker.callable} is no function's position"
    if invoker.keyword and invoker.keyword not in NAMES_OF_A_FUNCTION & {*parameters}:
        yield f"{invoker.keyword} takes no function"
    passes = "rest" if rest == "args" else "args" if {"args", "fargs"} & {*parameters} else "others"
    if invoker.passes != passes:
        yield f"it doesn't pass {invoker.passes}"
    yield from (f"no {each}" for each in (invoker.args, invoker.kwargs) if each and each not in parameters)
    if invoker.is_detached is not inspect.isclass(function):
        yield "it is an object of its own, which is started, or it isn't"


def passed_wrongly(name: str, invoker: Invoker) -> Iterator[str]:
    """What one that is run contradicts: the function stands elsewhere, or is given other arguments."""
    seen: list[tuple[Any, ...]] = []
    fillers = [0] * (invoker.callable or 0)
    try:
        WITHOUT_SIGNATURE[name](*fillers, lambda *given: seen.append(given), (1, 2))
    except TypeError as error:
        yield repr(error)
    passes = "rest" if seen == [((1, 2),)] else "others"
    if not seen or passes != invoker.passes:
        yield f"it passes {seen}"
    if invoker.keyword or invoker.args or invoker.kwargs:
        yield "it takes no keywords"


@pytest.mark.parametrize("name", WITHOUT_SIGNATURE)
def test_what_is_run_passes_what_the_catalog_says(name: str) -> None:
    assert list(passed_wrongly(name, INVOKERS[name])) == []
    changed = (each for each in mutations(INVOKERS[name]) if each[0] != "is_detached")
    assert [what for what, mutant in changed if not list(passed_wrongly(name, mutant))] == []


@pytest.mark.parametrize("name", [name for name in INVOKERS if name != ANOTHER_PROCESS])
def test_context_variables_are_lost_as_the_catalog_says(name: str) -> None:
    """Shown by running; the opposite would be noticed as well."""
    assert context_is_lost(RUNS[name]) is INVOKERS[name].loses_context


EXAMPLES = [(name, exemplar) for name, exemplars in EXEMPLARS.items() for exemplar in exemplars]


@pytest.mark.parametrize(("name", "exemplar"), EXAMPLES)
def test_the_function_is_taken_where_the_catalog_says(name: str, exemplar: str) -> None:
    pytest.importorskip(exemplar.partition(".")[0])
    assert list(complaints(INVOKERS[name], exemplar)) == []


@pytest.mark.parametrize(("name", "exemplar"), EXAMPLES)
def test_each_changed_fact_is_noticed(name: str, exemplar: str) -> None:
    pytest.importorskip(exemplar.partition(".")[0])
    changed = mutations(INVOKERS[name])
    unnoticed = [what for what, mutant in changed if next(complaints(mutant, exemplar), None) is None]
    assert unnoticed == []


def mutations(invoker: Invoker) -> Iterator[tuple[str, Invoker]]:
    """Its facts, each changed once (or once for each other value)."""
    if invoker.callable is not None:
        for other in {0, 1, 2, 3} - {invoker.callable}:
            yield f"callable = {other}", structs.replace(invoker, callable=other)
    for field in ("keyword", "args", "kwargs"):
        if getattr(invoker, field):
            yield field, structs.replace(invoker, **{field: "servicelint_keyword"})
    for other in {"rest", "args", "others"} - {invoker.passes}:
        yield f"passes {other}", structs.replace(invoker, passes=other)
    yield "is_detached", structs.replace(invoker, is_detached=not invoker.is_detached)


# --- context variables ----------------------------------------------------------------------------


REQUEST_ID: ContextVar[str] = ContextVar("request id", default="")


def context_is_lost(run: Callable[[Callable[..., None]], object]) -> bool:
    """Whether a function that is run so doesn't see the variable that its caller has set."""
    seen = []

    async def main() -> None:
        REQUEST_ID.set("id")
        found = run(lambda *_: seen.append(REQUEST_ID.get()))
        if inspect.isawaitable(found):
            await found
        await asyncio.sleep(0.001)

    asyncio.run(main())
    return seen == [""]


def in_executor(function: Callable[..., None]) -> object:
    return asyncio.get_running_loop().run_in_executor(None, function)


def by_submit(function: Callable[..., None]) -> object:
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function).result(SECONDS)


def by_map(function: Callable[..., None]) -> object:
    with ThreadPoolExecutor(1) as executor:
        return list(executor.map(function, [1], timeout=SECONDS))


def started(thread: threading.Thread) -> None:
    thread.start()
    thread.join(SECONDS)


def in_pool(method: str, arguments: object) -> Callable[[Callable[..., None]], object]:
    def run(function: Callable[..., None]) -> object:
        with ThreadPool(1) as pool:
            found = getattr(pool, method)(function, arguments)
            return found.get(SECONDS) if hasattr(found, "get") else list(found)

    return run


def in_starlette(function: Callable[..., None]) -> object:
    from starlette.concurrency import run_in_threadpool

    return run_in_threadpool(function)


def in_background(function: Callable[..., None]) -> object:
    from starlette.background import BackgroundTasks

    tasks = BackgroundTasks()
    tasks.add_task(function)
    return tasks()


def in_anyio(function: Callable[..., None]) -> object:
    import anyio.to_thread

    return anyio.to_thread.run_sync(function)


async def in_group(function: Callable[..., None]) -> None:
    import anyio

    async def work() -> None:
        function()

    async with anyio.create_task_group() as group:
        group.start_soon(work)


def in_twisted(function: Callable[..., None]) -> None:
    """Its own pool of threads; the reactor, which runs in no test, only starts that."""
    threads = pytest.importorskip("twisted.internet.threads")
    from twisted.python.threadpool import ThreadPool as Threads

    pool = Threads(1, 1)
    pool.start()
    threads.deferToThreadPool(None, pool, function)
    pool.stop()


def in_breaker(function: Callable[..., None]) -> object:
    return pytest.importorskip("circuitbreaker").CircuitBreaker().call(function)


async def in_awaiting_breaker(function: Callable[..., None]) -> None:
    async def work() -> None:
        function()

    await pytest.importorskip("circuitbreaker").CircuitBreaker().call_async(work)


def in_retry(function: Callable[..., None]) -> object:
    return pytest.importorskip("retry.api").retry_call(function)


def soon(method: str, *first: Any) -> Callable[[Callable[..., None]], object]:
    """By a method of the loop that runs."""
    return lambda function: getattr(asyncio.get_running_loop(), method)(*first, function)


RUNS: dict[str, Callable[[Callable[..., None]], object]] = {
    "submit": by_submit,
    "map": by_map,
    "run_in_executor": in_executor,
    "to_thread": asyncio.to_thread,
    "run_sync": in_anyio,
    "run_in_threadpool": in_starlette,
    "call_soon": soon("call_soon"),
    "call_soon_threadsafe": soon("call_soon_threadsafe"),
    "call_later": soon("call_later", 0),
    "call_at": soon("call_at", 0),
    "start_soon": in_group,
    "add_task": in_background,
    "call": in_breaker,
    "call_async": in_awaiting_breaker,
    "deferToThread": in_twisted,
    "filter": lambda function: list(filter(function, [1])),
    "retry_call": in_retry,
    "run": lambda function: contextvars.copy_context().run(function),
    "spawn": lambda function: joined("spawn", function),
    "spawn_later": lambda function: joined("spawn_later", 0, function),
    "Thread": lambda function: started(threading.Thread(target=function)),
    "Timer": lambda function: started(threading.Timer(0, function)),
    "imap": in_pool("imap", [1]),
    "imap_unordered": in_pool("imap_unordered", [1]),
    "starmap": in_pool("starmap", [(1,)]),
    "map_async": in_pool("map_async", [1]),
    "apply_async": in_pool("apply_async", ()),
}
SECONDS = 20
