"""The proofs of what the catalog says of queues: what is published arrives where, and with what, it says.

A check takes a library, with a stage to publish on, and yields a complaint for every fact that is not so.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
from typing import TYPE_CHECKING, Any

from tests.catalog.calls import resolve
from tests.catalog.queues.stages import (
    BOGUS,
    DEFAULTS,
    HEADER,
    PARAMETERS,
    PublishedError,
    Stage,
    envelope,
    headers_for,
    nothing,
    required,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from servicelint.catalog.messaging import Consuming, Making, Publishing, QueueClient
    from servicelint.catalog.model import Library
    from servicelint.catalog.record import Parameter
    from tests.catalog.queues.brokers import Message

ARRIVAL_SECONDS = 1.5
# Made at run time, or in packages of type stubs that nothing needs to be installed for.
WITHOUT_IMPORT = ("boto3.resources.factory.", "botocore.client.", "mypy_boto3_", "types_boto3_")
NAMES_OF_A_FUNCTION = {"callback", "cb", "on_message_callback"}
_numbers = itertools.count()


def new_place() -> str:
    """A name that no message has had yet."""
    return f"place{next(_numbers):06}"


class Publisher:
    """One publishing method, ready to be called on its stage."""

    def __init__(self, library: Library, stage: Stage, owner: str, name: str, publishing: Publishing) -> None:
        self.library, self.stage, self.publishing = library, stage, publishing
        self.client = library.queues[owner]
        self.label = f"{owner}.{name}"
        self.method = getattr(stage.objects[owner], name)

    async def message(self, **given: Any) -> Message | None:
        """What arrives when the method is called with its required arguments and some more, by keyword."""
        return await self._published((), {**required(self.label), **self._somewhere(), **given})

    async def message_at(self, position: int, value: Any) -> Message | None:
        """What arrives when one argument is given by position, the ones before it too."""
        keywords = {**required(self.label), **self._somewhere()}
        names = PARAMETERS.get(self.label) or parameters_of(self.method)
        if position >= len(names):
            raise LookupError(f"it takes no argument {position} by position")
        before = [keywords.pop(name, self._default(name)) for name in names[:position]]
        keywords.pop(names[position], None)
        return await self._published((*before, value), keywords)

    def _default(self, name: str) -> Any:
        if self.label in PARAMETERS:
            return DEFAULTS.get(name)
        return inspect.signature(self.method).parameters[name].default

    def _somewhere(self) -> dict[str, str]:
        """A fresh topic, where messages are told apart by that."""
        return {"topic": new_place()} if "topic" in required(self.label) else {}

    async def _published(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Message | None:
        before = len(self.stage.messages)
        try:
            result = self.method(*arguments, **keywords)
        except PublishedError:
            if not self.publishing.blocking:
                raise LookupError("it returns at once") from None
            return self.stage.messages[-1]
        try:
            if inspect.isawaitable(result) == self.publishing.blocking:
                raise LookupError(f"it {'is awaited' if self.publishing.blocking else 'returns at once'}")
            if inspect.isawaitable(result):
                await asyncio.wait_for(result, ARRIVAL_SECONDS)
        except PublishedError:
            pass
        for _ in range(int(ARRIVAL_SECONDS / 0.01)):
            self.stage.collect()
            if len(self.stage.messages) > before:
                return self.stage.messages[-1]
            await asyncio.sleep(0.01)
        return None


def parameters_of(function: Any) -> list[str]:
    """The parameters that can be given by position, without ``self``."""
    parameters = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    names = [each.name for each in parameters if each.kind in kinds]
    return names[1:] if names[:1] == ["self"] else names


async def complaints(library: Library, stage: Stage) -> AsyncIterator[str]:
    """All that is not as the catalog says."""
    for complaint in (*_names(library), *_makings(library, stage), *_consuming(library), *_tasks(library)):
        yield complaint
    for complaint in _envelopes(library):
        yield complaint
    for owner, client in library.queues.items():
        for publishing in client.publishing:
            for name in publishing.names:
                async for complaint in _published(library, stage, owner, name, publishing):
                    yield complaint


# -- Publishing ---------------------------------------------------------------------------------------


async def _published(
    library: Library, stage: Stage, owner: str, name: str, publishing: Publishing
) -> AsyncIterator[str]:
    try:
        publisher = Publisher(library, stage, owner, name, publishing)
        if await publisher.message() is None:
            yield f"{publisher.label} publishes nothing"
        for check in (_destination, _headers, _correlation, _hooks, _open):
            async for complaint in check(publisher):
                yield f"{publisher.label}: {complaint}"
    except (LookupError, TypeError, ValueError, AttributeError, asyncio.TimeoutError) as error:
        yield f"{owner}.{name}: {type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001 each library has errors of its own for an argument that is wrong
        yield f"{owner}.{name}: {error!r}"


async def _destination(publisher: Publisher) -> AsyncIterator[str]:
    for role, argument in publisher.publishing.destination.items():
        place = new_place()
        found = await publisher.message(**{argument.keyword: place})
        if found is None or found.place.get(role) != place:
            yield f"{argument.keyword}= is not the {role} it goes to: {found}"
        if argument.position is None:
            if _is_positional(publisher, argument):
                yield f"{argument.keyword} can be given by position"
            continue
        place = new_place()
        found = await publisher.message_at(argument.position, place)
        if found is None or found.place.get(role) != place:
            yield f"the argument at {argument.position} is not the {role} it goes to: {found}"


def _is_positional(publisher: Publisher, argument: Parameter) -> bool:
    return argument.keyword in (PARAMETERS.get(publisher.label) or parameters_of(publisher.method))


async def _hooks(publisher: Publisher) -> AsyncIterator[str]:
    """That what is connected to a signal is handed the headers, and what it puts into them arrives."""

    def puts(headers: Any = None, **_: Any) -> None:
        headers[HEADER] = "7"

    for hook in publisher.client.hooks:
        signal = resolve(hook)
        signal.connect(puts, weak=False)  # weak ones that are gone confuse Celery 5.3's publishers
        try:
            if not _has(await publisher.message(), "headers"):
                yield f"{hook} has no say in the headers"
        finally:
            signal.disconnect(puts)


async def _headers(publisher: Publisher) -> AsyncIterator[str]:
    headers = headers_for(publisher.library.library)
    async for complaint in _carried(publisher, publisher.publishing.headers, "headers", headers):
        yield complaint


async def _correlation(publisher: Publisher) -> AsyncIterator[str]:
    async for complaint in _carried(publisher, publisher.publishing.correlation_id, "correlation-id", "7"):
        yield complaint


def _has(found: Message | None, what: str) -> bool:
    if found is None:
        return False
    return HEADER in found.headers if what == "headers" else found.correlation_id == "7"


async def _carried(publisher: Publisher, own: Parameter | None, what: str, value: Any) -> AsyncIterator[str]:
    """That headers, or a correlation id, arrive where they are given as the catalog says, and only there."""
    publishing = publisher.publishing
    if publishing.envelope is not None:
        async for complaint in _in_envelope(publisher, publishing.envelope, what, value):
            yield complaint
    elif publishing.entries is not None and own is not None:
        entries = [{**entry, own.keyword: value} for entry in _entries(publisher)]
        if not _has(await publisher.message(**{publishing.entries.keyword: entries}), what):
            yield f"{what} in {publishing.entries.keyword} do not arrive"
    elif own is not None:
        if not _has(await publisher.message(**{own.keyword: value}), what):
            yield f"{own.keyword}= does not arrive as {what}"
        if own.position is None and _is_positional(publisher, own):
            yield f"{own.keyword} can be given by position"
        if own.position is not None and not _has(await publisher.message_at(own.position, value), what):
            yield f"the argument at {own.position} does not arrive as {what}"


def _entries(publisher: Publisher) -> list[dict[str, Any]]:
    return next(value for value in required(publisher.label).values() if isinstance(value, list))


async def _in_envelope(
    publisher: Publisher, argument: Parameter, what: str, value: Any
) -> AsyncIterator[str]:
    library = publisher.library
    entry = next(iter(library.envelopes.values()))
    part = entry.headers if what == "headers" else entry.correlation_id
    if part is None:
        return
    carried = {part.keyword: value}
    named = await publisher.message(**{argument.keyword: envelope(library.library, **carried)})
    if not _has(named, what):
        yield f"{what} in {argument.keyword}= do not arrive"
    placed = argument.position
    if placed is None or not _has(
        await publisher.message_at(placed, envelope(library.library, **carried)), what
    ):
        yield f"{what} in the argument at {argument.position} do not arrive"


async def _open(publisher: Publisher) -> AsyncIterator[str]:
    """A keyword that the method does not name becomes a property of the message, or does not."""
    try:
        found = await publisher.message(**{BOGUS: "7"})
    except Exception:  # noqa: BLE001 each library refuses in its own way
        found = None
    if (found is not None and BOGUS in found.headers) != publisher.publishing.open:
        yield f"takes {'only its own' if publisher.publishing.open else 'any'} keywords"


# -- What can be seen without publishing --------------------------------------------------------------


def _is_importable(name: str) -> bool:
    return not name.startswith(WITHOUT_IMPORT)


def _tell(label: str, check: Callable[[], Iterator[str]]) -> Iterator[str]:
    try:
        yield from check()
    except (LookupError, AttributeError, ImportError, TypeError, ValueError) as error:
        yield f"{label}: {type(error).__name__}: {error}"


def _names(library: Library) -> Iterator[str]:
    for group in (library.queues, library.envelopes, library.tasks):
        for name, entry in group.items():
            yield from _tell(name, lambda n=name, e=entry: _aliases(n, e))  # type: ignore[misc]
    for name, client in library.queues.items():
        yield from _tell(name, lambda n=name, c=client: _kin(n, c))  # type: ignore[misc]


def _aliases(name: str, entry: Any) -> Iterator[str]:
    if not _is_importable(name):
        return
    found = resolve(name)
    for alias in entry.aliases:
        if resolve(alias) is not found:
            yield f"{alias} is not {name}"


def _kin(name: str, client: QueueClient) -> Iterator[str]:
    found = {kin: resolve(kin) for kin in client.kin if _is_importable(kin)}
    for kin, one in found.items():
        other = resolve(name)
        related = issubclass(one, other) or issubclass(other, one)
        # An abstract class and a concrete one are kin through the one that is both.
        if not related and not any(
            issubclass(each, one) and issubclass(each, other) for each in found.values()
        ):
            yield f"{kin} is no kin of {name}"
    if _is_importable(name):
        taken = parameters_of(resolve(name).__init__) if client.address else []
        yield from _address(name, client.address, taken)


def _address(label: str, address: dict[Any, Parameter], taken: list[str]) -> Iterator[str]:
    for role, argument in address.items():
        if argument.position is None and argument.keyword in taken:
            yield f"{label} takes the {role} by position too"
        if argument.position is None or not argument.keyword:
            continue
        if taken[argument.position : argument.position + 1] != [argument.keyword]:
            yield f"{label} takes {taken}, not the {role} at {argument.position}"


def _consuming(library: Library) -> Iterator[str]:
    for name, client in library.queues.items():
        for consuming in client.consuming:
            for method in consuming.names:
                label = f"{name}.{method}"
                yield from _tell(label, lambda n=name, m=method, c=consuming: _consumes(n, m, c))  # type: ignore[misc]


def _consumes(name: str, method: str, consuming: Consuming) -> Iterator[str]:
    if not _is_importable(name):
        return
    function = getattr(resolve(name), method)
    if inspect.iscoroutinefunction(function) == consuming.blocking:
        yield f"{name}.{method} is {'awaited' if consuming.blocking else 'not awaited'}"
    given = [*consuming.source.values(), *([consuming.handler] if consuming.handler else [])]
    taken = parameters_of(function) if given and type(function).__name__ != "method_descriptor" else None
    for argument in given if taken is not None else ():
        if argument.position is None or taken[argument.position] != argument.keyword:  # type: ignore[index]
            yield f"{name}.{method} takes {taken}"
    if consuming.handler and consuming.handler.keyword not in NAMES_OF_A_FUNCTION:
        yield f"{name}.{method} takes no function as {consuming.handler.keyword}"


def _envelopes(library: Library) -> Iterator[str]:
    for name, entry in library.envelopes.items():
        taken = parameters_of(resolve(name).__init__)
        for argument in filter(None, (entry.headers, entry.correlation_id)):
            position = taken.index(argument.keyword) if argument.keyword in taken else None
            known = inspect.signature(resolve(name).__init__).parameters
            if position != argument.position or argument.keyword not in known:
                yield f"{name} takes {argument.keyword} at {position}"


def _makings(library: Library, stage: Stage) -> Iterator[str]:
    for name, client in library.queues.items():
        for attribute, returns in client.holds.items():
            held = getattr(stage.objects[name], attribute, None)
            if type(held).__name__ not in (returns.rpartition(".")[2],):
                yield f"{name}.{attribute} is {held}, no {returns}"
        for making in client.makes:
            for method in making.names:
                label = f"{name}.{method}"
                made = stage.objects.get(name)
                yield from _tell(label, lambda o=made, m=method, e=making, a=label: _makes(o, m, e, a))  # type: ignore[misc]


def _makes(maker: Any, method: str, making: Making, label: str) -> Iterator[str]:
    function = getattr(maker, method)
    declared = inspect.signature(function).return_annotation
    wanted = making.returns.rpartition(".")[2]
    if making.service:
        made = type(function(making.service))
        service = getattr(made, "__module__", "")
        if made.__name__ not in (wanted, f"{making.service}.{wanted}"):
            yield f"{label}({making.service!r}) returns {service}.{made.__name__}"
    elif inspect.iscoroutinefunction(function) or declared is not inspect.Signature.empty:
        if wanted.removeprefix("Robust") not in str(declared):
            yield f"{label} returns {declared}"
    elif not making.address and type(function()).__name__ != wanted:
        yield f"{label} returns {type(function()).__name__}"
    else:
        yield from _made_for(function, making, label, wanted)
    if all(argument.keyword in parameters_of(function) for argument in making.address.values()):
        yield from _address(label, making.address, parameters_of(function))


def _made_for(function: Any, making: Making, label: str, wanted: str) -> Iterator[str]:
    """An object made for a place knows that place."""
    for role, argument in making.address.items():
        place = new_place()
        try:
            named = resolve("kombu.Exchange")(place) if role == "exchange" else place
            made = function(**{argument.keyword: named}) if argument.keyword else function(place)
        except PublishedError:  # asks the service by that name
            if wanted not in _results_of_actions(function.__self__):
                yield f"{label} returns no {wanted}"
            continue
        if type(made).__name__.rpartition(".")[2] not in (wanted, wanted.replace("Queue", "Buffer")):
            yield f"{label} returns {type(made).__name__}"
        if place not in str({**vars(made), "text": str(made), "url": getattr(made, "url", "")}):
            yield f"{label}: {argument.keyword} is not its {role}"


def _results_of_actions(resource: Any) -> set[str]:
    """The classes that the actions of a boto3 resource return."""
    actions = resource.meta.resource_model.actions
    return {action.resource.type for action in actions if action.resource is not None}


def _tasks(library: Library) -> Iterator[str]:
    for name, task in library.tasks.items():
        yield from _tell(name, lambda n=name, t=task: _task(n, t))  # type: ignore[misc]


def _task(name: str, task: Any) -> Iterator[str]:
    place = new_place()
    decorate = resolve(name)
    if name == "celery.Celery.task":
        decorate = resolve("celery.Celery")("proof", broker="memory://").task
    made = decorate(**{task.name.keyword: place, task.queue.keyword: "slow"})(nothing)
    made = made._get_current_object() if hasattr(made, "_get_current_object") else made
    if not isinstance(made, resolve(task.makes)):
        yield f"{name} makes {type(made).__name__}"
    if place not in (getattr(made, "name", ""), getattr(made, "actor_name", "")):
        yield f"{name} is not named by {task.name.keyword}"
    if "slow" not in (getattr(made, "queue", ""), getattr(made, "queue_name", "")):
        yield f"{name} is not sent to {task.queue.keyword}"
