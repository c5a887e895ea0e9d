"""Where a function waits for what it keeps: ``call = stub.List(query)``, then ``async for each in call``.

Who cancels such a wait cancels the call: ``grpc.aio`` ends one whose next answer is no longer awaited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from servicelint.facts import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.facts.record import Expression, ModuleFacts


class Wait(msgspec.Struct, frozen=True):
    """A place that waits: the block it stands in, and the call of a method that it waits for, or -1."""

    region: int
    call: int = -1


def waits_for(facts: ModuleFacts, scope: int, binding: int) -> Iterator[Wait]:
    """The loops over what a binding keeps, where it is awaited, and where a method of it is."""
    for region in facts.regions:
        if region.kind == "for" and region.scope == scope and _is_kept(region.subject, binding):
            yield Wait(region.parent)
    for value, number in _values(facts, scope):
        if isinstance(value, record.Awaited) and _is_kept(value.value, binding):
            yield Wait(number)
    for number, call in enumerate(facts.calls):
        if call.scope == scope and (call.is_awaited or call.holder >= 0) and _is_method_of(call, binding):
            yield Wait(call.region, number)


def _values(facts: ModuleFacts, scope: int) -> Iterator[tuple[Expression, int]]:
    """What a function binds to names and what it returns, each with its block."""
    yield from ((binding.value, binding.region) for binding in facts.scopes[scope].bindings)
    for function in facts.functions:
        if function.scope == scope:
            yield from function.returns


def _is_method_of(call: record.Call, binding: int) -> bool:
    return isinstance(call.callee, record.Attribute) and _is_kept(call.callee.value, binding)


def _is_kept(expression: Expression, binding: int) -> bool:
    return isinstance(expression, record.Name) and binding in expression.definitions
