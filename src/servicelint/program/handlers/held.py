"""Which functions a structure holds: tables of handlers, lists that are filled step by step.

Evaluation follows values one by one and gives up where there are many; a table of two hundred handlers is
just that. Here only functions and classes are collected, wherever they may have been put in and whatever the
order: a list's ``append`` counts like its display.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
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

_HOLDING = (
    record.Subscript, record.Element, record.Item, record.Narrowed,
    record.Awaited, record.Entered, record.Unpacked,
)  # fmt: skip

DEEPEST = 40
"""Steps from the expression that is asked about."""


class Held:
    """Collects the functions and classes that an expression may hold."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._seen: set[tuple[Module, int]] = set()
        self._found: dict[FunctionRef | ClassRef, None] = {}

    def collect(self, expression: Expression, module: Module, scope: int) -> list[FunctionRef | ClassRef]:
        """Every function or class in it, each once."""
        self._read(expression, module, scope, 0)
        return list(self._found)

    def _read(self, expression: Expression, module: Module, scope: int, depth: int) -> None:
        key = (module, id(expression))
        if key in self._seen or depth > DEEPEST:
            return
        self._seen.add(key)
        if isinstance(expression, record.FunctionValue):
            self._found[FunctionRef(module, expression.function)] = None
        elif isinstance(expression, record.ClassValue):
            self._found[ClassRef(module, expression.klass)] = None
        elif isinstance(expression, record.Name):
            self._name(expression, module, scope, depth)
        elif isinstance(expression, record.CallValue):
            self._result(CallRef(module, expression.call), depth)
        elif isinstance(expression, record.Imported):
            self._imported(expression, module, depth)
        elif isinstance(expression, record.Attribute):
            self._typed(expression, module, scope)
        elif isinstance(expression, record.ParameterValue):
            self._parameter(module, scope, expression.index, depth)
        else:
            for part in _parts(expression):
                self._read(part, module, scope, depth + 1)

    def _name(self, name: record.Name, module: Module, scope: int, depth: int) -> None:
        scopes = module.facts.scopes
        number = scope
        while number >= 0:
            bindings = [binding for binding in scopes[number].bindings if binding.name == name.name]
            if bindings:
                for binding in bindings:
                    self._read(binding.value, module, number, depth + 1)
                self._filled(name.name, module, number, depth)
                return
            number = scopes[number].parent

    def _filled(self, name: str, module: Module, scope: int, depth: int) -> None:
        """What is put into a local or global container by its methods."""
        for method in _FILLING:
            for ref in self.program.index.of(module).calls[method]:
                callee = ref.call.callee
                if not isinstance(callee, record.Attribute) or getattr(callee.value, "name", "") != name:
                    continue
                if ref.call.scope == scope or scope == 0:
                    for argument in ref.call.arguments:
                        self._read(argument.value, module, ref.call.scope, depth + 1)

    def _result(self, ref: CallRef, depth: int) -> None:
        """What a call may return: of the program's functions, and of containers' methods."""
        callee, module, scope = ref.call.callee, ref.module, ref.call.scope
        if isinstance(callee, record.Attribute) and callee.name in _TAKING_OUT:
            self._read(callee.value, module, scope, depth + 1)
            self._arguments(ref, depth)
            return
        for function in self._called(callee, module, scope):
            facts = function.module.facts.functions[function.index]
            for value in (*(value for value, _ in facts.returns), *facts.yields):
                self._read(value, function.module, facts.scope, depth + 1)
        if getattr(callee, "name", "") in _PASSING_ON:
            self._arguments(ref, depth)

    def _arguments(self, ref: CallRef, depth: int) -> None:
        for argument in ref.call.arguments:
            self._read(argument.value, ref.module, ref.call.scope, depth + 1)

    def _called(self, callee: Expression, module: Module, scope: int) -> Iterable[FunctionRef]:
        inner = Held(self.program)
        inner._seen |= self._seen
        return [each for each in inner.collect(callee, module, scope) if isinstance(each, FunctionRef)]

    def _imported(self, imported: record.Imported, module: Module, depth: int) -> None:
        origin = self.program.names.origin(imported, module)
        if origin is not None:
            self._name(record.Name(imported.member), origin, 0, depth + 1)

    def _typed(self, expression: Expression, module: Module, scope: int) -> None:
        for value in self.program.evaluator.typed(expression, self.program.root_frame(module, scope)):
            each = value.function if isinstance(value, Partial) else value
            if isinstance(each, FunctionRef):
                self._found[FunctionRef(each.module, each.index)] = None
            elif isinstance(each, ClassRef):
                self._found[each] = None

    def _parameter(self, module: Module, scope: int, index: int, depth: int) -> None:
        number = self.program.function_of_scope(module, scope)
        if number < 0:
            return
        function = module.facts.functions[number]
        parameter = function.parameters[index]
        if parameter.default is not None:
            self._read(parameter.default, module, function.outer_scope, depth + 1)
        for arguments in self.program.callers.of(FunctionRef(module, number)):
            for given in self._given(arguments.call, parameter.name, index):
                self._read(given, arguments.call.module, arguments.call.call.scope, depth + 1)

    def _given(self, ref: CallRef, name: str, index: int) -> Iterator[Expression]:
        for position, argument in enumerate(ref.call.arguments):
            if argument.keyword == name or (not argument.keyword and position == index):
                yield argument.value


def _parts(expression: Expression) -> list[Expression]:
    """What a structure is made of."""
    if isinstance(expression, record.Sequence):
        return expression.items
    if isinstance(expression, record.Mapping):
        return [value for _, value in expression.items]
    if isinstance(expression, record.Operation):
        return [expression.left, expression.right]
    if isinstance(expression, record.Choice):
        return expression.operands
    if isinstance(expression, record.Conditional):
        return [expression.body, expression.orelse]
    if isinstance(expression, record.Updated):
        return [expression.previous, expression.value]
    if isinstance(expression, record.Collected):
        return [expression.element]
    if isinstance(expression, _HOLDING):
        return [expression.value]
    return []
