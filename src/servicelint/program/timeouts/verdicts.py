"""Verdicts: what can be said of how long a call may wait. All times are seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from servicelint.catalog.model import Kind
    from servicelint.program.evaluation.values import CallRef, Origin, ParameterSymbol, Values


class Step(msgspec.Struct, frozen=True):
    """One step of the way to a verdict: a place and what is seen there."""

    place: CallRef | Origin
    message: str


class Bounded(msgspec.Struct, frozen=True):
    """Something ends the wait. ``seconds`` is None where the length is not known."""

    how: str
    kind: Kind | None = None
    seconds: float | None = None
    steps: tuple[Step, ...] = ()


class Unbounded(msgspec.Struct, frozen=True):
    """Nothing ends the wait. ``disabled``: a value was given, and it switches the bound off."""

    reason: str
    disabled: bool = False
    cause: Origin | None = None
    steps: tuple[Step, ...] = ()


class Invalid(msgspec.Struct, frozen=True):
    """The value given for a bound makes the call raise."""

    reason: str
    cause: Origin | None = None
    steps: tuple[Step, ...] = ()


class Forwarded(msgspec.Struct, frozen=True):
    """A caller decides: ``judge`` tells the verdict on what it gives for ``symbol``.

    It may also bound the call by giving something for one of ``instead``.
    """

    symbol: ParameterSymbol
    judge: Callable[[Values], list[Verdict]]
    steps: tuple[Step, ...] = ()
    instead: tuple[ParameterSymbol, ...] = ()


class Undecided(msgspec.Struct, frozen=True):
    """It can't be told from the program; ``reason`` says why."""

    reason: str
    steps: tuple[Step, ...] = ()


Verdict = Bounded | Unbounded | Invalid | Forwarded | Undecided

_WEIGHT: dict[type, int] = {Invalid: 0, Unbounded: 1, Forwarded: 2, Undecided: 3, Bounded: 4}


def joined(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict where several paths meet: any shown to wait for ever counts, then what callers decide."""
    ordered = sorted(verdicts, key=lambda verdict: _WEIGHT[type(verdict)])
    return ordered[0] if ordered else Undecided("no value can be told")
