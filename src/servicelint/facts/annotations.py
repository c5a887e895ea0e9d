"""Reading annotations: types are looked up when they are asked for, whatever is bound where they stand."""

from __future__ import annotations

import ast
from collections.abc import Callable

from servicelint.facts.literals import SINGLETONS
from servicelint.facts.record import OPAQUE, Attribute, Expression, Name, Operation, Sequence, Subscript
from servicelint.facts.syntax_tree import expression_tree

Read = Callable[[ast.AST], Expression]


def read_annotation(node: ast.expr, read: Read) -> Expression:
    """The record of a type; calls in it are code and read as such."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        quoted = expression_tree(node.value)
        if quoted is None or (isinstance(quoted, ast.Constant) and isinstance(quoted.value, str)):
            return OPAQUE
        node = quoted
    if isinstance(node, ast.Name):
        return Name(node.id)
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool)):
        return SINGLETONS[node.value]
    if isinstance(node, ast.Attribute):
        return Attribute(read_annotation(node.value, read), node.attr)
    if isinstance(node, ast.BinOp):
        return Operation("|", read_annotation(node.left, read), read_annotation(node.right, read))
    if isinstance(node, ast.Subscript):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        indices = tuple(_index(part, read) for part in parts)
        return Subscript(read_annotation(node.value, read), Sequence("tuple", indices))
    return read(node) if isinstance(node, ast.Call) else OPAQUE


def _index(node: ast.expr, read: Read) -> Expression:
    # Annotated[Session, Depends(make_session)]: the call is code, the rest are types
    return read(node) if isinstance(node, ast.Call) else read_annotation(node, read)
