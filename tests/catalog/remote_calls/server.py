"""A real gRPC server whose methods misbehave as their names say, and peers that are no server at all.

A method is called after what it does and how it streams: ``/servicelint.Peer/silent_unary_unary``.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

from tests.peers import UnacceptingPeer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SERVICE = "servicelint.Peer"
SILENT, HEADERS_ONLY, TRICKLE, PROMPT = "silent", "headers", "trickle", "prompt"
MUTE, DRIP = "mute", "drip"
"""No methods: peers that accept connections, and never say anything, or begin a frame that has no end."""

UNACCEPTING = "unaccepting"
"""A peer that accepts no connection."""

PEERS = (MUTE, DRIP, UNACCEPTING)

TRICKLE_SECONDS = 0.05
EMPTY = b""
ENDLESS_FRAME = b"\x00\x3f\xfc\x04\x00\x00\x00\x00\x00"
"""The head of an HTTP/2 SETTINGS frame of 16 KB: a client is not connected before it has all of it."""


def path(behaviour: str, arity: str) -> str:
    """The full name of the method that behaves so."""
    return f"/{SERVICE}/{behaviour}_{arity}"


async def _behave(behaviour: str, request: Any, context: Any) -> AsyncIterator[bytes]:
    if behaviour == PROMPT:
        if hasattr(request, "__aiter__"):  # a stream that is answered before its end is reset
            async for _ in request:
                pass
        yield EMPTY
        return
    if behaviour == HEADERS_ONLY:
        await context.send_initial_metadata((("slow", "yes"),))
    while behaviour == TRICKLE:
        await asyncio.sleep(TRICKLE_SECONDS)
        yield EMPTY
    await asyncio.Event().wait()


async def _drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(ENDLESS_FRAME)
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b"\0")
            await writer.drain()
            await asyncio.sleep(TRICKLE_SECONDS)


def _handlers() -> Any:
    import grpc

    class Handlers(grpc.GenericRpcHandler):
        def service(self, handler_call_details: Any) -> Any:
            behaviour, _, arity = handler_call_details.method.rpartition("/")[2].partition("_")

            async def answer(request: Any, context: Any) -> bytes:
                async for message in _behave(behaviour, request, context):
                    return message
                return EMPTY

            async def answers(request: Any, context: Any) -> AsyncIterator[bytes]:
                async for message in _behave(behaviour, request, context):
                    yield message

            make = getattr(grpc, f"{arity}_rpc_method_handler")
            return make(answers if arity.endswith("_stream") else answer)

    return Handlers()


@contextlib.contextmanager
def serving() -> Iterator[dict[str, int]]:
    """Run the peers; gives their ports, that of the server under ``grpc``."""
    import grpc.aio

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    ports: dict[str, int] = {}

    async def start() -> Any:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((_handlers(),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        drip = await asyncio.start_server(_drip, "127.0.0.1", 0)
        ports.update({"grpc": port, DRIP: drip.sockets[0].getsockname()[1]})
        return server

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    with socket.create_server(("127.0.0.1", 0), backlog=500) as mute, UnacceptingPeer() as unaccepting:
        ports.update({MUTE: mute.getsockname()[1], UNACCEPTING: unaccepting.port})
        yield ports
    asyncio.run_coroutine_threadsafe(server.stop(None), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
