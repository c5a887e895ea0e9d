"""What the catalog says names a table does: classes and tables are made with the libraries, and asked."""

from __future__ import annotations

import inspect
import subprocess
import sys
import types
import warnings
from typing import TYPE_CHECKING, Any

from tests.catalog.calls import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.catalog.model import Library
    from servicelint.catalog.tables import TableClass, TableName

NAMED = "named_so"
APPLICATION = "contenttypes"
UP_TO_SQLALCHEMY_1 = ("autoload",)
"""A keyword that is gone since; ``tests/catalog/test_oldest.py`` runs it."""


def classes(library: Library) -> Iterator[str]:
    """Heirs of the classes stand for the tables that the catalog tells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes of one name are made again
        for name, entry in library.table_classes.items():
            for each in (name, *entry.aliases):
                yield from _of_class(each, entry)
            if entry.settings and resolve("django.db.connections").settings_name != entry.settings:
                yield f"{name}: databases are not told of in {entry.settings}"


def _of_class(name: str, entry: TableClass) -> Iterator[str]:
    if entry.attribute and _table_of(name, entry, {entry.attribute: NAMED}) != NAMED:
        yield f"{name}: {entry.attribute} doesn't name the table"
    if entry.options and _table_of(name, entry, {}, {"db_table": NAMED}) != NAMED:
        yield f"{name}: {entry.options} doesn't name the table"
    expected = {"class": "heir", "application": f"{APPLICATION}_heir", "": None}[entry.default]
    if _table_of(name, entry, {}) != expected:
        yield f"{name}: the table of a class that doesn't say is not {expected}"
    if entry.keyword and _heir(name, "", {}).__dict__.get("__table__") is not None:
        yield f"{name}: {entry.keyword} isn't needed"


def _table_of(
    name: str, entry: TableClass, body: dict[str, Any], options: dict[str, Any] | None = None
) -> str | None:
    """The name of the table of an heir; None if it can't be made, or has none."""
    inner = {"app_label": APPLICATION, **(options or {})}
    named = {entry.options: type(entry.options, (), inner)} if entry.options else {}
    try:
        made = _heir(name, entry.keyword, {**body, **named})
    except Exception:  # noqa: BLE001 - each library has its own for a class without a table
        return None
    if hasattr(made, "_meta"):
        return str(made._meta.db_table)
    return str(made.__table__.name) if hasattr(made, "__table__") else None


def _heir(name: str, keyword: str, body: dict[str, Any]) -> Any:
    """A class below the one of a name, with a key."""
    base = resolve(without_gdal(name))
    if inspect.isfunction(base):
        base = base()
    elif base.__name__ == "DeclarativeBase":
        base = types.new_class("Base", (base,))
    elif base.__name__ == "SQLModel":
        base = of_its_own(base)
        body = {**body, "__annotations__": {"id": int}, "id": resolve("sqlmodel.Field")(primary_key=True)}
    if base.__name__ == "Base" and "id" not in body:
        body = {**body, "id": resolve("sqlalchemy.Column")(resolve("sqlalchemy.Integer"), primary_key=True)}
    given = {keyword: True} if keyword else {}
    return types.new_class("Heir", (base,), given, lambda space: space.update(__module__=__name__, **body))


def of_its_own(base: Any) -> Any:
    """A base of SQLModel's that knows no other tables."""
    registry = resolve("sqlalchemy.orm.registry")()
    space = {"metadata": registry.metadata, "__module__": __name__}
    return types.new_class("Base", (base,), {"registry": registry}, lambda body: body.update(space))


def without_gdal(name: str) -> str:
    """The name by which to import what Django's GIS hands on: itself it needs a library of the system's."""
    return name.replace(GIS, "django.db")


GIS = "django.contrib.gis.db"
HANDED_ON = """
import importlib.abc, importlib.machinery, sys
from unittest.mock import MagicMock
import django
from django.conf import settings

class Systems(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    # Stands in for the parts of Django that load the system's libraries
    def find_spec(self, name, path, target=None):
        if name.startswith(("django.contrib.gis.gdal", "django.contrib.gis.geos")):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
    def create_module(self, spec):
        return MagicMock(name=spec.name)
    def exec_module(self, module):
        module.__path__ = []

sys.meta_path.insert(0, Systems())
settings.configure(INSTALLED_APPS=["django.contrib.contenttypes"])
django.setup()
from django.contrib.gis.db import models
from django.db.models import Model
print(models.Model is Model)
"""


def is_handed_on_by_gis() -> bool:
    """Whether Django's GIS hands on the class of models itself."""
    command = [sys.executable, "-c", HANDED_ON]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return printed.stdout.strip() == "True"


# --- what is given a table's name ----------------------------------------------------------------------


def names(library: Library) -> Iterator[str]:
    """What is called with a name speaks of the table, and defines it or does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, entry in library.table_names.items():
            for each in (name, *entry.aliases):
                for way in _ways(entry):
                    yield from (f"{each} {way}: {what}" for what in _of_call(each, entry, *way))


def _ways(entry: TableName) -> Iterator[tuple[int | None, str]]:
    if entry.name.position is not None:
        yield entry.name.position, ""
    if entry.name.keyword:
        yield None, entry.name.keyword


def _of_call(name: str, entry: TableName, position: int | None, keyword: str) -> Iterator[str]:
    text = f"{NAMED}.id" if entry.is_column else NAMED
    metadata = resolve("sqlalchemy.MetaData")()
    kind = KINDS[name.rpartition(".")[2]]

    def made(**further: Any) -> Any:
        leading = [None] * (position or 0)
        given = ((*leading, text), {}) if position is not None else ((), {keyword: text})
        return kind(resolve(name), metadata, *given[0], **given[1], **further)

    found = _attempted(made)
    if found is None or found.name != NAMED:
        yield "it doesn't name the table"
    if (NAMED in metadata.tables and kind is _table) is not entry.defines:
        yield "it defines the table, or does not"
    if entry.schema:
        metadata.clear()
        found = _attempted(lambda: made(**{entry.schema: "billing"}))
        if found is None or found.schema != "billing":
            yield f"{entry.schema} is not the schema"
    for each in entry.reflected:
        if is_of_this_version(each) and not looks_up(name, each):
            yield f"{each} looks up no columns"


def is_of_this_version(keyword: str) -> bool:
    """Whether the installed version has a keyword."""
    return keyword not in UP_TO_SQLALCHEMY_1 or resolve("sqlalchemy.__version__").startswith("1.")


def _attempted(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception:  # noqa: BLE001 - what can't be made names no table
        return None


def _table(function: Any, metadata: Any, *arguments: Any, **keywords: Any) -> Any:
    """A table, with what else has to be told of it behind its name."""
    return (
        function(*arguments, metadata, **keywords) if arguments else function(metadata=metadata, **keywords)
    )


def _selected(function: Any, metadata: Any, *arguments: Any, **keywords: Any) -> Any:
    return function(*arguments, **keywords)


def _referred(function: Any, metadata: Any, *arguments: Any, **keywords: Any) -> Any:
    """The table that a foreign key leads to."""
    return _target(metadata, function(*arguments, **keywords))


def _referred_by_field(function: Any, metadata: Any, *arguments: Any, **keywords: Any) -> Any:
    """The table that a field of a class leads to."""
    body = {
        "__annotations__": {"id": int, "to": int},
        "id": function(primary_key=True),
        "to": function(*arguments, **keywords),
    }
    base = of_its_own(resolve("sqlmodel.SQLModel"))
    made = types.new_class(
        "Other", (base,), {"table": True}, lambda space: space.update(__module__=__name__, **body)
    )
    [key] = made.__table__.foreign_keys
    return _target(metadata, resolve("sqlalchemy.ForeignKey")(key.target_fullname))


def _target(metadata: Any, key: Any) -> Any:
    """The table that a foreign key leads to, among two of a metadata of their own."""
    table, column, integer = (resolve(f"sqlalchemy.{each}") for each in ("Table", "Column", "Integer"))
    apart = type(metadata)()
    table(NAMED, apart, column("id", integer, primary_key=True))
    table("referring", apart, column("to", integer, key))
    return key.column.table


KINDS: dict[str, Callable[..., Any]] = {
    "Table": _table,
    "table": _selected,
    "ForeignKey": _referred,
    "Field": _referred_by_field,
}
"""How the things that are called with a name are made, by their last names."""


def looks_up(name: str, keyword: str) -> bool:
    """Whether a table has the columns of the database, without that they are written."""
    engine = resolve("sqlalchemy.create_engine")("sqlite://", poolclass=resolve("sqlalchemy.pool.StaticPool"))
    with engine.begin() as connection:
        connection.execute(resolve("sqlalchemy.text")(f"CREATE TABLE {NAMED} (id INTEGER)"))
    if keyword in UP_TO_SQLALCHEMY_1:
        metadata, given = resolve("sqlalchemy.MetaData")(bind=engine), True
    else:
        metadata, given = resolve("sqlalchemy.MetaData")(), engine
    found = _attempted(lambda: resolve(name)(NAMED, metadata, **{keyword: given}))
    return found is not None and "id" in found.columns
