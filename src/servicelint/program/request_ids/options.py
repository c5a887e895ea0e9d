"""Options: what a mapping of keyword arguments has under one key, read by structure.

``requests.get(url, **options)``: the headers are what ``options`` has under ``headers``, wherever that was
put.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicelint.facts import record
from servicelint.facts.structure import parts_of
from servicelint.program.evaluation.arguments import passed_for
from servicelint.program.evaluation.values import CallRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.facts.record import Expression
    from servicelint.program.evaluation.arguments import Arguments
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
        reader = _READERS.get(type(expression))
        if reader is not None:
            reader(self, expression, module, scope, depth)
            return
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

    def _name(self, name: record.Name, module: Module, scope: int, depth: int) -> None:
        for value, number in self.reader.sources.bindings(name, module, scope):
            self.read(value, module, number, depth + 1)
        for item in added(name, module, scope):
            self.read(item, module, scope, depth + 1)
        self._items_under_key(name, module, scope, depth)

    def _mapping(self, mapping: record.Mapping, module: Module, scope: int, depth: int) -> None:
        for name, value in mapping.items:
            if name is None:
                self.read(value, module, scope, depth + 1)
            elif isinstance(name, record.Constant) and name.value == self.key:
                self._headers(value, module, scope, depth)

    def _attribute(self, attribute: record.Attribute, module: Module, scope: int, depth: int) -> None:
        writes = list(self.reader.sources.writes(attribute, module, scope))
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

    def _result(self, value: record.CallValue, module: Module, _: int, depth: int) -> None:
        """What a call returns: of a function of the program, else what it is given."""
        ref = CallRef(module, value.call)
        functions = list(self.reader.sources.functions(ref))
        for function in functions:
            facts = function.module.facts.functions[function.index]
            for returned, _region in facts.returns:
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
        taken = self.reader.taken(value, module, scope, is_options=True)
        if taken is None:
            return

        def read(arguments: Arguments) -> None:
            if taken.parameter.kind == "double-star":
                self.reader.argument(arguments, self.key, None)
                return
            given = passed_for(arguments, taken.parameter.name, taken.position)
            if given is not None and given.expression is not None and given.frame is not None:
                self.read(given.expression, given.frame.module, given.frame.scope, depth + 1)

        self.reader.by_callers(self.reader.program.callers.of(taken.function), read)


_READERS: dict[type, Callable[[Options, Any, Module, int, int], None]] = {
    record.Mapping: Options._mapping,
    record.Updated: Options._updated,
    record.CallValue: Options._result,
    record.ParameterValue: Options._parameter,
    record.Attribute: Options._attribute,
    record.Name: Options._name,
}


def added(name: record.Name, module: Module, scope: int) -> Iterator[Expression]:
    """What is appended, in the same function, to the list that a name holds."""
    for call in module.facts.calls:
        callee = call.callee
        if call.scope != scope or not isinstance(callee, record.Attribute) or callee.name not in _ADDING:
            continue
        owner = callee.value
        if isinstance(owner, record.Name) and owner.name == name.name and call.arguments:
            item = call.arguments[-1].value
            yield item if callee.name == "extend" else record.Sequence("list", (item,))


_ADDING = frozenset({"append", "extend", "insert"})
"""Methods that make a list longer."""
