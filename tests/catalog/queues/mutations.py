"""Queue entries with one fact changed. Each comes in a library that holds only the entry it concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from servicelint.catalog.record import Parameter
from tests.catalog.mutations import ALIEN, Mutation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.catalog.messaging import Consuming, Envelope, Publishing, QueueClient
    from servicelint.catalog.model import Library

BOGUS = Parameter(keyword="servicelint_argument", position=7)
OTHER_ROLE = {"queue": "topic", "topic": "queue", "subject": "queue", "task": "topic"}
# Their services answer no test: that a name is the key's is held against the signature only.
UNTRIED = ("boto3.resources.factory.", "botocore.client.")


def mutations_of(library: Library) -> Iterator[Mutation]:
    """The facts on queues, each changed once (or once for each other value)."""
    for name, client in library.queues.items():
        for changed, mutant in _of_client(name, client):
            only = structs.replace(library, queues={name: mutant}, tasks={})
            yield Mutation(f"{name}: {changed}", only)
    for name, entry in library.envelopes.items():
        for changed, mutant in _of_envelope(entry):
            yield Mutation(f"{name}: {changed}", structs.replace(library, envelopes={name: mutant}, tasks={}))
    for name, task in library.tasks.items():
        for field in ("name", "queue"):
            mutant = structs.replace(task, **{field: BOGUS})
            yield Mutation(f"{name}: {field}", structs.replace(library, queues={}, tasks={name: mutant}))
        for field, value in (("makes", ALIEN), ("aliases", (ALIEN,))):
            mutant = structs.replace(task, **{field: value})
            yield Mutation(f"{name}: {field}", structs.replace(library, queues={}, tasks={name: mutant}))


def _arguments(argument: Parameter) -> Iterator[tuple[str, Parameter]]:
    """An argument with another keyword, and at other positions."""
    if argument.keyword:
        yield "keyword", structs.replace(argument, keyword="servicelint_argument")
    # Not 2: what Celery takes there, the id of the task, is the correlation id too.
    others = (13,) if argument.position is None else (argument.position + 1, None)
    for position in others:
        yield f"position = {position}", structs.replace(argument, position=position)


def _in_place(entry: Any, field: str) -> Iterator[tuple[str, Any]]:
    argument = getattr(entry, field)
    if argument is not None:
        for changed, mutant in _arguments(argument):
            yield f"{field} {changed}", structs.replace(entry, **{field: mutant})


def _of_client(name: str, client: QueueClient) -> Iterator[tuple[str, QueueClient]]:
    if not name.startswith(UNTRIED):
        yield "aliases", structs.replace(client, aliases=(ALIEN,))
        yield "kin", structs.replace(client, kin=(ALIEN,))
    if client.hooks:
        yield "hooks", structs.replace(client, hooks=(ALIEN,))
        for role, argument in client.address.items():
            for changed, mutant in _arguments(argument):
                if argument.keyword:
                    yield f"{role} {changed}", structs.replace(client, address={role: mutant})
    yield from _of_methods(name, client)
    yield from _of_makings(client)


def _of_methods(name: str, client: QueueClient) -> Iterator[tuple[str, QueueClient]]:
    for number, publishing in enumerate(client.publishing):
        for changed, mutant in _of_publishing(name, publishing):
            replaced = (*client.publishing[:number], mutant, *client.publishing[number + 1 :])
            yield f"{publishing.names[0]} {changed}", structs.replace(client, publishing=replaced)
    for number, consuming in enumerate(client.consuming):
        for changed, mutant in _of_consuming(name, consuming):
            replaced = (*client.consuming[:number], mutant, *client.consuming[number + 1 :])
            yield f"{consuming.names[0]} {changed}", structs.replace(client, consuming=replaced)


def _of_makings(client: QueueClient) -> Iterator[tuple[str, QueueClient]]:
    for number, making in enumerate(client.makes):
        mutants = [("names", structs.replace(making, names=("servicelint_method",)))]
        mutants.append(("returns", structs.replace(making, returns=ALIEN)))
        for changed, mutant in mutants:
            replaced = (*client.makes[:number], mutant, *client.makes[number + 1 :])
            yield f"makes {making.returns}: {changed}", structs.replace(client, makes=replaced)
    for attribute in client.holds:
        yield f"holds {attribute}", structs.replace(client, holds={attribute: ALIEN})
        yield "holds another", structs.replace(client, holds={"servicelint": client.holds[attribute]})


def _of_publishing(name: str, publishing: Publishing) -> Iterator[tuple[str, Publishing]]:
    yield "names", structs.replace(publishing, names=(*publishing.names, "servicelint_method"))
    yield "blocking", structs.replace(publishing, blocking=not publishing.blocking)
    yield "open", structs.replace(publishing, open=not publishing.open)
    for role, argument in publishing.destination.items():
        for changed, mutant in _arguments(argument):
            places = {**publishing.destination, role: mutant}
            yield f"{role} {changed}", structs.replace(publishing, destination=places)
        others = {other: place for other, place in publishing.destination.items() if other != role}
        wrong = OTHER_ROLE.get(role, "subject")
        yield f"{role} is another role", structs.replace(publishing, destination={**others, wrong: argument})
    if publishing.entries is None and publishing.envelope is None:
        yield from _in_place(publishing, "headers")
        yield from _in_place(publishing, "correlation_id")
    yield from _in_place(publishing, "envelope")
    if publishing.entries is not None:
        wrong_key = Parameter(keyword="servicelint_argument")
        yield "entries", structs.replace(publishing, entries=wrong_key)
        yield "headers of entries", structs.replace(publishing, headers=wrong_key)


def _of_consuming(name: str, consuming: Consuming) -> Iterator[tuple[str, Consuming]]:
    if name.startswith((*UNTRIED, "confluent_kafka.")):  # no signatures
        return
    yield "names", structs.replace(consuming, names=(*consuming.names, "servicelint_method"))
    yield "blocking", structs.replace(consuming, blocking=not consuming.blocking)
    yield from _in_place(consuming, "handler")
    for role, argument in consuming.source.items():
        for changed, mutant in _arguments(argument):
            yield f"{role} {changed}", structs.replace(consuming, source={role: mutant})


def _of_envelope(entry: Envelope) -> Iterator[tuple[str, Envelope]]:
    yield "aliases", structs.replace(entry, aliases=(ALIEN,))
    yield from _in_place(entry, "headers")
    yield from _in_place(entry, "correlation_id")
