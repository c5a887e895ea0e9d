"""What bounds a gRPC call besides its timeout, and what does not: shown on a real server.

docs/decisions/0008-what-bounds-a-grpc-call.md tells of it.
"""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.catalog.remote_calls.server import SILENT, path, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

grpc = pytest.importorskip("grpc")
pytestmark = [pytest.mark.libraries, pytest.mark.slow]

METHOD = path(SILENT, "unary_unary")
SERVICE, NAME = METHOD[1:].split("/")
WHILE = 0.7
"""Seconds after which a call that has not ended waits."""


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    with serving() as ports:
        yield f"127.0.0.1:{ports['grpc']}"


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which connections are refused."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def becomes(channel: Any, patience: float = WHILE, **keywords: Any) -> str:
    """How a call ends within some seconds; "WAITS" if it does not."""
    call = channel.unary_unary(METHOD).future(b"", **keywords)
    try:
        call.result(timeout=patience)
    except grpc.FutureTimeoutError:
        call.cancel()
        return "WAITS"
    except grpc.RpcError as error:
        return str(error.code().name)
    return "answered"


def configured(target: str, *entries: dict[str, Any]) -> Any:
    config = json.dumps({"methodConfig": list(entries)})
    return grpc.insecure_channel(target, options=[("grpc.service_config", config)])


FOR_ALL, FOR_SERVICE = [{}], [{"service": SERVICE}]
FOR_METHOD, FOR_OTHERS = [{"service": SERVICE, "method": NAME}], [{"service": "somebody.Else"}]


@pytest.mark.parametrize("name", [FOR_ALL, FOR_SERVICE, FOR_METHOD, [{"service": "", "method": ""}]])
def test_a_service_config_ends_the_calls_it_names(name: list[Any], target: str) -> None:
    assert becomes(configured(target, {"name": name, "timeout": "1.5s"}), 5) == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize(
    "entry",
    [
        {"name": FOR_OTHERS, "timeout": "1s"},
        {"timeout": "1s"},
        {"name": FOR_ALL, "timeout": "0s"},
        {"name": FOR_ALL, "retryPolicy": {
            "maxAttempts": 2, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }},
    ],
    ids=["another service", "no name", "zero", "retries only"],
)  # fmt: skip
def test_a_service_config_that_ends_nothing(entry: dict[str, Any], target: str) -> None:
    assert becomes(configured(target, entry), 1.5) == "WAITS"


def test_the_entry_that_names_a_method_most_closely_counts_alone(target: str) -> None:
    channel = configured(
        target, {"name": FOR_ALL, "timeout": "1s"}, {"name": FOR_METHOD, "waitForReady": True}
    )
    assert becomes(channel, 1.5) == "WAITS"


def test_a_service_config_holds_over_a_longer_timeout_and_over_none(target: str) -> None:
    channel = configured(target, {"name": FOR_ALL, "timeout": "1.5s"})
    assert becomes(channel, 5, timeout=60) == "DEADLINE_EXCEEDED"
    assert becomes(channel, 5, timeout=None) == "DEADLINE_EXCEEDED"


def test_less_than_a_second_in_a_service_config_ends_at_once(target: str) -> None:
    started = time.monotonic()
    channel = configured(target, {"name": FOR_ALL, "timeout": "0.9s"})
    assert becomes(channel, 5) == "DEADLINE_EXCEEDED"
    assert time.monotonic() - started < 0.5


class Interceptor(grpc.UnaryUnaryClientInterceptor):
    """Changes a call's details on the way."""

    def __init__(self, change: Callable[[Any], Any]) -> None:
        self._change = change

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._change(client_call_details), request)


def test_interceptors_are_passed_in_their_order(target: str) -> None:
    seen: list[Any] = []

    def note(details: Any) -> Any:
        seen.append(details.timeout)
        return details

    def bound(details: Any) -> Any:
        return details._replace(timeout=0.3)

    channel = grpc.insecure_channel(target)
    inner = grpc.intercept_channel(channel, Interceptor(note))
    outer = grpc.intercept_channel(inner, Interceptor(note), Interceptor(bound))
    assert becomes(outer, 5) == "DEADLINE_EXCEEDED"
    assert seen == [None, 0.3]


def test_an_interceptor_of_another_kind_of_call_is_not_passed(target: str) -> None:
    channel = grpc.intercept_channel(
        grpc.insecure_channel(target), Interceptor(lambda details: details._replace(timeout=0.3))
    )
    calls = channel.stream_unary(path(SILENT, "stream_unary")).future(iter([b""]))
    with pytest.raises(grpc.FutureTimeoutError):
        calls.result(timeout=WHILE)
    calls.cancel()


def test_wait_for_ready_turns_a_refusal_into_a_wait(nobody: str) -> None:
    channel = grpc.insecure_channel(nobody)
    assert becomes(channel, 5) == "UNAVAILABLE"
    assert becomes(channel, wait_for_ready=True) == "WAITS"
    assert becomes(channel, 5, wait_for_ready=True, timeout=0.3) == "DEADLINE_EXCEEDED"


def test_a_result_that_is_waited_for_in_time_leaves_the_call_running(target: str) -> None:
    call = grpc.insecure_channel(target).unary_unary(METHOD).future(b"")
    with pytest.raises(grpc.FutureTimeoutError):
        call.result(timeout=0.2)
    assert call.running()
    call.cancel()
