"""Lists as they are where they are handed over: what was appended to them on the way too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.values import (
    NONE,
    UNKNOWN,
    CallRef,
    MappingValue,
    SequenceValue,
    Values,
    merge,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.evaluation.arguments import Given
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.program import Program

_GROWING = {"append": 0, "insert": 1, "extend": 0}


class Lists:
    """Reads the elements of a list that is an argument of a call."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def elements(self, given: Given) -> list[Values]:
        """What each element can be; where the list can't be told there is one that is unknown."""
        evaluator = self.program.evaluator
        found: list[Values] = []
        for value in evaluator.expand_all(evaluator.given(given)):
            if isinstance(value, SequenceValue):
                found += value.items
                found += [(UNKNOWN,)] if value.is_open and not value.items else []
            elif isinstance(value, MappingValue):
                found += [values for _, values in value.entries]
            elif value != NONE:
                found.append((UNKNOWN,))
        return found + list(self._added(given))

    def _added(self, given: Given) -> Iterator[Values]:
        """What is appended to the variable or attribute that holds the list, in the same scope."""
        holder, frame = given.expression, given.frame
        if frame is None or not isinstance(holder, record.Name | record.Attribute):
            return
        for number, call in enumerate(frame.module.facts.calls):
            if call.scope == frame.scope and _grows(call, holder):
                if self.program.evaluator.conditions.ruled_out(call.region, frame):
                    continue
                yield from self._given_to(CallRef(frame.module, number), frame)

    def _given_to(self, ref: CallRef, frame: Frame) -> Iterator[Values]:
        name = getattr(ref.call.callee, "name", "")
        arguments = self.program.calls.written(ref, frame)
        added = self.program.evaluator.argument(arguments, "", _GROWING[name])
        if name != "extend":
            yield added
            return
        for value in added:
            yield merge(*value.items) if isinstance(value, SequenceValue) else (UNKNOWN,)


def _grows(call: record.Call, holder: record.Name | record.Attribute) -> bool:
    callee = call.callee
    if not isinstance(callee, record.Attribute) or callee.name not in _GROWING:
        return False
    if isinstance(holder, record.Name) and isinstance(callee.value, record.Name):
        same = set(holder.definitions) & set(callee.value.definitions)
        return callee.value.name == holder.name and bool(same or not holder.definitions)
    return callee.value == holder
