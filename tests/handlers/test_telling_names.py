"""Methods that tell a handler whatever they are called on do so, and only because the catalog says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from servicelint.catalog.shipped import shipped_libraries
from servicelint.config import Config
from servicelint.knowledge import Knowledge
from servicelint.run import Run
from servicelint.sources.discovery import select

if TYPE_CHECKING:
    from pathlib import Path

    from servicelint.catalog.inbound import Registration
    from servicelint.catalog.model import Library

LIBRARIES = shipped_libraries()
TELLING = {
    name: (library, registration)
    for library in LIBRARIES
    for app in library.apps.values()
    for registration in app.registrations
    for name in registration.names
    if registration.is_telling
}
CALLED = """
def answer(*_): ...

def set_up(thing):
    thing.{name}({arguments})
"""
DECORATED = """
def set_up(thing):
    @thing.{name}("/")
    def answer(*_): ...
"""


def program_that_uses(name: str, registration: Registration) -> str:
    """A module that registers a handler on something unknown."""
    if registration.handler is None:
        return DECORATED.format(name=name)
    arguments = ", ".join([*("'/'" for _ in range(registration.handler)), "answer"])
    return CALLED.format(name=name, arguments=arguments)


def handlers_in(folder: Path, text: str) -> set[str]:
    (folder / "service.py").write_text(text)
    program = Run(select([folder], folder), Config(), folder).program
    return {each.name.rpartition(".")[2] for each in program.handlers.all()}


def without(name: str, library: Library) -> tuple[Library, ...]:
    """The libraries, as if registrations of this name told nothing."""
    apps = {
        each: structs.replace(
            app,
            registrations=tuple(
                structs.replace(one, is_telling=one.is_telling and name not in one.names)
                for one in app.registrations
            ),
        )
        for each, app in library.apps.items()
    }
    changed = structs.replace(library, apps=apps)
    return tuple(changed if each is library else each for each in LIBRARIES)


@pytest.mark.parametrize("name", TELLING)
def test_a_telling_name_tells_of_a_handler(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, registration = TELLING[name]
    text = program_that_uses(name, registration)
    assert handlers_in(tmp_path, text) == {"answer"}
    libraries = without(name, library)
    monkeypatch.setattr(Knowledge, "_libraries", lambda *_: libraries)
    assert handlers_in(tmp_path, text) == set()


def telling_nothing(library: Library) -> Library:
    """The library, as if names of generated classes told nothing."""
    generated = (structs.replace(each, is_telling=False) for each in library.generated)
    return structs.replace(library, generated=tuple(generated))


SERVICER = """
from shop.rpc import OrdersServicer

class Orders(OrdersServicer):
    def Place(self, request, context): ...
"""
RPC = "from shop.orders_pb2_grpc import OrdersServicer"


def test_a_telling_end_of_a_generated_class_tells_of_a_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The class is imported from a module that hands it on."""
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "__init__.py").touch()
    (shop / "rpc.py").write_text(RPC)
    assert handlers_in(shop, SERVICER) == {"Place"}
    libraries = tuple(map(telling_nothing, LIBRARIES))
    monkeypatch.setattr(Knowledge, "_libraries", lambda *_: libraries)
    assert handlers_in(shop, SERVICER) == set()
