"""Who calls a function: found by name first, then confirmed by evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.arguments import Arguments, Given, combined, without_first
from servicelint.program.index import last_name
from servicelint.program.parameters import has_receiver
from servicelint.program.values import (
    CallRef,
    ClassRef,
    FunctionRef,
    Partial,
    SequenceValue,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.catalog.model import Invoker
    from servicelint.program.frames import Frame
    from servicelint.program.modules import Module
    from servicelint.program.program import Program

Owner = FunctionRef | ClassRef

FURTHEST_ALIAS = 2
"""Names given on this often are followed; beyond it, everyday names would lead from anywhere to anywhere."""

_CONSTRUCTORS = ("__init__", "__new__", "__post_init__")


class Callers:
    """The calls of a function or of a record class's constructor, with the arguments they give."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._known: dict[tuple[object, ...], list[Arguments]] = {}
        self._open: set[tuple[object, ...]] = set()

    def of(self, owner: Owner) -> list[Arguments]:
        """The arguments of every call in the program that can reach ``owner``."""
        key = (type(owner), owner.module, owner.index)
        if key in self._known:
            return self._known[key]
        if key in self._open:
            return []
        self._open.add(key)
        try:
            found = list(dict.fromkeys(self._find(owner)))
        finally:
            self._open.discard(key)
        if not self._open:
            self._known[key] = found
        return found

    def _find(self, owner: Owner) -> Iterator[Arguments]:
        for module, name in self._spellings(owner):
            names = self.program.index.of(module)
            for ref in names.calls[name]:
                frame = self.program.frame_of_call(ref)
                callees = self.program.evaluator.values(ref.call.callee, frame)
                for callee in self.program.evaluator.expand_all(callees):
                    yield from self._reaching(owner, callee, self.program.calls.written(ref, frame))
            for ref, position in names.references[name]:
                yield from self._by_reference(owner, ref, position)

    def _spellings(self, owner: Owner) -> list[tuple[Module, str]]:
        """The names that a call of ``owner`` can end in, each with a module where it may."""
        found: dict[tuple[Module, str], None] = {}
        fresh = dict.fromkeys(self._first_spellings(owner))
        for _ in range(FURTHEST_ALIAS + 1):
            found |= fresh
            fresh = {other: None for each in fresh for other in self._renamed(*each) if other not in found}
        return list(found)

    def _first_spellings(self, owner: Owner) -> Iterator[tuple[Module, str]]:
        if isinstance(owner, ClassRef):
            yield from self._class_spellings(owner)
            return
        function = owner.module.facts.functions[owner.index]
        if function.klass < 0:
            users = self.program.reach.of_name(owner.module, function.name)
            yield from ((user, function.name) for user in users)
        elif function.name in _CONSTRUCTORS:
            yield from self._class_spellings(ClassRef(owner.module, function.klass))
        else:
            klass = ClassRef(owner.module, function.klass)
            for each in (klass, *self.program.attributes.classes.below(klass)):
                users = self.program.reach.of_member(each, function.name)
                yield from ((user, function.name) for user in users)

    def _class_spellings(self, klass: ClassRef) -> Iterator[tuple[Module, str]]:
        classes = self.program.attributes.classes
        for each in (klass, *classes.below(klass)):
            name = classes.record_of(each).name
            yield from ((user, name) for user in self.program.reach.of_name(each.module, name))
            yield from ((each.module, name) for name in ("cls", "__init__"))

    def _renamed(self, module: Module, name: str) -> Iterator[tuple[Module, str]]:
        """The further names that a module gives to ``name``, with the modules that may use them."""
        for alias in sorted(self.program.index.of(module).aliases[name]):
            users = [module]
            if alias.kind == "module":
                users = self.program.reach.of_name(module, alias.name)
            elif alias.kind == "attribute":
                users = self.program.reach.of_attribute(module, alias.name)
            yield from ((user, alias.name) for user in users)

    def _reaching(self, owner: Owner, callee: Value, arguments: Arguments) -> Iterator[Arguments]:
        if isinstance(callee, Partial):
            yield from self._reaching(owner, callee.function, combined(callee.arguments, arguments))
        elif isinstance(callee, FunctionRef) and isinstance(owner, FunctionRef):
            if callee.module is owner.module and callee.index == owner.index:
                function = callee.module.facts.functions[callee.index]
                unbound = has_receiver(function) and callee.receiver is None
                yield without_first(arguments) if unbound else arguments
        elif isinstance(callee, ClassRef) and self._constructs(callee, owner):
            yield arguments

    def _constructs(self, klass: ClassRef, owner: Owner) -> bool:
        """Whether building an object of ``klass`` runs ``owner``."""
        classes = self.program.attributes.classes
        if isinstance(owner, ClassRef):
            return owner in classes.order(klass) and classes.is_record(klass)
        return classes.constructor(klass) == FunctionRef(owner.module, owner.index)

    # --- by reference ----------------------------------------------------------------------------

    def _by_reference(self, owner: Owner, ref: CallRef, position: int) -> Iterator[Arguments]:
        handed = self.program.handed_on(ref)
        if handed is None or handed.position != position:
            return
        for callee in self.program.evaluator.expand_all(handed.callables):
            yield from self._reaching(owner, callee, handed.arguments)


class HandedOn:
    """A function given to something that calls it: what it can be, and the arguments that it gets."""

    def __init__(self, position: int, callables: tuple[Value, ...], arguments: Arguments) -> None:
        self.position = position
        self.callables = callables
        self.arguments = arguments


def handed_on(program: Program, ref: CallRef, frame: Frame) -> HandedOn | None:
    """What a call hands to be called, if it is one of a library's that calls what it is given."""
    spoken = sorted(program.index.of(ref.module).spoken(last_name(ref.call.callee)))
    invoker = next(
        (program.catalog.invokers[name] for name in spoken if name in program.catalog.invokers), None
    )
    position = _position(invoker, ref.call) if invoker else None
    if invoker is None or position is None:
        return None
    expression = ref.call.arguments[position].value
    if isinstance(expression, record.Constant | record.Opaque | record.CallValue):
        return None
    callees = program.evaluator.values(ref.call.callee, frame)
    if any(isinstance(callee, FunctionRef | ClassRef) for callee in callees):
        return None  # the program's own function: its body says what it does with what it is given
    return HandedOn(
        position, program.evaluator.values(expression, frame), _passed(program, invoker, ref, frame, position)
    )


def _position(invoker: Invoker, call: record.Call) -> int | None:
    for position, argument in enumerate(call.arguments):
        if argument.keyword and argument.keyword == invoker.keyword:
            return position
        if argument.stars or argument.keyword:
            continue
        if position == invoker.callable:
            return position
    return None


def _passed(program: Program, invoker: Invoker, ref: CallRef, frame: Frame, position: int) -> Arguments:
    written = program.calls.written(ref, frame)
    if invoker.passes == "rest":
        for _ in range(position + 1):
            written = without_first(written)
        return written
    positional: tuple[Given, ...] = ()
    mappings: tuple[Given, ...] = ()
    if invoker.passes == "args":
        for values in program.evaluator.argument(written, invoker.args, None):
            if isinstance(values, SequenceValue):
                positional = tuple(Given(None, None, item) for item in values.items)
        given = written.keywords.get(invoker.kwargs)
        mappings = (given,) if given else ()
    return Arguments(ref, frame, positional, (), (), mappings, "handed on")
