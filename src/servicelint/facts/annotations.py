"""Reading annotations: types are looked up when they are asked for, whatever is bound where they stand."""

from __future__ import annotations

from collections.abc import Callable

import libcst as cst

from servicelint.facts.literals import SINGLETONS
from servicelint.facts.record import OPAQUE, Attribute, Expression, Name, Operation, Sequence, Subscript
from servicelint.facts.syntax_tree import literal_value

Read = Callable[[cst.CSTNode], Expression]


def read_annotation(node: cst.BaseExpression, read: Read) -> Expression:
    """The record of a type; calls in it are code and read as such."""
    if isinstance(node, cst.SimpleString):
        try:
            node = cst.parse_expression(str(literal_value(node.value)))
        except (cst.ParserSyntaxError, ValueError, SyntaxError):
            return OPAQUE
    if isinstance(node, cst.Name):
        return SINGLETONS.get(node.value) or Name(node.value)
    if isinstance(node, cst.Attribute):
        return Attribute(read_annotation(node.value, read), node.attr.value)
    if isinstance(node, cst.BinaryOperation):
        return Operation("|", read_annotation(node.left, read), read_annotation(node.right, read))
    if isinstance(node, cst.Subscript):
        parts = [_index(element, read) for element in node.slice]
        return Subscript(read_annotation(node.value, read), Sequence("tuple", tuple(parts)))
    return read(node) if isinstance(node, cst.Call) else OPAQUE


def _index(element: cst.SubscriptElement, read: Read) -> Expression:
    index = element.slice
    if not isinstance(index, cst.Index):
        return OPAQUE
    # Annotated[Session, Depends(make_session)]: the call is code, the rest are types
    return read(index.value) if isinstance(index.value, cst.Call) else read_annotation(index.value, read)
