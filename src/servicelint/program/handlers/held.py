"""Which functions a structure holds: tables of handlers, lists that are filled step by step.

Evaluation follows values one by one and gives up where there are many; a table of two hundred handlers is
just that. Here only functions and classes are collected, wherever they may have been put in and whatever the
order: a list's ``append`` counts like its display. A function that is called to make the structure is read
for that one call: what other callers give it is theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from servicelint.facts import record
from servicelint.facts.structure import parts_of
from servicelint.program.evaluation.values import CallRef, ClassRef, FunctionRef, Partial

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from servicelint.facts.record import Expression
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

_FILLING = frozenset({"append", "extend", "add", "insert", "update", "setdefault", "appendleft"})
_TAKING_OUT = frozenset({"get", "pop", "values", "items", "copy", "setdefault"})
_PASSING_ON = frozenset(
    {"list", "tuple", "set", "dict", "sorted", "reversed", "chain", "iter", "enumerate", "zip"}
)

DEEPEST = 40
"""Steps from the expression that is asked about."""


class Visit(msgspec.Struct, frozen=True):
    """A function that is read for one call: ``ref``, which stands in code that was read for ``outer``."""

    function: FunctionRef
    ref: CallRef
    outer: Visit | None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Visit) and (self.function, self.ref) == (other.function, other.ref)

    def __hash__(self) -> int:
        return hash((self.function, self.ref))

    @staticmethod
    def nearest(visit: Visit | None, function: FunctionRef) -> Visit | None:
        """The call for which a function is being read, if it is."""
        while visit is not None and visit.function != function:
            visit = visit.outer
        return visit


class Held:
    """Collects the functions and classes that an expression may hold."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._seen: set[tuple[Module, int, Visit | None]] = set()
        self._found: dict[FunctionRef | ClassRef, None] = {}

    def collect(self, expression: Expression, module: Module, scope: int) -> list[FunctionRef | ClassRef]:
        """Every function or class in it, each once."""
        self._read(expression, module, scope, None, 0)
        return list(self._found)

    def _read(
        self, expression: Expression, module: Module, scope: int, visit: Visit | None, depth: int
    ) -> None:
        key = (module, id(expression), visit)
        if key in self._seen or depth > DEEPEST:
            return
        self._seen.add(key)
        if isinstance(expression, record.FunctionValue):
            self._found[FunctionRef(module, expression.function)] = None
        elif isinstance(expression, record.ClassValue):
            self._found[ClassRef(module, expression.klass)] = None
        elif isinstance(expression, record.Name):
            self._name(expression, module, scope, visit, depth)
        elif isinstance(expression, record.CallValue):
            self._result(CallRef(module, expression.call), visit, depth)
        elif isinstance(expression, record.Imported):
            self._imported(expression, module, depth)
        elif isinstance(expression, record.Attribute):
            self._typed(expression, module, scope)
        elif isinstance(expression, record.ParameterValue):
            self._parameter(module, scope, expression.index, visit, depth)
        else:
            for part in parts_of(expression):
                self._read(part, module, scope, visit, depth + 1)

    def _name(self, name: record.Name, module: Module, scope: int, visit: Visit | None, depth: int) -> None:
        scopes = module.facts.scopes
        number = scope
        while number >= 0:
            bindings = [binding for binding in scopes[number].bindings if binding.name == name.name]
            if bindings:
                for binding in bindings:
                    self._read(binding.value, module, number, visit, depth + 1)
                self._filled(name.name, module, number, visit, depth)
                return
            number = scopes[number].parent

    def _filled(self, name: str, module: Module, scope: int, visit: Visit | None, depth: int) -> None:
        """What is put into a local or global container by its methods."""
        for method in _FILLING:
            for ref in self.program.index.of(module).calls[method]:
                callee = ref.call.callee
                owner = callee.value if isinstance(callee, record.Attribute) else None
                if isinstance(owner, record.Attribute):  # ``tracing.on_request_start.append(add_id)``
                    owner = owner.value
                if not isinstance(owner, record.Name) or owner.name != name:
                    continue
                if ref.call.scope == scope or scope == 0:
                    self._arguments(ref, visit, depth)

    def _result(self, ref: CallRef, visit: Visit | None, depth: int) -> None:
        """What a call may return: of the program's functions, and of containers' methods."""
        callee, module, scope = ref.call.callee, ref.module, ref.call.scope
        if isinstance(callee, record.Attribute) and callee.name in _TAKING_OUT:
            self._read(callee.value, module, scope, visit, depth + 1)
            self._arguments(ref, visit, depth)
            return
        for function in self._called(callee, module, scope, visit, depth):
            inside = Visit(function, ref, visit)
            facts = function.module.facts.functions[function.index]
            for value in (*(value for value, _ in facts.returns), *facts.yields):
                self._read(value, function.module, facts.scope, inside, depth + 1)
        if getattr(callee, "name", "") in _PASSING_ON:
            self._arguments(ref, visit, depth)

    def _arguments(self, ref: CallRef, visit: Visit | None, depth: int) -> None:
        for argument in ref.call.arguments:
            self._read(argument.value, ref.module, ref.call.scope, visit, depth + 1)

    def _called(
        self, callee: Expression, module: Module, scope: int, visit: Visit | None, depth: int
    ) -> Iterable[FunctionRef]:
        inner = Held(self.program)
        inner._seen |= self._seen
        inner._read(callee, module, scope, visit, depth)
        return [each for each in inner._found if isinstance(each, FunctionRef)]

    def _imported(self, imported: record.Imported, module: Module, depth: int) -> None:
        origin = self.program.names.origin(imported, module)
        if origin is not None:
            self._name(record.Name(imported.member), origin, 0, None, depth + 1)

    def _typed(self, expression: Expression, module: Module, scope: int) -> None:
        for value in self.program.evaluator.typed(expression, self.program.root_frame(module, scope)):
            each = value.function if isinstance(value, Partial) else value
            if isinstance(each, FunctionRef):
                self._found[FunctionRef(each.module, each.index)] = None
            elif isinstance(each, ClassRef):
                self._found[each] = None

    def _parameter(self, module: Module, scope: int, index: int, visit: Visit | None, depth: int) -> None:
        """What a parameter gets: in the call for which its function is read, else in any."""
        number = self.program.function_of_scope(module, scope)
        if number < 0:
            return
        function = module.facts.functions[number]
        parameter = function.parameters[index]
        owner = FunctionRef(module, number)
        call = Visit.nearest(visit, owner)
        refs = [call.ref] if call else [each.call for each in self.program.callers.of(owner)]
        outer = call.outer if call else None
        is_given = False
        for ref in refs:
            for given in self._given(ref, parameter.name, index):
                is_given = True
                self._read(given, ref.module, ref.call.scope, outer, depth + 1)
        if parameter.default is not None and not (call and is_given):
            self._read(parameter.default, module, function.outer_scope, None, depth + 1)

    def _given(self, ref: CallRef, name: str, index: int) -> Iterator[Expression]:
        for position, argument in enumerate(ref.call.arguments):
            if argument.keyword == name or (not argument.keyword and position == index):
                yield argument.value
