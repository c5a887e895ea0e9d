"""What a test says about the names in it, on either branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from servicelint.facts.record import (
    OPAQUE,
    Attribute,
    CallValue,
    Choice,
    Comparison,
    Constant,
    Expression,
    Name,
    Negation,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicelint.facts.record import Call


class Narrowing(NamedTuple):
    """On this branch, ``test`` of ``name`` has the given outcome."""

    name: str
    test: Literal["none", "true", "key", "item"]
    outcome: bool
    detail: Expression = OPAQUE


def narrowings(test: Expression, outcome: bool, calls: Sequence[Call]) -> list[Narrowing]:
    """What holds of names where ``test`` had ``outcome``; ``calls`` are those the test refers to."""
    if path(test):
        return [Narrowing(path(test), "true", outcome)]
    if isinstance(test, CallValue):
        return _looked_up(test, not outcome, calls)
    if isinstance(test, Negation):
        return narrowings(test.value, not outcome, calls)
    if isinstance(test, Comparison):
        return _comparison(test, outcome, calls)
    if isinstance(test, Choice) and (test.operator == "and") == outcome:
        return [found for operand in test.operands for found in narrowings(operand, outcome, calls)]
    return []


def path(expression: Expression) -> str:
    """The name, or the attribute of a name, that a test speaks of, or ""."""
    if isinstance(expression, Attribute) and isinstance(expression.value, Name):
        return f"{expression.value.name}.{expression.name}"
    return expression.name if isinstance(expression, Name) else ""


def _comparison(test: Comparison, outcome: bool, calls: Sequence[Call]) -> list[Narrowing]:
    positive = test.operator in ("is", "==", "in")
    holds = outcome if positive else not outcome
    if test.operator in ("in", "not in"):
        if isinstance(test.right, Name) and isinstance(test.left, Constant):
            return [Narrowing(test.right.name, "key", holds, test.left)]
        return []
    none = Constant(None)
    if test.operator in ("is", "is not", "==", "!=") and none in (test.left, test.right):
        named = test.left if test.right == none else test.right
        if path(named):
            return [Narrowing(path(named), "none", holds)]
        if isinstance(named, CallValue):
            return _looked_up(named, holds, calls)
    return []


def _looked_up(test: CallValue, is_none: bool, calls: Sequence[Call]) -> list[Narrowing]:
    """``mapping.get("key")`` being None (or empty) or not."""
    call = calls[test.call]
    callee = call.callee
    if not isinstance(callee, Attribute) or callee.name != "get" or not isinstance(callee.value, Name):
        return []
    if len(call.arguments) != 1 or not isinstance(call.arguments[0].value, Constant):
        return []
    return [Narrowing(callee.value.name, "item", is_none, call.arguments[0].value)]
