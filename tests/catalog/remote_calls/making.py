"""How to make a call with each gRPC library: the one place where these proofs know the libraries by hand."""

from __future__ import annotations

import asyncio
import inspect
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.catalog.calls import resolve
from tests.catalog.remote_calls.server import EMPTY, PEERS, SILENT, path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from servicelint.catalog.model import Client, Library, Method, TimeoutParameter

LOOPBACK = "127.0.0.1"
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Remote(NamedTuple):
    """One callable that the catalog describes: a method of a client under one of its names."""

    library: Library
    owner: str
    client: Client
    method: Method
    name: str

    @property
    def label(self) -> str:
        return f"{self.owner}.{self.name}"

    @property
    def arity(self) -> str:
        """How the remote method streams that it is tried on."""
        return self.client.arity or self.method.arity or "unary_unary"

    @property
    def timeout(self) -> TimeoutParameter | None:
        return self.method.timeout


class Call(NamedTuple):
    """One call: to which peer, behaving how, with what after the leading arguments, on what kind of client.

    ``prepare`` is given the client before the call.
    """

    ports: Mapping[str, int]
    behaviour: str = SILENT
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = NOTHING
    client_keywords: Mapping[str, Any] = NOTHING
    prepare: Callable[[Any], None] | None = None

    @property
    def port(self) -> int:
        return self.ports[self.behaviour if self.behaviour in PEERS else "grpc"]

    @property
    def target(self) -> str:
        return f"{LOOPBACK}:{self.port}"


def remotes_of(library: Library) -> Iterator[Remote]:
    """Everything of a library that sends, one by one."""
    for owner, client in library.clients.items():
        for method in client.methods:
            for name in method.names:
                if method.sends:
                    yield Remote(library, owner, client, method, name)


def make(remote: Remote, call: Call) -> None:
    """Make a call, and read its answer to the end.

    Raises:
        TimeoutError: if the call's own bound ended it.
    """
    if remote.client.blocking:
        make_blocking(remote, call)
    else:
        asyncio.run(make_awaited(remote, call))


# --- blocking -----------------------------------------------------------------------------------


def make_blocking(remote: Remote, call: Call) -> None:
    """Make a blocking call; raises as :func:`make`."""
    grpc = resolve("grpc")
    channel = grpc.insecure_channel(call.target, **call.client_keywords)
    try:
        made = _callable(remote, channel, call)(*_leading(remote, call), *call.arguments, **call.keywords)
        _read(remote, made)
    except grpc.FutureTimeoutError as error:
        raise TimeoutError from error
    except grpc.RpcError as error:
        _raise_by_status(error)


def _read(remote: Remote, result: Any) -> None:
    if inspect.isawaitable(result):
        raise AssertionError("a call that is said to block returns something to be awaited")
    if remote.name == "future":
        result.result()
    elif remote.arity.endswith("_stream"):
        list(result)


def _raise_by_status(error: Any) -> None:
    if error.code() == resolve("grpc.StatusCode.DEADLINE_EXCEEDED"):
        raise TimeoutError from error
    raise error


# --- awaited ------------------------------------------------------------------------------------


async def make_awaited(remote: Remote, call: Call) -> None:
    """Make a call that has to be awaited; raises as :func:`make`."""
    library = remote.library.library
    if library != "grpc":
        try:
            async with resolve("grpclib.client.Channel")(LOOPBACK, call.port) as channel:
                await _awaited(remote, channel, call)
        except resolve("grpclib.exceptions.GRPCError") as error:
            if error.status is not resolve("grpclib.const.Status.DEADLINE_EXCEEDED"):
                raise
            raise TimeoutError from error  # the server saw to it first
        return
    async with resolve("grpc.aio.insecure_channel")(call.target, **call.client_keywords) as channel:
        try:
            await _awaited(remote, channel, call)
        except resolve("grpc.aio.AioRpcError") as error:
            _raise_by_status(error)


async def _awaited(remote: Remote, channel: Any, call: Call) -> None:
    made = _callable(remote, channel, call)(*_leading(remote, call), *call.arguments, **call.keywords)
    if hasattr(made, "__aenter__"):
        async with made as stream:
            await stream.send_message(_message(remote), end=True)
            async for _ in stream:
                pass
    elif hasattr(made, "__aiter__"):
        async for _ in made:
            pass
    else:
        await made


# --- wording ------------------------------------------------------------------------------------


def _callable(remote: Remote, channel: Any, call: Call) -> Callable[..., Any]:
    """What is called: bound to a channel, and to a method that behaves as it should."""
    name = path(call.behaviour, remote.arity)
    if remote.owner == "grpc._utilities._ChannelReadyFuture":
        return getattr(resolve("grpc.channel_ready_future")(channel), remote.name)  # type: ignore[no-any-return]
    if remote.owner == "betterproto.ServiceStub":
        stub = resolve(remote.owner)(channel, **call.client_keywords)
        if call.prepare:
            call.prepare(stub)
        return getattr(stub, remote.name)  # type: ignore[no-any-return]
    if remote.client.arity is None:
        return getattr(channel, remote.name)  # type: ignore[no-any-return]
    if remote.library.library == "grpc":
        made = getattr(channel, remote.client.arity)(name)
        if not isinstance(made, resolve(remote.owner)):
            raise TypeError(f"{type(made)} is no {remote.owner}")
        return getattr(made, remote.name)  # type: ignore[no-any-return]
    empty = resolve("google.protobuf.empty_pb2.Empty")
    return getattr(resolve(remote.owner)(channel, name, empty, empty), remote.name)  # type: ignore[no-any-return]


def _message(remote: Remote) -> Any:
    if remote.library.library == "grpc":
        return EMPTY
    if remote.library.library == "betterproto":
        return resolve("tests.catalog.remote_calls.messages.Nothing")()
    return resolve("google.protobuf.empty_pb2.Empty")()


def _leading(remote: Remote, call: Call) -> tuple[Any, ...]:
    """The arguments that come before the timeout."""
    request = [_message(remote)] if remote.arity.startswith("stream_") else _message(remote)
    if remote.owner == "betterproto.ServiceStub":
        kind = type(_message(remote))
        kinds = (kind, kind) if remote.arity.startswith("stream_") else (kind,)
        return (path(call.behaviour, remote.arity), request, *kinds)
    if remote.label == "grpclib.client.Channel.request":
        empty = type(_message(remote))
        unary = resolve("grpclib.const.Cardinality.UNARY_UNARY")
        return (path(call.behaviour, "unary_unary"), unary, empty, empty)
    if remote.client.arity is None or remote.name == "open":
        return ()
    is_iterator = remote.library.library == "grpc" and isinstance(request, list)
    return (iter(request) if is_iterator else request,)
