"""Attributes: of modules, classes and objects, wherever they are set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.catalog.messaging import QueueClient
from servicelint.facts import record
from servicelint.program.evaluation.arguments import or_else
from servicelint.program.evaluation.builtins import NAMESPACES
from servicelint.program.evaluation.classes import Classes
from servicelint.program.evaluation.parameters import has_receiver, is_class_method
from servicelint.program.evaluation.values import (
    MISSING,
    NONE,
    UNKNOWN,
    ClassRef,
    External,
    ExternalMethod,
    FunctionRef,
    Instance,
    Literal,
    MappingMethod,
    MappingValue,
    ModuleValue,
    Origin,
    ParameterSymbol,
    Partial,
    Super,
    Value,
    Values,
    merge,
    without_declared,
    without_placeholder,
)

if TYPE_CHECKING:
    from servicelint.facts.record import AttributeWrite, Function
    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

PROXYING = "__getattr__"
"""The method that hands out attributes which an object has not."""

_PROPERTIES = frozenset({"property", "cached_property", "cachedproperty", "hybrid_property", "lazy_property"})


class Attributes:
    """Finds what ``owner.name`` is."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.classes = Classes(program)
        self._handing_out: set[ClassRef | External] = set()

    def of(self, owner: Value, name: str) -> Values:
        """What ``owner.name`` is."""
        if isinstance(owner, ModuleValue):
            return self.program.names.member(owner, name)
        if isinstance(owner, External):
            return self._of_external(owner, name)
        if isinstance(owner, ClassRef):
            return self._of_class(owner, name, None)
        if isinstance(owner, Instance):
            return self.of_instance(owner, name)
        if isinstance(owner, Super):
            return self._of_super(owner, name)
        if isinstance(owner, MappingValue):
            return (MappingMethod(owner, name),)
        if isinstance(owner, ParameterSymbol):
            expanded = self.program.parameters.expand(owner)
            return merge(
                *(self.of(value, name) for value in expanded if not isinstance(value, ParameterSymbol))
            )
        return self._of_callable(owner, name)

    def _of_callable(self, owner: Value, name: str) -> Values:
        """An attribute of something that is meant to be called."""
        if isinstance(owner, Partial) and name == "func":
            return (owner.function,)
        if isinstance(owner, FunctionRef):
            return self.program.queues.of_task(owner, name)
        if isinstance(owner, ExternalMethod):  # a proxy's nested names: ``server.system.listMethods``
            return (owner,) if self.program.catalog.sends_any_attribute(owner.instance.of) else (UNKNOWN,)
        return (UNKNOWN,)

    def _of_external(self, owner: External, name: str) -> Values:
        symbol = External(f"{owner.name}.{name}")
        if owner.name not in self.program.catalog.prefixes:
            return (symbol,)
        written = self._written_from_outside(owner, name)
        return merge(written, (symbol,)) if written else (symbol,)

    def _of_super(self, owner: Super, name: str) -> Values:
        order = self.classes.order(owner.of)[1:]
        return self._first(order, name, owner.instance)

    # --- objects ---------------------------------------------------------------------------------

    def of_instance(self, instance: Instance, name: str) -> Values:
        """What an attribute of an object is."""
        for effect in reversed(instance.effects):
            if effect.name == name:
                return effect.values
        remote = self.program.stubs.methods(instance, name)
        if remote:
            return remote
        if isinstance(instance.of, External):
            return self._of_external_instance(instance, name)
        if self.program.evaluator.is_shallow and instance.made is None:
            return (UNKNOWN,)
        order = self.classes.order(instance.of)
        written = self._written(instance, order, name)
        declared = self._first(order, name, instance)
        if written:
            return self._with_declared(instance, name, written, declared)
        if declared == (UNKNOWN,):
            declared = self._by_hand(instance, name) or declared
        if declared != (UNKNOWN,) or instance.made is not None:
            return declared
        if self.program.evaluator.is_typed:
            return declared
        return self._in_subclasses(instance.of, name) or declared

    def _by_hand(self, instance: Instance, name: str) -> Values:
        """What a class's ``__getattr__`` hands out for an attribute that its objects have not.

        Plain values are left aside: which of them it finds under a name can't be told.
        """
        if name.startswith("__") or self.program.evaluator.is_typed or instance.of in self._handing_out:
            return ()
        self._handing_out.add(instance.of)
        try:
            hooks = [each for each in self.of_instance(instance, PROXYING) if isinstance(each, FunctionRef)]
            found = merge(*(self.program.calls.of_name(hook, name, instance) for hook in hooks))
        finally:
            self._handing_out.discard(instance.of)
        return merge(tuple(UNKNOWN if each == NONE or isinstance(each, Literal) else each for each in found))

    def _with_declared(self, instance: Instance, name: str, written: Values, declared: Values) -> Values:
        """What is assigned, with what the class says besides: a default, a type, a method."""
        said = tuple(value for value in declared if value != UNKNOWN)
        found = without_declared(without_placeholder(merge(written, said)))
        if all(value in (UNKNOWN, NONE) for value in found):
            order = self.classes.order(instance.of) if isinstance(instance.of, ClassRef) else []
            described = self.classes.described(order, name)
            return merge(described, found) if described else found
        return found

    def _of_external_instance(self, instance: Instance, name: str) -> Values:
        if instance.of == External(NAMESPACES[0]):
            return self._written_from_outside(instance.of, name) or (UNKNOWN,)
        entry = self.program.catalog.entry(instance.of.name) if isinstance(instance.of, External) else None
        if isinstance(entry, QueueClient) and name in entry.holds:
            return (Instance(External(entry.holds[name])),)
        return (UNKNOWN,) if entry is None else (ExternalMethod(instance, name),)

    def _in_subclasses(self, klass: ClassRef, name: str) -> Values:
        found = [self.of_instance(Instance(below), name) for below in self.classes.below(klass)]
        return tuple(value for value in merge(*found) if value != UNKNOWN)

    # --- classes ---------------------------------------------------------------------------------

    def _of_class(self, klass: ClassRef, name: str, instance: Value | None) -> Values:
        written = self._written_from_outside(klass, name)
        found = self._first(self.classes.order(klass), name, instance or klass)
        return without_placeholder(merge(written, tuple(v for v in found if not written or v != UNKNOWN)))

    def _first(self, order: list[ClassRef | External], name: str, receiver: Value) -> Values:
        """What the first class in resolution order that has ``name`` says of it."""
        for klass in order:
            if isinstance(klass, External):
                if self.program.catalog.entry(klass.name) is not None:
                    return self._inherited(klass, name, receiver)
                continue
            found = self._declared(klass, name, receiver)
            if found is not None:
                return found
        return (UNKNOWN,)

    def _inherited(self, klass: External, name: str, receiver: Value) -> Values:
        """A name that a cataloged base class has."""
        if isinstance(receiver, Instance):
            return (ExternalMethod(receiver, name),)
        return (External(f"{klass.name}.{name}"),)

    def _declared(self, klass: ClassRef, name: str, receiver: Value) -> Values | None:
        """What a class's body says of ``name``, as seen from ``receiver``; None if it says nothing."""
        record_class = klass.module.facts.classes[klass.index]
        scope = klass.module.facts.scopes[record_class.scope]
        if name not in scope.final:
            return None
        if self.classes.is_field(klass, name):
            return self._field(klass, name, receiver)
        frame = self.program.root_frame(klass.module, record_class.scope)
        values = self.program.evaluator.bindings(frame, scope.final[name])
        return merge(*(self._seen_from(value, receiver) for value in values))

    def _seen_from(self, value: Value, receiver: Value) -> Values:
        """A class attribute looked up on an object or class: methods bind, properties are called."""
        if not isinstance(value, FunctionRef) or value.receiver is not None:
            return (value,)
        function = value.module.facts.functions[value.index]
        if isinstance(receiver, Instance) and is_property(function):
            return self.program.calls.called(FunctionRef(value.module, value.index, receiver), None)
        if not has_receiver(function):
            return (value,)
        if is_class_method(function):
            owner = receiver.of if isinstance(receiver, Instance) else receiver
            return (FunctionRef(value.module, value.index, owner),)
        return (
            (FunctionRef(value.module, value.index, receiver),)
            if isinstance(receiver, Instance)
            else (value,)
        )

    # --- fields of record classes ----------------------------------------------------------------

    def _field(self, klass: ClassRef, name: str, receiver: Value) -> Values:
        default = self.classes.field_default(klass, name)
        if not isinstance(receiver, Instance):
            return default
        index = self.classes.fields(klass).index(name)
        if self.classes.is_settings(klass):  # the environment gives what has no default
            given = tuple(UNKNOWN if value == MISSING else value for value in default)
            return self._typed_field(klass, index, given)
        if receiver.arguments is not None:
            given = or_else(self.field_given(klass, index, receiver.arguments), default)
            return self._typed_field(klass, index, given)
        return (ParameterSymbol(klass, index, name),)

    def _typed_field(self, klass: ClassRef, index: int, values: Values) -> Values:
        if all(value == UNKNOWN for value in values):
            return self.field_type(klass, index) or values
        return values

    def field_given(self, klass: ClassRef, index: int, arguments: Arguments) -> Values:
        """What a construction gives for a record class's field, MISSING where it leaves it out."""
        name = self.classes.fields(klass)[index]
        position = None if self.classes.is_keyword_only(klass) else index
        return self.program.evaluator.argument(arguments, name, position)

    def field_type(self, klass: ClassRef, index: int) -> Values:
        """The objects that a record class's field is annotated with."""
        return self.classes.described([klass], self.classes.fields(klass)[index])

    def assigned(self, instance: Instance, name: str) -> Values:
        """What is assigned to an attribute of an object, in its class's methods or elsewhere."""
        return (
            self._written(instance, self.classes.order(instance.of), name)
            if isinstance(instance.of, ClassRef)
            else ()
        )

    # --- assignments -----------------------------------------------------------------------------

    def _written(self, instance: Instance, order: list[ClassRef | External], name: str) -> Values:
        """What methods assign to ``self.name``, and other code to ``object.name``."""
        found: list[Values] = []
        for klass in order:
            if isinstance(klass, ClassRef):
                own = self.classes.own_writes(klass, name)
                found += [self._assigned(klass.module, write, instance) for write in own]
        found.append(self._written_from_outside(instance.of, name))
        changes = self._changes(order, name)
        return tuple(self._changed(value, changes) for value in without_declared(merge(*found)))

    def _assigned(self, module: Module, write: AttributeWrite, instance: Instance) -> Values:
        asks = self._asks_receiver(module, write)
        frame = self.program.method_frame(module, write.scope, instance, asks_receiver=asks)
        evaluator = self.program.evaluator
        if evaluator.conditions.ruled_out(write.region, frame):
            return ()
        values = evaluator.values(write.value, frame)
        if write.annotation is not None:
            values = self.program.types.refine(values, write.annotation, frame)
        origin = Origin(module, write.line, f"{module.facts.scopes[write.scope].qualified_name}.{write.name}")
        return tuple(
            Literal(value.value, origin=origin)
            if isinstance(value, Literal) and value.origin is None
            else value
            for value in values
        )

    def _asks_receiver(self, module: Module, write: AttributeWrite) -> bool:
        """``self.stub = self.stub_class(channel)``: which one is up to the class below."""
        if not isinstance(write.value, record.CallValue):
            return False
        callee = module.facts.calls[write.value.call].callee
        if not isinstance(callee, record.Attribute):
            return False
        return self.classes.receiver_class(module, write.scope, callee.value) >= 0

    def _changes(self, order: list[ClassRef | External], name: str) -> list[tuple[Module, AttributeWrite]]:
        """Changes in place of what ``self.name`` holds: ``self.session.timeout = 5``, ``….mount(…)``."""
        return [
            (klass.module, write)
            for klass in order
            if isinstance(klass, ClassRef)
            for write in self.classes.nested_writes(klass, name)
        ]

    def _changed(self, value: Value, changes: list[tuple[Module, AttributeWrite]]) -> Value:
        for module, write in changes:
            frame = self.program.root_frame(module, write.scope)
            value = self.program.changes.by_write(value, write, frame)
        return value

    def _written_from_outside(self, owner: ClassRef | External, name: str) -> Values:
        """What code outside its methods assigns to an attribute of a class or of its objects."""
        if self.program.evaluator.is_typed:
            return ()
        found: list[Values] = []
        for module, write in self.program.foreign_writes(owner, name):
            frame = self.program.root_frame(module, write.scope)
            targets = self.program.evaluator.values(write.target, frame)
            if any(self._is_or_has(target, owner) for target in targets):
                found.append(self.program.evaluator.values(write.value, frame))
        return merge(*found)

    def _is_or_has(self, target: Value, owner: ClassRef | External) -> bool:
        if isinstance(target, Instance):
            target = target.of
        if isinstance(target, External) and isinstance(owner, External):
            return self.program.catalog.canonical(target.name) == self.program.catalog.canonical(owner.name)
        if isinstance(target, ClassRef) and isinstance(owner, ClassRef):
            return target in self.classes.order(owner)
        return False


def is_property(function: Function) -> bool:
    """Whether reading a method's name calls it."""
    return any(getattr(decorator, "name", "") in _PROPERTIES for decorator in function.decorators)
