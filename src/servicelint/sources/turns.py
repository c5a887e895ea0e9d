"""Taking turns: what several processes would do at once, one does, and the others wait for it."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST_WAIT = 600.0
"""Seconds to wait for one's turn; after that, the work is done side by side."""


@contextlib.contextmanager
def turn(path: Path) -> Iterator[None]:
    """Hold ``path`` alone, waiting for whoever holds it now.

    The lock is SQLite's own, so that it works on every platform and a process that dies lets go of it. Where
    the file can't be written there are no turns: that costs time and never a result.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(sqlite3.Error):
            connection = sqlite3.connect(path, timeout=LONGEST_WAIT, isolation_level=None)
            stack.callback(connection.close)  # ends the transaction too
            connection.execute("BEGIN EXCLUSIVE")
        yield
