"""Literals and operators: what of an expression holds no names, and what displays are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from servicelint.facts.record import NONE, OPAQUE, Constant, Item, Sequence, Unpacked
from servicelint.facts.syntax_tree import literal_value

if TYPE_CHECKING:
    from servicelint.facts.record import Expression

LONGEST_TEXT = 300
"""Texts longer than this (characters) are opaque: no address, key or mode is that long."""

SINGLETONS = {"None": NONE, "True": Constant(True), "False": Constant(False)}
OPERATORS: dict[type, str] = {
    cst.Add: "+", cst.Subtract: "-", cst.Multiply: "*", cst.Divide: "/", cst.FloorDivide: "//",
    cst.Modulo: "%", cst.Power: "**", cst.BitOr: "|",
    cst.AddAssign: "+", cst.SubtractAssign: "-", cst.MultiplyAssign: "*", cst.DivideAssign: "/",
    cst.FloorDivideAssign: "//", cst.ModuloAssign: "%", cst.PowerAssign: "**", cst.BitOrAssign: "|",
    cst.Equal: "==", cst.NotEqual: "!=", cst.LessThan: "<", cst.LessThanEqual: "<=",
    cst.GreaterThan: ">", cst.GreaterThanEqual: ">=", cst.Is: "is", cst.IsNot: "is not",
    cst.In: "in", cst.NotIn: "not in",
}  # fmt: skip


def integer(node: cst.Integer) -> Expression:
    """An integer."""
    if len(node.value) > 18:  # more than the record's 64 bits; as a duration it is endless either way
        return Constant(float("inf"))
    return Constant(int(node.value.replace("_", ""), 0 if not node.value.isdigit() else 10))


def floating(node: cst.Float) -> Expression:
    """A floating-point number."""
    return Constant(float(node.value))


def string(node: cst.SimpleString) -> Expression:
    """A text; bytes and long or unprintable texts are not kept."""
    text = node.value
    if len(text) > LONGEST_TEXT or "b" in node.prefix.lower():
        return OPAQUE
    if not node.prefix and "\\" not in text:
        quote = len(node.quote)
        return Constant(text[quote:-quote])
    value = literal_value(text) if "\\" in text and "\\N" not in text else node.raw_value
    # a lone surrogate has no UTF-8 form, so it can't be kept
    return Constant(value) if isinstance(value, str) and value.isprintable() else OPAQUE


def part_of(value: Expression, index: int) -> Expression:
    """The ``index``-th part of a value that is unpacked."""
    if not isinstance(value, Sequence) or index >= len(value.items):
        return Item(value, index)
    is_plain = not any(isinstance(item, Unpacked) for item in value.items[: index + 1])
    return value.items[index] if is_plain else Item(value, index)


def has_items(display: Expression) -> bool:
    """Whether a display has something in it for certain."""
    return isinstance(display, Sequence) and any(not isinstance(item, Unpacked) for item in display.items)
