"""What the libraries do when a peer misbehaves, held against what the catalog says of it.

The calls are made in processes of their own, many at a time: those that wait for ever are left
waiting, and the process is ended under them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.catalog.cases import all_cases, came_true
from tests.catalog.conformance import is_shared, present
from tests.catalog.libraries import HTTP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.catalog.model import Client, Library, Method, Sender, TimeoutParameter

pytestmark = [pytest.mark.libraries, pytest.mark.slow]

CASES = {case.name: case for case in all_cases(HTTP)}


@pytest.mark.parametrize("name", CASES)
def test_the_call_does_what_the_catalog_says(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert came_true(CASES[name].expected, results[name]), (CASES[name].expected, results[name])


def test_every_case_has_a_name_of_its_own() -> None:
    assert len(CASES) == len(all_cases(HTTP))


@pytest.mark.parametrize("library", HTTP, ids=lambda library: library.library)
def test_every_fact_has_a_case(library: Library) -> None:
    proven = {case.fact for case in CASES.values()}
    assert [fact for fact in facts_of(present(library)) if not any(is_proven(fact, proven))] == []


def is_proven(fact: str, proven: set[str]) -> Iterator[bool]:
    """Whether some case proves the fact; a case's name may say more precisely how."""
    yield any(name == fact or name.startswith(f"{fact},") for name in proven)


def facts_of(library: Library) -> Iterator[str]:
    """The facts on waiting that the library's data states, listed without the help of the cases."""
    for name, sender in library.senders.items():
        yield f"{name}: omitted"
        if sender.default_kind:
            yield f"{name}: default kind"
        yield from value_facts(library, name, sender, sender.timeout)
    for name, client in library.clients.items():
        yield from client_facts(library, name, client)
    for name, timeout in library.timeouts.items():
        yield f"{name}: {name} unset"
        for part in timeout.answer:
            for fact in ("bounded", "kind", "connecting", "none", "zero", "negative"):
                yield f"{name}: {name}.{part.parameter} {fact}"
    for name in library.scopes:
        yield f"{name}: none"


def value_facts(
    library: Library, label: str, entry: Sender | Client, parameter: TimeoutParameter | None
) -> Iterator[str]:
    """The facts that one timeout parameter's meaning states; of an entry like another, those of its own."""
    if parameter is None:
        return
    stated = library.meanings[parameter.meaning]
    shared = is_shared(library, entry, parameter)
    facts = ("bounded", "connecting", "none")
    if not shared:
        facts += ("zero", "negative", "infinite")
    yield from (f"{label}: {fact}" for fact in facts)
    if "HTTPS" not in label and not label.rpartition(".")[2].startswith("head"):
        yield f"{label}: kind"  # the peers speak no TLS: these classes inherit from ones whose kind is shown
    if shared:
        return
    yield from (f"{label}: object {name} bounded" for name in stated.objects)
    if stated.pair:
        yield f"{label}: pair"


def client_facts(library: Library, name: str, client: Client) -> Iterator[str]:
    """The facts that a client's entry states."""
    if client.constructor:
        yield f"{name}: omitted"
        yield from value_facts(library, name, client, client.constructor)
        if client.default_kind:
            yield f"{name}: default kind"
    if client.attribute:
        yield f"{name}: attribute bounds"
    yield from (f"{name}: {transport}" for transport in client.transports)
    for method in client.methods:
        if method.sends:
            yield from method_facts(library, name, client, method)


def method_facts(library: Library, name: str, client: Client, method: Method) -> Iterator[str]:
    """The facts that a group of methods states: of each method its own, of the first all values."""
    for spelling in method.names:
        yield f"{name}.{spelling}: omitted"
    if method.timeout:
        yield from value_facts(library, f"{name}.{method.names[0]}", client, method.timeout)
