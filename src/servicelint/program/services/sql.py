"""Which tables a text in SQL speaks of, as sqlglot reads it."""

from __future__ import annotations

import contextlib
import functools
import re
from typing import TYPE_CHECKING, NamedTuple

from servicelint.program.services.texts import UNTOLD, WHOLE
from servicelint.regex import regex

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_STATEMENT = regex(
    r"(?:[\s(]|--[^\n]*\n|/\*[^*]*\*/)*(?:SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|TRUNCATE|MERGE|REPLACE|COPY)\b",
    re.IGNORECASE,
)
_PLACEHOLDER = regex(r"%\(\w+\)s|%s")
_UNTOLD_NAME = "_untold_"
_DIALECTS = ("postgres", "mysql", "tsql", "sqlite")
_DEFAULT_SCHEMAS = ("public", "dbo", "main")

LONGEST = 20_000
"""Characters of one text; what is longer is a dump, not a query."""


class SqlTable(NamedTuple):
    """A table that a statement speaks of; ``is_made``: the statement says what columns it has."""

    name: str
    is_made: bool


def is_sql(text: str) -> bool:
    """Whether a text begins as a statement does that can speak of a table."""
    return len(text) <= LONGEST and _STATEMENT.match(text) is not None


@functools.lru_cache(maxsize=1024)
def tables_in(text: str) -> tuple[SqlTable, ...]:
    """The tables that a text in SQL speaks of, each once; none of a text that is no SQL.

    Common table expressions, and tables whose names are not known, are left out.
    """
    from sqlglot import exp  # an extra, and slow to import

    found: dict[str, SqlTable] = {}
    for statement in _parsed(_readable(text)):
        made = statement.find(exp.Table) if isinstance(statement, exp.Create) else None
        own = {each.alias.lower() for each in statement.find_all(exp.CTE)}
        for table in statement.find_all(exp.Table):
            name = qualified(table.name, table.db)
            if table.name and name not in own and _UNTOLD_NAME not in name:
                known = found.get(name)
                found[name] = SqlTable(name, table is made or (known is not None and known.is_made))
    return tuple(found.values())


def qualified(table: str, schema: str = "") -> str:
    """One name for a table, whatever its spelling: in lower case, behind a schema that is no default."""
    schema = schema.lower()
    return f"{schema}.{table.lower()}" if schema and schema not in _DEFAULT_SCHEMAS else table.lower()


def _readable(text: str) -> str:
    """The text with what drivers and programs fill in replaced by what parses."""
    return _PLACEHOLDER.sub("?", text).replace(WHOLE, "").replace(UNTOLD, _UNTOLD_NAME)


def _parsed(text: str) -> list[Expr]:
    """The statements of a text, in the first dialect that it is one of."""
    import logging

    import sqlglot
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of statements that it reads in part
    for dialect in _DIALECTS:
        with contextlib.suppress(SqlglotError, RecursionError):
            return [each for each in sqlglot.parse(text, dialect=dialect) if each is not None]
    return []
