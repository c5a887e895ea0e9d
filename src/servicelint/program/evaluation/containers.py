"""Containers: displays, comprehensions, and what is under a key or index of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.arguments import or_else
from servicelint.program.evaluation.operations import elements, merged, sequence_item
from servicelint.program.evaluation.values import (
    MISSING,
    NONE,
    UNKNOWN,
    ClassRef,
    External,
    Literal,
    MappingValue,
    ParameterSymbol,
    SequenceValue,
    Value,
    Values,
    merge,
)

if TYPE_CHECKING:
    from servicelint.program.evaluation.evaluator import Evaluator
    from servicelint.program.evaluation.frames import Frame


class Containers:
    """Evaluates containers and look-ups in them."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._looking: set[tuple[ParameterSymbol, str]] = set()

    def subscript(self, expression: record.Subscript, frame: Frame) -> Values:
        """What ``value[index]`` is."""
        owners = self.evaluator.values(expression.value, frame)
        keys = self.evaluator.values(expression.index, frame)
        return merge(*(self.item(owner, key) for owner in self.evaluator.expand_all(owners) for key in keys))

    def item(self, owner: Value, key: Value) -> Values:
        """``owner[key]``."""
        if isinstance(owner, MappingValue):
            if isinstance(key, Literal) and isinstance(key.value, str):
                return or_else(self.lookup(owner, key.value), owner.elements or (UNKNOWN,))
            return merge(owner.elements, *(values for _, values in owner.entries)) or (UNKNOWN,)
        if isinstance(owner, SequenceValue):
            return sequence_item(owner, key)
        if isinstance(owner, ClassRef | External):  # a generic class, parametrised
            return (owner,)
        return self.evaluator.program.calls.method(owner, "__getitem__")

    def lookup(self, mapping: MappingValue, key: str) -> Values:
        """What ``mapping`` has under ``key``; MISSING is among it if it may have nothing."""
        known = mapping.entry(key)
        if known is not None:
            return known
        found: Values = (MISSING,)
        for alternatives in mapping.rest:
            other = merge(*(self.lookup_in(alternative, key) for alternative in alternatives))
            found = or_else(other, found)
        return found

    def lookup_in(self, other: Value, key: str) -> Values:
        """What one value has under ``key``; MISSING if it is no mapping."""
        if isinstance(other, MappingValue):
            return self.lookup(other, key)
        if isinstance(other, ParameterSymbol) and self.evaluator.program.parameters.is_double_star(other):
            return (ParameterSymbol(other.owner, other.index, other.name, key),)
        if isinstance(other, ParameterSymbol):
            return self._lookup_in_parameter(other, key)
        return (MISSING,) if other == NONE else (UNKNOWN,)

    def _lookup_in_parameter(self, symbol: ParameterSymbol, key: str) -> Values:
        if (symbol, key) in self._looking:  # callers that hand their keywords round in a circle
            return ()
        self._looking.add((symbol, key))
        try:
            expanded = self.evaluator.program.parameters.expand(symbol)
            found = merge(*(self.lookup_in(value, key) for value in expanded if value != symbol))
        finally:
            self._looking.discard((symbol, key))
        return found or (UNKNOWN,)

    def mapping(self, expression: record.Mapping, frame: Frame) -> Values:
        """What a dict display is."""
        mapping = MappingValue()
        for key, value in expression.items:
            values = self.evaluator.values(value, frame)
            if key is None:
                mapping = merged(mapping, values)
                continue
            keys = self.evaluator.values(key, frame)
            if len(keys) == 1 and isinstance(keys[0], Literal) and isinstance(keys[0].value, str):
                mapping = mapping.with_entry(keys[0].value, values)
            else:
                mapping = MappingValue(mapping.entries, mapping.rest, merge(mapping.elements, values))
        return (mapping,)

    def sequence(self, expression: record.Sequence, frame: Frame) -> Values:
        """What a tuple, list or set display is."""
        items: list[Values] = []
        is_open = False
        for item in expression.items:
            if isinstance(item, record.Unpacked):
                spread = self.evaluator.values(item.value, frame)
                only = spread[0] if len(spread) == 1 else UNKNOWN
                items.extend(only.items if isinstance(only, SequenceValue) else [(UNKNOWN,)])
                is_open |= not isinstance(only, SequenceValue) or only.is_open
            else:
                items.append(self.evaluator.values(item, frame))
        return (SequenceValue(tuple(items), is_open),)

    def collected(self, expression: record.Collected, frame: Frame) -> Values:
        """What a comprehension is."""
        produced = self.evaluator.values(expression.element, frame)
        if expression.kind == "dict":
            return (MappingValue(elements=produced),)
        return (SequenceValue((produced,), is_open=True),)

    def element(self, expression: record.Element, frame: Frame) -> Values:
        """What looping over something gives."""
        return merge(
            *(
                elements(value)
                for value in self.evaluator.expand_all(self.evaluator.values(expression.value, frame))
            )
        )

    def unpacked(self, expression: record.Item, frame: Frame) -> Values:
        """One part of an unpacked value."""
        index = Literal(expression.index)
        return merge(
            *(
                sequence_item(value, index) if isinstance(value, SequenceValue) else (UNKNOWN,)
                for value in self.evaluator.values(expression.value, frame)
            )
        )
