"""The catalog of one gRPC library with one fact changed: what the proofs must notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import structs

from tests.catalog.facts import NAME, each_changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.catalog.model import (
        CallDetails,
        Channel,
        Client,
        Library,
        Meaning,
        Method,
        Slot,
        Stub,
        TimeoutParameter,
    )

ALIEN = "collections.OrderedDict"
BOGUS = "servicelint_bogus"
WAITS = ("forever", "socket-default", "client-default", "library-default", "immediate", "raises")
ARITIES = ("unary_unary", "unary_stream", "stream_unary", "stream_stream", None)


class Mutation(NamedTuple):
    """A library, one fact of which is wrong."""

    name: str
    library: Library


def mutations_of(library: Library) -> Iterator[Mutation]:
    """The library's facts, each changed once, or once for each other value."""
    groups: dict[str, Callable[[Any], Iterator[tuple[str, Any]]]] = {
        "meanings": _of_meaning,
        "clients": _of_client,
        "channels": _of_channel,
        "details": _of_details,
        "stubs": _of_stub,
    }
    for name in library.remaining:
        mutated = structs.replace(library, remaining=(name + BOGUS,))
        yield Mutation(f"{library.library}: remaining = {name + BOGUS}", mutated)
    for group, mutate in groups.items():
        entries = getattr(library, group)
        for name, entry in entries.items():
            for changed, mutant in mutate(entry):
                changed_group = {**entries, name: mutant}
                mutated = structs.replace(library, **{group: changed_group})
                yield Mutation(f"{library.library}: {name}: {changed}", mutated)
    yield from _stated(library)


def _stated(library: Library) -> Iterator[Mutation]:
    """Each fact that the library's file states, changed once, whatever it is."""
    for group in ("meanings", "clients", "channels", "details", "stubs", "generated"):
        entries = getattr(library, group)
        if group == "generated":
            entries = tuple(structs.replace(each, is_telling=False) for each in entries)
        for path, mutant in each_changed(entries) if entries else ():
            if group == "stubs" and path[1:] == (NAME,):
                continue  # a word for the file's own use
            changed = " ".join(map(str, path))
            mutated = structs.replace(library, **{group: mutant})
            yield Mutation(f"{library.library}: {group}: {changed}: otherwise", mutated)


def _changes(entry: Any, **others: Any) -> Iterator[tuple[str, Any]]:
    for field, values in others.items():
        for value in values:
            if value != getattr(entry, field):
                yield f"{field} = {value!r}", structs.replace(entry, **{field: value})


def _nested(
    entry: Any, field: str, mutate: Callable[[Any], Iterator[tuple[str, Any]]]
) -> Iterator[tuple[str, Any]]:
    if getattr(entry, field) is not None:
        for changed, mutant in mutate(getattr(entry, field)):
            yield f"{field}.{changed}", structs.replace(entry, **{field: mutant})


def _elsewhere(position: int | None) -> tuple[int, ...]:
    return (2,) if position is None else (position + 1, position - 1)


def _of_meaning(meaning: Meaning) -> Iterator[tuple[str, Meaning]]:
    yield from _changes(
        meaning,
        kind=("total", "per-operation"),
        none=WAITS,
        zero=("forever", "raises", "immediate"),
        negative=("forever", "raises", "immediate"),
        infinite=("forever", "raises", "immediate"),
    )


def _of_parameter(parameter: TimeoutParameter) -> Iterator[tuple[str, TimeoutParameter]]:
    yield from _changes(
        parameter,
        keyword=(BOGUS,),
        position=_elsewhere(parameter.position),
        omitted=WAITS,
        instead=((*parameter.instead, BOGUS), (*parameter.instead, "metadata")),
    )


def _of_client(client: Client) -> Iterator[tuple[str, Client]]:
    yield from _changes(
        client,
        blocking=(not client.blocking,),
        aliases=((*client.aliases, ALIEN),),
        factories=((*client.factories, ALIEN),),
        title=(ALIEN,),
        arity=ARITIES,
        service_config=("servicelint.config",) if client.service_config else (),
        transport=(BOGUS,),
        attribute=(BOGUS,),
        default_seconds=(1.0,),
        default_kind=("total",),
        site=("construction", "any-attribute"),
    )
    yield from _nested(client, "constructor", _of_parameter)
    for number, method in enumerate(client.methods):
        for changed, mutant in _of_method(method):
            methods = (*client.methods[:number], mutant, *client.methods[number + 1 :])
            yield f"{method.names[0]}: {changed}", structs.replace(client, methods=methods)


def _of_method(method: Method) -> Iterator[tuple[str, Method]]:
    yield from _changes(
        method,
        names=((*method.names, BOGUS),),
        sends=(not method.sends,) if method.returns else (),
        returns=(ALIEN,) if method.returns else (),
        arity=ARITIES if method.arity else (),
        through=(("close",),),
        url=(0,),
        inherits=(True,),
    )
    yield from _nested(method, "timeout", _of_parameter)


def _of_slot(slot: Slot) -> Iterator[tuple[str, Slot]]:
    yield from _changes(slot, keyword=(BOGUS,), position=_elsewhere(slot.position), rest=(not slot.rest,))


def _of_channel(channel: Channel) -> Iterator[tuple[str, Channel]]:
    for field in ("options", "interceptors", "wraps"):
        yield from _nested(channel, field, _of_slot)
        if getattr(channel, field) is not None:
            yield f"{field} = None", structs.replace(channel, **{field: None})


def _of_details(details: CallDetails) -> Iterator[tuple[str, CallDetails]]:
    yield from _changes(
        details,
        replace=(BOGUS,),
        hook=(BOGUS,),
        continuation=(details.details,),
        details=(details.continuation,),
        aliases=((ALIEN,),),
    )
    for changed, mutant in _of_slot(details.timeout):
        if not changed.startswith("rest"):
            yield f"timeout.{changed}", structs.replace(details, timeout=mutant)


def _of_stub(stub: Stub) -> Iterator[tuple[str, Stub]]:
    yield from _changes(stub, module=(BOGUS,))
    for changed, mutant in _of_slot(stub.channel):
        if not changed.startswith("rest"):
            yield f"channel.{changed}", structs.replace(stub, channel=mutant)
    for channel, methods in stub.methods.items():
        for word in methods:
            for other in (
                {**methods, word: ALIEN},
                {each: methods[each] for each in methods if each != word},
            ):
                mutated = {**stub.methods, channel: other}
                yield f"{channel} {word} = {other.get(word)}", structs.replace(stub, methods=mutated)
