"""How to wait inside each scope of the catalog that bounds time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

from tests.catalog.calls import Address, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicelint.catalog.model import Scope


def wait_inside(name: str, scope: Scope, limit: float | None, address: Address, *, blocking: bool) -> None:
    """Ask a peer for an answer inside the scope, and wait for it: awaiting, or in blocking code."""
    library = name.partition(".")[0]
    if scope.cancels == "green-threads":
        _wait_in_green_thread(name, scope, limit, lambda: ask_and_block(address))
    elif library == "trio":
        resolve("trio.run")(
            lambda: _wait_in_scope(name, scope, limit, address, _ask_with_anyio, blocking=blocking)
        )
    else:
        ask = _ask_with_anyio if library == "anyio" else _ask_with_asyncio
        asyncio.run(_wait_in_scope(name, scope, limit, address, ask, blocking=blocking))


def ask_and_block(address: Address) -> None:
    """Ask in code that blocks its thread."""
    with socket.create_connection((address.host, address.port)) as connection:
        connection.settimeout(None)
        connection.sendall(f"GET {address.path} HTTP/1.1\r\n\r\n".encode())
        connection.recv(1)


async def _ask_with_asyncio(address: Address) -> None:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(f"GET {address.path} HTTP/1.1\r\n\r\n".encode())
        await reader.read(1)
    finally:
        writer.close()


async def _ask_with_anyio(address: Address) -> None:
    async with await resolve("anyio.connect_tcp")(address.host, address.port) as stream:
        await stream.send(f"GET {address.path} HTTP/1.1\r\n\r\n".encode())
        await stream.receive(1)


async def _block_the_loop(address: Address) -> None:
    ask_and_block(address)


async def _wait_in_scope(
    name: str, scope: Scope, limit: float | None, address: Address, ask: Callable[..., Any], *, blocking: bool
) -> None:
    waiting = _block_the_loop if blocking else ask
    arguments = {scope.keyword: _limit(name, scope, limit)}
    if scope.stops == "waiting":
        await _wait_and_cancel(resolve(name), waiting(address), arguments)
        return
    if scope.awaitable is not None:
        await resolve(name)(waiting(address), **arguments)
        return
    made = resolve(name)(**arguments)
    async with contextlib.AsyncExitStack() as stack:
        if hasattr(made, "__aenter__"):
            await stack.enter_async_context(made)
        else:
            stack.enter_context(made)
        await waiting(address)


async def _wait_and_cancel(wait: Callable[..., Any], awaitable: Any, arguments: dict[str, Any]) -> None:
    """What is still pending when the waiting stops goes on, as is made sure of here, until it is cancelled.

    Raises:
        TimeoutError: if it is cancelled.
    """
    task = asyncio.ensure_future(awaitable)
    _, pending = await wait({task}, **arguments)
    for each in pending:
        await asyncio.sleep(0)
        assert not each.done()
        each.cancel()
    if pending:
        raise TimeoutError


def _limit(name: str, scope: Scope, limit: float | None) -> float | None:
    """The limit as the scope takes it: a number of seconds, or the point in time when they are over."""
    if limit is None or scope.keyword not in ("when", "deadline"):
        return limit
    if name.startswith("trio."):
        return float(resolve("trio.current_time")()) + limit
    return asyncio.get_running_loop().time() + limit


def _wait_in_green_thread(name: str, scope: Scope, limit: float | None, wait: Callable[[], None]) -> None:
    if scope.awaitable is not None:
        resolve(name)(limit, wait)
        return
    with resolve(name)(**{scope.keyword: limit}):
        wait()
