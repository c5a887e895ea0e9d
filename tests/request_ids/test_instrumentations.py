"""The catalog is right on instrumentations: the clients it says they cover carry the id, and no others do.

Each fact is changed once, and a proof notices. The libraries are in the extra `instrumentations`; what is not
installed is skipped.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from servicelint.catalog.shipped import shipped_libraries
from tests.catalog.facts import each_changed
from tests.request_ids.clients import CLIENTS
from tests.request_ids.instrumentation_cases import CASES
from tests.request_ids.observed import expected, observed, said
from tests.request_ids.symbols import HELD, complaints

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servicelint.catalog.model import Library

pytest.importorskip("grpc")
pytestmark = [pytest.mark.slow, pytest.mark.instrumentations]

[LIBRARY] = (library for library in shipped_libraries() if library.instrumentations)
GROUPS = ("instrumentations", "launchers", "injectors", "context_keepers", "log_fields")
ENTRIES = [(group, name) for group in GROUPS for name in getattr(LIBRARY, group)]


def by_network(parameters: tuple[str, ...]) -> Any:
    """The parameters of a test, marked where its case has to install something."""
    case = CASES.get(parameters[-1])
    return pytest.param(*parameters, marks=[pytest.mark.network] if case and case.needs else [])


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all workers of the tests."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.mark.parametrize("case", map(by_network, ((name,) for name in CASES)))
def test_the_clients_that_carry_the_id_are_those_of_the_catalog(case: str, shared: Path) -> None:
    assert observed(case, shared) == expected(case, LIBRARY)


@pytest.mark.parametrize(("group", "name"), ENTRIES)
def test_an_entry_is_as_the_catalog_says(group: str, name: str) -> None:
    assert list(complaints(LIBRARY, group, name)) == []


# --- each fact changed once ----------------------------------------------------------------------------


def mutations(group: str, name: str) -> Iterator[tuple[str, Library]]:
    """The library with each fact of one entry changed once."""
    entries = getattr(LIBRARY, group)
    for path, mutant in each_changed({name: entries[name]}):
        rest = {each: entry for each, entry in entries.items() if each != name}
        yield " ".join(map(str, path)), structs.replace(LIBRARY, **{group: {**rest, **mutant}})
    for covers in _other_covers(entries[name]):
        mutant = structs.replace(entries[name], covers=covers)
        yield f"{name} {covers}", structs.replace(LIBRARY, **{group: {**entries, name: mutant}})


def _other_covers(entry: Any) -> Iterator[tuple[str, ...]]:
    """One of the clients that it covers left out, or another one beside them."""
    covers = getattr(entry, "covers", ())
    for client in sorted(CLIENTS.keys() - {"thread"}) if covers else ():
        yield tuple(each for each in covers if each != client) if client in covers else (*covers, client)


def cases_of(name: str) -> list[str]:
    """The cases that an entry has a part in; of those that install something, its own."""
    alone = structs.replace(
        LIBRARY,
        instrumentations={each: entry for each, entry in LIBRARY.instrumentations.items() if each == name},
        launchers={each: entry for each, entry in LIBRARY.launchers.items() if each == name},
    )
    return [case for case in CASES if said(case, alone) and (case == name or not CASES[case].needs)]


@pytest.mark.parametrize(("group", "name"), map(by_network, ENTRIES))
def test_each_changed_fact_is_noticed(group: str, name: str, shared: Path) -> None:
    results = {case: observed(case, shared) for case in cases_of(name)}
    unnoticed = [
        what
        for what, mutant in mutations(group, name)
        if all(expected(case, mutant) == told for case, told in results.items())
        and not _complains(mutant, group, name)
    ]
    assert unnoticed == []


def _complains(mutant: Library, group: str, name: str) -> bool:
    names = [each for each in getattr(mutant, group) if each not in getattr(LIBRARY, group)] or [name]
    return any(next(complaints(mutant, group, each), None) for each in names)


def test_everything_that_holds_an_id_is_tried() -> None:
    entries = [entry for group in GROUPS[2:] for entry in getattr(LIBRARY, group).items()]
    assert {each for name, entry in entries for each in (name, *entry.aliases)} == {*HELD}
