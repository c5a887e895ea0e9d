"""Facts about databases hold in the real libraries, drivers and statements, and each changed fact is noticed.

Drivers connect to servers that record, SQL is run, and classes that stand for tables are made. What our
reading makes of the same texts is compared in ``tests/catalog/test_tables.py``.
"""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from servicelint.catalog.model import Library
from tests.catalog.calls import is_installed
from tests.catalog.databases import connecting, statements, tables
from tests.catalog.facts import ALIEN, each_changed
from tests.catalog.libraries import LIBRARIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Proof = Callable[[Library], Iterator[str]]

pytestmark = [pytest.mark.libraries, pytest.mark.slow]

PROOFS: dict[str, Proof] = {
    "connections": connecting.connections,
    "table_classes": tables.classes,
    "table_names": tables.names,
    "takers": statements.takers,
}
"""The groups of facts that are proven here, each by one proof."""
HERE = [library for library in LIBRARIES if any(getattr(library, group) for group in PROOFS)]


@pytest.mark.parametrize("group", PROOFS)
@pytest.mark.parametrize("library", HERE, ids=lambda library: library.library)
def test_it_is_as_the_catalog_says(library: Library, group: str, django_world: None) -> None:
    assert list(PROOFS[group](library)) == []


@pytest.mark.skipif(
    metadata.version("sqlalchemy") >= "2", reason="is run with SQLAlchemy 1 by test_oldest.py"
)
def test_what_only_sqlalchemy_1_takes_is_as_the_catalog_says() -> None:
    stated = {name for library in HERE for name in library.takers}
    assert {*statements.UP_TO_SQLALCHEMY_1} <= stated
    assert [*statements.takers(Library(library="", title="", takers=statements.UP_TO_SQLALCHEMY_1))] == []
    keywords = {
        each for library in HERE for entry in library.table_names.values() for each in entry.reflected
    }
    assert {*tables.UP_TO_SQLALCHEMY_1} <= keywords
    assert all(tables.looks_up("sqlalchemy.Table", each) for each in tables.UP_TO_SQLALCHEMY_1)
    assert not tables.looks_up("sqlalchemy.Table", ALIEN)


def test_models_of_gis_are_djangos() -> None:
    """The rest of the proofs then take the one for the other: without GDAL the package can't be imported."""
    assert tables.is_handed_on_by_gis()


# --- each fact changed once ----------------------------------------------------------------------------


def mutations(library: Library, *groups: str) -> Iterator[tuple[str, Library]]:
    """The library with each fact of some groups changed once, each of several names by itself."""
    for group in groups or PROOFS:
        for path, mutant in (*each_changed(getattr(library, group)), *_each_name(library, group)):
            yield f"{group} {' '.join(map(str, path))}", structs.replace(library, **{group: mutant})


def _each_name(library: Library, group: str) -> Iterator[tuple[tuple[str, ...], object]]:
    """With one of several names changed at a time."""
    stated = getattr(library, group)
    if isinstance(stated, tuple):
        yield from (((name,), other) for name, other in _one_changed(stated))
        return
    for name, entry in stated.items():
        for field in ("aliases", "reflected"):
            for each, other in _one_changed(getattr(entry, field, ())):
                yield (name, field, each), {**stated, name: structs.replace(entry, **{field: other})}


def _one_changed(names: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for number, name in enumerate(names):
        yield name, (*names[:number], ALIEN, *names[number + 1 :])


def alone(library: Library, original: Library, group: str) -> Library:
    """The library with those entries of a group that differ from the original's."""
    found, stated = getattr(library, group), getattr(original, group)
    if isinstance(found, tuple):
        differing = tuple(each for each in found if each not in stated)
        return structs.replace(library, **{group: differing})
    return structs.replace(
        library, **{group: {name: each for name, each in found.items() if stated.get(name) != each}}
    )


@pytest.mark.parametrize("group", PROOFS)
@pytest.mark.parametrize("library", HERE, ids=lambda library: library.library)
def test_each_changed_fact_is_noticed(library: Library, group: str, django_world: None) -> None:
    unnoticed = [
        what
        for what, mutant in mutations(library, group)
        if not _complains(PROOFS[group], alone(mutant, library, group))
    ]
    assert unnoticed == []


def _complains(proof: Proof, mutant: Library) -> bool:
    try:
        return next(proof(mutant), None) is not None
    except Exception:  # noqa: BLE001 - a fact so wrong that the proof breaks over it is noticed too
        return True


def test_whatever_is_named_is_installed() -> None:
    """A proof is no proof of what isn't there."""
    for library in HERE:
        for group in PROOFS:
            for name in getattr(library, group):
                connecting.stand_in(name)
                assert is_installed(name), name
