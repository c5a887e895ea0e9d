"""Which handlers reach a call, and by which path: the call graph, walked from the call upwards.

An edge is a place that calls a function, or hands it on to be called. Whom a call means is told by what is
declared; where that stays open, by the method's name, if that is a telling one. A method also is called where
one that it overrides is, and a function that stands in a decorator where the decorated ones are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from servicelint.facts import record
from servicelint.program.carriers.marks import EVERYDAY
from servicelint.program.evaluation.values import (
    CallRef,
    ClassRef,
    FunctionRef,
    Instance,
    ParameterSymbol,
    Partial,
    Unknown,
    Value,
)
from servicelint.program.handlers.downstream import Downstream
from servicelint.program.linking.reach import FEW
from servicelint.program.linking.reads import Memo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.program.handlers.handler import Handler
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

DEEPEST_PATH = 30
"""Calls between a handler and what it reaches."""

MOST_VISITED = 2_000
"""Functions that are looked at for one call."""

MOST_ROOTS = 2
"""Families of classes with a method of the same name that are told apart no further."""

Function = tuple["Module", int]


class Edge(msgspec.Struct, frozen=True):
    """A place where ``callee`` is called from, or handed on to be called.

    ``caller`` is the function that the place stands in, None for a module's or class's own code. ``ref`` is
    the call; None where a function is only defined in its caller, which returns or keeps it.
    """

    caller: Function | None
    callee: Function
    ref: CallRef | None


class Reached(msgspec.Struct, frozen=True):
    """A handler that reaches a call: ``path`` leads from its first call down to the call itself."""

    handler: Handler
    path: tuple[CallRef, ...]


class Reaching:
    """Answers who calls whom, upwards."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.downstream = Downstream(program)
        self._edges: Memo[Function, list[Edge]] = Memo(program.reads)
        self._reached: Memo[CallRef, list[Reached]] = Memo(program.reads)
        self._families: Memo[str, int] = Memo(program.reads)

    # --- handlers --------------------------------------------------------------------------------

    def handlers_of(self, ref: CallRef) -> list[Reached]:
        """The handlers that reach a call, nearest first; those that answer by themselves before hooks."""
        return self._reached.answer(ref, lambda: self.walk(ref))

    def walk(self, ref: CallRef, passes: Callable[[Edge], bool] = lambda _: True) -> list[Reached]:
        """The handlers that reach a call over edges that ``passes`` lets through, nearest first."""
        function = self.function_of(ref)
        if function is None or not self.downstream.holds(ref.module):
            return []
        below: dict[Function, Edge | None] = {function: None}
        pending = [function]
        found: list[Reached] = []
        for _ in range(DEEPEST_PATH):
            fresh: list[Function] = []
            for each in pending:
                handler = self.program.handlers.of(FunctionRef(*each))
                if handler is not None:
                    found.append(Reached(handler, (*_path(each, below), ref)))
                for edge in self.edges(each):
                    if edge.caller is not None and edge.caller not in below and passes(edge):
                        below[edge.caller] = edge
                        fresh.append(edge.caller)
            pending = fresh
            if not pending or len(below) > MOST_VISITED:
                break
        return sorted(found, key=lambda each: not each.handler.is_entry)

    def function_of(self, ref: CallRef) -> Function | None:
        """The function that a call stands in."""
        number = self.program.function_of_scope(ref.module, ref.call.scope)
        return (ref.module, number) if number >= 0 else None

    # --- edges -----------------------------------------------------------------------------------

    def edges(self, callee: Function) -> list[Edge]:
        """Every place that may call a function."""
        return self._edges.answer(callee, lambda: list(dict.fromkeys(self._find(callee))))

    def _find(self, callee: Function) -> Iterator[Edge]:
        module, number = callee
        function = module.facts.functions[number]
        found = False
        for ref in self._places(FunctionRef(module, number)):
            found = True
            yield Edge(self.function_of(ref), callee, ref)
        outer = self.program.function_of_scope(module, function.outer_scope)
        if outer < 0:
            return
        for decorated in self._decorated((module, outer)):
            found = True
            yield Edge(decorated, callee, None)
        if not found:
            yield Edge((module, outer), callee, None)

    def _places(self, owner: FunctionRef) -> Iterator[CallRef]:
        function = owner.module.facts.functions[owner.index]
        is_method = function.klass >= 0
        is_special = is_method and function.name.startswith("__") and function.name.endswith("__")
        target: FunctionRef | ClassRef = ClassRef(owner.module, function.klass) if is_special else owner
        uses = self.program.callers.uses(target, self.downstream.modules)
        self.program.elsewhere.order(module for module, _ in uses)
        for module, name in uses:
            for ref in self.program.index.calls(module, name):
                if self._may_mean(ref.call.callee, module, ref.call.scope, owner, name):
                    yield ref
            for ref, position in self.program.index.references(module, name):
                argument = ref.call.arguments[position].value
                if self._may_mean(argument, module, ref.call.scope, owner, ""):
                    yield ref

    def _may_mean(
        self, callee: record.Expression, module: Module, scope: int, owner: FunctionRef, name: str
    ) -> bool:
        """Whether an expression may be ``owner``; ``name`` is "" where only what is declared counts."""
        frame = self.program.root_frame(module, scope)
        values = self.program.evaluator.typed(callee, frame)
        if any(self._runs(value, owner) for value in self.program.evaluator.typed_all(values)):
            return True
        function = owner.module.facts.functions[owner.index]
        if not name or function.klass < 0 or not isinstance(callee, record.Attribute):
            return False
        is_open = not values or any(isinstance(value, Unknown | ParameterSymbol) for value in values)
        if not is_open or not self._is_telling(name):
            return False
        return not self._is_of_another_class(callee.value, module, scope, owner)

    def _is_of_another_class(
        self, receiver: record.Expression, module: Module, scope: int, owner: FunctionRef
    ) -> bool:
        """Whether what is called on is a class of the program that has no ``owner``: a library's base has it.

        ``cls`` is left open: in a mixin it may be a class that inherits from both.
        """
        order = self.program.attributes.classes.order
        mine = ClassRef(owner.module, owner.module.facts.functions[owner.index].klass)
        caller = self.program.function_of_scope(module, scope)
        own = module.facts.functions[caller].klass if caller >= 0 else -1
        values = self.program.evaluator.typed(receiver, self.program.root_frame(module, scope))
        return bool(values) and all(
            isinstance(each, ClassRef)
            and each != ClassRef(module, own)
            and mine not in order(each)
            and each not in order(mine)
            for each in values
        )

    def _runs(self, value: Value, owner: FunctionRef) -> bool:
        """Whether calling a value may run ``owner``."""
        if isinstance(value, Partial):
            return self._runs(value.function, owner)
        if isinstance(value, ClassRef):
            return self._builds(value, owner)
        if isinstance(value, Instance) and isinstance(value.of, ClassRef):
            return self._builds(value.of, owner)
        if not isinstance(value, FunctionRef):
            return False
        return (value.module, value.index) == (owner.module, owner.index) or self._overrides(owner, value)

    def _builds(self, klass: ClassRef, owner: FunctionRef) -> bool:
        """Whether an object of a class has the special method ``owner``."""
        function = owner.module.facts.functions[owner.index]
        mine = ClassRef(owner.module, function.klass)
        return function.klass >= 0 and mine in self.program.attributes.classes.order(klass)

    def _overrides(self, owner: FunctionRef, other: FunctionRef) -> bool:
        """Whether a method may be run where another one, of a class above its own, is called."""
        mine = owner.module.facts.functions[owner.index]
        theirs = other.module.facts.functions[other.index]
        if mine.klass < 0 or theirs.klass < 0 or mine.name != theirs.name:
            return False
        order = self.program.attributes.classes.order(ClassRef(owner.module, mine.klass))
        return ClassRef(other.module, theirs.klass) in order

    # --- telling names ---------------------------------------------------------------------------

    def _is_telling(self, name: str) -> bool:
        """Whether a method's name says which classes are meant."""
        if name in EVERYDAY:
            return False
        return self._families.answer(name, lambda: self._count_families(name)) <= MOST_ROOTS

    def _count_families(self, name: str) -> int:
        """The number of families of classes that have a method of this name."""
        vocabulary = self.program.vocabulary
        defining = [each for each in vocabulary.modules_with(name) if vocabulary.defines(each, name)]
        if len(defining) > FEW:
            return FEW
        roots: set[ClassRef] = set()
        for module in defining:
            for number in self.program.index.of(module).methods[name]:
                klass = ClassRef(module, module.facts.functions[number].klass)
                order = self.program.attributes.classes.order(klass)
                roots.add([each for each in order if isinstance(each, ClassRef)][-1])
        return len(roots)

    # --- decorators ------------------------------------------------------------------------------

    def _decorated(self, decorator: Function) -> Iterator[Function]:
        """The functions that a decorator, or what a function around it returns, is put on."""
        module, number = decorator
        while number >= 0:
            function = module.facts.functions[number]
            for user in self.program.vocabulary.modules_decorating(function.name):
                for each in self.program.handlers.registrations.decorated(user, FunctionRef(module, number)):
                    yield each.module, each.index
            number = self.program.function_of_scope(module, function.outer_scope)


def _path(function: Function, below: dict[Function, Edge | None]) -> tuple[CallRef, ...]:
    """The calls that lead from a function down to where the walk began."""
    calls: list[CallRef] = []
    edge = below[function]
    while edge is not None:
        if edge.ref is not None:
            calls.append(edge.ref)
        edge = below[edge.callee]
    return tuple(calls)
