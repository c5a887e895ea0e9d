"""What the catalog can say about databases: which code names a table, and which connects to a database.

Positions are zero-based, ``self`` not counted.
"""

from __future__ import annotations

import functools
from typing import Literal

from servicelint.catalog.record import Parameter, Record


class TableClass(Record, frozen=True):
    """A class whose heirs stand for tables.

    ``attribute`` of the class holds the table's name; without a value of its own, the ``default`` is the name
    of the class (``class``), that name behind the application's (``application``), or nothing. ``options`` is
    the inner class that may hold the name instead, and the application's as ``app_label``. ``keyword`` is
    what has to be true in the class statement, ``settings`` the variable of a module that tells where the
    database is.
    """

    attribute: str = ""
    options: str = ""
    default: Literal["", "class", "application"] = ""
    keyword: str = ""
    settings: str = ""
    aliases: tuple[str, ...] = ()


class TableName(Record, frozen=True):
    """A callable that is given a table's name; ``is-column``: a column's, with the table's before the dot.

    ``schema`` is the keyword that takes its schema. ``defines``: it says what columns the table has, unless
    one of ``reflected`` is given: keywords that have it look the columns up.
    """

    name: Parameter
    is_column: bool = False
    schema: str = ""
    defines: bool = False
    reflected: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Connection(Record, frozen=True):
    """A callable that connects to a database: by ``url``, or by ``host`` and the ``database``'s name.

    The name may have several keywords, of which one is used.
    """

    url: Parameter | None = None
    host: Parameter | None = None
    database: tuple[Parameter, ...] = ()
    aliases: tuple[str, ...] = ()


class TableFacts:
    """All that is known of tables and databases, by the qualified names a program can use."""

    def __init__(self) -> None:
        self.classes: dict[str, TableClass] = {}
        self.names: dict[str, TableName] = {}
        self.connections: dict[str, Connection] = {}
        self.takers: set[str] = set()
        """Last names of the functions and methods that are given SQL."""

    def add(
        self,
        classes: dict[str, TableClass],
        names: dict[str, TableName],
        connections: dict[str, Connection],
        takers: tuple[str, ...],
    ) -> None:
        """Take in what one library says."""
        self.takers.update(name.rpartition(".")[2] for name in takers)
        for name, klass in classes.items():
            self.classes.update(dict.fromkeys((name, *klass.aliases), klass))
        for name, named in names.items():
            self.names.update(dict.fromkeys((name, *named.aliases), named))
        for name, connection in connections.items():
            self.connections.update(dict.fromkeys((name, *connection.aliases), connection))

    @property
    def settings(self) -> frozenset[str]:
        """The variables of modules that tell where databases are."""
        return frozenset(each.settings for each in self.classes.values() if each.settings)

    @functools.cached_property
    def namers(self) -> frozenset[str]:
        """Last names of the callables that are given a table's name."""
        return frozenset(name.rpartition(".")[2] for name in self.names)

    @functools.cached_property
    def words(self) -> tuple[str, ...]:
        """Words of which a module that uses a table holds one."""
        bases = {name.rpartition(".")[2] for name in self.classes}
        attributes = {each.attribute for each in self.classes.values() if each.attribute}
        return tuple(sorted({*self.namers, *bases, *attributes, *self.takers}))
