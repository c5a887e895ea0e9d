"""Timeout values: what a value means for one parameter of one library."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from servicelint.catalog.model import AnswerPart, Meaning, TimeoutClass
from servicelint.program.evaluation.values import (
    MISSING,
    NONE,
    REMAINING,
    ClassRef,
    External,
    Instance,
    Literal,
    Origin,
    ParameterSymbol,
    SequenceValue,
    Value,
    Values,
)
from servicelint.program.timeouts.one_decision import put_together
from servicelint.program.timeouts.verdicts import Bounded, Forwarded, Invalid, Unbounded, Undecided, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicelint.catalog.model import Wait
    from servicelint.program.program import Program


class Situation(msgspec.Struct, frozen=True):
    """How to turn a :data:`Wait` into a verdict for one call: what its client and library fall back to."""

    keyword: str
    socket_default: bool
    client_default: Callable[[], list[Verdict]]
    library_default: Callable[[], Verdict]

    def named(self, keyword: str) -> Situation:
        """The same for a part of the value, under a name of its own."""
        return replace(self, keyword=keyword)

    def verdicts(self, wait: Wait, given: str, origin: Origin | None = None) -> list[Verdict]:
        """The verdicts for ``wait``; ``given`` is the text of the value, "" where it was left out."""
        reason = f"`{self.keyword}={given}` means no limit" if given else f"no `{self.keyword}` is given"
        if wait == "client-default":
            return self.client_default()
        if wait == "library-default":
            return [self.library_default()]
        if wait == "raises":
            return [Invalid(f"`{self.keyword}={given}` is refused: the call raises", origin)]
        if wait == "immediate":
            return [Bounded(f"`{self.keyword}={given}` fails at once", None, 0.0)]
        if wait == "socket-default" and self.socket_default:
            return [Bounded("socket.setdefaulttimeout is set in the program", "per-operation")]
        return [Unbounded(reason, disabled=bool(given), cause=origin)]


class Timeouts:
    """Judges the values that are given as timeouts."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def judge(self, values: Values, meaning: Meaning, omitted: Wait, situation: Situation) -> list[Verdict]:
        """A verdict for each thing that a timeout argument can be.

        None besides what is left of an inbound call's time says that its caller waits without end.
        """
        is_left_to_callers = MISSING in values and any(map(_is_given_if_set, values))
        verdicts: list[Verdict] = []
        for value in (each for each in values if each != NONE or REMAINING not in values):
            if value == MISSING:
                verdicts += [] if is_left_to_callers else situation.verdicts(omitted, "")
            elif is_left_to_callers and isinstance(value, ParameterSymbol):
                verdicts.append(self._if_set(value, meaning, omitted, situation))
            else:
                verdicts += self._value(value, meaning, omitted, situation)
        return put_together(verdicts)

    def _if_set(
        self, symbol: ParameterSymbol, meaning: Meaning, omitted: Wait, situation: Situation
    ) -> Forwarded:
        """``if timeout: options["timeout"] = timeout``: where callers give None, nothing is given."""
        unset = (NONE, Literal(False), Literal(0)) if "false" in symbol.excluded else (NONE,)

        def judge(values: Values) -> list[Verdict]:
            verdicts: list[Verdict] = []
            for value in values:
                if isinstance(value, ParameterSymbol):
                    verdicts.append(Forwarded(value, judge))
                elif isinstance(value, Literal) and value in unset:
                    verdicts += situation.verdicts(omitted, str(value.value), value.origin)
                else:
                    verdicts += self.judge((value,), meaning, omitted, situation)
            return verdicts

        return Forwarded(replace(symbol, excluded=symbol.excluded - {"none", "false"}), judge)

    def _value(self, value: Value, meaning: Meaning, omitted: Wait, situation: Situation) -> list[Verdict]:
        if isinstance(value, Literal):
            return self._literal(value, meaning, situation)
        if value == REMAINING:
            return [Bounded("what is left of the inbound call's deadline", meaning.kind)]
        if isinstance(value, ParameterSymbol):
            return [Forwarded(value, lambda values: self.judge(values, meaning, omitted, situation))]
        if isinstance(value, SequenceValue):
            return self._pair(value, meaning, omitted, situation)
        if isinstance(value, Instance):
            return self._object(value, situation)
        if isinstance(value, External):
            return self._symbol(value, meaning, situation)
        return [Undecided(f"the value of `{situation.keyword}` can't be told")]

    def _literal(
        self, literal: Literal, meaning: Meaning | AnswerPart, situation: Situation
    ) -> list[Verdict]:
        value = literal.value
        if value is None or value is False:
            wait = meaning.none if value is None else meaning.zero
            return situation.verdicts(wait, str(value), literal.origin)
        if isinstance(value, str):
            return [Undecided(f"`{situation.keyword}` is a text")]
        if value == 0:
            return situation.verdicts(meaning.zero, str(value), literal.origin)
        if value < 0:
            return situation.verdicts(meaning.negative, str(value), literal.origin)
        if math.isinf(value) or math.isnan(value):
            infinite = meaning.infinite if isinstance(meaning, Meaning) else "forever"
            return situation.verdicts(infinite, str(value), literal.origin)
        return [Bounded(f"`{situation.keyword}={_number(value)}`", meaning.kind, float(value))]

    def _symbol(self, symbol: External, meaning: Meaning, situation: Situation) -> list[Verdict]:
        if symbol.name in ("math.inf", "numpy.inf"):
            return situation.verdicts(meaning.infinite, symbol.name)
        if symbol.name.endswith(
            (".USE_CLIENT_DEFAULT", ".DEFAULT_TIMEOUT", ".sentinel", "._DEFAULT_TIMEOUT")
        ):
            return situation.verdicts(
                "client-default" if symbol.name.endswith("USE_CLIENT_DEFAULT") else "socket-default", ""
            )
        return [Undecided(f"the value of `{situation.keyword}` comes from {symbol.name}")]

    def _pair(
        self, pair: SequenceValue, meaning: Meaning, omitted: Wait, situation: Situation
    ) -> list[Verdict]:
        if meaning.answer not in meaning.pair or pair.is_open:
            return [Undecided(f"`{situation.keyword}` is a sequence")]
        place = meaning.pair.index(meaning.answer)
        if place >= len(pair.items):
            return [Invalid(f"`{situation.keyword}` needs {len(meaning.pair)} parts: the call raises")]
        part = situation.named(f"{situation.keyword}'s {meaning.answer} part")
        return self.judge(pair.items[place], meaning, omitted, part)

    # --- timeout objects -------------------------------------------------------------------------

    def _object(self, instance: Instance, situation: Situation) -> list[Verdict]:
        name = self.program.clients.name_of(instance.of)
        entry = self.program.catalog.entry(name) if name else None
        if not isinstance(entry, TimeoutClass) or name is None:
            return [Undecided(f"`{situation.keyword}` is an object of another kind")]
        if instance.arguments is None or isinstance(instance.of, ClassRef):
            return [Undecided(f"how the {name} was built can't be told")]
        if any(not values for _, values in self._parts(entry, instance)):
            return []  # made of what nothing can be, so never made: no caller gives what is tested for
        within = situation.named(f"{situation.keyword}={name}")
        if entry.decided_by == "first":
            return self._first_part(entry, instance, within)
        return self._any_part(entry, instance, within)

    def _parts(self, entry: TimeoutClass, instance: Instance) -> list[tuple[AnswerPart, Values]]:
        parts = []
        for part in entry.answer:
            position = entry.parameters.index(part.parameter) if part.parameter in entry.parameters else None
            assert instance.arguments is not None  # noqa: S101 - the caller made sure
            values = self.program.evaluator.argument(instance.arguments, part.parameter, position)
            for effect in instance.effects:
                values = effect.values if effect.name == part.parameter else values
            parts.append((part, values))
        return parts

    def _first_part(self, entry: TimeoutClass, instance: Instance, situation: Situation) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for part, values in self._parts(entry, instance):
            verdicts += self._part(part, tuple(v for v in values if v != MISSING), entry, situation)
            if MISSING not in values:
                return verdicts
        return verdicts + situation.verdicts(entry.unset, "")

    def _any_part(self, entry: TimeoutClass, instance: Instance, situation: Situation) -> list[Verdict]:
        """One finite part is enough; what callers decide stays open only if no part is finite anyway."""
        verdicts: list[Verdict] = []
        is_given = False
        for part, values in self._parts(entry, instance):
            judged = self._part(part, values, entry, situation)
            if judged and all(isinstance(verdict, Bounded) for verdict in judged):
                return judged
            is_given = is_given or MISSING not in values
            verdicts += judged
        open_verdicts = [v for v in verdicts if isinstance(v, Forwarded | Undecided | Invalid)]
        finite = [v for v in verdicts if isinstance(v, Bounded)]
        unbounded = [v for v in verdicts if isinstance(v, Unbounded)]
        if open_verdicts:
            shown = unbounded if self._each_part_can_fail(entry, instance, situation) else []
            return open_verdicts + finite + shown
        if not is_given:
            return situation.verdicts(entry.unset, self._missing_text(entry))
        causes = [v for v in unbounded if v.cause is not None]
        return [*(causes or unbounded or finite)]

    def _each_part_can_fail(self, entry: TimeoutClass, instance: Instance, situation: Situation) -> bool:
        """Whether every part has a value that is shown to bound nothing."""
        return all(
            any(isinstance(verdict, Unbounded) for verdict in self._part(part, values, entry, situation))
            for part, values in self._parts(entry, instance)
        )

    def _missing_text(self, entry: TimeoutClass) -> str:
        return " nor ".join(f"no {part.parameter}" for part in entry.answer).replace("nor no", "nor")

    def _part(
        self, part: AnswerPart, values: Values, entry: TimeoutClass, situation: Situation
    ) -> list[Verdict]:
        named = situation.named(f"{situation.keyword}({part.parameter})")
        verdicts: list[Verdict] = []
        for value in values:
            if value == MISSING:
                verdicts += named.verdicts(part.omitted, "left out")
            elif isinstance(value, Literal):
                verdicts += self._literal(
                    value, part, situation.named(f"{situation.keyword}: {part.parameter}")
                )
            elif isinstance(value, ParameterSymbol):
                verdicts.append(Forwarded(value, lambda given: self._part(part, given, entry, situation)))
            elif isinstance(value, SequenceValue) and entry.pair:
                verdicts += self._sequence_part(part, value, entry, situation)
            elif isinstance(value, Instance):
                verdicts += self._object(value, situation)
            else:
                verdicts.append(Undecided(f"the value of `{part.parameter}` can't be told"))
        return verdicts

    def _sequence_part(
        self, part: AnswerPart, value: SequenceValue, entry: TimeoutClass, situation: Situation
    ) -> list[Verdict]:
        """``httpx.Timeout((connect, read, write, pool))``."""
        name = entry.answer[0].parameter
        if name not in entry.pair or value.is_open or entry.pair.index(name) >= len(value.items):
            return [Undecided("a tuple of timeouts that can't be told")]
        return self._part(part, value.items[entry.pair.index(name)], entry, situation)


def _is_given_if_set(value: Value) -> bool:
    """Whether it is a parameter that stands where it was seen not to be None."""
    return isinstance(value, ParameterSymbol) and "none" in value.excluded


def _number(value: float) -> str:
    return f"{value:g}"
