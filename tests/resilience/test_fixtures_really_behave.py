"""What fixtures of breaker rules claim, shown by the real libraries: a hundred failures of what they call.

A function whose lines carry a finding's marker must let all hundred calls through to the peer; a function
with no marker must have stopped long before.
"""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import inspect
import socket
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest.importorskip("pybreaker")
pytestmark = [pytest.mark.libraries, pytest.mark.slow]

FIXTURES = Path(__file__).parents[2] / "fixtures"
FAILURES = 100
FEW = 20
LOOPBACK = "127.0.0.1"
CLOSED = b""
ERROR = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
RULES = {
    "svc202_breaker_made_per_call": CLOSED,
    "svc203_breaker_that_cannot_trip": CLOSED,
    "svc207_breaker_blind_to_error_status": ERROR,
}


class FailingPeer:
    """Hears a request and closes the connection, with an answer or without; counts how often."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heard = 0
        self._listener = socket.create_server((LOOPBACK, 0), backlog=256)
        self.url = f"http://{LOOPBACK}:{self._listener.getsockname()[1]}/"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.heard += 1
            with connection:
                connection.settimeout(2)
                connection.recv(4096)
                connection.sendall(self.answer)

    def close(self) -> None:
        """Hear no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class FailingRpcPeer:
    """A gRPC server that answers each call with UNAVAILABLE; counts how often."""

    def __init__(self) -> None:
        grpc = pytest.importorskip("grpc")
        self.heard = 0

        def refuse(_: bytes, context: Any) -> None:
            self.heard += 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "down")

        class Refusing(grpc.GenericRpcHandler):  # type: ignore[misc]
            def service(self, _: object) -> object:
                return grpc.unary_unary_rpc_method_handler(refuse)

        self._server = grpc.server(ThreadPoolExecutor(1), handlers=[Refusing()])
        self.url = f"{LOOPBACK}:{self._server.add_insecure_port(f'{LOOPBACK}:0')}"
        self._server.start()

    def close(self) -> None:
        """Hear no more."""
        self._server.stop(None).wait(5)


def peer_of(case: Case) -> FailingPeer | FailingRpcPeer:
    """The peer that a fixture calls: of the folder ``grpc`` one that speaks it."""
    return FailingRpcPeer() if case.path.parent.name == "grpc" else FailingPeer(RULES[case.rule])


class Case(NamedTuple):
    """One public function of a fixture, and whether its lines carry a marker."""

    path: Path
    rule: str
    name: str
    is_loud: bool


def cases() -> Iterator[Case]:
    """Every public function without parameters in the fixtures of the breaker rules."""
    for rule in RULES:
        for path in sorted((FIXTURES / rule).rglob("*.py")):
            text = path.read_text("utf-8")
            for node in ast.parse(text).body:
                is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
                if is_function and not node.name.startswith("_") and not node.args.args:
                    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
                    is_loud = any(
                        f"expect: {rule[:6].upper()}" in line or f"gap: {rule[:6].upper()}" in line
                        for line in lines
                    )
                    yield Case(path, rule, node.name, is_loud)


CASES = list(cases())


def loaded(path: Path) -> Any:
    """The fixture as a module of its own, with breakers that have seen nothing."""
    spec = importlib.util.spec_from_file_location(f"fixture_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def failed(function: Callable[[], Any]) -> None:
    """Call a function to its end, whatever it raises."""
    try:
        result = function()
        if inspect.isawaitable(result):
            await result
    except Exception:  # noqa: BLE001 - it is meant to fail
        pass


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.path.stem}-{case.name}")
def test_a_breaker_that_is_found_lets_every_call_through_and_its_twin_does_not(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = peer_of(case)
    monkeypatch.setenv("PEER", peer.url)

    async def attempts() -> None:
        function = getattr(loaded(case.path), case.name)
        for _ in range(FAILURES):
            await failed(function)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.run(attempts())
    peer.close()
    assert (peer.heard >= FAILURES) is case.is_loud, peer.heard
    assert case.is_loud or 0 < peer.heard < FEW, peer.heard


ROUTES = {
    "/authors/1": True, "/books": True,
    "/shelves": False, "/loans": False, "/readers": False, "/fines": False,
}  # fmt: skip
"""Those of the fixture of objects, and whether its class is marked."""


@pytest.mark.parametrize("route", ROUTES)
def test_a_breaker_on_an_object_made_for_each_request_lets_every_call_through(
    route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    testclient = pytest.importorskip("fastapi.testclient")
    peer = FailingPeer(CLOSED)
    monkeypatch.setenv("PEER", peer.url)
    application = loaded(FIXTURES / "svc202_breaker_made_per_call" / "requests" / "objects.py").app
    with testclient.TestClient(application, raise_server_exceptions=False) as client:
        for _ in range(FAILURES):
            client.get(route)
    peer.close()
    assert (peer.heard >= FAILURES) is ROUTES[route], peer.heard


def test_both_kinds_are_shown() -> None:
    for rule in RULES:
        found = [case.is_loud for case in CASES if case.rule == rule]
        assert any(found)
        assert not all(found)
