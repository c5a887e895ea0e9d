"""The proofs notice a wrong fact: each fact of the catalog is changed once, and something must complain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from tests.catalog.cases import came_true, cases_of
from tests.catalog.conformance import CHECKS, present, references
from tests.catalog.libraries import HTTP
from tests.catalog.mutations import alone, mutations_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.catalog.model import Library
    from tests.catalog.mutations import Mutation

pytestmark = [
    pytest.mark.libraries,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # urllib3, of a URL that stands in a wrong place
]

# A library reduced to one entry has meanings that nothing uses.
ENTRY_CHECKS = [check for check in CHECKS if check is not references]
MUTATIONS = {mutation.name: mutation for library in HTTP for mutation in mutations_of(present(library))}


def complaints(library: Library) -> Iterator[str]:
    """What the cheap proofs say; a fact so wrong that a check breaks over it is noticed too."""
    for check in ENTRY_CHECKS:
        yield from complaints_of(check, library)


def complaints_of(check: Callable[[Library], Iterator[str]], library: Library) -> Iterator[str]:
    """What one proof says, or how it breaks."""
    try:
        yield from check(library)
    except Exception as error:  # noqa: BLE001 which one depends on the fact that is wrong
        yield f"{check.__name__}: {error!r}"


def contradictions(library: Library, results: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The cases whose recorded end is another one than the library's facts call for."""
    try:
        for case in cases_of(library):
            if case.name in results and not came_true(case.expected, results[case.name]):
                yield case.name
    except LookupError as error:
        yield repr(error)


@pytest.mark.parametrize("library", HTTP, ids=lambda library: library.library)
def test_an_entry_on_its_own_raises_no_complaint(library: Library) -> None:
    library = present(library)
    groups = {"senders": library.senders, "clients": library.clients, "scopes": library.scopes}
    for group, entries in groups.items():
        for name, entry in entries.items():
            assert list(complaints(alone(library, group, name, entry))) == []
    assert list(complaints(structs.replace(library, clients={}))) == []


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_fact_is_noticed(name: str, results: dict[str, dict[str, Any]]) -> None:
    mutation: Mutation = MUTATIONS[name]
    noticed = next(contradictions(mutation.library, results), None)
    assert noticed or next(complaints(mutation.library), None)
