"""Catalogs with one fact changed: what the proofs must notice, if they prove anything.

Each mutation comes in a library that holds only the entry it concerns, so that it is quick to check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import structs

from tests.catalog.conformance import is_shared, takes_keyword_only
from tests.catalog.facts import changed_facts, each_changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.catalog.model import (
        Client,
        Library,
        Meaning,
        Method,
        Scope,
        Sender,
        TimeoutClass,
        TimeoutParameter,
    )
    from tests.catalog.facts import Path

WAITS = ("forever", "socket-default", "client-default", "library-default", "immediate", "raises")
OTHER_KIND = {"total": "per-operation", "per-operation": "total", "headers": "per-operation"}
# A value that is given leaves the library's and the socket's defaults out of play.
OPPOSITE = {
    "forever": ("raises", "immediate"),
    "raises": ("forever", "immediate"),
    "immediate": ("forever", "raises"),
    "library-default": ("immediate", "raises"),
    "client-default": ("immediate", "raises"),
}
ALIEN = "collections.OrderedDict"
BOGUS = "servicelint_bogus"
UNSEEN = {"like"}
"""Only the file's own: entries are whole once they are read."""


class Mutation(NamedTuple):
    """A library with one entry, one fact of which is wrong."""

    name: str
    library: Library


def alone(library: Library, group: str, name: str, entry: Any) -> Library:
    """The library with only one entry of one group."""
    groups: dict[str, Any] = {"senders": {}, "clients": {}, "timeouts": {}, "scopes": {}}
    return structs.replace(library, **{**groups, group: {name: entry}})


def mutations_of(library: Library) -> Iterator[Mutation]:
    """The library's facts, each changed once (or once for each other value)."""
    mutators: dict[str, Callable[[Any], Iterator[tuple[str, Any]]]] = {
        "senders": _of_sender,
        "clients": _of_client,
        "scopes": _of_scope,
    }
    for group, mutate in mutators.items():
        changed_already: set[Path] = set()
        for name, entry in getattr(library, group).items():
            for changed, mutant in mutate(entry):
                if not ("position" in changed and takes_keyword_only(name)):
                    yield Mutation(f"{name}: {changed}", alone(library, group, name, mutant))
                changed_already.update(changed_facts(entry, mutant, (name,)))
        yield from _stated(library, group, changed_already)
    yield from _of_timeouts(library)
    for name, meaning in own_meanings(library):
        for changed, mutant in (*_of_meaning(meaning), *_of_pair(meaning)):
            yield Mutation(
                f"{library.library} {name}: {changed}",
                structs.replace(library, meanings={**library.meanings, name: mutant}),
            )
        renamed = {(BOGUS if each == name else each): one for each, one in library.meanings.items()}
        yield Mutation(f"{library.library} {name}: the name", structs.replace(library, meanings=renamed))


def _of_timeouts(library: Library) -> Iterator[Mutation]:
    """Timeout classes are tried out on the library's functions."""
    for name, timeout in library.timeouts.items():
        seen = {path for _, one in _of_timeout_class(timeout) for path in changed_facts(timeout, one)}
        stated = (
            (" ".join(map(str, path)), mutant)
            for path, mutant in each_changed({name: timeout})
            if path[1:] not in seen
        )
        named = ((changed, {name: mutant}) for changed, mutant in _of_timeout_class(timeout))
        for changed, timeouts in (*named, *stated):
            yield Mutation(f"{name}: {changed}", structs.replace(library, clients={}, timeouts=timeouts))


def _stated(library: Library, group: str, changed_already: set[Path]) -> Iterator[Mutation]:
    """The other facts that the library's file states of a group, each changed once, whatever they are."""
    for name, entry in getattr(library, group).items():
        for path, mutant in each_changed({name: entry}):
            if path in changed_already:
                continue
            if path[-1] not in UNSEEN and not ("position" in path and takes_keyword_only(name)):
                [(called, changed)] = mutant.items()
                told = f"{' '.join(map(str, path))}: otherwise"
                yield Mutation(told, alone(library, group, called, changed))


def own_meanings(library: Library) -> Iterator[tuple[str, Meaning]]:
    """The meanings that some entry doesn't share with the one it is like."""
    entries = [*library.senders.values(), *library.clients.values()]
    own = set()
    for entry in entries:
        taking = [getattr(entry, "timeout", None), getattr(entry, "constructor", None)]
        taking += [method.timeout for method in getattr(entry, "methods", ())]
        own |= {each.meaning for each in taking if each and not is_shared(library, entry, each)}
    return ((name, meaning) for name, meaning in library.meanings.items() if name in own)


def _changes(entry: Any, **others: Any) -> Iterator[tuple[str, Any]]:
    """The entry with one field changed, for each field and each other value given."""
    for field, values in others.items():
        for value in values:
            if value != getattr(entry, field):
                yield f"{field} = {value!r}", structs.replace(entry, **{field: value})


def _other_position(position: int | None) -> tuple[int, ...]:
    return (2,) if position is None else (position + 1, position - 1)


def _of_parameter(parameter: TimeoutParameter) -> Iterator[tuple[str, TimeoutParameter]]:
    yield from _changes(
        parameter,
        keyword=("servicelint_timeout",),
        position=_other_position(parameter.position),
        omitted=WAITS,
    )


def _nested(
    entry: Any, field: str, mutate: Callable[[Any], Iterator[tuple[str, Any]]]
) -> Iterator[tuple[str, Any]]:
    if getattr(entry, field):
        for changed, mutant in mutate(getattr(entry, field)):
            yield f"{field}.{changed}", structs.replace(entry, **{field: mutant})


def _of_sender(sender: Sender) -> Iterator[tuple[str, Sender]]:
    seconds = (sender.default_seconds or 0) + 1
    yield from _changes(
        sender,
        blocking=(not sender.blocking,),
        aliases=((ALIEN,),),
        url=((sender.url or 0) + 1,),
        omitted=WAITS if sender.timeout is None else (),
        default_seconds=(seconds,),
        default_kind=(OTHER_KIND.get(sender.default_kind or ""), "total"),
    )
    yield from _nested(sender, "timeout", _of_parameter)


def _of_client(client: Client) -> Iterator[tuple[str, Client]]:
    yield from _changes(
        client,
        blocking=(not client.blocking,),
        aliases=((ALIEN,),),
        factories=((*client.factories, ALIEN),),
        attribute=("servicelint_attribute",),
        omitted=WAITS,
        default_seconds=((client.default_seconds or 0) + 1,),
        default_kind=(OTHER_KIND.get(client.default_kind or ""), "total"),
        transport_position=_other_position(client.transport_position) if client.transport else (),
        transport=("servicelint_transport",) if client.transport else (),
    )
    yield from _nested(client, "constructor", _of_parameter)
    yield from _nested(client, "mounting", _of_mounting)
    for number, method in enumerate(client.methods):
        for changed, mutant in _of_method(method):
            methods = (*client.methods[:number], mutant, *client.methods[number + 1 :])
            yield f"{method.names[0]}: {changed}", structs.replace(client, methods=methods)


def _of_mounting(mounting: Any) -> Iterator[tuple[str, Any]]:
    yield from _changes(mounting, method=("close",), hook=("close",), transports=((ALIEN,),))
    position = mounting.timeout.position
    for other in _other_position(position):
        yield (
            f"timeout.position = {other}",
            structs.replace(mounting, timeout=structs.replace(mounting.timeout, position=other)),
        )


def _of_method(method: Method) -> Iterator[tuple[str, Method]]:
    yield from _changes(
        method,
        names=((*method.names, "servicelint_method"),),
        url=((method.url or 0) + 1,) if method.url is not None else (),
        through=((*method.through, "close"), method.through[:-1], method.through[::-1])
        if method.through
        else (),
        returns=(ALIEN,) if method.returns else (),
        sends=(not method.sends,) if not method.sends else (),
    )
    yield from _nested(method, "timeout", _of_parameter if method.sends else _of_keyword)


def _of_keyword(parameter: TimeoutParameter) -> Iterator[tuple[str, TimeoutParameter]]:
    yield from _changes(parameter, keyword=("servicelint_timeout",))


def _of_scope(scope: Scope) -> Iterator[tuple[str, Scope]]:
    awaitable = 0 if scope.awaitable is None else scope.awaitable + 1
    yield from _changes(
        scope,
        keyword=("servicelint_timeout",),
        position=_other_position(scope.position),
        none=("forever", "raises"),
        awaitable=(awaitable,),
        aliases=((ALIEN,),),
    )


def _of_timeout_class(timeout: TimeoutClass) -> Iterator[tuple[str, TimeoutClass]]:
    yield from _changes(
        timeout,
        parameters=((*timeout.parameters, "servicelint"), timeout.parameters[1:], timeout.parameters[::-1]),
        unset=("raises", "forever", "socket-default", "library-default"),
        pair=(timeout.pair[::-1],),
        aliases=((ALIEN,),),
    )
    for number, part in enumerate(timeout.answer):
        changes = _changes(
            part,
            parameter=("servicelint_part",),
            kind=(OTHER_KIND[part.kind],),
            none=OPPOSITE[part.none],
            zero=OPPOSITE[part.zero],
            negative=OPPOSITE[part.negative],
            connects=(not part.connects,),
            # Where the first part given decides, what another one left out means says nothing.
            omitted=("socket-default", "forever", "raises") if timeout.decided_by == "any" else (),
        )
        for changed, mutant in changes:
            answer = (*timeout.answer[:number], mutant, *timeout.answer[number + 1 :])
            yield f"{part.parameter}: {changed}", structs.replace(timeout, answer=answer)


def _of_pair(meaning: Meaning) -> Iterator[tuple[str, Meaning]]:
    if meaning.pair:
        yield "pair turned round", structs.replace(meaning, pair=meaning.pair[::-1])
        yield "pair of something else", structs.replace(meaning, pair=(BOGUS, *meaning.pair[1:]))


def _of_meaning(meaning: Meaning) -> Iterator[tuple[str, Meaning]]:
    yield from _changes(
        meaning,
        kind=(OTHER_KIND[meaning.kind],),
        none=WAITS,
        zero=OPPOSITE[meaning.zero],
        negative=OPPOSITE[meaning.negative],
        infinite=OPPOSITE[meaning.infinite],
        answer=tuple(part for part in meaning.pair if part != meaning.answer),
        objects=((*meaning.objects, ALIEN),),
    )
