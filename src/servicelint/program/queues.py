"""Messages: which calls hand one to a broker, where it goes, and what it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from servicelint.catalog.messaging import (
    Consuming,
    Envelope,
    Making,
    Publishing,
    QueueClient,
    Role,
    TaskDecorator,
)
from servicelint.facts import record
from servicelint.program.evaluation.values import (
    MISSING,
    NONE,
    UNKNOWN,
    CallRef,
    ClassRef,
    External,
    ExternalMethod,
    FunctionRef,
    Instance,
    Value,
    Values,
    merge,
)
from servicelint.program.linking.reads import Memo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.catalog.record import Parameter
    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program


class Publication(msgspec.Struct, frozen=True):
    """A call that hands a message to a broker. ``entry`` is the catalog's name of what it is called on."""

    ref: CallRef
    entry: str
    method: str
    publishing: Publishing
    arguments: Arguments
    instance: Instance

    @property
    def name(self) -> str:
        """What is called, in the library's words."""
        return f"{self.entry}.{self.method}"


class Subscription(msgspec.Struct, frozen=True):
    """A call that receives messages from a broker, or says that it will."""

    ref: CallRef
    entry: str
    method: str
    consuming: Consuming
    arguments: Arguments
    instance: Instance

    @property
    def name(self) -> str:
        """What is called, in the library's words."""
        return f"{self.entry}.{self.method}"


class Queues:
    """Finds publications and subscriptions, and the objects that lead to them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._known: Memo[Module, list[Publication | Subscription]] = Memo(program.reads)
        self._tasks: Memo[tuple[Module, int], str] = Memo(program.reads)
        self._open: set[tuple[Module, int]] = set()

    # --- objects ---------------------------------------------------------------------------------

    def client(self, instance: Instance) -> tuple[str, QueueClient] | None:
        """The cataloged queue client that an object is, with its canonical name."""
        name = self.program.clients.name_of(instance.of)
        entry = self.program.catalog.entry(name) if name else None
        return (name, entry) if name and isinstance(entry, QueueClient) else None

    def making(self, called: ExternalMethod, service: Callable[[], str]) -> Making | None:
        """What a method hands out; ``service`` tells the call's first argument, where that decides."""
        found = self.client(called.instance)
        makings = [making for making in found[1].makes if called.name in making.names] if found else []
        for making in makings:
            if not making.service or making.service == service():
                return making
        return None

    def of_task(self, function: FunctionRef, name: str) -> Values:
        """An attribute of a function that its decorator made a task: ``add.delay``."""
        key = (function.module, function.index)
        if key in self._open:  # its own decorators are being evaluated
            return (UNKNOWN,)
        self._open.add(key)
        try:
            made = self._tasks.answer(key, lambda: self._task_class(function))
        finally:
            self._open.discard(key)
        return (ExternalMethod(Instance(External(made)), name),) if made else (UNKNOWN,)

    def _task_class(self, function: FunctionRef) -> str:
        """The class that a function's decorator makes it an object of, "" if it makes no task."""
        described = function.module.facts.functions[function.index]
        frame = self.program.root_frame(function.module, described.outer_scope)
        for decorator in described.decorators:
            if isinstance(decorator, record.CallValue):
                decorator = function.module.facts.calls[decorator.call].callee  # noqa: PLW2901
            for value in self.program.evaluator.values(decorator, frame):
                entry = self.program.catalog.entry(self._decorator_name(value))
                if isinstance(entry, TaskDecorator):
                    return entry.makes
        return ""

    def _decorator_name(self, value: Value) -> str:
        if isinstance(value, External):
            return value.name
        if isinstance(value, ExternalMethod):
            owner = self.program.clients.name_of(value.instance.of)
            return f"{owner}.{value.name}"
        return ""

    # --- publications ----------------------------------------------------------------------------

    def publications(self, module: Module) -> list[Publication]:
        """The calls of a module that hand a message to a broker, in source order."""
        return [each for each in self._of(module) if isinstance(each, Publication)]

    def subscriptions(self, module: Module) -> list[Subscription]:
        """The calls of a module that receive messages from a broker, in source order."""
        return [each for each in self._of(module) if isinstance(each, Subscription)]

    def _of(self, module: Module) -> list[Publication | Subscription]:
        return self._known.answer(module, lambda: list(self._find(module)))

    def _find(self, module: Module) -> Iterator[Publication | Subscription]:
        carriers = self.program.carriers
        if not carriers.visited(module):
            return
        evaluator = self.program.evaluator
        for number, call in enumerate(module.facts.calls):
            if not isinstance(call.callee, record.Attribute) or not carriers.may_send(module, call):
                continue
            ref = CallRef(module, number)
            frame = self.program.frame_of_call(ref)
            if evaluator.conditions.unreachable(call.region, frame):
                continue
            callees = evaluator.expand_all(evaluator.values(call.callee, frame))
            found = (self._described(ref, callee, frame) for callee in callees)
            yield from [each for each in found if each is not None][:1]

    def _described(self, ref: CallRef, callee: Value, frame: Frame) -> Publication | Subscription | None:
        """What a call of a queue client's method does with messages, if anything."""
        found = self.client(callee.instance) if isinstance(callee, ExternalMethod) else None
        if found is None or not isinstance(callee, ExternalMethod):
            return None
        written = self.program.calls.written(ref, frame)
        for publishing in found[1].publishing:
            if callee.name in publishing.names:
                return Publication(ref, found[0], callee.name, publishing, written, callee.instance)
        for consuming in found[1].consuming:
            if callee.name in consuming.names:
                return Subscription(ref, found[0], callee.name, consuming, written, callee.instance)
        return None

    # --- what a publication is given -------------------------------------------------------------

    def destination(self, publication: Publication) -> dict[Role, Values]:
        """The names of the place a message goes to, by role: the call's own, else those of its object."""
        return self._named(publication, publication.publishing.destination)

    def source(self, subscription: Subscription) -> dict[Role, Values]:
        """The names of the place that messages come from, by role: the call's own, else its object's."""
        return self._named(subscription, subscription.consuming.source)

    def _named(self, use: Publication | Subscription, own: dict[Role, Parameter]) -> dict[Role, Values]:
        found: dict[Role, Values] = dict(self._address(use.instance))
        for role, argument in own.items():
            given = self._given(use.arguments, argument)
            if MISSING in given and role in found:
                given = merge(found[role], tuple(value for value in given if value != MISSING))
            found[role] = given
        return {role: values for role, values in found.items() if values != (MISSING,)}

    def correlation_id(self, publication: Publication) -> Values:
        """What is given as a message's correlation id; MISSING among it where nothing may be given."""
        publishing = publication.publishing
        if publishing.envelope is not None:
            return merge(*(self._of_envelope(*each) for each in self.envelopes(publication))) or (MISSING,)
        own = publishing.correlation_id
        return self._given(publication.arguments, own) if own is not None else (MISSING,)

    def envelopes(self, publication: Publication) -> list[tuple[Envelope | None, Instance | None]]:
        """The objects that a message is given as, with what is known of their class.

        None where it can't be told how one was made.
        """
        envelope = publication.publishing.envelope
        given = self._given(publication.arguments, envelope) if envelope is not None else ()
        values = self.program.evaluator.expand_all(given)
        return [self._envelope(value) for value in values if value not in (MISSING, NONE)]

    def _envelope(self, value: Value) -> tuple[Envelope | None, Instance | None]:
        if isinstance(value, Instance) and isinstance(value.of, External):
            entry = self.program.catalog.entry(value.of.name)
            if isinstance(entry, Envelope) and value.arguments:
                return entry, value
        return None, None

    def _of_envelope(self, described: Envelope | None, envelope: Instance | None) -> Values:
        if described is None or envelope is None or envelope.arguments is None:
            return (UNKNOWN,)
        argument = described.correlation_id
        return self._in_envelope(envelope, envelope.arguments, argument) if argument else (MISSING,)

    def _in_envelope(self, envelope: Instance, built: Arguments, argument: Parameter) -> Values:
        for effect in reversed(envelope.effects):
            if effect.name == argument.keyword:
                return effect.values
        return self._given(built, argument)

    def _given(self, arguments: Arguments, argument: Parameter) -> Values:
        return self.program.evaluator.argument(arguments, argument.keyword, argument.position)

    def _address(self, instance: Instance) -> Iterator[tuple[Role, Values]]:
        """The names of the place that an object was made to serve."""
        found = self.client(instance)
        if found is None or instance.arguments is None or isinstance(instance.of, ClassRef):
            return
        for role, argument in self._address_taken(found[0], found[1], instance).items():
            yield role, self._given(instance.arguments, argument)

    def _address_taken(self, name: str, client: QueueClient, instance: Instance) -> dict[Role, Parameter]:
        """Where the call that made an object takes its address: a constructor or another object's method."""
        callee = instance.made.call.callee if instance.made else None
        making = self.program.catalog.making(getattr(callee, "name", ""), name)
        return making.address if making else client.address
