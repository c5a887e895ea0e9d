"""Seeing which timeout reaches the place where a library makes use of it.

A witness stands in for the library's lowest function before any socket is opened: it notes the host
and the timeout that arrived there, and ends the call by raising :class:`ReachedError`. So what a
keyword, a position or a default really does is seen at once, without a peer and without waiting.
"""

from __future__ import annotations

import contextlib
import inspect
import socket
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from tests.catalog.calls import AWAITED, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOCKET_DEFAULT = "socket-default"


class Seen(NamedTuple):
    """What arrived: the host, the bound on the wait for the answer (None: there is none), if awaited."""

    host: str
    timeout: Any
    awaited: bool


class ReachedError(Exception):
    """Ends a call at the witness, in place of sending it."""


class Witness:
    """The calls that reached the library's lowest function."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []

    def note(self, host: str, timeout: Any) -> None:
        """Keep what arrived, and end the call."""
        self.seen.append(Seen(host, timeout, AWAITED.get()))
        raise ReachedError


def _requests_timeout(timeout: Any) -> Any:
    if isinstance(timeout, tuple):
        return timeout[1]
    return _urllib3_timeout(timeout) if isinstance(timeout, resolve("urllib3.Timeout")) else timeout


def _urllib3_timeout(timeout: Any) -> Any:
    if timeout.total is not None:
        return timeout.total
    default = resolve("urllib3.Timeout").DEFAULT_TIMEOUT
    return SOCKET_DEFAULT if timeout._read is default else timeout._read


def _aiohttp_timeout(timeout: Any) -> Any:
    limits = [limit for limit in (timeout.total, timeout.sock_read) if limit is not None and limit > 0]
    return limits[0] if limits else None


def _socket_timeout(timeout: Any) -> Any:
    return SOCKET_DEFAULT if timeout is socket._GLOBAL_DEFAULT_TIMEOUT else timeout  # type: ignore[attr-defined]


def _host_of(url: Any) -> str:
    return str(resolve("urllib.parse").urlsplit(str(url)).hostname)


def _bind(function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, as the function that the witness stands in for takes (or refuses) them."""
    bound = inspect.signature(function).bind(*arguments, **keywords)
    bound.apply_defaults()
    return bound.arguments


def _watch_requests(witness: Witness) -> list[Any]:
    original = resolve("requests.adapters.HTTPAdapter.send")

    def reached(*arguments: Any, **keywords: Any) -> None:
        given = _bind(original, arguments, keywords)
        witness.note(_host_of(given["request"].url), _requests_timeout(given["timeout"]))

    return [mock.patch("requests.adapters.HTTPAdapter.send", reached)]


def _watch_httpx(module: str) -> Callable[[Witness], list[Any]]:
    def watch(witness: Witness) -> list[Any]:
        def reached(_transport: Any, request: Any) -> None:
            witness.note(request.url.host, request.extensions["timeout"]["read"])

        async def reached_async(_transport: Any, request: Any) -> None:
            witness.note(request.url.host, request.extensions["timeout"]["read"])

        return [
            mock.patch(f"{module}.HTTPTransport.handle_request", reached),
            mock.patch(f"{module}.AsyncHTTPTransport.handle_async_request", reached_async),
        ]

    return watch


def _watch_aiohttp(witness: Witness) -> list[Any]:
    original = resolve("aiohttp.connector.TCPConnector.connect")

    async def reached(*arguments: Any, **keywords: Any) -> None:
        given = _bind(original, arguments, keywords)
        witness.note(str(given["req"].url.host), _aiohttp_timeout(given["timeout"]))

    return [mock.patch("aiohttp.connector.TCPConnector.connect", reached)]


def _watch_urllib3(witness: Witness) -> list[Any]:
    original = resolve("urllib3.connectionpool.HTTPConnectionPool._make_request")

    def reached(pool: Any, *arguments: Any, **keywords: Any) -> None:
        given = _bind(original, (pool, *arguments), keywords)
        witness.note(pool.host, _urllib3_timeout(given["timeout"]))

    return [mock.patch("urllib3.connectionpool.HTTPConnectionPool._make_request", reached)]


def _watch_http_client(witness: Witness) -> list[Any]:
    def reached(connection: Any) -> None:
        witness.note(connection.host, _socket_timeout(connection.timeout))

    return [
        mock.patch("http.client.HTTPConnection.connect", reached),
        mock.patch("http.client.HTTPSConnection.connect", reached),
    ]


WATCHERS: dict[str, Callable[[Witness], list[Any]]] = {
    "aiohttp": _watch_aiohttp,
    "http.client": _watch_http_client,
    "httpx": _watch_httpx("httpx"),
    "httpx2": _watch_httpx("httpx2"),
    "requests": _watch_requests,
    "urllib.request": _watch_http_client,
    "urllib3": _watch_urllib3,
    "xmlrpc.client": _watch_http_client,
}


@contextlib.contextmanager
def watching(library: str) -> Iterator[Witness]:
    """Put the library's witness in place."""
    witness = Witness()
    with contextlib.ExitStack() as stack:
        for patch in WATCHERS[library](witness):
            stack.enter_context(patch)
        yield witness


def seen_by(library: str, call: Callable[[], Any]) -> Seen:
    """What arrives at the library's lowest function when ``call`` is made.

    Raises:
        LookupError: if the call ended without reaching it; its cause is how it ended.
    """
    with watching(library) as witness:
        try:
            call()
        except Exception as error:
            if not witness.seen:
                raise LookupError(f"{type(error).__name__}: {error}") from error
    if not witness.seen:
        raise LookupError("the call sent nothing")
    return witness.seen[0]
