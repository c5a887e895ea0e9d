"""What the catalog says is given SQL is: a statement on a table that isn't there comes to the database."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import sqlite3
from typing import TYPE_CHECKING, Any

from tests.catalog.calls import resolve
from tests.catalog.databases.connecting import PATIENCE, stand_in
from tests.catalog.databases.recorders import postgres, recording
from tests.peers import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from servicelint.catalog.model import Library

MISSING = "table_of_nobody"
STATEMENT = f"DELETE FROM {MISSING}"  # of the kind that can be run for many rows at once
NO_TABLE = ("no such table", "does not exist")
UP_TO_SQLALCHEMY_1 = ("sqlalchemy.engine.Connection.scalar", "sqlalchemy.engine.Connection.scalars")
"""What takes plain text only there; ``tests/catalog/test_oldest.py`` runs it."""


def takers(library: Library) -> Iterator[str]:
    """What is named is given SQL, and hands it on."""
    for name in library.takers:
        if is_of_this_version(name) and MISSING not in asyncio.run(asyncio.wait_for(_heard(name), PATIENCE)):
            yield f"{name} hands on no SQL"


def is_of_this_version(name: str) -> bool:
    """Whether the installed version takes text there."""
    return name not in UP_TO_SQLALCHEMY_1 or resolve("sqlalchemy.__version__").startswith("1.")


async def _heard(name: str) -> str:
    """What the database, or a server in its place, says of the statement."""
    stand_in(name)
    owner, _, method = name.rpartition(".")
    async with OWNERS[owner]() as (found, heard):
        try:
            await _consumed(getattr(found, method), method)
        except Exception as error:  # noqa: BLE001 - each has its own for a table that isn't there
            if any(each in str(error) for each in NO_TABLE):
                heard.append(str(error).encode())
        return b" ".join(heard).decode(errors="replace")


async def _consumed(function: Callable[..., Any], method: str) -> None:
    """Call something with the statement, and take all that it gives."""
    further = {"executemany": ([()],), "read_sql": _sqlite(), "read_sql_query": _sqlite()}.get(method, ())
    found = function(STATEMENT, *further)
    if inspect.isawaitable(found):
        found = await found
    if hasattr(found, "__aiter__"):
        [each async for each in found]
    elif method == "text":
        _sqlalchemy().execute(found)
    elif method == "raw":
        await asyncio.to_thread(list, found)  # Django's databases aren't for event loops


# --- what the functions belong to ----------------------------------------------------------------------

Owned = tuple[Any, list[bytes]]


def _sqlite() -> tuple[sqlite3.Connection]:
    return (sqlite3.connect(":memory:"),)


def _cursor() -> sqlite3.Cursor:
    return _sqlite()[0].cursor()


def _sqlalchemy() -> Any:
    return resolve("sqlalchemy.create_engine")("sqlite://").connect()


def _plainly(make: Callable[[], Any]) -> Callable[[], contextlib.AbstractAsyncContextManager[Owned]]:
    """The owner is simply made; the database speaks by what it raises."""

    @contextlib.asynccontextmanager
    async def owned() -> AsyncIterator[Owned]:
        yield make(), []

    return owned


@contextlib.asynccontextmanager
async def _databases() -> AsyncIterator[Owned]:
    async with resolve("databases.Database")("sqlite+aiosqlite:///:memory:") as database:
        yield database, []


@contextlib.asynccontextmanager
async def _asyncpg() -> AsyncIterator[Owned]:
    with recording(postgres) as (port, heard):
        connection = await resolve("asyncpg.connect")(host=LOOPBACK, port=port, user="someone")
        try:
            yield connection, heard
        finally:
            connection.terminate()


def _django() -> Any:
    """A manager of models, whose database is SQLite's."""
    from django.contrib.contenttypes.models import ContentType
    from django.db import connections

    of_sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    connections.settings["of_statements"] = {**connections.settings["default"], **of_sqlite}
    manager = resolve("django.db.models.Manager")()
    manager.model = ContentType
    return manager.db_manager("of_statements")


@contextlib.asynccontextmanager
async def _cassandra() -> AsyncIterator[Owned]:
    """A session with no cluster: what would be sent is noted."""
    from cassandra import cluster

    heard: list[bytes] = []

    class Noting(cluster.ResponseFuture):  # type: ignore[misc]
        def send_request(self, *_: Any) -> None:
            heard.append(self.message.query.encode())

    session = object.__new__(cluster.Session)  # one that is made otherwise connects first
    session.cluster = cluster.Cluster(protocol_version=4)
    session._protocol_version = 4
    session.keyspace, session.default_timeout, session._request_init_callbacks = None, None, []
    with contextlib.ExitStack() as stack:
        stack.callback(session.cluster.shutdown)
        stack.callback(setattr, cluster, "ResponseFuture", cluster.ResponseFuture)
        cluster.ResponseFuture = Noting
        yield session, heard


OWNERS: dict[str, Callable[[], contextlib.AbstractAsyncContextManager[Owned]]] = {
    "sqlalchemy": _plainly(lambda: resolve("sqlalchemy")),
    "sqlalchemy.engine.Connection": _plainly(_sqlalchemy),
    "sqlite3.Cursor": _plainly(_cursor),
    "pandas": _plainly(lambda: resolve("pandas")),
    "duckdb": _plainly(lambda: resolve("duckdb")),
    "django.db.models.Manager": _plainly(_django),
    "databases.Database": _databases,
    "asyncpg.Connection": _asyncpg,
    "cassandra.cluster.Session": _cassandra,
}
