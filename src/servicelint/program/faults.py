"""Faults: what rules report of something else than a bound, with the steps that lead to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from servicelint.program.evaluation.values import FunctionRef, Origin

if TYPE_CHECKING:
    from servicelint.facts.positions import Span
    from servicelint.program.evaluation.values import CallRef
    from servicelint.program.linking.modules import Module
    from servicelint.program.timeouts.verdicts import Step


class Fault(msgspec.Struct, frozen=True):
    """One fault at a call, a function or a statement. ``subject`` is what the message says is at fault.

    ``seconds`` is the worst case of the call in all, where that is what the fault is about.
    """

    place: CallRef | FunctionRef | Origin
    subject: str
    reason: str
    steps: tuple[Step, ...] = ()
    severity: Literal["error", "warning", "info"] | None = None
    seconds: float | None = None

    @property
    def module(self) -> Module:
        """The module that it stands in."""
        return self.place.module

    @property
    def function(self) -> str:
        """The dotted name of the function it stands in or at, without the module's; "" at module level."""
        scopes = self.module.facts.scopes
        if isinstance(self.place, Origin):
            return self.place.name
        if isinstance(self.place, FunctionRef):
            return scopes[self.module.facts.functions[self.place.index].scope].qualified_name
        return scopes[self.place.call.scope].qualified_name

    @property
    def span(self) -> Span:
        """Where it stands: at the call, at the ``def``, or at the statement."""
        from servicelint.facts.positions import Span, call_span  # only findings need it

        if isinstance(self.place, Origin):
            line = self.place.line
        elif isinstance(self.place, FunctionRef):
            line = self.module.facts.functions[self.place.index].line
        else:
            return call_span(self.module.lines, self.place.call)
        text = self.module.lines[line - 1].rstrip("\r\n")
        column = len(text) - len(text.lstrip()) + 1
        return Span(line, column, line, len(text.rstrip()) + 1)


def statement(module: Module, region: int) -> Origin:
    """The place of the statement that opens a block: a ``with``, a ``while``, an ``except``."""
    block = module.facts.regions[region]
    return Origin(module, block.line, module.facts.scopes[block.scope].qualified_name)


def definition(function: FunctionRef) -> Origin:
    """The place of a function's ``def``, for a step."""
    described = function.module.facts.functions[function.index]
    return Origin(function.module, described.line, described.name)


def name_of(function: FunctionRef) -> str:
    """What a function is called in its module: ``Client.fetch``."""
    facts = function.module.facts
    return facts.scopes[facts.functions[function.index].scope].qualified_name
