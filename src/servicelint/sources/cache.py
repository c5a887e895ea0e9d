"""The cache: facts by content and results by program, in one SQLite file of the user's cache folder.

It is never in the checked tree, where a stranger's commit could forge it. Several processes may use it at
once; one that is killed leaves it whole. Whatever is wrong with it costs time and never a result.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import zlib
from typing import TYPE_CHECKING, Literal

from platformdirs import user_cache_path

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Kind = Literal[
    "facts", "result", "run", "words", "imports", "catalog", "told", "manifests", "looks", "standing",
    "listing", "answer", "surroundings", "outcomes",
]  # fmt: skip

LONGEST_WAIT = 5.0
"""Seconds to wait for another process that writes."""

KEPT_DAYS = 30
"""Entries older than this are dropped: what is still used is made anew once a month."""

_FILE = "cache-2.sqlite"
_SUM = 4
_COLUMNS = ["kind", "key", "day", "data"]
_DAY = 86_400
_TABLE = """
CREATE TABLE IF NOT EXISTS entries (
    kind TEXT NOT NULL, key BLOB NOT NULL, day INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (kind, key)
)
"""
# no WITHOUT ROWID: SQLite (3.40) reads the whole of each large row that it passes in the search for another


class Cache:
    """A cache that is open. ``problem`` tells, in one line, why it can't be used or written."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or user_cache_path("servicelint", appauthor=False)
        self.problem = ""
        self._is_read_only = False
        self._fresh: dict[tuple[Kind, bytes], bytes] = {}
        self._connection = self._open()

    def __enter__(self) -> Cache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The file that holds it."""
        return self.folder / _FILE

    def get(self, kind: Kind, key: bytes) -> bytes | None:
        """What was put under a key, or None."""
        if self._connection is None:
            return None
        try:
            row = self._connection.execute(
                "SELECT data FROM entries WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        return None if row is None else _checked(bytes(row[0]))

    def has(self, kind: Kind, key: bytes) -> bool:
        """Whether something was put under a key, be it damaged since: large entries are not read for that."""
        if self._connection is None:
            return False
        try:
            asked = "SELECT 1 FROM entries WHERE kind = ? AND key = ?"
            return self._connection.execute(asked, (kind, key)).fetchone() is not None
        except sqlite3.Error as error:
            self._give_up(error)
            return False

    def put(self, kind: Kind, key: bytes, data: bytes) -> None:
        """Keep something; it is written by :meth:`save`."""
        if self._connection is not None and not self._is_read_only:
            self._fresh[kind, key] = _sum(data) + data

    def save(self) -> None:
        """Write what is new, all of it or nothing."""
        if self._connection is None or not self._fresh:
            return
        today = int(time.time()) // _DAY
        rows = [(kind, key, today, data) for (kind, key), data in self._fresh.items()]
        self._fresh = {}
        try:
            self._write(rows, today - KEPT_DAYS)
        except sqlite3.Error as error:
            self._give_up(error)

    def close(self) -> None:
        """Write what is new and let go of the file."""
        self.save()
        self._let_go()

    def state(self) -> dict[str, int]:
        """How many entries there are of each kind; ``problem`` tells if none can be read or written."""
        if self._connection is None:
            return {}
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            found = dict(self._connection.execute("SELECT kind, count(*) FROM entries GROUP BY kind"))
            self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._give_up(error)
            return {}
        return found

    def _write(self, rows: Iterable[tuple[Kind, bytes, int, bytes]], oldest: int) -> None:
        assert self._connection is not None  # noqa: S101 - save made sure
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", rows)
            self._connection.execute("DELETE FROM entries WHERE day < ?", (oldest,))

    # --- opening ---------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection | None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return self._connected()
        except sqlite3.OperationalError as error:
            return self._opened_to_read(error)
        except sqlite3.DatabaseError:  # not a database, or a damaged one: begin anew
            return self._begun_anew()
        except OSError as error:
            self._give_up(error)
        return None

    def _opened_to_read(self, error: sqlite3.OperationalError) -> sqlite3.Connection | None:
        """What others wrote can be used where we must not write ourselves: entries are right or not taken."""
        self._give_up(error)
        if os.access(self.folder, os.W_OK) and os.access(self.path, os.W_OK):
            return None
        with contextlib.suppress(sqlite3.Error):
            connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
            connection.execute("SELECT kind, key, day, data FROM entries LIMIT 1").fetchone()
            self._is_read_only = True
            self.problem = f"{self.path}: the cache can't be written, only read: {error}"
            return connection
        return None

    def _begun_anew(self) -> sqlite3.Connection | None:
        try:
            self._remove()
            return self._connected()
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)
            return None

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=LONGEST_WAIT)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(_TABLE)
            columns = [row[1] for row in connection.execute("PRAGMA table_info(entries)")]
            if columns != _COLUMNS:
                raise sqlite3.DatabaseError("the table of another format")
            connection.execute("SELECT kind, key, day, data FROM entries LIMIT 1").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _remove(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(_FILE + ending).unlink(missing_ok=True)

    def _give_up(self, error: Exception) -> None:
        self.problem = f"{self.path}: the cache can't be used: {error}"
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            with contextlib.suppress(OSError):
                self._remove()
        self._let_go()

    def _let_go(self) -> None:
        connection: sqlite3.Connection | None = getattr(self, "_connection", None)
        self._connection = None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):  # what is closed on a full disk may not be settled
                connection.close()


def _sum(data: bytes | memoryview) -> bytes:
    """What tells whether data was damaged: SQLite itself only knows whether its tables were."""
    return zlib.crc32(data).to_bytes(_SUM, "big")


def _checked(data: bytes) -> bytes | None:
    """What was put, or None if it was damaged since."""
    return data[_SUM:] if _sum(memoryview(data)[_SUM:]) == data[:_SUM] else None
