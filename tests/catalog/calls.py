"""How to make a call with each library: the one place where the proofs know the libraries by hand.

Everything else is driven by the catalog's data. A library that is added to the catalog needs an entry
in :data:`BUILDERS` for its clients only if they can't be built from nothing, and one in
:data:`WORDINGS` only if its methods take something else than a URL.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import inspect
import os
import tempfile
import threading
import warnings
from concurrent.futures import Future
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from servicelint.catalog.model import Client, Library, Sender


# Whether the code that runs is being awaited by a call of ours: what runs before that blocks the loop.
AWAITED: ContextVar[bool] = ContextVar("awaited", default=False)
# The same for libraries that begin to send in a task of their own: calls that have returned what to await.
RETURNED: set[int] = set()


class Address(NamedTuple):
    """Where a call goes."""

    host: str
    port: int
    path: str = "/"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}{self.path}"


class Call(NamedTuple):
    """One call to be made: on which client, with what arguments.

    ``prepare`` is given the client before the call (to assign an attribute, to mount a transport);
    ``client_class`` replaces the catalog's class (a subclass with a spy in it).
    """

    address: Address
    method: str = ""
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = MappingProxyType({})
    client_keywords: Mapping[str, Any] = MappingProxyType({})
    client_arguments: tuple[Any, ...] = ()
    client_class: type | None = None
    prepare: Callable[[Any], None] | None = None


class ReturnedAwaitableError(Exception):
    """A call that the catalog says is blocking returned something to be awaited."""


def resolve(qualified_name: str) -> Any:
    """The object a qualified name stands for.

    Raises:
        ImportError: if no part of the name can be imported.
        AttributeError: if the module has no such attribute.
    """
    names = qualified_name.split(".")
    for length in range(len(names), 0, -1):
        try:
            found = importlib.import_module(".".join(names[:length]))
        except ModuleNotFoundError:
            continue
        with contextlib.suppress(AttributeError):  # a package may give a module's name to something else
            return functools.reduce(getattr, names[1:], importlib.import_module(names[0]))
        return functools.reduce(getattr, names[length:], found)
    raise ImportError(f"no module of {qualified_name} is installed")


def is_installed(qualified_name: str) -> bool:
    """Whether the package of a name is there. Distributions may share its first parts: OpenTelemetry does."""
    package, _, rest = qualified_name.partition(".")
    while True:
        try:
            found = importlib.import_module(package)
        except ImportError:
            return False
        if getattr(found, "__file__", None) or not rest:
            return True
        further, _, rest = rest.partition(".")
        package = f"{package}.{further}"


def installed(library: Library) -> bool:
    """Whether the library can be imported here."""
    names = [*library.senders, *library.clients, *library.timeouts]
    try:
        resolve(names[0])
    except ImportError:
        return False
    return True


# -- Building clients ---------------------------------------------------------------------------------

CERTIFICATE_FREE = {"verify": False, "trust_env": False}  # reading the certificates costs 50 ms a client
ONE_TRY = {"retries": False}  # the default retries would multiply every wait


def _host_first(extra: dict[str, Any]) -> Callable[..., Any]:
    def build(cls: type, address: Address, *arguments: Any, **keywords: Any) -> Any:
        return cls(address.host, address.port, *arguments, **{**extra, **keywords})

    return build


def _url_first(extra: dict[str, Any]) -> Callable[..., Any]:
    def build(cls: type, address: Address, *arguments: Any, **keywords: Any) -> Any:
        return cls(address.url, *arguments, **{**extra, **keywords})

    return build


def _from_nothing(extra: dict[str, Any]) -> Callable[..., Any]:
    def build(cls: type, address: Address, *arguments: Any, **keywords: Any) -> Any:
        return cls(*arguments, **{**extra, **keywords})

    return build


def _opener(cls: type, address: Address, *arguments: Any, **keywords: Any) -> Any:
    # A bare OpenerDirector knows no protocol; build_opener fills one with the default handlers.
    opener = cls(*arguments, **keywords)
    for handler in resolve("urllib.request.build_opener")().handlers:
        opener.add_handler(handler)
    return opener


def _with_token(cls: type, address: Address, *arguments: Any, **keywords: Any) -> Any:
    token = {"access_token": "x", "token_type": "Bearer", "expires_at": 1e10}
    place = list(inspect.signature(cls).parameters).index("token")
    if place < len(arguments):
        return cls(*arguments[:place], token, *arguments[place + 1 :], **keywords)
    return cls(*arguments, **{"token": token, **keywords})


def _caching(storage: str) -> Callable[..., Any]:
    def build(cls: type, address: Address, *arguments: Any, **keywords: Any) -> Any:
        file = {} if "Memory" in storage else {"database_path": Path(tempfile.mkdtemp(), "cache.db")}
        kept = resolve(storage)(**file)
        return cls(*arguments, **{"storage": kept, **CERTIFICATE_FREE, **keywords})

    return build


def _anonymously(cls: type, address: Address, *arguments: Any, **keywords: Any) -> Any:
    return cls(resolve("google.auth.credentials.AnonymousCredentials")(), *arguments, **keywords)


def _by_options(cls: Any, address: Address, *arguments: Any, **keywords: Any) -> Any:
    curl = cls(*arguments)
    module = resolve("pycurl")
    body = {"WRITEFUNCTION": lambda _data: None, "NOSIGNAL": 1}
    for option, value in {"URL": address.url, **body, **keywords}.items():
        curl.setopt(getattr(module, option), value)
    return curl


# Libraries of Twisted: their calls are made in the thread of its one event loop.
ON_A_REACTOR = {"treq"}


@functools.cache
def _reactor() -> Any:
    """The event loop of this process, running in a thread."""
    reactor = importlib.import_module("twisted.internet.reactor")
    threading.Thread(target=lambda: reactor.run(installSignalHandlers=False), daemon=True).start()
    return reactor


def _in_reactor(make: Callable[[], Any]) -> None:
    """Make a call that returns a Deferred, and read its answer to the end."""

    async def use() -> None:
        await resolve("treq.content")(await make())

    start = resolve("twisted.internet.defer.ensureDeferred")
    resolve("twisted.internet.threads.blockingCallFromThread")(_reactor(), lambda: start(use()))


def _agent_first(cls: type, address: Address, *arguments: Any, **keywords: Any) -> Any:
    return cls(resolve("twisted.web.client.Agent")(_reactor()), *arguments, **keywords)


# They refuse to talk to anything but TLS otherwise.
os.environ.setdefault("OAUTHLIB_INSECURE_TRANSPORT", "1")
os.environ.setdefault("AUTHLIB_INSECURE_TRANSPORT", "1")

BUILDERS: dict[str, Callable[..., Any]] = {
    "aiohttp_client_cache.CachedSession": _from_nothing({}),
    "aiohttp_retry.RetryClient": _from_nothing({}),
    "authlib.integrations.requests_client.OAuth1Session": _from_nothing({"client_id": "x"}),
    "authlib.integrations.requests_client.OAuth2Session": _with_token,
    "curl_cffi.requests.AsyncSession": _from_nothing({}),
    "curl_cffi.requests.Session": _from_nothing({}),
    "geventhttpclient.HTTPClient": _host_first({}),
    "geventhttpclient.UserAgent": _from_nothing({"max_retries": 1}),
    "google.auth.transport.requests.AuthorizedSession": _anonymously,
    "hishel.AsyncCacheClient": _caching("hishel.AsyncInMemoryStorage"),
    "hishel.CacheClient": _caching("hishel.InMemoryStorage"),
    "hishel.httpx.AsyncCacheClient": _caching("hishel.AsyncSqliteStorage"),
    "hishel.httpx.CacheClient": _caching("hishel.SqliteStorage"),
    "hishel.httpx.SyncCacheClient": _caching("hishel.SyncSqliteStorage"),
    "httplib2.Http": _from_nothing({}),
    "niquests.AsyncSession": _from_nothing({}),
    "niquests.Session": _from_nothing({}),
    "pycurl.Curl": _by_options,
    "requests_cache.CachedSession": _from_nothing({"backend": "memory"}),
    "requests_futures.sessions.FuturesSession": _from_nothing({}),
    "requests_oauthlib.OAuth1Session": _from_nothing({"client_key": "x"}),
    "requests_oauthlib.OAuth2Session": _with_token,
    "requests_ratelimiter.LimiterSession": _from_nothing({"per_second": 1000}),
    "requests_toolbelt.sessions.BaseUrlSession": _from_nothing({}),
    "requests_unixsocket.Session": _from_nothing({}),
    "aiohttp.ClientSession": _from_nothing({}),
    "http.client.HTTPConnection": _host_first({}),
    "http.client.HTTPSConnection": _host_first({}),
    "httpx.AsyncClient": _from_nothing(CERTIFICATE_FREE),
    "httpx.Client": _from_nothing(CERTIFICATE_FREE),
    "httpx2.AsyncClient": _from_nothing(CERTIFICATE_FREE),
    "httpx2.Client": _from_nothing(CERTIFICATE_FREE),
    "requests.Session": _from_nothing({}),
    "tornado.httpclient.AsyncHTTPClient": _from_nothing({"force_instance": True}),
    "tornado.httpclient.HTTPClient": _from_nothing({}),
    "treq.client.HTTPClient": _agent_first,
    "urllib.request.FancyURLopener": _from_nothing({}),
    "urllib.request.OpenerDirector": _opener,
    "urllib.request.URLopener": _from_nothing({}),
    "urllib3.HTTPConnectionPool": _host_first(ONE_TRY),
    "urllib3.HTTPSConnectionPool": _host_first(ONE_TRY),
    "urllib3.PoolManager": _from_nothing(ONE_TRY),
    "urllib3.ProxyManager": _url_first(ONE_TRY),
    "xmlrpc.client.ServerProxy": _url_first({}),
}


# -- Wording a call: its leading arguments ------------------------------------------------------------


def _prepared(module: str) -> Callable[[Address], tuple[Any, ...]]:
    def wording(address: Address) -> tuple[Any, ...]:
        request = resolve(f"{module}.Request")("GET", address.url)
        return (request.prepare() if module in ("niquests", "requests") else request,)

    return wording


def _path_only(address: Address) -> tuple[Any, ...]:
    return ("GET", address.path)


def _path_alone(address: Address) -> tuple[Any, ...]:
    return (address.path,)


def _to_nowhere(address: Address) -> tuple[Any, ...]:
    return (address.url, os.devnull)


WORDINGS: dict[str, Callable[[Address], tuple[Any, ...]]] = {
    **{
        f"geventhttpclient.HTTPClient.{method}": _path_alone
        for method in ("get", "head", "options", "post", "put", "patch", "delete")
    },
    "geventhttpclient.HTTPClient.request": _path_only,
    **{f"pycurl.Curl.{method}": lambda _: () for method in ("perform", "perform_rb", "perform_rs")},
    "httpx.AsyncClient.send": _prepared("httpx"),
    "httpx.Client.send": _prepared("httpx"),
    "httpx2.AsyncClient.send": _prepared("httpx2"),
    "httpx2.Client.send": _prepared("httpx2"),
    **{
        f"{session}.send": _prepared("requests")
        for session in (
            "authlib.integrations.requests_client.OAuth1Session",
            "authlib.integrations.requests_client.OAuth2Session",
            "google.auth.transport.requests.AuthorizedSession",
            "requests.Session",
            "requests_cache.CachedSession",
            "requests_futures.sessions.FuturesSession",
            "requests_oauthlib.OAuth1Session",
            "requests_oauthlib.OAuth2Session",
            "requests_ratelimiter.LimiterSession",
            "requests_toolbelt.sessions.BaseUrlSession",
            "requests_unixsocket.Session",
        )
    },
    "hishel.AsyncCacheClient.send": _prepared("httpx"),
    "hishel.CacheClient.send": _prepared("httpx"),
    "hishel.httpx.AsyncCacheClient.send": _prepared("httpx"),
    "niquests.AsyncSession.send": _prepared("niquests"),
    "niquests.Session.send": _prepared("niquests"),
    "hishel.httpx.CacheClient.send": _prepared("httpx"),
    "hishel.httpx.SyncCacheClient.send": _prepared("httpx"),
    "urllib.request.FancyURLopener.retrieve": _to_nowhere,
    "urllib.request.URLopener.retrieve": _to_nowhere,
    "urllib.request.urlretrieve": _to_nowhere,
    **{
        f"urllib3.{pool}.{method}": _path_only
        for pool in ("HTTPConnectionPool", "HTTPSConnectionPool")
        for method in ("request", "request_encode_url", "request_encode_body", "urlopen")
    },
}

TRANSPORT_KEYWORDS: dict[str, dict[str, Any]] = {
    "requests_ratelimiter.LimiterAdapter": {"per_second": 1000},
    "requests_toolbelt.SourceAddressAdapter": {"source_address": "127.0.0.1"},
    "requests_toolbelt.adapters.source.SourceAddressAdapter": {"source_address": "127.0.0.1"},
}


def build_transport(name: str, cls: Any = None) -> Any:
    """A transport of a class, or of a subclass of it."""
    return (cls or resolve(name))(**TRANSPORT_KEYWORDS.get(name, {}))


METHOD_EXTRAS: dict[str, dict[str, Any]] = {
    "requests_oauthlib.OAuth2Session.fetch_token": {"code": "x"},
    "requests_oauthlib.OAuth2Session.refresh_token": {"refresh_token": "x"},
}

SENDER_EXTRAS: dict[str, dict[str, Any]] = {
    "httpx": CERTIFICATE_FREE,
    "httpx2": CERTIFICATE_FREE,
    "urllib3": ONE_TRY,
}


def leading_arguments(name: str, url: int | None, address: Address) -> tuple[Any, ...]:
    """The arguments that say where a call goes, as the catalog places the URL."""
    if name in WORDINGS:
        return WORDINGS[name](address)
    return ("GET",) * (url or 0) + (address.url,)


# -- Making the call, and reading the answer to its end -----------------------------------------------


def call_sender(library: Library, name: str, sender: Sender, call: Call) -> None:
    """Call a plain function, and read what it answers."""
    arguments = (*leading_arguments(name, sender.url, call.address), *call.arguments)
    keywords = {**SENDER_EXTRAS.get(library.library, {}), **call.keywords}
    function = resolve(name)
    if sender.blocking:
        consume(function(*arguments, **keywords))
    elif library.library in ON_A_REACTOR:
        _in_reactor(lambda: function(*arguments, **keywords))
    else:
        with _returning():
            asyncio.run(_await_and_consume(lambda: function(*arguments, **keywords)))


def call_client(name: str, client: Client, call: Call) -> None:
    """Build a client, call one of its methods (or what stands for it), and read what it answers."""
    if client.blocking:
        instance = build_client(name, call)
        consume(send(name, client, instance, call))
    elif name.partition(".")[0] in ON_A_REACTOR:
        _in_reactor(lambda: send(name, client, build_client(name, call), call))
    else:
        with _returning():
            asyncio.run(_call_async_client(name, client, call))


@contextlib.contextmanager
def _returning() -> Iterator[None]:
    """A call of this thread that may return something to await."""
    try:
        yield
    finally:
        RETURNED.discard(threading.get_ident())


def build_client(name: str, call: Call) -> Any:
    """The client of a call, prepared."""
    cls = call.client_class or resolve(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # URLopener, subclasses of ClientSession
        instance = BUILDERS[name](cls, call.address, *call.client_arguments, **call.client_keywords)
    if call.prepare:
        call.prepare(instance)
    return instance


def send(name: str, client: Client, instance: Any, call: Call) -> Any:
    """Make the expression that sends: the request after a construction, or a call of a method."""
    if client.site == "construction":
        instance.request("GET", call.address.path)
        return instance.getresponse()
    if client.site == "any-attribute":
        return getattr(instance, call.method or "anything")()
    method = next(method for method in client.methods if call.method in method.names)
    leading = leading_arguments(f"{name}.{call.method}", method.url, call.address)
    extras = METHOD_EXTRAS.get(f"{name}.{call.method}", {})
    left = {key: value for key, value in extras.items() if not call.arguments}
    return getattr(instance, call.method)(*leading, *call.arguments, **{**left, **call.keywords})


async def _call_async_client(name: str, client: Client, call: Call) -> None:
    instance = build_client(name, call)
    if hasattr(instance, "__aenter__"):
        async with instance:
            await _await_and_consume(lambda: send(name, client, instance, call))
    else:
        with contextlib.closing(instance):
            await _await_and_consume(lambda: send(name, client, instance, call))


def consume(result: Any) -> None:
    """Read a blocking call's answer to its end."""
    if inspect.isawaitable(result) or hasattr(result, "__aenter__"):
        if inspect.iscoroutine(result):
            result.close()
        raise ReturnedAwaitableError
    if isinstance(result, Future):
        result = result.result()
    if isinstance(result, contextlib.AbstractContextManager) and not hasattr(result, "read"):
        with result as response:
            drain(response)
    else:
        drain(result)


def drain(response: Any) -> None:
    """Read a response, or the events of a stream."""
    if hasattr(response, "read"):
        response.read()
    elif type(response).__name__ == "EventSource":
        for _event in response:
            pass


async def _await_and_consume(make: Callable[[], Any]) -> None:
    """Read an asynchronous call's answer to its end.

    Raises:
        TypeError: if the call's result can be neither entered nor awaited.
    """
    result = make()
    AWAITED.set(True)
    RETURNED.add(threading.get_ident())
    if hasattr(result, "__aenter__"):
        async with result as response:
            await _drain_async(response)
    else:
        await _drain_async(await result)


async def _drain_async(response: Any) -> None:
    if hasattr(response, "aread"):
        await response.aread()
    elif hasattr(response, "read"):
        await response.read()
    elif type(response).__name__ == "EventSource":
        async for _event in response:
            pass


# -- Values -------------------------------------------------------------------------------------------


def bounded_by(library: str, meaning: str, seconds: float) -> Any:
    """A value that bounds a wait, in the form the parameter takes: most take a number."""
    if library.startswith("aiohttp") and meaning == "session":
        return resolve("aiohttp.ClientTimeout")(total=seconds)
    return max(1, int(seconds)) if library == "pycurl" else seconds


def unbounded(library: str, meaning: str) -> Any:
    """A value that switches the bound off: most take None."""
    if library.startswith("aiohttp") and meaning == "session":
        return resolve("aiohttp.ClientTimeout")()
    return 0 if library == "pycurl" else None


def attribute_value(client: str, seconds: float | None) -> Any:
    """What may be assigned to the attribute that holds a client's timeout."""
    if client.startswith("urllib3."):
        return resolve("urllib3.Timeout")(connect=seconds, read=seconds)
    if client.startswith("aiohttp"):
        return resolve("aiohttp.ClientTimeout")(total=seconds)
    return seconds
