"""Common beliefs on timeouts that are wrong, and facts that the catalog has no words for.

docs/decisions/0003-what-the-libraries-really-do.md tells of them; here they are shown.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.catalog.conformance import ELSEWHERE
from tests.catalog.witnesses import SOCKET_DEFAULT, seen_by

if TYPE_CHECKING:
    from collections.abc import Callable

aiohttp = pytest.importorskip("aiohttp")
httpx = pytest.importorskip("httpx")
requests = pytest.importorskip("requests")
urllib3 = pytest.importorskip("urllib3")
pytestmark = pytest.mark.libraries


def arriving(library: str, call: Callable[[], Any]) -> Any:
    return seen_by(library, call).timeout


def test_a_timeout_attribute_on_a_requests_session_does_nothing() -> None:
    session = requests.Session()
    session.timeout = 5
    assert arriving("requests", lambda: session.get(ELSEWHERE.url)) is None


def test_a_connect_timeout_of_urllib3_leaves_a_requests_call_to_the_socket_default() -> None:
    timeout = urllib3.Timeout(connect=3)
    assert arriving("requests", lambda: requests.get(ELSEWHERE.url, timeout=timeout)) == SOCKET_DEFAULT


def test_an_aiohttp_session_refuses_a_number() -> None:
    async def build() -> None:
        aiohttp.ClientSession(timeout=5)

    with pytest.raises(ValueError, match="timeout parameter"):
        asyncio.run(build())


def test_the_deprecated_read_timeout_switches_an_aiohttp_session_off() -> None:
    async def call() -> None:
        with pytest.warns(DeprecationWarning, match="read_timeout"):
            session = aiohttp.ClientSession(read_timeout=None)
        async with session, session.get(ELSEWHERE.url):
            pass

    assert arriving("aiohttp", lambda: asyncio.run(call())) is None


def test_the_timeout_in_httpx_extensions_overrules_the_argument() -> None:
    def call() -> None:
        client = httpx.Client(verify=False)
        client.get(ELSEWHERE.url, timeout=5, extensions={"timeout": {"read": None}})

    assert arriving("httpx", call) is None


def test_a_request_of_httpx_carries_its_own_timeout_into_send() -> None:
    client = httpx.Client(verify=False, timeout=7)
    request = client.build_request("GET", ELSEWHERE.url, timeout=None)
    assert arriving("httpx", lambda: client.send(request)) is None


def test_asyncio_wait_stops_waiting_but_cancels_nothing() -> None:
    async def wait() -> bool:
        task = asyncio.create_task(asyncio.sleep(30))
        await asyncio.wait([task], timeout=0.05)
        running = not task.done()
        task.cancel()
        return running

    started = time.monotonic()
    assert asyncio.run(wait())
    assert time.monotonic() - started < 10
