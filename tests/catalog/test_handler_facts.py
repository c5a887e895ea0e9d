"""Each fact on frameworks, registrars and handler classes is so in the real library, and is changed once.

What the facts lead to is shown with whole applications, in ``tests/handlers``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from servicelint.catalog.inbound import VERBS
from servicelint.catalog.shipped import shipped_libraries
from tests.catalog.facts import each_changed
from tests.catalog.handler_proofs import WITHDRAWN, Unknown, complaints, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.catalog.inbound import App, HandlerClass, Registration
    from servicelint.catalog.model import Library
    from tests.catalog.facts import Path

pytestmark = [pytest.mark.libraries, pytest.mark.slow]

ALIEN = "collections.servicelint"
UNTRIED = {"is_telling"}
"""Nothing in a library tells it: ``tests/handlers/test_telling_names.py`` shows what it leads to."""
LIBRARIES = {
    library.library: library
    for library in shipped_libraries()
    if library.apps or library.registrars or library.handler_classes
}


@pytest.fixture(scope="module", autouse=True)
def _django(django_world: None) -> None:
    """Parts of Django's world can't be imported before it is set up."""


# --- each fact changed once -----------------------------------------------------------------------


def mutations(library: Library) -> Iterator[tuple[str, Library]]:
    """The library's facts on handlers, each changed once; those that can be held against it here."""
    for group, mutate in (
        ("apps", _of_app),
        ("registrars", lambda _, entry: _of_registration(entry)),
        ("handler_classes", lambda _, entry: _of_class(entry)),
    ):
        entries: dict[str, Any] = getattr(library, group)
        for name, entry in entries.items():
            if not is_here(name):
                continue
            renamed = {ALIEN if each == name else each: value for each, value in entries.items()}
            yield f"{name}: the name", structs.replace(library, **{group: renamed})
            for changed, mutant in (*mutate(name, entry), *stated(name, entry)):
                yield f"{name}: {changed}", structs.replace(library, **{group: {**entries, name: mutant}})


def stated(name: str, entry: Any) -> Iterator[tuple[str, Any]]:
    """The entry with each fact that its file states changed once."""
    for path, mutant in each_changed(entry):
        registration = entry.registrations[path[1]] if path[0] == "registrations" else None
        if not (registration and is_withdrawn(name, registration)) and path[-1] not in UNTRIED:
            yield " ".join(map(str, path)), mutant


def is_here(name: str) -> bool:
    """Whether the installed release has it."""
    try:
        return found(name) is not None
    except Unknown:
        return False


def is_withdrawn(app: str, registration: Registration) -> bool:
    """Whether only earlier releases than the installed one have the methods."""
    names = {f"{app}.{name}" for name in registration.names}
    return bool(names) and names <= WITHDRAWN and not any(map(is_here, names))


def is_out_of_reach(library: Library, path: Path) -> bool:
    """Whether a fact is on what only other releases have, or on a library that isn't installed."""
    group, name, *rest = (*path, "")
    if group not in ("apps", "registrars", "handler_classes"):
        return False
    if not is_here(str(name)):
        return True
    is_of_app = group == "apps" and rest[:1] == ["registrations"]
    return is_of_app and is_withdrawn(str(name), library.apps[str(name)].registrations[int(rest[1])])


def _each_replaced(entry: Any, field: str) -> Iterator[tuple[str, Any]]:
    names = getattr(entry, field)
    for at, name in enumerate(names):
        # The methods of a view are HTTP's own.
        if "*" not in name and not (field == "methods" and name in VERBS):
            yield f"{field} {name}", structs.replace(entry, **{field: (*names[:at], ALIEN, *names[at + 1 :])})


def _of_registration(registration: Registration) -> Iterator[tuple[str, Registration]]:
    for field in ("route", "handler"):
        if field == "route" and registration.kind == "tool":
            continue
        for other in (None, 0, 1, 2):
            if other != getattr(registration, field):
                yield f"{field} = {other}", structs.replace(registration, **{field: other})
    if registration.keyword:
        yield "keyword", structs.replace(registration, keyword="servicelint_handler")
    yield from _each_replaced(registration, "aliases")


def _of_app(name: str, app: App) -> Iterator[tuple[str, App]]:
    for field in ("aliases", "factories"):
        yield from _each_replaced(app, field)
    for method in app.returns:
        yield f"returns {method}", structs.replace(app, returns={**app.returns, method: ALIEN})
        renamed = {ALIEN if each == method else each: value for each, value in app.returns.items()}
        yield f"returns of {method}", structs.replace(app, returns=renamed)
    for at, registration in enumerate(app.registrations):
        if is_withdrawn(name, registration):
            continue
        for changed, mutant in (*_of_registration(registration), *_each_replaced(registration, "names")):
            registrations = (*app.registrations[:at], mutant, *app.registrations[at + 1 :])
            yield (
                f"{registration.names[0]}: {changed}",
                structs.replace(app, registrations=registrations),
            )


def _of_class(described: HandlerClass) -> Iterator[tuple[str, HandlerClass]]:
    for field in ("methods", "hooks", "aliases"):
        yield from _each_replaced(described, field)


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_framework_is_as_the_catalog_says(name: str) -> None:
    assert list(complaints(LIBRARIES[name])) == []


@pytest.mark.parametrize("name", LIBRARIES)
def test_each_changed_fact_is_noticed(name: str) -> None:
    unnoticed = [
        what for what, mutant in mutations(LIBRARIES[name]) if next(complaints(mutant), None) is None
    ]
    assert unnoticed == []


def test_what_was_withdrawn_is_gone() -> None:
    """Else it could be held against the library like the rest."""
    assert [name for name in WITHDRAWN if is_here(name)] == []
