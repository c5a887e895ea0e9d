"""Interceptors of other libraries that leave a call's timeout as it is: shown on real channels.

One behind them writes down the timeout that it is told, and ends the call.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from servicelint.catalog.shipped import shipped_libraries
from tests.catalog.calls import is_installed, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

grpc = pytest.importorskip("grpc")
pytestmark = pytest.mark.instrumentations

NAMES = [name for library in shipped_libraries() for name in library.plain_interceptors]
ARITIES = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


class Told(Exception):
    """Ends a call."""


class Recorder:
    """Writes down the timeouts that it is told. A channel takes an interceptor for one arity only."""

    def __init__(self) -> None:
        self.timeouts: list[float | None] = []

    async def awaited(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        self.blocking(continuation, client_call_details, request)

    def blocking(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        self.timeouts.append(client_call_details.timeout)
        raise Told


def recorder_of(module: Any, arity: str) -> Any:
    """The recorder for one arity, of ``grpc`` or ``grpc.aio``."""
    base = getattr(module, f"{arity.title().replace('_', '')}ClientInterceptor")
    hook = Recorder.awaited if module is grpc.aio else Recorder.blocking
    return type("ArityRecorder", (Recorder, base), {f"intercept_{arity}": hook})()


class AwaitedDeadline(grpc.aio.UnaryUnaryClientInterceptor):
    """What must not be called plain."""

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(client_call_details._replace(timeout=3.0), request)


class Deadline(grpc.UnaryUnaryClientInterceptor):
    """The same for blocking channels."""

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(client_call_details._replace(timeout=3.0), request)


def made(name: str) -> list[Any]:
    """The interceptors that a name of the catalog stands for."""
    package = name.partition(".")[0]
    if not is_installed(name):
        pytest.skip(f"the package of {name} is not installed")
    maker = resolve(name)
    given: tuple[Any, ...] = ()
    if package == "opentelemetry" and isinstance(maker, type):
        from opentelemetry import trace

        given = (trace.get_tracer("tests"),)
    elif package == "ddtrace":
        import ddtrace.contrib.internal.grpc.patch  # noqa: F401 - it has the settings
        from ddtrace._trace.pin import Pin

        given = (Pin(), "127.0.0.1", 9)
    found = maker(*given)
    return list(found) if isinstance(found, list | tuple) else [found]


def is_awaited(interceptors: list[Any]) -> bool:
    return any(isinstance(each, grpc.aio.ClientInterceptor) for each in interceptors)


def changed(interceptors: list[Any]) -> Iterator[str]:
    """The calls behind which another timeout arrives than was given."""
    kinds = [arity for arity in ARITIES if any(hasattr(each, f"intercept_{arity}") for each in interceptors)]
    if not kinds:
        yield "it intercepts nothing"
    for arity in kinds:
        for timeout in (None, 7.0):
            if is_awaited(interceptors):
                arrived = asyncio.run(arriving_later(interceptors, arity, timeout))
            else:
                arrived = arriving(interceptors, arity, timeout)
            if arrived != [timeout]:
                yield f"{arity}: {timeout} arrives as {arrived}"


def arriving(interceptors: list[Any], arity: str, timeout: float | None) -> list[float | None]:
    """The timeouts that come out of interceptors on a blocking channel."""
    recorder = recorder_of(grpc, arity)
    with grpc.insecure_channel("127.0.0.1:9") as plain:
        channel = grpc.intercept_channel(plain, *interceptors, recorder)
        request = iter([b""]) if arity.startswith("stream") else b""
        with contextlib.suppress(Told):
            answer = getattr(channel, arity)("/acme.Prices/Get")(request, timeout=timeout)
            if arity.endswith("stream"):
                list(answer)
    return recorder.timeouts  # type: ignore[no-any-return]


async def arriving_later(interceptors: list[Any], arity: str, timeout: float | None) -> list[float | None]:
    """The same on an asynchronous one."""
    recorder = recorder_of(grpc.aio, arity)
    async with grpc.aio.insecure_channel("127.0.0.1:9", interceptors=[*interceptors, recorder]) as channel:
        call = getattr(channel, arity)("/acme.Prices/Get")
        request = iter([b""]) if arity.startswith("stream") else b""
        with contextlib.suppress(Told, grpc.aio.UsageError, asyncio.CancelledError):
            answer = call(request, timeout=timeout)
            if arity.endswith("stream"):
                async for _ in answer:
                    pass
            else:
                await answer
    return recorder.timeouts  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", NAMES)
def test_the_timeout_arrives_as_it_was_given(name: str) -> None:
    assert list(changed(made(name))) == []


@pytest.mark.parametrize("interceptor", [Deadline, AwaitedDeadline])
def test_one_that_sets_a_deadline_is_noticed(interceptor: type) -> None:
    assert list(changed([interceptor()])) == [
        "unary_unary: None arrives as [3.0]",
        "unary_unary: 7.0 arrives as [3.0]",
    ]
