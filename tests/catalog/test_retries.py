"""Retries are as the catalog says: how often, for how long, after what, with which waits between.

What the catalog says is read by the program's own code, from a line of source; what is so is seen by
running that line.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from servicelint.catalog.shipped import shipped_libraries
from servicelint.config import Config
from servicelint.program.retries.policies import Limits
from servicelint.run import Run
from servicelint.sources.discovery import select
from tests.catalog.calls import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servicelint.catalog.retries import Retry

pytest.importorskip("tenacity")
pytestmark = pytest.mark.libraries

RETRIES = {name: entry for library in shipped_libraries() for name, entry in library.retries.items()}
STRATEGIES = {
    name: entry
    for library in shipped_libraries()
    for group in (library.retry_stops, library.retry_waits, library.retry_filters)
    for name, entry in group.items()
}
# Decorators that take anything and hand it on to a class.
SIGNATURES = {"tenacity.retry": "tenacity.Retrying", "retrying.retry": "retrying.Retrying"}
MANY = 300
IMPORTS = """\
import aiomisc, backoff, retrying, stamina, tenacity, urllib3, requests
from tenacity import *

THRICE = stop_after_attempt(3)
"""
POLICIES = {
    "tenacity.retry()": None,
    "tenacity.retry(stop=stop_after_attempt(4))": 4,
    "tenacity.retry(stop=stop_any(stop_after_attempt(4), stop_after_attempt(6)))": 4,
    "tenacity.retry(stop=stop_after_attempt(4) | stop_after_attempt(6))": 4,
    "tenacity.retry(stop=stop_never)": None,
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
    "aiomisc.asyncretry(9, pause=2)",
]


class EnoughError(BaseException):
    """Tried so often that it is as good as for ever."""


def program(tmp_path: Path, expression: str) -> Any:
    """The program of one line that makes a policy, and its module."""
    path = tmp_path / "policy.py"
    path.write_text(f"{IMPORTS}policy = {expression}\n")
    run = Run(select([path], tmp_path), Config(), tmp_path)
    return run.program, run.program.targets[0]


def made(expression: str) -> Any:
    """The policy itself."""
    namespace: dict[str, Any] = {}
    exec(f"{IMPORTS}policy = {expression}\n", namespace)
    return namespace["policy"]


def tries(
    decorator: Any, monkeypatch: pytest.MonkeyPatch, error: type[Exception] = KeyError
) -> tuple[int, list[float]]:
    """How often a failing function is tried, and how long is waited between."""
    waits: list[float] = []
    count = itertools.count(1)
    done = 0

    def failing() -> None:
        nonlocal done
        done = next(count)
        if done >= MANY:
            raise EnoughError
        raise error

    async def failing_later() -> None:
        failing()

    async def waiting(seconds: float, *_: object) -> None:
        waits.append(seconds)

    own, really_sleep = threading.current_thread(), time.sleep
    monkeypatch.setattr(
        time, "sleep", lambda s: waits.append(s) if threading.current_thread() is own else really_sleep(s)
    )
    monkeypatch.setattr(asyncio, "sleep", waiting)
    try:
        if decorator.__module__.startswith("aiomisc"):
            asyncio.run(decorator(failing_later)())
        else:
            decorator(failing)()
    except (Exception, EnoughError):  # noqa: BLE001 - what it ends in is of no account
        pass
    return done, waits


@pytest.mark.parametrize("name", RETRIES)
def test_parameters_stand_where_the_catalog_says(name: str) -> None:
    entry = RETRIES[name]
    for alias in entry.aliases:
        assert resolve(alias) is resolve(name)
    parameters = inspect.signature(resolve(SIGNATURES.get(name, name))).parameters
    for parameter in _parameters(entry):
        _stands(parameter, parameters)


def _parameters(entry: Retry) -> Iterator[Any]:
    fields = (
        entry.tries,
        entry.seconds,
        entry.attempt_seconds,
        entry.stop,
        entry.wait,
        entry.on,
        entry.unless,
    )
    yield from (each for each in (*fields, entry.methods, *entry.further) if each is not None)
    for growth in entry.waits:
        numbers = (growth.first, growth.base, growth.step, growth.least, growth.most, growth.jitter)
        yield from (number for number in numbers if number.keyword)


def _stands(parameter: Any, parameters: Any) -> None:
    assert parameter.keyword in parameters
    real = parameters[parameter.keyword]
    if parameter.is_rest:
        assert list(parameters.values())[parameter.position].kind is inspect.Parameter.VAR_POSITIONAL
    elif parameter.position is None:
        assert real.kind is inspect.Parameter.KEYWORD_ONLY
    else:
        assert list(parameters)[parameter.position] == parameter.keyword


@pytest.mark.parametrize("name", STRATEGIES)
def test_strategies_have_the_names_and_parameters_of_the_catalog(name: str) -> None:
    entry = STRATEGIES[name]
    real = resolve(name)
    for alias in entry.aliases:
        assert resolve(alias) is real
    numbers = [entry.tries, entry.seconds] if hasattr(entry, "tries") else []
    for growth in getattr(entry, "growth", ()):
        numbers += [growth.first, growth.base, growth.most, growth.least, growth.jitter, growth.step]
    numbers += [getattr(entry, "retries", None), getattr(entry, "spares", None)]
    for number in numbers:
        if number is not None and number.keyword:
            parameters = inspect.signature(real).parameters
            assert number.keyword in parameters
            if number.position is not None:
                assert list(parameters)[number.position] == number.keyword


@pytest.mark.parametrize("expression", POLICIES)
def test_a_policy_tries_as_often_as_the_catalog_says(
    expression: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, module = program(tmp_path, expression)
    limits = next(read.retries.limits(each) for each in read.retry_uses.policies(module))
    done, _ = tries(made(expression), monkeypatch)
    expected = POLICIES[expression]
    assert done == (expected or MANY)
    assert limits.tries == (expected or float("inf"))
    assert limits.is_endless is (expected is None)


@pytest.mark.parametrize("expression", WAITS)
def test_a_policy_waits_no_longer_than_the_catalog_says_and_about_as_long(
    expression: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, module = program(tmp_path, expression)
    policy = next(iter(read.retry_uses.policies(module)))
    longest = [0.0] * 6
    for _ in range(20):
        _, waits = tries(made(expression), monkeypatch)
        longest = [max(pair) for pair in itertools.zip_longest(longest, waits[:6], fillvalue=0.0)]
    said = [read.retries.wait(policy, retry) for retry in range(1, 7)]
    assert all(real <= limit + 1e-6 for real, limit in zip(longest, said, strict=True)), (longest, said)
    assert all(real >= limit * 0.5 - 1e-6 for real, limit in zip(longest, said, strict=True)), (longest, said)


@pytest.mark.parametrize(
    ("expression", "error", "again"),
    [
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
    ],
)  # fmt: skip
def test_a_policy_tries_again_after_what_the_catalog_says(
    expression: str, error: type[Exception], again: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, module = program(tmp_path, expression)
    policy = next(iter(read.retry_uses.policies(module)))
    done, _ = tries(made(expression), monkeypatch, error)
    assert (done > 1) is again
    assert read.retries.retries(policy, f"builtins.{error.__name__}") is again


@pytest.mark.parametrize(
    ("arguments", "limit"),
    [("", 11), ("3", 4), ("total=3", 4), ("total=None", None), ("total=None, connect=2", 3)],
)
def test_the_retries_of_urllib3(arguments: str, limit: int | None, tmp_path: Path) -> None:
    read, module = program(tmp_path, f"urllib3.Retry({arguments})")
    limits = read.retries.limits(next(iter(read.retry_uses.policies(module))))
    policy = made(f"urllib3.Retry({arguments})")
    error = resolve("urllib3.exceptions.ConnectTimeoutError")()
    done = 1
    while done < MANY:
        try:
            policy = policy.increment("GET", "/", error=error)
        except resolve("urllib3.exceptions.MaxRetryError"):
            break
        done += 1
    assert done == (limit or MANY)
    assert limits == (Limits() if limit is None else limits)
    assert limits.is_endless is (limit is None)
    safe = resolve("urllib3.Retry").DEFAULT_ALLOWED_METHODS
    assert set(RETRIES["urllib3.Retry"].safe_methods) == safe


@pytest.mark.parametrize("name", [name for name, entry in RETRIES.items() if entry.bare])
def test_a_bare_decorator_tries_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done, _ = tries(made(name), monkeypatch)
    assert done == MANY
