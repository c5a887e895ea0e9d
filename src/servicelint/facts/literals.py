"""Literals and operators: what of an expression holds no names, and what displays are made of."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from servicelint.facts.record import NONE, OPAQUE, Constant, Item, Sequence, Unpacked

if TYPE_CHECKING:
    from servicelint.facts.record import Expression

LONGEST_TEXT = 300
"""Texts longer than this (characters) are opaque: no address, key or mode is that long."""

_LARGEST = 10**18
"""The record has 64 bits for an integer; as a duration a larger one is endless either way."""

SINGLETONS: dict[str | bool | None, Constant] = {None: NONE, True: Constant(True), False: Constant(False)}
OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.BitOr: "|",
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


def constant(node: ast.Constant) -> Expression:
    """A literal; bytes and what else is neither text nor number are not kept."""
    value = node.value
    if isinstance(value, str):
        return text_of(value)
    if value is None or isinstance(value, bool):
        return SINGLETONS[value]
    if isinstance(value, int):
        return Constant(value if value < _LARGEST else float("inf"))
    return Constant(value) if isinstance(value, float) else OPAQUE


def text_of(value: str) -> Expression:
    """A text; a long one is not kept, nor one with what can't be printed: no address or key has that."""
    if len(value) > LONGEST_TEXT or not (value.isprintable() or "".join(value.split()).isprintable()):
        return OPAQUE
    return Constant(value)


def part_of(value: Expression, index: int) -> Expression:
    """The ``index``-th part of a value that is unpacked."""
    if not isinstance(value, Sequence) or index >= len(value.items):
        return Item(value, index)
    is_plain = not any(isinstance(item, Unpacked) for item in value.items[: index + 1])
    return value.items[index] if is_plain else Item(value, index)


def has_items(display: Expression) -> bool:
    """Whether a display has something in it for certain."""
    return isinstance(display, Sequence) and any(not isinstance(item, Unpacked) for item in display.items)
