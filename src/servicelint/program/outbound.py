"""Outbound calls, as rules see them: a place, what it sends with, and what bounds it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import msgspec

from servicelint.program.timeouts.verdicts import (
    Bounded,
    Forwarded,
    Invalid,
    Step,
    Unbounded,
    Undecided,
    Verdict,
)

if TYPE_CHECKING:
    from servicelint.facts.positions import Span
    from servicelint.program.evaluation.values import CallRef, Origin

UNKNOWN = "unknown"
STATES = ("bounded", "unbounded", "forwarded", UNKNOWN)
"""What can be said of a call's bound, as summaries count it."""

UNGUARDED = "unguarded"
"""Calls that requests lead to without a circuit breaker, counted where a program uses none."""


class Bound:
    """What limits the time of a call; the words that rules use."""

    def __init__(self, verdict: Verdict, longest: float | None) -> None:
        self.verdict = verdict
        self.longest = longest

    @property
    def is_missing(self) -> bool:
        """Nothing was given, and nothing bounds the wait."""
        return isinstance(self.verdict, Unbounded) and not self.verdict.disabled

    @property
    def is_disabled(self) -> bool:
        """A value was given that switches the bound off."""
        return isinstance(self.verdict, Unbounded) and self.verdict.disabled

    @property
    def is_invalid(self) -> bool:
        """A value was given that makes the call raise."""
        return isinstance(self.verdict, Invalid)

    @property
    def state(self) -> str:
        """``bounded``, ``unbounded``, ``forwarded`` or ``unknown``, as the summary counts them."""
        names: dict[type, str] = {
            Bounded: "bounded", Invalid: "bounded", Unbounded: "unbounded", Forwarded: "forwarded",
        }  # fmt: skip
        return names.get(type(self.verdict), UNKNOWN)

    @property
    def reason(self) -> str:
        """Why, in a few words."""
        if isinstance(self.verdict, Unbounded | Invalid | Undecided):
            return self.verdict.reason
        if isinstance(self.verdict, Forwarded):
            return f"the callers decide, through the parameter `{self.verdict.symbol.name}`"
        return self.verdict.how

    @property
    def cause(self) -> Origin | None:
        """The setting that the verdict rests on, if many calls share it."""
        return self.verdict.cause if isinstance(self.verdict, Unbounded | Invalid) else None

    @property
    def trace(self) -> tuple[Step, ...]:
        """The steps that lead to the verdict."""
        return self.verdict.steps


class OutboundCall(msgspec.Struct, frozen=True, dict=True):
    """A call that sends a request, or a call of a wrapper that leaves the bound to its callers.

    ``name`` is what is called, in the library's words for a request or as written for a wrapper;
    ``library`` the catalog's entry behind it. ``reference`` is the argument that is meant, where the
    call only hands a function on. ``stream`` is the name of the remote method if it may answer with a stream.
    ``sends`` is the request that a wrapper's call leads to.
    """

    ref: CallRef
    name: str
    entry: str
    protocol: str
    bound: Bound
    is_wrapper: bool = False
    reference: int | None = None
    stream: str = ""
    sends: CallRef | None = None

    @functools.cached_property
    def span(self) -> Span:
        """Where it stands."""
        # what a run whose result is kept does without
        from servicelint.facts.positions import argument_span, call_span

        lines = self.ref.module.lines
        if self.reference is not None:
            return argument_span(lines, self.ref.call, self.reference)
        return call_span(lines, self.ref.call)

    @property
    def function(self) -> str:
        """The dotted name of the function it stands in, without the module's; "" at module level."""
        scopes = self.ref.module.facts.scopes
        return scopes[self.ref.call.scope].qualified_name
