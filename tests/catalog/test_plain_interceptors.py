"""Interceptors of other libraries that leave a call's timeout as it is: shown on real channels.

One behind them writes down the timeout that it is told, and ends the call.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from servicelint.catalog.shipped import shipped_libraries
from tests.catalog.calls import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

grpc = pytest.importorskip("grpc")
pytest.importorskip("opentelemetry.instrumentation.grpc")
pytestmark = pytest.mark.instrumentations

NAMES = [name for library in shipped_libraries() for name in library.plain_interceptors]
ARITIES = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


class Told(Exception):
    """Ends a call."""


class Recorder:
    """Writes down the timeouts that it is told. A channel takes an interceptor for one arity only."""

    def __init__(self) -> None:
        self.timeouts: list[float | None] = []

    async def told(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        self.timeouts.append(client_call_details.timeout)
        raise Told


def recorder_of(arity: str) -> Any:
    """The recorder for one arity."""
    base = getattr(grpc.aio, f"{arity.title().replace('_', '')}ClientInterceptor")
    return type("ArityRecorder", (Recorder, base), {f"intercept_{arity}": Recorder.told})()


class Deadline(grpc.aio.UnaryUnaryClientInterceptor):
    """What must not be called plain."""

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(client_call_details._replace(timeout=3.0), request)


def made(name: str) -> list[Any]:
    """The interceptors that a name of the catalog stands for."""
    from opentelemetry import trace

    maker = resolve(name)
    found = maker(trace.get_tracer("tests")) if isinstance(maker, type) else maker()
    return found if isinstance(found, list) else [found]


def changed(interceptors: list[Any]) -> Iterator[str]:
    """The calls behind which another timeout arrives than was given."""
    kinds = [arity for arity in ARITIES if any(hasattr(each, f"intercept_{arity}") for each in interceptors)]
    if not kinds:
        yield "it intercepts nothing"
    for arity in kinds:
        for timeout in (None, 7.0):
            arrived = asyncio.run(arriving(interceptors, arity, timeout))
            if arrived != [timeout]:
                yield f"{arity}: {timeout} arrives as {arrived}"


async def arriving(interceptors: list[Any], arity: str, timeout: float | None) -> list[float | None]:
    recorder = recorder_of(arity)
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
    return recorder.timeouts


@pytest.mark.parametrize("name", NAMES)
def test_the_timeout_arrives_as_it_was_given(name: str) -> None:
    assert list(changed(made(name))) == []


def test_one_that_sets_a_deadline_is_noticed() -> None:
    assert list(changed([Deadline()])) == [
        "unary_unary: None arrives as [3.0]",
        "unary_unary: 7.0 arrives as [3.0]",
    ]
