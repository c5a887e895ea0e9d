"""Options: what a mapping of keyword arguments has under one key, read by structure.

``requests.get(url, **options)``: the headers are what ``options`` has under ``headers``, wherever that was
put.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.facts.structure import parts_of
from servicelint.program.evaluation.parameters import has_receiver
from servicelint.program.evaluation.values import CallRef, FunctionRef

if TYPE_CHECKING:
    from servicelint.facts.record import Expression
    from servicelint.program.evaluation.arguments import Arguments, Given
    from servicelint.program.linking.modules import Module
    from servicelint.program.request_ids.carried import HeaderReader

DEEPEST = 40
"""Steps from the argument that is asked about."""


class Options:
    """Reads what is under ``key`` of mappings, and hands it to a reader of headers."""

    def __init__(self, reader: HeaderReader, key: str) -> None:
        self.reader = reader
        self.key = key
        self._seen: set[tuple[Module, int]] = set()

    def read(self, expression: Expression, module: Module, scope: int, depth: int = 0) -> None:
        """Read one expression that stands for a mapping."""
        mark = (module, id(expression))
        if mark in self._seen or depth > DEEPEST:
            return
        self._seen.add(mark)
        if isinstance(expression, record.Mapping):
            self._mapping(expression, module, scope, depth)
        elif isinstance(expression, record.Updated):
            self._updated(expression, module, scope, depth)
        elif isinstance(expression, record.CallValue):
            self._result(CallRef(module, expression.call), depth)
        elif isinstance(expression, record.ParameterValue):
            self._parameter(expression, module, scope, depth)
        elif isinstance(expression, record.Attribute):
            self._attribute(expression, module, scope, depth)
        elif isinstance(expression, record.Name):
            for value, number in self.reader.bindings(expression, module, scope):
                self.read(value, module, number, depth + 1)
            self._items_under_key(expression, module, scope, depth)
        else:
            for part in parts_of(expression):
                self.read(part, module, scope, depth + 1)

    def _headers(self, expression: Expression, module: Module, scope: int, depth: int) -> None:
        """What is under the key."""
        self.reader.trail.is_given = True
        self.reader.read(expression, module, scope, depth + 1)

    def _items(self, owner: Expression, module: Module, depth: int) -> None:
        """``options.setdefault("headers", {})[ID] = …``: what is put into the result of a call."""
        for write in module.facts.writes:
            if write.name == "[]" and write.target == owner:
                self._headers(write.value, module, write.scope, depth)

    def _items_under_key(self, name: record.Name, module: Module, scope: int, depth: int) -> None:
        """``options["headers"][ID] = …`` in the same function."""
        for write in module.facts.writes:
            if write.name == "[]" and write.scope == scope and self._is_under_key(write.target, name.name):
                self._headers(write.value, module, scope, depth)

    def _is_under_key(self, target: Expression, name: str) -> bool:
        """Whether an expression is ``name[key]``."""
        return (
            isinstance(target, record.Subscript)
            and isinstance(target.value, record.Name)
            and target.value.name == name
            and getattr(target.index, "value", None) == self.key
        )

    def _mapping(self, mapping: record.Mapping, module: Module, scope: int, depth: int) -> None:
        for name, value in mapping.items:
            if name is None:
                self.read(value, module, scope, depth + 1)
            elif isinstance(name, record.Constant) and name.value == self.key:
                self._headers(value, module, scope, depth)

    def _attribute(self, attribute: record.Attribute, module: Module, scope: int, depth: int) -> None:
        writes = list(self.reader.writes(attribute, module, scope))
        for value, owner, number in writes:
            self.read(value, owner, number, depth + 1)
        if not writes:
            self.reader.note_unknown(f"what `{attribute.name}` holds can't be told", module)

    def _updated(self, updated: record.Updated, module: Module, scope: int, depth: int) -> None:
        self.read(updated.previous, module, scope, depth + 1)
        if updated.operation == "item" and getattr(updated.key, "value", None) == self.key:
            self._headers(updated.value, module, scope, depth)
        elif isinstance(updated.value, record.CallValue):
            ref = CallRef(module, updated.value.call)
            arguments = ref.call.arguments
            if updated.operation != "setdefault":
                self._arguments(ref, depth)
            elif len(arguments) > 1 and getattr(arguments[0].value, "value", None) == self.key:
                self._headers(arguments[1].value, module, scope, depth)
                self._items(updated.value, module, depth)

    def _result(self, ref: CallRef, depth: int) -> None:
        """What a call returns: of a function of the program, else what it is given."""
        functions = list(self.reader.functions(ref))
        for function in functions:
            facts = function.module.facts.functions[function.index]
            for returned, _ in facts.returns:
                self.read(returned, function.module, facts.scope, depth + 1)
        if not functions:
            self._arguments(ref, depth)

    def _arguments(self, ref: CallRef, depth: int) -> None:
        """``dict(options, headers=…)``, ``options.update(…)``: by keyword, or in a mapping."""
        for argument in ref.call.arguments:
            if argument.keyword == self.key:
                self._headers(argument.value, ref.module, ref.call.scope, depth)
            elif not argument.keyword:
                self.read(argument.value, ref.module, ref.call.scope, depth + 1)

    def _parameter(self, value: record.ParameterValue, module: Module, scope: int, depth: int) -> None:
        reader = self.reader
        number = reader.program.function_of_scope(module, scope)
        reader.note_parameter((module, number), is_options=True)
        if number < 0 or not reader.follows_callers:
            return
        function = module.facts.functions[number]
        parameter = function.parameters[value.index]
        position = value.index - (1 if has_receiver(function) else 0)

        def read(arguments: Arguments) -> None:
            if parameter.kind == "double-star":
                reader.argument(arguments, self.key, None)
                return
            given = passed_for(arguments, parameter.name, position)
            if given is not None and given.expression is not None and given.frame is not None:
                self.read(given.expression, given.frame.module, given.frame.scope, depth + 1)

        reader.by_callers(reader.program.callers.of(FunctionRef(module, number)), read)


def passed_for(arguments: Arguments, name: str, position: int) -> Given | None:
    """What a call gives for a parameter, by keyword or position."""
    given = arguments.keywords.get(name)
    if given is None and 0 <= position < len(arguments.positional):
        return arguments.positional[position]
    return given
