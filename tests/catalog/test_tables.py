"""What the catalog says of tables, held against the libraries: the same text is run, and read."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from servicelint.boundaries.declared import Service
from servicelint.config import Config
from servicelint.program.services.sql import is_sql, tables_in
from servicelint.run import Run
from servicelint.sources.discovery import select

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

pytestmark = pytest.mark.libraries

SQLALCHEMY = """
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, declarative_base, mapped_column

class Base(DeclarativeBase):
    pass

class Mixin:
    id: Mapped[int] = mapped_column(primary_key=True)

class User(Mixin, Base):
    __tablename__ = "users"

class Invoice(Mixin, Base):
    __tablename__ = "Invoices"
    __table_args__ = {"schema": "billing"}

Old = declarative_base(metadata=Base.metadata)

class Line(Old):
    __tablename__ = "lines"
    __table_args__ = ({"schema": "billing"},)
    id = Column(Integer, primary_key=True)
    user = Column(ForeignKey("users.id"))
    invoice = Column(ForeignKey("billing.Invoices.id"))

class Short(Old):
    __tablename__ = "short"
    id = Column(Integer, primary_key=True)

notes = Table("notes", Base.metadata, Column("id", Integer), schema="billing")
"""
SQLMODEL = """
from sqlmodel import Field, SQLModel

class Team(SQLModel, table=True):
    id: int = Field(primary_key=True)

class HeroOfTeam(SQLModel, table=True):
    id: int = Field(primary_key=True)
    team: int = Field(foreign_key="team.id")

class Named(SQLModel, table=True):
    __tablename__ = "names"
    id: int = Field(primary_key=True)

class Form(SQLModel):
    id: int
"""
DJANGO = """
from django.db import models

class Member(models.Model):
    name = models.CharField(max_length=10)

class Timed(models.Model):
    class Meta:
        abstract = True

class Address(Timed):
    class Meta:
        db_table = "addresses"

class HomeAddress(Timed):
    pass

class Labelled(models.Model):
    class Meta:
        app_label = "other"

class Stand(Member):
    class Meta:
        proxy = True
"""


def told(folder: Path, text: str, package: str) -> set[str]:
    """The tables that our reading of a module finds defined in it."""
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text("")
    (folder / package / "models.py").write_text(text)
    config = Config(services={"app": Service(modules=(package,))})
    program = Run(select([folder], folder), config, folder).program
    uses = [use for module in program.targets for use in program.tables.uses.of(module)]
    return {use.table for use in uses if use.defines}


def run(folder: Path, package: str) -> ModuleType:
    """The models that :func:`told` has written, imported."""
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(f"{package}.models")
    finally:
        sys.path.remove(str(folder))


def test_sqlalchemy(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    found = told(tmp_path, SQLALCHEMY, "with_sqlalchemy")
    tables = run(tmp_path, "with_sqlalchemy").Base.metadata.tables
    assert found == {name.lower() for name in tables}


def test_sqlmodel(tmp_path: Path) -> None:
    pytest.importorskip("sqlmodel")
    found = told(tmp_path, SQLMODEL, "with_sqlmodel")
    assert found == set(run(tmp_path, "with_sqlmodel").SQLModel.metadata.tables)


def test_django(tmp_path: Path) -> None:
    django = pytest.importorskip("django")
    from django.conf import settings
    from django.test.utils import override_settings

    found = told(tmp_path, DJANGO, "with_django")
    sys.path.insert(0, str(tmp_path))
    if not settings.configured:
        settings.configure(DEFAULT_AUTO_FIELD="django.db.models.AutoField")
    django.setup()
    with override_settings(INSTALLED_APPS=["with_django"]):
        models = run(tmp_path, "with_django")
    sys.path.remove(str(tmp_path))
    classes = [each for each in vars(models).values() if isinstance(each, type) and hasattr(each, "_meta")]
    assert found == {each._meta.db_table for each in classes if not (each._meta.abstract or each._meta.proxy)}


@pytest.mark.skipif(find_spec("sqlglot") is None, reason="needs the extra `sql`")
@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ('SELECT 1 FROM public."Users" u, orders AS o', {"users", "orders"}),
        ("WITH t AS (SELECT * FROM a) SELECT * FROM t JOIN billing.b USING (id)", {"a", "billing.b"}),
        ("insert into `users` (id) values (%s) on duplicate key update id = %(id)s", {"users"}),
        ("DELETE FROM users WHERE id = ? RETURNING id", {"users"}),
        ("MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN DELETE", {"a", "b"}),
        ("SELECT * FROM users; DROP TABLE old", {"users", "old"}),
        ("SELECT * FROM \0 JOIN users ON true", {"users"}),
        ("SELECT * FROM \0.users", set()),
        ("-- who\n/* and where */ SELECT * FROM users", {"users"}),
        ("SELECT 'FROM users'", set()),
        ("select from here what you want", set()),
    ],
)
def test_sql(text: str, tables: set[str]) -> None:
    found = tables_in(text) if is_sql(text) else ()
    assert {each.name for each in found} == tables
