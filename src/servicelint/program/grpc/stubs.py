"""Stubs: generated classes, one a gRPC service, whose attributes are its remote methods.

They are known by their modules' names (``…_pb2_grpc``), whether these are in the tree or not; a class called
``…Stub`` of any other library is one if it is built with a channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.catalog.loader import STUB
from servicelint.facts import record
from servicelint.program.evaluation.values import ClassRef, External, Instance, Value, Values
from servicelint.program.linking.index import last_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicelint.catalog.model import Arity, Stub
    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.program import Program
    from servicelint.program.sites import Target

_ASYNC_STUB = "AsyncStub"  # the annotations of mypy-protobuf keep the two kinds apart by this ending

SETATTR_ARGUMENTS = 3


class Stubs:
    """Answers what an attribute of a stub is, and over which channel a stub sends."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.described_as_open: Callable[[], list[str]] = list
        """The streaming methods that `.proto` files say stay open, as ``Service.Method``."""

    def of(self, instance: Instance) -> Stub | None:
        """What is known of an object's generated class, if it has one."""
        klass = self.generated(instance.of)
        if klass is None:
            return None
        named = self.program.catalog.stub(self._name(klass))
        return named or self._by_channel(instance.arguments)

    def generated(self, of: ClassRef | External) -> ClassRef | External | None:
        """The generated class that a class is or inherits from."""
        order = [of] if isinstance(of, External) else self.program.attributes.classes.order(of)
        for klass in order:
            if isinstance(klass, External):
                is_known = self.program.catalog.entry(klass.name) is not None
                return klass if klass.name.endswith(STUB) and not is_known else None
            if self.program.catalog.stub(self._name(klass)):
                return klass
        return None

    def made(self, callee: External, arguments: Arguments) -> Instance | None:
        """The stub that calling a library's symbol makes, if it makes one."""
        made = Instance(callee, arguments.call, arguments)
        return made if self.of(made) is not None else None

    def methods(self, instance: Instance, name: str) -> Values:
        """The remote method ``name`` of a stub, for each kind of channel it can have; () if it has none."""
        klass = self.generated(instance.of)
        if klass is None or name.startswith("_") or self._is_own(instance.of, klass, name):
            return ()
        stub = self.of(instance)
        word = self._word(klass, name)
        if stub is None or word is None:
            return ()
        classes = self._channel_classes(instance, stub) or [self._default(klass, stub)]
        found = dict.fromkeys(_method_class(stub.methods[each], word) for each in classes)
        return tuple(
            Instance(
                External(each), instance.made, instance.arguments, (), instance, self._label(klass, name)
            )
            for each in found
        )

    def channels(self, instance: Instance) -> list[Instance]:
        """The channels that a stub, or what it or a channel handed out, can send over; [] if unknown."""
        maker = instance.maker
        if maker is None:
            return []
        stub = self.of(maker)
        if stub is None:
            return [maker]
        return self._given_channels(stub, maker.arguments)

    def arity(self, instance: Instance) -> Arity | None:
        """How a remote method streams; None if it can't be told."""
        if instance.maker is not None and self.of(instance.maker) is not None:
            klass = self.generated(instance.maker.of)
            if klass is None or not self._word(klass, instance.label.rpartition(".")[2]):
                return None
        found = self.program.clients.of(instance)
        return found[1].arity if found else None

    def stream(self, target: Target) -> str:
        """The name of the remote method that is called, if it may answer with a stream; else ""."""
        method, instance = target.method, target.instance
        if method is not None and method.arity is not None:
            return self.program.calls.first_text(target.arguments) if _is_stream(method.arity) else ""
        if instance is None or target.client is None or target.client.arity is None:
            return ""
        return instance.label if _is_stream(self.arity(instance)) else ""

    def is_described_as_open(self, stream: str) -> bool:
        """Whether a `.proto` file says that a stream (``Stub.Method``, ``/Service/Method``) stays open."""
        service, _, method = stream.strip("/").replace("/", ".").rpartition(".")
        service = service.rpartition(".")[2]
        names = {_plain_name(f"{service}.{method}"), _plain_name(f"{service.removesuffix(STUB)}.{method}")}
        return bool(stream) and any(_plain_name(each) in names for each in self.described_as_open())

    # --- the generated class ---------------------------------------------------------------------

    def _is_own(self, of: ClassRef | External, generated: ClassRef | External, name: str) -> bool:
        """Whether a class of the program's own, below the generated one, has the attribute itself."""
        if isinstance(of, External):
            return False
        classes = self.program.attributes.classes
        order = classes.order(of)
        below = [klass for klass in order[: order.index(generated)] if isinstance(klass, ClassRef)]
        return any(
            name in classes.scope_of(klass).final
            or classes.own_writes(klass, name)
            or self._sets_any_attribute(klass)
            for klass in below
        )

    def _sets_any_attribute(self, klass: ClassRef) -> bool:
        """``for name in METHODS: setattr(self, name, wrapped(getattr(self, name)))``: it may be any."""
        return any(
            last_name(call.callee) == "setattr"
            and len(call.arguments) == SETATTR_ARGUMENTS
            and not isinstance(call.arguments[1].value, record.Constant)
            and self.program.attributes.classes.receiver_class(
                klass.module, call.scope, call.arguments[0].value
            )
            == klass.index
            for call in klass.module.facts.calls
        )

    def _word(self, klass: ClassRef | External, name: str) -> str | None:
        """The word that makes a method in the generated code, "" if that is not at hand; None: no method."""
        if isinstance(klass, External) or not name:
            return ""
        for write in self.program.attributes.classes.own_writes(klass, name):
            if isinstance(write.value, record.CallValue):
                return last_name(klass.module.facts.calls[write.value.call].callee)
        return None

    def _name(self, klass: ClassRef | External) -> str:
        if isinstance(klass, External):
            return klass.name
        return f"{klass.module.name}.{self.program.attributes.classes.record_of(klass).name}"

    def _label(self, klass: ClassRef | External, name: str) -> str:
        return f"{self._name(klass).rpartition('.')[2]}.{name}"

    # --- its channel -----------------------------------------------------------------------------

    def _by_channel(self, arguments: Arguments | None) -> Stub | None:
        for stub in self.program.catalog.stubs:
            if self._given_channels(stub, arguments):
                return stub
        return None

    def _given_channels(self, stub: Stub, arguments: Arguments | None) -> list[Instance]:
        if arguments is None:
            return []
        evaluator = self.program.evaluator
        slot = stub.channel
        given = evaluator.expand_all(evaluator.argument(arguments, slot.keyword, slot.position))
        return [
            value for value in given if isinstance(value, Instance) and self._class_of(value) in stub.methods
        ]

    def _class_of(self, channel: Value) -> str | None:
        return self.program.clients.name_of(channel.of) if isinstance(channel, Instance) else None

    def _channel_classes(self, instance: Instance, stub: Stub) -> list[str]:
        classes = [self._class_of(channel) for channel in self._given_channels(stub, instance.arguments)]
        return [name for name in classes if name]

    def _default(self, klass: ClassRef | External, stub: Stub) -> str:
        names = list(stub.methods)
        return names[-1 if self._name(klass).endswith(_ASYNC_STUB) else 0]


def _is_stream(arity: Arity | None) -> bool:
    """Whether a remote method answers with a stream; where that can't be told it may."""
    return arity is None or arity.endswith("_stream")


def _plain_name(name: str) -> str:
    """A name as all generators have it: betterproto calls methods by Python's custom."""
    return name.replace("_", "").lower()


def _method_class(methods: dict[str, str], word: str) -> str:
    """The class of a method: as the generated code makes it, else as most are."""
    return methods.get(word) or next(iter(methods.values()))
