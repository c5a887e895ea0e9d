"""What the catalog says of circuit breakers, held against the real ones: what a hundred failures lead to.

A check takes an entry and yields a complaint for every fact that is not so.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.catalog.calls import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.catalog.guards import Breaker
    from servicelint.catalog.record import Parameter

FAILURES = 100
KINDS = ("function", "coroutine", "generator", "async-generator")
THRESHOLD = 3
# What each class must be given besides what is tried out.
NEEDED: dict[str, dict[str, Any]] = {
    "pybreaker.CircuitBreaker": {"fail_max": THRESHOLD},
    "circuitbreaker.CircuitBreaker": {"failure_threshold": THRESHOLD},
    "aiobreaker.CircuitBreaker": {"fail_max": THRESHOLD},
    "purgatory.AsyncCircuitBreakerFactory": {"default_threshold": THRESHOLD},
    "purgatory.SyncCircuitBreakerFactory": {"default_threshold": THRESHOLD},
    "hyx.circuitbreaker.consecutive_breaker": {"failure_threshold": THRESHOLD},
    "aiomisc.CircuitBreaker": {"error_ratio": 0.5, "response_time": 0.1},
    "aiomisc.cutout": {"ratio": 0.5, "response_time": 0.1},
}
# Counts nothing unless it is told what.
MUST_BE_TOLD = "aiomisc.cutout"
# The others take a list, or either.
TAKES_A_TUPLE = "hyx.circuitbreaker.consecutive_breaker"


class Refused(Exception):
    """The failure of the guarded code."""


class Tried(NamedTuple):
    """What a hundred failures led to: how often the code was run, and what was raised."""

    runs: int
    raised: Counter[type[BaseException | None]]

    @property
    def opened(self) -> bool:
        """Whether the breaker came to refuse calls."""
        return any(error is not Refused for error in self.raised)


def failing(kind: str, runs: list[None]) -> Callable[..., Any]:
    """Code of a kind that notes that it is run, and fails."""

    def function() -> None:
        runs.append(None)
        raise Refused

    async def coroutine() -> None:
        function()

    def generator() -> Iterator[None]:
        function()
        yield

    async def async_generator() -> Any:
        function()
        yield

    made = {"function": function, "coroutine": coroutine, "generator": generator}
    return made.get(kind, async_generator)


async def ended(call: Callable[[], Any]) -> BaseException | None:
    """Run a call, and what it returned, to its end; returns what it raised."""
    try:
        result = call()
        if inspect.isasyncgen(result):
            async for _ in result:
                pass
        elif inspect.isawaitable(result):
            await result
        elif inspect.isgenerator(result):
            list(result)
    except Exception as error:  # noqa: BLE001 - what is raised is what we want to know
        return error
    return None


def tried(use: Callable[[list[None]], Callable[[], Any]]) -> Tried:
    """A hundred failures of what ``use`` makes, which notes its runs in a list."""
    runs: list[None] = []
    raised: Counter[type[BaseException | None]] = Counter()

    async def attempts() -> None:
        call = use(runs)
        for _ in range(FAILURES):
            raised[type(await ended(call))] += 1

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # coroutines that are never awaited are a part of the story
        clock = itertools.count()
        patch.setattr("aiomisc.CircuitBreaker._get_time", lambda _: next(clock) / 40)
        asyncio.run(attempts())
    return Tried(len(runs), raised)


def build(name: str, *rest: Any, **given: Any) -> Any:
    """A breaker; ``rest`` follows what it needs by position."""
    needed = NEEDED[name]
    if name == MUST_BE_TOLD:
        return resolve(name)(*needed.values(), *rest, **given)
    return resolve(name)(**needed, **given)


def decorator_of(name: str, entry: Breaker, *rest: Any, **given: Any) -> Callable[..., Any]:
    """What decorates functions: the object itself, or what a registry gives for a name."""
    made = build(name, *(rest or ((Refused,) if name == MUST_BE_TOLD else ())), **given)
    return made("a circuit") if entry.names else made  # type: ignore[no-any-return]


# --- checks --------------------------------------------------------------------------------------


def names(name: str, entry: Breaker) -> Iterator[str]:
    """Every name leads to the same class, factories make one, and parameters stand where they are said to."""
    real = resolve(name)
    for alias in entry.aliases:
        if resolve(alias) is not real:
            yield f"{alias} is something else"
    for factory in entry.factories:
        if not isinstance(resolve(factory)(), real):
            yield f"{factory} makes something else"
    parameters = list(inspect.signature(real).parameters.values())
    for field in ("counted", "excluded", "storage", "fallback"):
        parameter = getattr(entry, field)
        if parameter is None:
            continue
        found = parameters[parameter.position]
        if found.name != parameter.keyword and parameter.keyword:
            yield f"{field}: {found.name} stands at {parameter.position}"
        if (found.kind is inspect.Parameter.VAR_POSITIONAL) is not parameter.is_rest:
            yield f"{field}: takes the rest or not"


def decorating(name: str, entry: Breaker) -> Iterator[str]:
    """As a decorator it opens for the kinds of functions that are listed, and for no other."""
    if not callable(build(name)):
        if entry.decorates:
            yield "is no decorator"
        return
    for kind in KINDS:
        found = tried(lambda runs, kind=kind: decorator_of(name, entry)(failing(kind, runs)))  # type: ignore[misc]
        yield from _judged(f"decorating a {kind}", found, entry, opens=kind in entry.decorates)


def bare(name: str, entry: Breaker) -> Iterator[str]:
    """A factory that may stand for itself guards the function that it is given."""
    for factory in entry.factories:
        guarded = resolve(factory)(failing("function", []))
        if (factory in entry.bare) is isinstance(guarded, resolve(name)):
            yield f"{factory} decorates by itself or not"


def calling(name: str, entry: Breaker) -> Iterator[str]:
    """Its methods open for the kinds of functions that are listed, and for no other."""
    for method, kinds in entry.calls.items():
        for kind in ("function", "coroutine", "generator"):
            if kind == "generator" and method == "call_async":
                continue  # what it would await is no awaitable

            def use(runs: list[None], method: str = method, kind: str = kind) -> Callable[[], Any]:
                breaker = build(name)
                return lambda: getattr(breaker, method)(failing(kind, runs))

            yield from _judged(f"{method} of a {kind}", tried(use), entry, opens=kind in kinds)


def blocks(name: str, entry: Breaker) -> Iterator[str]:
    """A block in it is guarded, or only looks so."""
    for method, guards in entry.blocks.items():

        def use(runs: list[None], method: str = method) -> Callable[[], Any]:
            breaker = build(name)

            async def block() -> None:
                made = breaker if not method else getattr(breaker, method)(*(["x"] if entry.names else []))
                made = await made if inspect.isawaitable(made) else made
                if hasattr(made, "__aenter__"):
                    async with made:
                        failing("function", runs)()
                with made:
                    failing("function", runs)()

            return block

        yield from _judged(f"a block in {method or 'itself'}", tried(use), entry, opens=guards)


def counting(name: str, entry: Breaker) -> Iterator[str]:
    """It counts what it is told to count, all or nothing by default, and not what it is told to leave out."""
    if _opens(name, entry) is not bool(entry.counted_default):
        yield "counts everything by default, or nothing"
    if entry.counted is not None and not (
        _opens(name, entry, entry.counted, Refused) and not _opens(name, entry, entry.counted, KeyError)
    ):
        yield "counts something else than what it is told to count"
    if entry.excluded is not None and not (
        not _opens(name, entry, entry.excluded, Refused) and _opens(name, entry, entry.excluded, KeyError)
    ):
        yield "counts what it is told to leave out"


def counting_by_attribute(name: str, entry: Breaker) -> Iterator[str]:
    """A subclass whose attribute says what counts, counts that and nothing else."""
    if entry.counted_attribute:
        for error, opens in ((Refused, True), (KeyError, False)):
            own = type("Own", (resolve(name),), {entry.counted_attribute: error})

            def use(runs: list[None], own: Any = own) -> Callable[[], Any]:
                return own(**NEEDED[name])(failing("function", runs))  # type: ignore[no-any-return]

            if tried(use).opened is not opens:
                yield f"{entry.counted_attribute} tells nothing"


def _opens(name: str, entry: Breaker, parameter: Parameter | None = None, error: type | None = None) -> bool:
    """Whether a hundred failures open it, with ``error`` given to one of its parameters."""
    rest = (error,) if parameter and parameter.is_rest else ()
    several = (error,) if name == TAKES_A_TUPLE else [error]
    given = {parameter.keyword: several} if parameter and not parameter.is_rest else {}

    def use(runs: list[None]) -> Callable[[], Any]:
        breaker = build(name, *rest, **given)
        if not entry.decorates:
            return lambda: breaker.call(failing("function", runs))
        decorator = breaker("a circuit") if entry.names else breaker
        return decorator(failing(entry.decorates[0], runs))  # type: ignore[no-any-return]

    return tried(use).opened


def falling_back(name: str, entry: Breaker) -> Iterator[str]:
    """While it is open it calls what it is told to call instead, and raises nothing."""
    if entry.fallback is not None:
        given = {entry.fallback.keyword: lambda: None}
        found = tried(lambda runs: decorator_of(name, entry, **given)(failing("function", runs)))
        if found.runs == FAILURES or type(None) not in found.raised:
            yield "calls no fallback while it is open"


def _judged(what: str, found: Tried, entry: Breaker, *, opens: bool) -> Iterator[str]:
    if (found.runs < FAILURES) is not opens:
        yield f"{what}: {found.runs} of {FAILURES} calls were let through"
    elif opens and not any(error is resolve(entry.open_error) for error in found.raised):
        yield f"{what}: while open it raises {dict(found.raised)}"


CHECKS = (names, decorating, bare, calling, blocks, counting, counting_by_attribute, falling_back)
