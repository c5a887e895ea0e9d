"""What the catalog says of retries, held against the real ones: how often, with which waits, after what.

What the catalog says is read by the program's own code, from a line of source; what is so is seen by
running that line. A check takes all libraries, and the name of the entry that is asked about; it yields a
complaint for every fact that is not so.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import itertools
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from servicelint.config import Config
from servicelint.run import Run
from servicelint.sources.discovery import select
from tests.catalog.calls import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.catalog.model import Library
    from servicelint.catalog.record import Parameter
    from servicelint.catalog.retries import Retry

# Decorators that take anything and hand it on to a class.
SIGNATURES = {"tenacity.retry": "tenacity.Retrying", "retrying.retry": "retrying.Retrying"}
POLLING = "on_predicate"
MANY = 300
SAMPLES = 20
RETRIES_WATCHED = 6
IMPORTS = """\
import aiomisc, backoff, retrying, stamina, tenacity, urllib3, requests
from tenacity import *

THRICE = stop_after_attempt(3)
AFTER_KEY, AFTER_OS = retry_if_exception_type(KeyError), retry_if_exception_type(OSError)


def after_four(attempts, _delay):
    return attempts >= 4


def give_up(_error):
    return True
"""
POLICIES = {
    "tenacity.retry()": None,
    "tenacity.retry(stop=stop_after_attempt(4))": 4,
    "tenacity.retry(stop=stop_any(stop_after_attempt(4), stop_after_attempt(6)))": 4,
    "tenacity.retry(stop=stop_after_attempt(4) | stop_after_attempt(6))": 4,
    "tenacity.retry(stop=stop_never)": None,
    "tenacity.retry(stop=stop_all(stop_after_attempt(4), stop_after_attempt(6)))": 6,
    "tenacity.retry(stop=stop_all(stop_never, stop_after_attempt(6)))": None,
    "tenacity.Retrying()": None,
    "tenacity.Retrying(stop=stop_after_attempt(4))": 4,
    "tenacity.AsyncRetrying()": None,
    "tenacity.AsyncRetrying(stop=stop_after_attempt(4))": 4,
    "urllib3.Retry()": 11,
    "urllib3.Retry(3)": 4,
    "urllib3.Retry(total=3)": 4,
    "urllib3.Retry(total=None)": None,
    "urllib3.Retry(total=None, connect=2)": 3,
    "backoff.on_predicate(backoff.expo)": None,
    "backoff.on_predicate(backoff.expo, max_tries=4)": 4,
    "stamina.retry_context(on=Exception, timeout=None)": 10,
    "stamina.retry_context(on=Exception, attempts=3, timeout=None)": 3,
    "stamina.retry_context(on=Exception, attempts=None, timeout=None)": None,
    "backoff.on_exception(backoff.expo, Exception)": None,
    "backoff.on_exception(backoff.expo, Exception, max_tries=4)": 4,
    "stamina.retry(on=Exception, timeout=None)": 10,
    "stamina.retry(on=Exception, attempts=3, timeout=None)": 3,
    "stamina.retry(on=Exception, attempts=None, timeout=None)": None,
    "retrying.retry(stop_max_attempt_number=4)": 4,
    "retrying.retry()": None,
    "aiomisc.asyncretry(4)": 4,
    "aiomisc.asyncretry(None)": None,
    "aiomisc.asyncbackoff(None, None, 0, Exception, max_tries=4)": 4,
    "aiomisc.asyncbackoff(None, None, 0, Exception)": None,
}
WAITS = [
    "tenacity.retry(wait=wait_fixed(3))",
    "tenacity.retry()",
    "tenacity.retry(wait=wait_random())",
    "tenacity.retry(wait=wait_incrementing())",
    "tenacity.retry(wait=wait_exponential())",
    "tenacity.retry(wait=wait_exponential_jitter())",
    "tenacity.retry(wait=wait_random_exponential(multiplier=2))",
    "tenacity.retry(wait=wait_random_exponential(max=9))",
    "tenacity.retry(wait=wait_random_exponential(1, 20, 3, 4))",
    "tenacity.Retrying(wait=wait_fixed(3))",
    "tenacity.AsyncRetrying(wait=wait_fixed(3))",
    "urllib3.Retry(40)",
    "urllib3.Retry(40, backoff_factor=0.5)",
    "urllib3.Retry(40, backoff_factor=50)",
    "urllib3.Retry(40, backoff_factor=0.5, backoff_max=3)",
    "urllib3.Retry(40, backoff_factor=0.5, backoff_jitter=2)",
    "stamina.retry_context(on=Exception, timeout=None)",
    "stamina.retry_context(Exception, 9, None, 1, 3, 0.5, 3)",
    "tenacity.retry(wait=wait_random(1, 3))",
    "tenacity.retry(wait=wait_random(max=3))",
    "tenacity.retry(wait=wait_incrementing(1, 2, 4))",
    "tenacity.retry(wait=wait_exponential(multiplier=2, max=10))",
    "tenacity.retry(wait=wait_exponential(1, 9, 3, 2))",
    "tenacity.retry(wait=wait_random_exponential(multiplier=2, max=10))",
    "tenacity.retry(wait=wait_exponential_jitter(max=5))",
    "tenacity.retry(wait=wait_chain(wait_fixed(1), wait_fixed(5)))",
    "tenacity.retry(wait=wait_combine(wait_fixed(1), wait_fixed(5)))",
    "backoff.on_exception(backoff.expo, Exception, max_value=7)",
    "backoff.on_exception(backoff.expo, Exception, base=3, factor=2)",
    "backoff.on_exception(backoff.constant, Exception, interval=5)",
    "backoff.on_exception(backoff.constant, Exception)",
    "stamina.retry(on=Exception, timeout=None)",
    "stamina.retry(on=Exception, timeout=None, wait_initial=1, wait_max=3, wait_jitter=0.5, wait_exp_base=3)",
    "retrying.retry(wait_fixed=2000)",
    "retrying.retry()",
    "retrying.retry(wait_random_min=500, wait_random_max=2000)",
    "retrying.retry(wait_exponential_multiplier=1000, wait_exponential_max=9000)",
    "retrying.retry(wait_incrementing_start=1000, wait_incrementing_increment=500)",
    "retrying.retry(wait_random_min=500)",
    "retrying.retry(wait_exponential_max=9000)",
    "retrying.retry(wait_incrementing_start=100)",
    "retrying.retry(wait_incrementing_increment=500)",
    "retrying.retry(wait_incrementing_start=9, wait_incrementing_increment=2000, wait_incrementing_max=1200)",
    "stamina.retry(on=Exception, timeout=None, wait_initial=1)",
    "stamina.retry_context(on=Exception, timeout=None, wait_initial=1)",
    "aiomisc.asyncretry(9)",
    "aiomisc.asyncbackoff(None, None, 2, Exception)",
    "aiomisc.asyncretry(9, pause=2)",
]
TRIED_AGAIN: list[tuple[str, type[Exception], bool]] = [
    ("tenacity.retry()", KeyError, True),
    ("tenacity.retry(retry=retry_if_exception_type(KeyError))", KeyError, True),
    ("tenacity.retry(retry=retry_if_exception_type(KeyError))", OSError, False),
    ("tenacity.retry(stop=THRICE, retry=retry_if_not_exception_type(KeyError))", KeyError, False),
    ("tenacity.retry(stop=THRICE, retry=retry_if_not_exception_type(KeyError))", OSError, True),
    ("tenacity.retry(retry=retry_if_exception_type((KeyError, OSError)))", OSError, True),
    ("backoff.on_exception(backoff.expo, (KeyError, ValueError), max_tries=3)", KeyError, True),
    ("backoff.on_exception(backoff.expo, (KeyError, ValueError), max_tries=3)", OSError, False),
    ("stamina.retry(on=KeyError, attempts=3)", KeyError, True),
    ("stamina.retry(on=KeyError, attempts=3)", OSError, False),
    ("retrying.retry(stop_max_attempt_number=3)", KeyError, True),
    ("aiomisc.asyncretry(3)", KeyError, True),
    ("aiomisc.asyncretry(3, (KeyError,))", OSError, False),
    ("aiomisc.asyncbackoff(None, None, 0, max_tries=3)", KeyError, False),
    ("tenacity.retry(retry=retry_any(AFTER_KEY, AFTER_OS))", KeyError, True),
    ("tenacity.retry(retry=retry_all(AFTER_KEY, AFTER_OS))", KeyError, False),
    ("tenacity.Retrying()", KeyError, True),
    ("tenacity.AsyncRetrying()", KeyError, True),
    ("backoff.on_predicate(backoff.expo, max_tries=4)", KeyError, False),
    ("stamina.retry_context(on=KeyError, attempts=3)", KeyError, True),
    ("stamina.retry_context(on=KeyError, attempts=3)", OSError, False),
]  # fmt: skip
if sys.version_info >= (3, 11):  # before, asyncio has a TimeoutError of its own
    TRIED_AGAIN.append(("aiomisc.asyncbackoff(None, None, 0, max_tries=4)", TimeoutError, True))
POLLERS = {
    "tenacity.retry()": False,
    "tenacity.retry(retry=retry_if_result(give_up))": True,
    "tenacity.retry(retry=retry_if_not_result(bool))": True,
    "backoff.on_exception(backoff.expo, Exception)": False,
    "backoff.on_predicate(backoff.expo)": True,
}
WITHIN_SECONDS = [
    "aiomisc.asyncbackoff(None, 0.1, 0)",
    "stamina.retry(on=Exception, timeout=0.1)",
    "backoff.on_exception(backoff.expo, Exception, max_time=0.1)",
]
LONG_SECONDS = 1.0


class EnoughError(BaseException):
    """Tried so often that it is as good as for ever."""


# --- what the catalog says ------------------------------------------------------------------------


def program(expression: str, libraries: tuple[Library, ...] | None = None) -> Any:
    """The program of one line that makes a policy, and its module."""
    folder = Path(tempfile.mkdtemp())
    path = folder / "policy.py"
    path.write_text(f"{IMPORTS}policy = {expression}\n")
    run = Run(select([path], folder), Config(), folder)
    with mock.patch("servicelint.knowledge.shipped_libraries", return_value=libraries or shipped()):
        return run.program, run.program.targets[0]


@functools.cache
def shipped() -> tuple[Library, ...]:
    """The libraries as they are."""
    from servicelint.catalog.shipped import shipped_libraries

    return shipped_libraries()


# --- what is so -----------------------------------------------------------------------------------


def made(expression: str) -> Any:
    """The policy itself."""
    namespace: dict[str, Any] = {}
    exec(f"{IMPORTS}policy = {expression}\n", namespace)
    return namespace["policy"]


def tries(decorator: Any, error: type[Exception] | None = KeyError) -> tuple[int, list[float]]:
    """How often a function that fails (without an error: returns None) is tried, with which waits between."""
    waits: list[float] = []
    count = itertools.count(1)
    done = 0

    def failing() -> None:
        nonlocal done
        done = next(count)
        if done >= MANY:
            raise EnoughError
        if error is not None:
            raise error

    async def failing_later() -> None:
        failing()

    async def waiting(seconds: float, *_: object) -> None:
        waits.append(seconds)

    own, really_sleep = threading.current_thread(), time.sleep

    def sleep(seconds: float) -> None:
        if threading.current_thread() is own:
            waits.append(seconds)
        else:
            really_sleep(seconds)

    # What it ends in is of no account.
    ended = contextlib.suppress(Exception, EnoughError)
    with mock.patch("time.sleep", sleep), mock.patch("asyncio.sleep", waiting), ended:
        _use(decorator, failing, failing_later)
    return done, waits


def _use(policy: Any, failing: Callable[[], None], failing_later: Callable[[], Any]) -> None:
    """Let a policy run failing code: what is decorated, or each attempt that it hands out."""
    is_of_async = hasattr(getattr(policy, "__self__", None), "__aiter__")
    if is_of_async or getattr(policy, "__module__", "").startswith("aiomisc"):
        asyncio.run(policy(failing_later)())
    elif hasattr(policy, "increment"):
        _increase(policy, failing)
    elif hasattr(policy, "__aiter__") and callable(policy):
        asyncio.run(policy(failing_later))
    elif hasattr(policy, "__iter__"):
        for attempt in policy:
            with attempt:
                failing()
    else:
        policy(failing)()


def _increase(policy: Any, failing: Callable[[], None]) -> None:
    """The retries of urllib3: a new policy after each failure."""
    error = resolve("urllib3.exceptions.ConnectTimeoutError")()
    while True:
        try:
            failing()
        except KeyError:  # noqa: PERF203 - as a pool does it
            policy = policy.increment("GET", "/", error=error)
            time.sleep(policy.get_backoff_time())


@functools.cache
def really_tried(expression: str, error: type[Exception] | None = KeyError) -> int:
    """How often the policy tries."""
    return tries(made(expression), error)[0]


@functools.cache
def really_waited(expression: str) -> tuple[float, ...]:
    """The longest that the policy waits before each of its first retries, of some runs."""
    longest = [0.0] * RETRIES_WATCHED
    for _ in range(SAMPLES):
        _, waits = tries(made(expression))
        pairs = itertools.zip_longest(longest, waits[:RETRIES_WATCHED], fillvalue=0.0)
        longest = [max(pair) for pair in pairs]
    return tuple(longest)


def form_of(name: str) -> str:
    """How something that retries is used."""
    real = resolve(name)
    if hasattr(real, "increment"):
        return "policy"
    used = real(on=KeyError) if name == "stamina.retry_context" else real
    return "object" if hasattr(used, "__iter__") or hasattr(used, "__aiter__") else "decorator"


# --- checks ---------------------------------------------------------------------------------------


def concerning(expressions: Any, name: str) -> Iterator[Any]:
    """The expressions (or rows that begin with one) in which an entry is used."""
    word = name.removeprefix("tenacity.") if name.startswith("tenacity.") else name
    word = name if word == "retry" else word
    for row in expressions:
        if f"{word}(" in (row if isinstance(row, str) else row[0]) or f"{word}," in str(row):
            yield row


def as_often(libraries: tuple[Library, ...], name: str) -> Iterator[str]:
    """A policy tries as often as it is said to."""
    for expression in concerning(POLICIES, name):
        read, module = program(expression, libraries)
        expected = POLICIES[expression]
        done = really_tried(expression, None if POLLING in expression else KeyError)
        if done != (expected or MANY):
            yield f"{expression} tries {done} times"
        for policy in read.retry_uses.policies(module):
            limits = read.retries.limits(policy)
            is_told = limits.tries in (expected or float("inf"), None)  # None: it ends, when can't be told
            if not is_told or limits.is_endless is not (expected is None):
                yield f"{expression} is said to have {limits}"
            break
        else:
            yield f"{expression} is not found"


def waits(libraries: tuple[Library, ...], name: str) -> Iterator[str]:
    """A policy waits no longer than it is said to, and about as long."""
    for expression in concerning(WAITS, name):
        read, module = program(expression, libraries)
        policy = next(iter(read.retry_uses.policies(module)))
        said = [read.retries.wait(policy, retry) for retry in range(1, RETRIES_WATCHED + 1)]
        for real, limit in zip(really_waited(expression), said, strict=True):
            if not (limit or 0.0) * 0.5 - 1e-6 <= real <= (limit or 0.0) + 1e-6:
                yield f"{expression} waits {really_waited(expression)}, not {said}"
                break


def tried_again(libraries: tuple[Library, ...], name: str) -> Iterator[str]:
    """A policy tries again after the errors that it is said to."""
    for expression, error, again in concerning(TRIED_AGAIN, name):
        read, module = program(expression, libraries)
        policy = next(iter(read.retry_uses.policies(module)))
        if (really_tried(expression, error) > 1) is not again:
            yield f"{expression} after {error}"
        if read.retries.retries(policy, f"builtins.{error.__name__}") is not again:
            yield f"{expression} after {error} is said to be otherwise"


def polled(libraries: tuple[Library, ...], name: str) -> Iterator[str]:
    """A policy that tries again for a result is said to, and no other one."""
    for expression in concerning(POLLERS, name):
        read, module = program(expression, libraries)
        policy = next(iter(read.retry_uses.policies(module)))
        polls = really_tried(expression, None) > 1
        if {polls, read.retries.waits_for_result(policy)} != {POLLERS[expression]}:
            yield f"{expression} polls, or does not"


def cut(libraries: tuple[Library, ...], name: str) -> Iterator[str]:
    """A policy whose time is over ends what runs, or lets it end."""
    for expression in concerning(WITHIN_SECONDS, name):
        for entry in _entries(libraries, name):
            if hasattr(entry, "cuts") and entry.cuts is not really_cuts(expression):
                yield f"{expression} ends what runs, or does not"


@functools.cache
def really_cuts(expression: str) -> bool:
    """Whether a policy ends a running try when its time is over."""
    ended = []

    async def slow() -> None:
        await asyncio.sleep(LONG_SECONDS)
        ended.append(True)

    with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
        asyncio.run(made(expression)(slow)())
    return not ended


def _entries(libraries: tuple[Library, ...], name: str) -> Iterator[Any]:
    for library in libraries:
        for group in (library.retries, library.retry_stops, library.retry_waits, library.retry_filters):
            if name in group:
                yield group[name]


def parameters(libraries: tuple[Library, ...], name: str) -> Iterator[str]:
    """Parameters stand where it is said, under these names."""
    [entry] = _entries(libraries, name)
    real = inspect.signature(resolve(SIGNATURES.get(name, name))).parameters
    for parameter in parameters_of(entry):
        if not _stands(parameter, real):
            yield f"{name} takes {parameter} elsewhere"
        elif _is_otherwise_by_default(parameter, real):
            yield f"{name} has another default for {parameter}"


def names(libraries: tuple[Library, ...], name: str) -> Iterator[str]:
    """Aliases are the same thing, and what can be used without calling it is said to."""
    [entry] = _entries(libraries, name)
    yield from (f"{alias} is not {name}" for alias in entry.aliases if resolve(alias) is not resolve(name))
    if hasattr(entry, "form"):
        yield from _use_of(name, entry)
    if getattr(entry, "wrapper", "") and not wraps(resolve(name)(), entry.wrapper):
        yield f"{name} has no {entry.wrapper}"


def wraps(policy: Any, wrapper: str) -> bool:
    """Whether a method gives a function back that is called again where it fails."""
    return tries(getattr(policy, wrapper))[0] == MANY


def _use_of(name: str, entry: Retry) -> Iterator[str]:
    if entry.form != form_of(name):
        yield f"{name} is used as {form_of(name)}"
    if entry.form == "decorator" and entry.bare != (really_tried(name) == MANY):
        yield f"{name} can be used without being called, or can't"
    if entry.safe_methods and set(entry.safe_methods) != set(resolve(name).DEFAULT_ALLOWED_METHODS):
        yield f"{name} repeats other methods"


def parameters_of(entry: Any) -> Iterator[Parameter]:
    """The parameters that an entry describes."""
    for field in PARAMETERS:
        found = getattr(entry, field, None)
        if found is not None:
            yield found
    yield from getattr(entry, "further", ())
    for growth in (*getattr(entry, "waits", ()), *getattr(entry, "growth", ())):
        numbers = (getattr(growth, field) for field in NUMBERS)
        yield from (number for number in numbers if number.keyword)


PARAMETERS = (
    "tries", "seconds", "attempt_seconds", "stop", "wait", "on", "unless", "methods", "retries", "spares",
)  # fmt: skip
NUMBERS = ("first", "base", "step", "least", "most", "jitter")


def _stands(parameter: Parameter, real: Any) -> bool:
    if parameter.keyword not in real:
        return False
    if parameter.is_rest:
        return list(real.values())[parameter.position or 0].kind is inspect.Parameter.VAR_POSITIONAL
    if parameter.position is None:
        # A wait's generator is given what its decorator is given by keyword.
        by_keyword = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return real[parameter.keyword].kind in by_keyword
    return list(real)[parameter.position] == parameter.keyword


def _is_otherwise_by_default(parameter: Parameter, real: Any) -> bool:
    stated, default = getattr(parameter, "default", None), real[parameter.keyword].default
    return stated is not None and isinstance(default, int | float) and default != stated


def told(libraries: tuple[Library, ...], name: str) -> Iterator[str]:
    """What is tried again must be said where the real parameter has no default, or is no exception at all."""
    for entry in _entries(libraries, name):
        if getattr(entry, "form", "policy") == "policy":
            continue
        real = inspect.signature(resolve(name)).parameters
        on = real.get(entry.on.keyword) if entry.on else None
        must_be_said = on is not None and on.default is on.empty and on.kind is not on.VAR_POSITIONAL
        if (must_be_said or (entry.polls and entry.on is None)) is not (entry.on_default == ""):
            yield f"{name} tries {entry.on_default!r} again by default"


def milliseconds(libraries: tuple[Library, ...], name: str) -> Iterator[str]:
    """Retrying counts its time in thousandths of a second."""
    for entry in _entries(libraries, name):
        if name == "retrying.retry" and entry.seconds is not None:
            limit = {entry.seconds.keyword: 5 / entry.seconds.unit}
            retrying = resolve("retrying.Retrying")(**limit)
            if retrying.stop(1, 5_000) is not True or retrying.stop(1, 4_000) is not False:
                yield f"{limit} is not five seconds"


CHECKS = (parameters, names, as_often, waits, tried_again, polled, cut, told, milliseconds)
