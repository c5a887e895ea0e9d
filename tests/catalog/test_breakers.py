"""Circuit breakers are as the catalog says, and the proof of it notices each fact that is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from servicelint.catalog.shipped import shipped_libraries
from tests.catalog.breaker_proofs import CHECKS, KINDS
from tests.catalog.facts import changed_facts, each_changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.catalog.guards import Breaker
    from servicelint.catalog.record import Parameter

pytest.importorskip("pybreaker")
pytestmark = pytest.mark.libraries

BREAKERS = {name: entry for library in shipped_libraries() for name, entry in library.breakers.items()}
ALIEN = "collections.OrderedDict"


def mutations(entry: Breaker) -> Iterator[tuple[str, Breaker]]:
    """The entry with each of its facts changed once."""
    done = set()
    for what, fields in (*_of_uses(entry), *_of_names(entry), *_of_parameters(entry)):
        changed = structs.replace(entry, **fields)
        done.update(changed_facts(entry, changed))
        yield what, changed
    for path, mutant in each_changed(entry):
        if path not in done:
            yield f"{' '.join(map(str, path))}: otherwise", mutant


def _of_uses(entry: Breaker) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "open-error", {"open_error": "builtins.KeyError"}
    yield "counted-default", {"counted_default": "" if entry.counted_default else "builtins.Exception"}
    for kind in KINDS:
        yield f"decorates {kind}", {"decorates": _toggled(entry.decorates, kind)}
    for method, kinds in entry.calls.items():
        for kind in ("function", "coroutine"):
            yield f"{method} {kind}", {"calls": {**entry.calls, method: _toggled(kinds, kind)}}
    for method, guards in entry.blocks.items():
        yield f"block {method}", {"blocks": {**entry.blocks, method: not guards}}


def _of_names(entry: Breaker) -> Iterator[tuple[str, dict[str, Any]]]:
    if entry.aliases:
        yield "aliases", {"aliases": (ALIEN,)}
    for factory in entry.factories:
        yield f"factory {factory}", {"factories": (ALIEN,)}
        yield f"bare {factory}", {"bare": () if entry.bare else (factory,)}


def _of_parameters(entry: Breaker) -> Iterator[tuple[str, dict[str, Any]]]:
    for field in ("counted", "excluded", "storage", "fallback"):
        parameter = getattr(entry, field)
        if parameter is not None:
            yield f"{field} position", {field: _moved(parameter)}
            if parameter.keyword:
                yield f"{field} keyword", {field: structs.replace(parameter, keyword="bogus")}


def _toggled(kinds: tuple[str, ...], kind: str) -> tuple[str, ...]:
    return tuple(each for each in kinds if each != kind) if kind in kinds else (*kinds, kind)


def _moved(parameter: Parameter) -> Parameter:
    position = parameter.position or 0
    return structs.replace(parameter, position=position - 1 if position else position + 1)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", BREAKERS)
def test_a_breaker_is_as_the_catalog_says(name: str, check: Callable[[str, Breaker], Iterator[str]]) -> None:
    assert list(check(name, BREAKERS[name])) == []


MUTATIONS = [
    pytest.param(name, mutant, id=f"{name}: {what}")
    for name, entry in BREAKERS.items()
    for what, mutant in mutations(entry)
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "mutant"), MUTATIONS)
def test_the_proof_notices_a_changed_fact(name: str, mutant: Breaker) -> None:
    assert any(_complaints(check, name, mutant) for check in CHECKS)


def _complaints(check: Callable[[str, Breaker], Iterator[str]], name: str, mutant: Breaker) -> list[str]:
    try:
        return list(check(name, mutant))
    except Exception as error:  # noqa: BLE001 - a fact so wrong that the proof breaks over it is noticed too
        return [repr(error)]
