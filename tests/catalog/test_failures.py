"""What calls raise when their peer is dead, and how exceptions inherit: as the catalog says?"""

from __future__ import annotations

import asyncio
import http.client
import sys
import urllib.request
import xmlrpc.client
from typing import TYPE_CHECKING

import pytest

from servicelint.catalog.shipped import shipped_libraries
from tests.catalog.calls import resolve
from tests.peers import LOOPBACK, SilentPeer

if TYPE_CHECKING:
    from collections.abc import Callable

aiohttp = pytest.importorskip("aiohttp")
httpx = pytest.importorskip("httpx")
httpx2 = pytest.importorskip("httpx2")
requests = pytest.importorskip("requests")
urllib3 = pytest.importorskip("urllib3")
pytestmark = pytest.mark.libraries

LIBRARIES = {library.library: library for library in shipped_libraries()}
BASES = {name: bases for each in LIBRARIES.values() for name, bases in each.failures.bases.items()}
ALIASES = [item for each in LIBRARIES.values() for item in each.failures.aliases.items()]
FAILING = [name for name, library in LIBRARIES.items() if library.failures.raised]
CLOSED_PORT = 1
SECONDS = 0.2
OWN_CLASSES_BEFORE = {
    "asyncio.TimeoutError": (3, 11),
    "asyncio.exceptions.TimeoutError": (3, 11),
}


def aiohttp_get(url: str, **timeout: float) -> None:
    async def get() -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(**timeout)) as session:
            await session.get(url)

    asyncio.run(get())


def http_client_get(url: str) -> None:
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=SECONDS)
    connection.request("GET", "/")
    connection.getresponse()


def xmlrpc_call(url: str) -> None:
    class Impatient(xmlrpc.client.Transport):
        def make_connection(self, host: str) -> http.client.HTTPConnection:  # type: ignore[override]
            return http.client.HTTPConnection(host, timeout=SECONDS)

    xmlrpc.client.ServerProxy(url, transport=Impatient()).method()


def grpc_call(url: str) -> None:
    grpc = pytest.importorskip("grpc")
    with grpc.insecure_channel(url.split("/")[2]) as channel:
        channel.unary_unary("/shop.Users/Get")(b"", timeout=SECONDS)


def grpc_stream(url: str) -> None:
    grpc = pytest.importorskip("grpc")
    with grpc.insecure_channel(url.split("/")[2]) as channel:
        next(channel.unary_stream("/shop.Users/List")(b"", timeout=SECONDS))


def grpc_awaited(url: str) -> None:
    aio = pytest.importorskip("grpc.aio")

    async def call() -> None:
        async with aio.insecure_channel(url.split("/")[2]) as channel:
            await channel.unary_unary("/shop.Users/Get")(b"", timeout=SECONDS)

    asyncio.run(call())


def grpclib_call(url: str) -> None:
    client = pytest.importorskip("grpclib.client")
    empty = pytest.importorskip("google.protobuf.empty_pb2").Empty

    async def call() -> None:
        host, port = url.split("/")[2].split(":")
        channel = client.Channel(host, int(port))
        try:
            await client.UnaryUnaryMethod(channel, "/shop.Users/Get", empty, empty)(empty(), timeout=SECONDS)
        except asyncio.TimeoutError as error:  # a class of its own before Python 3.11
            raise TimeoutError from error
        finally:
            channel.close()

    asyncio.run(call())


CALLS: dict[str, list[Callable[[str], object]]] = {
    "aiohttp": [lambda url: aiohttp_get(url, total=SECONDS), lambda url: aiohttp_get(url, sock_read=SECONDS)],
    "grpc": [grpc_call, grpc_stream],
    "grpclib": [grpclib_call],
    "http.client": [http_client_get],
    "httpx": [lambda url: httpx.get(url, timeout=SECONDS)],
    "httpx2": [lambda url: httpx2.get(url, timeout=SECONDS)],
    "requests": [lambda url: requests.get(url, timeout=SECONDS)],
    "urllib.request": [lambda url: urllib.request.urlopen(url, timeout=SECONDS)],
    "urllib3": [
        lambda url: urllib3.PoolManager().request("GET", url, timeout=SECONDS, retries=1),
        lambda url: urllib3.PoolManager().request("GET", url, timeout=SECONDS, retries=False),
    ],
    "xmlrpc.client": [xmlrpc_call],
}


@pytest.mark.parametrize("name", BASES)
def test_an_exception_has_the_bases_that_the_catalog_says(name: str) -> None:
    pytest.importorskip(name.partition(".")[0])
    real = resolve(name)
    assert issubclass(real, BaseException)
    assert all(issubclass(real, resolve(base)) for base in BASES[name])
    # nothing that the catalog knows lies between it and its bases, or beside them
    family = [resolve(each) for each in BASES if each.partition(".")[0] == name.partition(".")[0]]
    above = [each for each in family if each is not real and issubclass(real, each)]
    assert all(any(issubclass(resolve(base), each) for base in BASES[name]) for each in above)


@pytest.mark.parametrize(("alias", "name"), ALIASES)
def test_an_alias_is_the_same_exception(alias: str, name: str) -> None:
    if sys.version_info < OWN_CLASSES_BEFORE.get(alias, (3,)):
        pytest.skip("a class of its own in this Python")
    pytest.importorskip(alias.partition(".")[0])
    assert resolve(alias) is resolve(name)


AWAITED: dict[str, list[Callable[[str], object]]] = {"grpc": [grpc_awaited]}


@pytest.mark.parametrize("library", [name for name in FAILING if LIBRARIES[name].failures.awaited])
def test_a_dead_peer_raises_what_the_catalog_says_where_a_call_is_awaited(library: str) -> None:
    [raised] = LIBRARIES[library].failures.awaited
    with SilentPeer() as silent:
        for url in (f"http://{LOOPBACK}:{CLOSED_PORT}/", silent.url):
            for call in AWAITED[library]:
                with pytest.raises(resolve(raised)):
                    call(url)


@pytest.mark.parametrize("library", FAILING)
def test_a_dead_peer_raises_each_of_what_the_catalog_says_and_nothing_else(library: str) -> None:
    raised = [resolve(name) for name in LIBRARIES[library].failures.raised]
    seen = set()
    with SilentPeer() as silent:
        for url in (f"http://{LOOPBACK}:{CLOSED_PORT}/", silent.url):
            for call in CALLS[library]:
                with pytest.raises(tuple(raised)) as caught:
                    call(url)
                seen.update(each for each in raised if isinstance(caught.value, each))
    assert seen == set(raised)
