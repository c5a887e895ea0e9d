"""What a driver is told of its database is what arrives in the packet that it begins with."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.catalog.calls import resolve
from tests.catalog.databases.recorders import mysql, postgres, recording
from tests.peers import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from servicelint.catalog.model import Library
    from servicelint.catalog.record import Parameter
    from servicelint.catalog.tables import Connection

DATABASE = "shown_by_name"
PATIENCE = 20.0
"""Seconds after which nobody connects any more; all answer at once."""
MYSQL = ("pymysql", "MySQLdb", "mysql", "aiomysql")
SCHEMES = {"create_engine": "postgresql+psycopg2", "create_async_engine": "postgresql+asyncpg"}
"""How URLs begin that tell SQLAlchemy which driver to take."""


class Given(NamedTuple):
    """What a callable is given."""

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]


def connections(library: Library) -> Iterator[str]:
    """Each of the ways that an entry states leads to the database."""
    for name, connection in library.connections.items():
        for each in (name, *connection.aliases):
            stand_in(each)
            ways = list(_ways(connection))
            if not ways:
                yield f"{each} is told of no database"
            for way in ways:
                if not arrives(each, way):
                    yield f"{each}: {' and '.join(map(str, way.values()))} do not lead to the database"


def stand_in(name: str) -> None:
    """Without a wheel of mysqlclient, PyMySQL stands in for it, as it does in programs."""
    if name.startswith("MySQLdb."):
        resolve("pymysql.install_as_MySQLdb")()


def _ways(connection: Connection) -> Iterator[dict[str, Parameter]]:
    """By the URL; by the host, with each of the parameters for the name; each by its one place."""
    stated = [{"url": connection.url}] if connection.url else []
    stated += [{"host": connection.host, "database": each} for each in connection.database]  # type: ignore[dict-item]
    for way in stated:
        places = ([*_places(each)] for each in way.values() if each is not None)
        for chosen in itertools.product(*places):
            yield dict(zip((name for name, each in way.items() if each is not None), chosen, strict=True))


def _places(parameter: Parameter) -> Iterator[Parameter]:
    kind = type(parameter)
    yield kind(keyword=parameter.keyword)
    if parameter.position is not None:
        yield kind(position=parameter.position)


def arrives(name: str, way: dict[str, Parameter]) -> bool:
    """Whether the database is heard of where a callable is told of it in some way."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # some of the keywords are old ones
        if name.partition(".")[0] in ("sqlite3", "aiosqlite"):
            file = Path(folder, DATABASE)
            _connect(name, _given(way, {"database": str(file)}))
            return file.exists()
        with recording(mysql if name.partition(".")[0] in MYSQL else postgres) as (port, heard):
            scheme = SCHEMES.get(name.rpartition(".")[2], "postgresql")
            told = {
                "url": f"{scheme}://someone:secret@{LOOPBACK}:{port}/{DATABASE}",
                "host": LOOPBACK,
                "database": DATABASE,
            }
            further = {} if "url" in way else {"port": port, "user": "someone"}
            _connect(name, _given(way, told, **further))
            return any(DATABASE.encode() + b"\0" in packet for packet in heard)


def _given(way: dict[str, Parameter], told: dict[str, Any], **further: Any) -> Given:
    placed = {each.position: told[role] for role, each in way.items() if each.position is not None}
    arguments = tuple(placed.get(number) for number in range(max(placed, default=-1) + 1))
    named = {each.keyword: told[role] for role, each in way.items() if each.position is None}
    return Given(arguments, {**further, **named})


def _connect(name: str, given: Given) -> None:
    """Connect; that the servers are gone afterwards is no matter."""
    with contextlib.suppress(Exception):
        asyncio.run(asyncio.wait_for(_connected(name, given), PATIENCE))


async def _connected(name: str, given: Given) -> None:
    async with contextlib.AsyncExitStack() as stack:
        made = resolve(name)(*given.arguments, **given.keywords)
        if inspect.isawaitable(made):
            made = await made
        await stack.enter_async_context(closing(made))
        opened = [getattr(made, each) for each in ("open", "wait") if "Pool" in name]
        if name.endswith(("_engine", ".Database")):
            opened = [made.connect]
        for each in opened:
            found = each()
            if hasattr(found, "__aenter__"):
                await found.__aenter__()
            elif inspect.isawaitable(found):
                await found


@contextlib.asynccontextmanager
async def closing(made: Any) -> AsyncIterator[None]:
    """Closes what was made, if there is a way to."""
    try:
        yield
    finally:
        for each in ("terminate", "close", "dispose"):
            if hasattr(made, each):
                found = getattr(made, each)()
                if inspect.isawaitable(found):
                    await found
                break
