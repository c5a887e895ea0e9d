"""What an expression is made of, for those who look through structures rather than follow values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicelint.facts.record import Expression


def parts_of(expression: Expression) -> Sequence[Expression]:
    """The alternatives, operands or contents of a structure; of a mapping its values, not its keys."""
    if isinstance(expression, record.Sequence):
        return expression.items
    if isinstance(expression, record.Mapping):
        return [value for _, value in expression.items]
    if isinstance(expression, record.Operation):
        return [expression.left, expression.right]
    if isinstance(expression, record.Choice):
        return expression.operands
    if isinstance(expression, record.Conditional):
        return [expression.body, expression.orelse]
    if isinstance(expression, record.Updated):
        return [expression.previous, expression.value]
    if isinstance(expression, record.Collected):
        return [expression.element]
    inner = getattr(expression, "value", None)
    return [inner] if isinstance(inner, record.Node) else []  # type: ignore[list-item]
