"""Seeing which timeout reaches the place where a library makes use of it.

A witness stands in for the library's lowest function before any socket is opened: it notes the host
and the timeout that arrived there, and ends the call by raising :class:`ReachedError`. So what a
keyword, a position or a default really does is seen at once, without a peer and without waiting.
"""

from __future__ import annotations

import contextlib
import inspect
import socket
import threading
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from tests.catalog.calls import AWAITED, RETURNED, resolve

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

    def note(self, host: str, timeout: Any, *, is_awaited: bool | None = None) -> None:
        """Keep what arrived, and end the call."""
        self.seen.append(Seen(host, timeout, AWAITED.get() if is_awaited is None else is_awaited))
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


def _watch_niquests(witness: Witness) -> list[Any]:
    original = resolve("niquests.adapters.HTTPAdapter.send")

    def reached(*arguments: Any, **keywords: Any) -> None:
        given = _bind(original, arguments, keywords)
        timeout = given["timeout"]
        witness.note(_host_of(given["request"].url), timeout[1] if isinstance(timeout, tuple) else timeout)

    async def reached_async(*arguments: Any, **keywords: Any) -> None:
        reached(*arguments, **keywords)

    return [
        mock.patch("niquests.adapters.HTTPAdapter.send", reached),
        mock.patch("niquests.async_session.AsyncHTTPAdapter.send", reached_async),
        mock.patch("niquests.adapters.AsyncHTTPAdapter.send", reached_async),
    ]


def _httpx_timeout(request: Any) -> Any:
    return request.extensions.get("timeout", {}).get("read")  # without one the transport waits for ever


def _watch_httpx(module: str) -> Callable[[Witness], list[Any]]:
    def watch(witness: Witness) -> list[Any]:
        def reached(_transport: Any, request: Any) -> None:
            witness.note(request.url.host, _httpx_timeout(request))

        async def reached_async(_transport: Any, request: Any) -> None:
            witness.note(request.url.host, _httpx_timeout(request))

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


def _watch_httplib2(witness: Witness) -> list[Any]:
    def reached(connection: Any) -> None:
        given = connection.timeout
        witness.note(connection.host, SOCKET_DEFAULT if given is None else _socket_timeout(given))

    return [
        mock.patch("httplib2.HTTPConnectionWithTimeout.connect", reached),
        mock.patch("httplib2.HTTPSConnectionWithTimeout.connect", reached),
    ]


def _watch_geventhttpclient(witness: Witness) -> list[Any]:
    def reached(pool: Any, *_: Any) -> None:
        witness.note(pool._connection_host, pool.network_timeout)

    return [mock.patch("geventhttpclient.connectionpool.ConnectionPool.get_socket", reached)]


def _watch_treq(witness: Witness) -> list[Any]:
    original = resolve("treq.client.HTTPClient.request")
    # It sends when it is called; that what it returns has to be awaited is what it declares.
    is_awaited = "Deferred" in str(inspect.signature(original).return_annotation)

    def reached(*arguments: Any, **keywords: Any) -> None:
        given = _bind(original, arguments, keywords)
        witness.note(_host_of(given["url"]), given["timeout"] or None, is_awaited=is_awaited)

    return [mock.patch("treq.client.HTTPClient.request", reached)]


def _watch_tornado(witness: Witness) -> list[Any]:
    async def reached(connection: Any) -> None:
        host = _host_of(connection.request.url)
        try:
            witness.note(
                host, connection.request.request_timeout or None, is_awaited=threading.get_ident() in RETURNED
            )
        except ReachedError as error:
            connection._handle_exception(type(error), error, None)

    return [mock.patch("tornado.simple_httpclient._HTTPConnection.run", reached)]


def _watch_pycurl(witness: Witness) -> list[Any]:
    """A class of the same name that notes its options, as those of a handle can't be read."""
    module = resolve("pycurl")

    class Noting(module.Curl):  # type: ignore[misc,name-defined]
        def setopt(self, option: int, value: Any) -> None:
            super().setopt(option, value)
            vars(self).setdefault("given", {})[option] = value

        def perform(self) -> None:
            witness.note(_host_of(self.given[module.URL]), self.given.get(module.TIMEOUT) or None)

        perform_rb = perform_rs = perform

    return [mock.patch("pycurl.Curl", Noting)]


def _watch_curl_cffi(witness: Witness) -> list[Any]:
    """Options are noted as they are set on a handle; what starts a handle is the witness."""
    curl = resolve("curl_cffi.Curl")
    options = resolve("curl_cffi.CurlOpt")
    given: dict[int, dict[int, Any]] = {}
    set_option = curl.setopt

    def setopt(handle: Any, option: int, value: Any) -> Any:
        given.setdefault(id(handle), {})[int(option)] = value
        return set_option(handle, option, value)

    def reached(handle: Any) -> None:
        known = given[id(handle)]
        seconds = known.get(int(options.TIMEOUT_MS), 0) / 1000
        witness.note(_host_of(known[int(options.URL)].decode()), seconds or None)

    return [
        mock.patch("curl_cffi.Curl.setopt", setopt),
        mock.patch("curl_cffi.Curl.perform", lambda handle, *_, **__: reached(handle)),
        mock.patch("curl_cffi.AsyncCurl.add_handle", lambda _, handle, *__: reached(handle)),
    ]


WATCHERS: dict[str, Callable[[Witness], list[Any]]] = {
    "aiohttp": _watch_aiohttp,
    "curl_cffi": _watch_curl_cffi,
    "geventhttpclient": _watch_geventhttpclient,
    "http.client": _watch_http_client,
    "httplib2": _watch_httplib2,
    "httpx": _watch_httpx("httpx"),
    "httpx2": _watch_httpx("httpx2"),
    "niquests": _watch_niquests,
    "pycurl": _watch_pycurl,
    "requests": _watch_requests,
    "tornado": _watch_tornado,
    "treq": _watch_treq,
    "urllib.request": _watch_http_client,
    "urllib3": _watch_urllib3,
    "xmlrpc.client": _watch_http_client,
}


# Libraries whose clients send through another one's.
SENDING_THROUGH = {
    "aiohttp_client_cache": "aiohttp",
    "aiohttp_retry": "aiohttp",
    "authlib": "requests",
    "google.auth": "requests",
    "hishel": "httpx",
    "requests_cache": "requests",
    "requests_futures": "requests",
    "requests_oauthlib": "requests",
    "requests_ratelimiter": "requests",
    "requests_toolbelt": "requests",
    "requests_unixsocket": "requests",
}


@contextlib.contextmanager
def watching(library: str) -> Iterator[Witness]:
    """Put the library's witness in place."""
    witness = Witness()
    with contextlib.ExitStack() as stack:
        for patch in WATCHERS[SENDING_THROUGH.get(library, library)](witness):
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
