"""What a test says about the names in it, on either branch."""

from __future__ import annotations

from typing import Literal, NamedTuple

from servicelint.facts.record import (
    OPAQUE,
    Choice,
    Comparison,
    Constant,
    Expression,
    Name,
    Negation,
)


class Narrowing(NamedTuple):
    """On this branch, ``test`` of ``name`` has the given outcome."""

    name: str
    test: Literal["none", "true", "key"]
    outcome: bool
    detail: Expression = OPAQUE


def narrowings(test: Expression, outcome: bool) -> list[Narrowing]:
    """What holds of names where ``test`` had ``outcome``."""
    if isinstance(test, Name):
        return [Narrowing(test.name, "true", outcome)]
    if isinstance(test, Negation):
        return narrowings(test.value, not outcome)
    if isinstance(test, Comparison):
        return _comparison(test, outcome)
    if isinstance(test, Choice) and (test.operator == "and") == outcome:
        return [found for operand in test.operands for found in narrowings(operand, outcome)]
    return []


def _comparison(test: Comparison, outcome: bool) -> list[Narrowing]:
    positive = test.operator in ("is", "==", "in")
    holds = outcome if positive else not outcome
    if test.operator in ("in", "not in"):
        if isinstance(test.right, Name) and isinstance(test.left, Constant):
            return [Narrowing(test.right.name, "key", holds, test.left)]
        return []
    none = Constant(None)
    if test.operator in ("is", "is not", "==", "!=") and none in (test.left, test.right):
        named = test.left if test.right == none else test.right
        if isinstance(named, Name):
            return [Narrowing(named.name, "none", holds)]
    return []
