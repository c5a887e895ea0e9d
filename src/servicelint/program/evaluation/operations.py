"""Operations on values: arithmetic on literals, parts of sequences, dicts merged."""

from __future__ import annotations

from servicelint.program.evaluation.arguments import or_else
from servicelint.program.evaluation.values import (
    MISSING,
    REMAINING,
    UNKNOWN,
    Literal,
    MappingValue,
    SequenceValue,
    Value,
    Values,
    merge,
)


def merged(mapping: MappingValue, spread: Values) -> MappingValue:
    """A dict display after ``**spread``."""
    only = spread[0] if len(spread) == 1 else None
    if isinstance(only, MappingValue) and not only.rest:
        for name, values in only.entries:
            mapping = mapping.with_entry(name, or_else(values, mapping.entry(name) or (MISSING,)))
        return MappingValue(mapping.entries, mapping.rest, merge(mapping.elements, only.elements))
    return MappingValue(mapping.entries, (spread, *mapping.rest), mapping.elements)


def sequence_item(sequence: SequenceValue, key: Value) -> Values:
    """``sequence[key]``."""
    items = sequence.items
    if isinstance(key, Literal) and isinstance(key.value, int) and not sequence.is_open:
        return items[key.value] if -len(items) <= key.value < len(items) else (UNKNOWN,)
    return merge(*items) or (UNKNOWN,)


def elements(value: Value) -> Values:
    """What iterating over a value yields."""
    if isinstance(value, SequenceValue):
        return merge(*value.items)
    return (UNKNOWN,)


def computed(operator: str, left: Value, right: Value) -> Value:
    """The result of an arithmetic operation on literals, or of merging two dicts."""
    if operator == "|" and isinstance(left, MappingValue):
        return merged(left, (right,))
    if operator == "+" and (isinstance(left, SequenceValue) or isinstance(right, SequenceValue)):
        return _joined(left, right)
    if REMAINING in (left, right):  # less a margin, or a part of it
        return REMAINING
    if not isinstance(left, Literal) or not isinstance(right, Literal):
        return UNKNOWN
    one, other = left.value, right.value
    if isinstance(one, str) and isinstance(other, str) and operator == "+":
        return Literal(one + other)
    if not isinstance(one, int | float) or not isinstance(other, int | float):
        return UNKNOWN
    return _arithmetic(operator, one, other)


def _joined(left: Value, right: Value) -> Value:
    """``[first] + rest``: what can't be told of one side may be any number of elements."""
    sides = [_as_sequence(left), _as_sequence(right)]
    return SequenceValue(sides[0].items + sides[1].items, any(side.is_open for side in sides))


def _as_sequence(value: Value) -> SequenceValue:
    return value if isinstance(value, SequenceValue) else SequenceValue(((UNKNOWN,),), is_open=True)


def _arithmetic(operator: str, one: float, other: float) -> Value:
    if operator == "+":
        return Literal(one + other)
    if operator == "-":
        return Literal(one - other)
    if operator == "*":
        return Literal(one * other)
    if operator == "/" and other:
        return Literal(one / other)
    if operator == "//" and other:
        return Literal(one // other)
    return UNKNOWN
