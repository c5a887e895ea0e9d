"""Every fact of every entry is changed once by some proof, which has to notice: nothing is left out unseen.

A new kind of fact, or a new library, fails here until a proof changes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from tests.catalog import (
    test_breakers,
    test_failure_facts,
    test_handler_facts,
    test_invokers,
    test_other_facts,
    test_retries,
    test_settings,
)
from tests.catalog.conformance import is_present, present, takes_keyword_only
from tests.catalog.databases import test_databases
from tests.catalog.facts import NAME, Path, changed_facts, facts_of
from tests.catalog.libraries import GRPC, HTTP, LIBRARIES, QUEUES, is_here
from tests.catalog.mutations import Mutation, mutations_of, own_meanings
from tests.catalog.queues.mutations import mutations_of as mutations_of_queues
from tests.catalog.remote_calls.mutations import mutations_of as mutations_of_remote_calls

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from servicelint.catalog.model import Library

pytestmark = pytest.mark.libraries

BY_NAME = {library.library: library for library in LIBRARIES}
OF_THE_FILE = {"library", "title", "protocol", "notes", "proven"}
"""What a file says of itself; the versions that it claims are run in ``test_oldest.py``."""
READ_AWAY = {"when", "like", "plain_transports", "makers"}
"""What is put into other entries, and proven there; each is left out once in ``test_put_together.py``."""
ELSEWHERE = {
    "instrumentations": "tests/request_ids/test_instrumentations.py",
    "launchers": "tests/request_ids/test_instrumentations.py",
    "injectors": "tests/request_ids/test_instrumentations.py",
    "context_keepers": "tests/request_ids/test_instrumentations.py",
    "log_fields": "tests/request_ids/test_instrumentations.py",
    "is_telling": "tests/handlers/test_telling_names.py",
}
"""Facts that other tests change, each once: in an environment of their own, or in our reading."""


SETS: tuple[tuple[Sequence[Library], Any], ...] = (
    (HTTP, lambda library: mutations_of(present(library))),
    (GRPC, mutations_of_remote_calls),
    (QUEUES, mutations_of_queues),
    (LIBRARIES, lambda library: (Mutation(*each) for each in test_handler_facts.mutations(library))),
    (LIBRARIES, lambda library: (Mutation(*each) for each in test_other_facts.mutations(library))),
    (test_databases.HERE, lambda library: (Mutation(*each) for each in test_databases.mutations(library))),
    (test_settings.HERE, lambda library: (Mutation(*each) for each in test_settings.mutations(library))),
)
"""What changes whole libraries, each for some of them."""


def changed(library: Library) -> Iterator[Path]:
    """The facts of a library that some proof changes."""
    for libraries, mutate in SETS:
        for mutation in mutate(library) if library in libraries else ():
            yield from differing(library, mutation.library)
    for _, failures in test_failure_facts.mutations(library.failures):
        yield from changed_facts(library.failures, failures, ("failures",))
    for group, mutate in ENTRIES.items():
        for name, entry in getattr(library, group).items():
            for _, mutant in mutate(entry):
                yield from changed_facts(entry, mutant, (group, name))


ENTRIES: dict[str, Any] = {
    "breakers": test_breakers.mutations,
    "invokers": test_invokers.mutations,
    **dict.fromkeys(test_retries.GROUPS, test_retries.mutations),
}
"""What changes the entries of one group."""


def differing(library: Library, mutant: Library) -> Iterator[Path]:
    """The facts that differ; a mutant may hold only the entry that it concerns."""
    for field in structs.fields(library):
        stated, other = getattr(library, field.name), getattr(mutant, field.name)
        if not isinstance(stated, dict):
            yield from changed_facts(stated, other, (field.name,))
            continue
        renamed = other.keys() - stated.keys()
        for name, entry in stated.items():
            if name in other:
                yield from changed_facts(entry, other[name], (field.name, name))
            elif renamed:
                yield (field.name, name, NAME)


def is_meant(library: Library, path: Path) -> bool:
    """Whether a fact has to be changed by a proof that is known here."""
    if is_shown_by_equality(path) or is_anothers(library, path):
        return False
    if path[0] in OF_THE_FILE | ELSEWHERE.keys() or {*path} & READ_AWAY or path[-1] in ELSEWHERE:
        return False
    name = str(path[1]) if len(path) > 1 else ""
    if not is_present(name) or ("position" in path and takes_keyword_only(name)):
        return False
    return not test_handler_facts.is_out_of_reach(library, path)


def is_shown_by_equality(path: Path) -> bool:
    """``test_invokers.py`` compares these with what is seen, so that any other value fails."""
    return path[0] == "invokers" and path[2] in (NAME, "loses_context")


def is_anothers(library: Library, path: Path) -> bool:
    """Whether a fact is read from another file, or of what is not installed; or a file's own word."""
    if path[0] == "meanings":
        return path[1] not in dict(own_meanings(library)) and library.protocol == "http"
    if path[0] == "distribution":
        return test_other_facts.is_absent(library)
    return path[0] == "stubs" and path[2:] == (NAME,)


@pytest.mark.parametrize("name", [name for name, library in BY_NAME.items() if is_here(library)])
def test_every_fact_is_changed_by_a_proof(name: str, django_world: None) -> None:
    library = BY_NAME[name]
    done = {*changed(library)}
    assert [path for path in facts_of(library) if path not in done and is_meant(library, path)] == []
