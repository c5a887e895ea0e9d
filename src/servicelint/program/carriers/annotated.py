"""What annotations say that something may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.carriers.marks import NOTHING, TRANSPARENT, YIELDING, Marks, boxed, is_symbol
from servicelint.program.linking.index import last_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicelint.facts.record import Expression
    from servicelint.program.carriers.mark_reader import MarkReader
    from servicelint.program.linking.modules import Module


def annotated(reader: MarkReader, annotation: Expression | None, module: Module, scope: int) -> Marks:
    """What an annotation's classes may be objects of."""
    if annotation is None:
        return NOTHING
    if isinstance(annotation, record.Operation):
        return _any(reader, (annotation.left, annotation.right), module, scope)
    if isinstance(annotation, record.Sequence):
        return _any(reader, annotation.items, module, scope)
    if isinstance(annotation, record.Subscript):
        return _generic(reader, annotation, module, scope)
    found: Marks = NOTHING
    for mark in reader.of(annotation, module, scope):
        found |= reader.made(mark) if is_symbol(mark) else {mark}
    return frozenset(mark for mark in found if not mark.startswith("module:"))


def _any(reader: MarkReader, annotations: Iterable[Expression], module: Module, scope: int) -> Marks:
    return frozenset(mark for each in annotations for mark in annotated(reader, each, module, scope))


def _generic(reader: MarkReader, annotation: record.Subscript, module: Module, scope: int) -> Marks:
    name = last_name(annotation.value)
    parts = annotated(reader, annotation.index, module, scope)
    own = annotated(reader, annotation.value, module, scope)
    if name in TRANSPARENT:
        return own | parts
    return own | boxed(parts) | (parts if name in YIELDING else NOTHING)
