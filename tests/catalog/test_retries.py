"""Retries are as the catalog says, and the proof of it notices each fact that is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

pytest.importorskip("tenacity")

from tests.catalog.facts import each_changed
from tests.catalog.retry_proofs import CHECKS, NUMBERS, PARAMETERS, shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.catalog.model import Library

pytestmark = pytest.mark.libraries

GROUPS = ("retries", "retry_stops", "retry_waits", "retry_filters")
ENTRIES = {
    name: (group, entry)
    for library in shipped()
    for group in GROUPS
    for name, entry in getattr(library, group).items()
}
ALIEN = "collections.OrderedDict"
UNCHANGED = (
    ("on", "is_rest"),
    ("on_default",),
    ("seconds", "unit"),
    *(("waits", number, "base", "default") for number in range(3)),
)
"""What the changes below leave as it is."""
OTHER = {"any": "all", "all": "any", "sum": "chain", "chain": "sum", "": "any"}
FORMS = {"decorator": "object", "object": "policy", "policy": "decorator"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ENTRIES)
def test_a_retry_is_as_the_catalog_says(name: str, check: Callable[..., Iterator[str]]) -> None:
    assert list(check(shipped(), name)) == []


# --- each fact changed once ------------------------------------------------------------------------


def mutations(entry: Any) -> Iterator[tuple[str, Any]]:
    """The entry with each of its facts changed once."""
    for field in PARAMETERS:
        yield from _of_parameter(entry, field)
    for field, others in _flags(entry).items():
        if hasattr(entry, field):
            yield f"{field} = {others!r}", structs.replace(entry, **{field: others})
    for number, parameter in enumerate(getattr(entry, "further", ())):
        for what, mutant in _moved(parameter):
            further = (*entry.further[:number], mutant, *entry.further[number + 1 :])
            yield f"further {parameter.keyword} {what}", structs.replace(entry, further=further)
    for path, mutant in each_changed(entry):
        if path in UNCHANGED:
            yield f"{' '.join(map(str, path))}: otherwise", mutant
    yield from _of_growths(entry)


def _of_growths(entry: Any) -> Iterator[tuple[str, Any]]:
    for field in ("waits", "growth"):
        growths = getattr(entry, field, ())
        for number, growth in enumerate(growths):
            for what, mutant in _of_growth(growth):
                changed = (*growths[:number], mutant, *growths[number + 1 :])
                yield f"{field} {number} {what}", structs.replace(entry, **{field: changed})


def _flags(entry: Any) -> dict[str, Any]:
    """The other values of the facts that are no parameters."""
    form = getattr(entry, "form", "")
    changed: dict[str, Any] = {"aliases": (ALIEN,)}
    for field in ("counts_retries", "polls", "cuts", "result"):
        if getattr(entry, field, False):
            changed[field] = False
    if form == "decorator":
        changed["bare"] = not entry.bare
    if form:
        changed["form"] = FORMS[form]
    if getattr(entry, "wrapper", ""):
        changed["wrapper"] = "begin"
    if getattr(entry, "combines", ""):
        changed["combines"] = OTHER[entry.combines]
    if getattr(entry, "safe_methods", ()):
        changed["safe_methods"] = (*entry.safe_methods, "POST")
    if form in ("decorator", "object") and entry.on_default:
        changed["on_default"] = "builtins.Warning"
    return changed


def _of_parameter(entry: Any, field: str) -> Iterator[tuple[str, Any]]:
    parameter = getattr(entry, field, None)
    if parameter is not None:
        for what, mutant in _moved(parameter):
            yield f"{field} {what}", structs.replace(entry, **{field: mutant})
        if getattr(parameter, "default", None) is not None:
            default = structs.replace(parameter, default=parameter.default + 1)
            yield f"{field} default", structs.replace(entry, **{field: default})


def _moved(parameter: Any) -> Iterator[tuple[str, Any]]:
    if parameter.keyword:
        yield "keyword", structs.replace(parameter, keyword="servicelint_bogus")
    if parameter.position is not None:
        yield "position", structs.replace(parameter, position=parameter.position + 1)


def _of_growth(growth: Any) -> Iterator[tuple[str, Any]]:
    for field in NUMBERS:
        number = getattr(growth, field)
        for what, mutant in _moved(number):
            yield f"{field} {what}", structs.replace(growth, **{field: mutant})
        if number.default is not None and number.keyword:
            default = structs.replace(number, default=number.default * 3 + 5)
            yield f"{field} default", structs.replace(growth, **{field: default})
        if number.keyword:
            unit = structs.replace(number, unit=number.unit * 10)
            yield f"{field} unit", structs.replace(growth, **{field: unit})
    if growth.base.keyword or growth.base.default != 1:
        yield "shift", structs.replace(growth, shift=growth.shift + 2)
    yield "skips-first", structs.replace(growth, skips_first=not growth.skips_first)
    if growth.needs:
        yield "needs", structs.replace(growth, needs=())


def changed(name: str, entry: Any) -> tuple[Library, ...]:
    """All libraries, one of which has one entry otherwise."""
    group, _ = ENTRIES[name]
    return tuple(
        structs.replace(library, **{group: {**getattr(library, group), name: entry}})
        if name in getattr(library, group)
        else library
        for library in shipped()
    )


MUTATIONS = {
    f"{name}: {what}": (name, mutant)
    for name, (_, entry) in ENTRIES.items()
    for what, mutant in mutations(entry)
}


@pytest.mark.slow
@pytest.mark.parametrize("what", MUTATIONS)
def test_the_proof_notices_a_changed_fact(what: str) -> None:
    name, mutant = MUTATIONS[what]
    libraries = changed(name, mutant)
    assert any(_complains(check, libraries, name) for check in CHECKS)


def _complains(check: Callable[..., Iterator[str]], libraries: tuple[Library, ...], name: str) -> bool:
    try:
        return next(check(libraries, name), None) is not None
    except Exception:  # noqa: BLE001 - a fact so wrong that the proof breaks over it is noticed too
        return True
