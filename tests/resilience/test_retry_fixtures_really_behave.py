"""What the fixtures of the retry rules claim, shown by the real libraries against a peer that is dead."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import inspect
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.peers import SilentPeer

if TYPE_CHECKING:
    from collections.abc import Iterator

httpx = pytest.importorskip("httpx")
requests = pytest.importorskip("requests")
pytest.importorskip("tenacity")
pytestmark = pytest.mark.libraries

FIXTURES = Path(__file__).parents[2] / "fixtures"
MANY = 200
# Quiet for another reason than that they end.
ANOTHER_STORY = (
    "waits for",
    "poller",
    "for ever",
    "when it is told",
    "success does not leave",
    "come to an end",
)
ENDED_BY_THE_CLOCK = ("within_a_minute", "cut", "for_a_minute", "by_time")
NOT_ENDLESS = ('"waits nothing"',)


class EnoughError(BaseException):
    """The peer was asked so often that it is as good as for ever."""


class DeadPeer:
    """Stands in for what sends; counts how often it is asked, and ends it all at last."""

    def __init__(self) -> None:
        self.asked = 0

    def refuse(self, *_: object, **__: object) -> None:
        self.asked += 1
        if self.asked >= MANY:
            raise EnoughError
        raise requests.ConnectionError

    async def refuse_later(self, *_: object, **__: object) -> None:
        self.asked += 1
        if self.asked >= MANY:
            raise EnoughError
        raise httpx.ConnectError("refused")


class HangingUpPeer(SilentPeer):
    """Hears a request and closes the connection: whether it was carried out, nobody knows."""

    def answer(self, connection: socket.socket) -> None:
        connection.shutdown(socket.SHUT_RDWR)


def functions(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The public functions of a fixture that need no arguments, with their lines, decorators included."""
    text = path.read_text("utf-8")
    for node in ast.parse(text).body:
        is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if is_function and not node.name.startswith("_") and not node.args.args:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            yield node.name, text.splitlines()[first - 1 : node.end_lineno]


def cases(rule: str) -> list[Any]:
    """Each function of a rule's fixtures, and whether one of its lines carries a finding's marker."""
    found = []
    for path in sorted((FIXTURES / rule).rglob("*.py")):
        for name, lines in functions(path):
            marked = [line for line in lines if f"expect: {rule[:6].upper()}" in line]
            if any(each in line for line in lines for each in (*ANOTHER_STORY, *NOT_ENDLESS)):
                continue
            if marked or any("# ok" in line for line in lines):
                found.append(pytest.param(path, name, bool(marked), id=f"{path.stem}-{name}"))
    return found


def loaded(path: Path) -> Any:
    """The fixture as a module of its own, with the files beside it if it imports any."""
    spec = importlib.util.spec_from_file_location(f"fixture_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(path.parent)
        spec.loader.exec_module(module)
    for beside in path.parent.glob("*.py"):  # others may be called so, too
        sys.modules.pop(beside.stem, None)
    return module


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What is slept, without sleeping."""
    slept: list[float] = []
    own, really_sleep = threading.current_thread(), time.sleep

    def sleep(seconds: float) -> None:
        if threading.current_thread() is own:
            slept.append(seconds)
        else:
            really_sleep(seconds)

    async def sleep_later(seconds: float, *_: object) -> None:
        slept.append(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(asyncio, "sleep", sleep_later)
    return slept


def run(function: Any) -> BaseException | None:
    """Run a function to its end; returns what it raised."""
    try:
        result = function()
        if inspect.isgenerator(result):
            list(result)
        elif inspect.isawaitable(result):
            asyncio.run(_ended(result))
    except (Exception, EnoughError) as error:  # noqa: BLE001 - what is raised is what we want to know
        return error
    return None


async def _ended(result: Any) -> Any:
    return await result


@pytest.mark.parametrize(("path", "name", "is_loud"), cases("svc204_endless_retry"))
def test_an_endless_retry_asks_for_ever_and_its_twin_does_not(
    path: Path, name: str, is_loud: bool, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = DeadPeer()
    monkeypatch.setattr(requests, "get", peer.refuse)
    monkeypatch.setattr(httpx.AsyncClient, "get", peer.refuse_later)
    if name in ENDED_BY_THE_CLOCK:
        pytest.skip("nothing is slept here, so that no time passes")
    error = run(getattr(loaded(path), name))
    assert isinstance(error, EnoughError) is is_loud
    assert is_loud or 0 < peer.asked < MANY


@pytest.mark.parametrize(("path", "name", "is_loud"), cases("svc205_retry_on_open_breaker"))
def test_a_retry_on_an_open_breaker_waits_for_nothing_and_its_twin_does_not(
    path: Path, name: str, is_loud: bool, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = DeadPeer()
    monkeypatch.setattr(requests, "get", peer.refuse)
    function = getattr(loaded(path), name)
    for _ in range(10):
        run(function)
        waits.clear()
    asked = peer.asked
    run(function)
    assert peer.asked == asked, "the breaker is open: nobody is asked"
    assert bool(waits) is is_loud


def posting() -> list[Any]:
    """Each function of the fixtures of SVC206 that takes an order, and whether it carries a marker."""
    found = []
    for path in sorted((FIXTURES / "svc206_retry_of_unsafe_method").rglob("*.py")):
        text = path.read_text("utf-8")
        for node in ast.parse(text).body:
            is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            if is_function and [each.arg for each in node.args.args] in (["order"], ["order", "key"]):
                lines = "\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno])
                found.append(pytest.param(path, node, "expect: SVC206" in lines, id=node.name))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("path", "node", "is_loud"), posting())
def test_an_unsafe_request_arrives_more_than_once_and_nothing_tells_that_it_is_the_same(
    path: Path, node: Any, is_loud: bool, waits: list[float]
) -> None:
    module = loaded(path)
    with HangingUpPeer() as peer:
        module.PEER = peer.url
        arguments = ({"sku": "teapot"}, "charge-1")[: len(node.args.args)]
        run(lambda: getattr(module, node.name)(*arguments))
    unsafe = [heard for heard in peer.heard if heard.startswith((b"POST", b"PATCH"))]
    keys = {line for heard in unsafe for line in heard.splitlines() if line.lower().startswith(b"idemp")}
    assert (len(unsafe) > 1 and not keys) is is_loud, peer.heard
    assert is_loud or len(keys) <= 1
