"""Retry policies: how often something is tried again, for how long, after what, with which waits between.

Numbers are tries or seconds; ``math.inf`` stands for no limit, None for what can't be told.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from servicelint.catalog.retries import Retry, RetryFilter, RetryStop, RetryWait
from servicelint.facts import record
from servicelint.program.evaluation.values import (
    MISSING,
    NONE,
    CallRef,
    External,
    Instance,
    Literal,
    SequenceValue,
    Value,
    Values,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from servicelint.catalog.record import Number, Parameter
    from servicelint.catalog.retries import Growth
    from servicelint.program.evaluation.arguments import Arguments, Given
    from servicelint.program.evaluation.errors import Error
    from servicelint.program.program import Program

Amount = float | None


class Limits(msgspec.Struct, frozen=True):
    """What ends retries: a number of tries, or a time. ``inf`` for none, None for what can't be told."""

    tries: Amount = math.inf
    seconds: Amount = math.inf

    @property
    def is_endless(self) -> bool:
        """Whether nothing ends them."""
        return self.tries == math.inf and self.seconds == math.inf


UNTOLD = Limits(None, None)


class RetryPolicy(msgspec.Struct, frozen=True):
    """Something that tries again: its catalog entry and what it was given; nothing for a bare decorator."""

    name: str
    entry: Retry
    made: CallRef | None = None
    arguments: Arguments | None = None


class Retries:
    """Reads retry policies."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def of(self, value: Value) -> RetryPolicy | None:
        """The policy that a value is."""
        if isinstance(value, Instance):
            name = self.program.clients.name_of(value.of) or ""
            entry = self.program.catalog.entry(name)
            is_plain = isinstance(value.of, External)  # a subclass of the program may count otherwise
            if isinstance(entry, Retry) and value.arguments is not None and is_plain:
                return RetryPolicy(name, entry, value.made, value.arguments)
        elif isinstance(value, External):
            name = self.program.catalog.canonical(value.name)
            entry = self.program.catalog.entry(name)
            if isinstance(entry, Retry) and entry.bare:
                return RetryPolicy(name, entry)
        return None

    # --- numbers ---------------------------------------------------------------------------------

    def _amount(self, number: Number, arguments: Arguments | None) -> Amount:
        """What a parameter's number comes to in its unit."""
        default = math.inf if number.default is None else number.default * number.unit
        if arguments is None:
            return default
        amounts = [self._as_amount(value, number, default) for value in self._values(number, arguments)]
        known = [amount for amount in amounts if amount is not None]
        return max(known) if known and len(known) == len(amounts) else None

    def _as_amount(self, value: Value, number: Number, default: float) -> Amount:
        if value == MISSING:
            return default
        if value == NONE:
            return math.inf
        if isinstance(value, Literal) and isinstance(value.value, int | float):
            return value.value * number.unit
        return None

    def _values(self, parameter: Parameter, arguments: Arguments | None) -> Values:
        if arguments is None or (not parameter.keyword and parameter.position is None):
            return (MISSING,)
        return self.program.evaluator.argument(arguments, parameter.keyword, parameter.position)

    def given_to(self, value: Value) -> RetryPolicy | None:
        """The policy that a transport was given."""
        if not isinstance(value, Instance) or value.arguments is None:
            return None
        transport = self.program.catalog.transport_retries.get(getattr(value.of, "name", ""))
        if transport is None:
            return None
        policies = [self.of(given) for given in self._values(transport, value.arguments)]
        return policies[0] if len(policies) == 1 else None

    def repeats(self, policy: RetryPolicy, verb: str) -> bool:
        """Whether a client's policy tries requests with an HTTP method again, if they were sent."""
        if policy.entry.methods is None or self._hides(policy.arguments):
            return False
        for value in self._values(policy.entry.methods, policy.arguments):
            if value == MISSING:
                return verb in policy.entry.safe_methods
            if value in (NONE, Literal(False)):
                return True
            if isinstance(value, SequenceValue) and not value.is_open:
                return Literal(verb) in [each for item in value.items for each in item]
        return False

    def is_given(self, parameter: Parameter | None, arguments: Arguments | None) -> bool:
        """Whether something else than None is given for a parameter."""
        return parameter is not None and self._values(parameter, arguments) not in ((MISSING,), (NONE,))

    def _hides(self, arguments: Arguments | None) -> bool:
        """Whether arguments may hide in ``*`` or ``**`` ones that can't be told."""
        return arguments is not None and bool(arguments.mappings or arguments.stars)

    # --- limits ----------------------------------------------------------------------------------

    def limits(self, policy: RetryPolicy) -> Limits:
        """What ends a policy's tries."""
        entry, arguments = policy.entry, policy.arguments
        if self._hides(arguments):
            return UNTOLD
        if entry.stop is not None:
            return self._argument(entry.stop, arguments, self._stop, Limits())
        tries = self._amount(entry.tries, arguments) if entry.tries else math.inf
        if entry.counts_retries and tries is not None:
            tries += 1
        further = [each for each in entry.further if self.is_given(each, arguments)]
        if further and tries == math.inf:
            tries = None
        seconds = self._amount(entry.seconds, arguments) if entry.seconds else math.inf
        return Limits(tries, seconds)

    def _argument(
        self,
        parameter: Parameter,
        arguments: Arguments | None,
        read: Callable[[Value], Limits],
        otherwise: Limits,
    ) -> Limits:
        given = given_for(parameter, arguments)
        if given is None:
            return otherwise
        return self._expression_limits(given, read, otherwise)

    def _expression_limits(self, given: Given, read: Callable[[Value], Limits], otherwise: Limits) -> Limits:
        """The limits that an expression sets, ``a | b`` and ``a & b`` included."""
        expression = given.expression
        if isinstance(expression, record.Operation) and expression.operator in ("|", "&"):
            parts = [
                self._expression_limits(given._replace(expression=each), read, otherwise)
                for each in (expression.left, expression.right)
            ]
            return _any(parts) if expression.operator == "|" else _all(parts)
        values = self.program.evaluator.given(given)
        if not values:
            return UNTOLD
        return _all([otherwise if value in (NONE, MISSING) else read(value) for value in values])

    def _stop(self, value: Value) -> Limits:
        """The limits that a stop strategy sets."""
        of = value.of if isinstance(value, Instance) else value
        entry = self.program.catalog.entry(of.name) if isinstance(of, External) else None
        if not isinstance(entry, RetryStop):
            return UNTOLD
        arguments = value.arguments if isinstance(value, Instance) else None
        if entry.combines:
            parts = [
                self._expression_limits(each, self._stop, Limits())
                for each in (arguments.positional if arguments else ())
            ]
            return _any(parts) if entry.combines == "any" else _all(parts)
        tries = self._amount(entry.tries, arguments) if entry.tries else math.inf
        seconds = self._amount(entry.seconds, arguments) if entry.seconds else math.inf
        return Limits(tries, seconds)

    # --- waits -----------------------------------------------------------------------------------

    def wait(self, policy: RetryPolicy, retry: int) -> Amount:
        """The longest wait before the ``retry``-th retry (from 1), in seconds."""
        entry, arguments = policy.entry, policy.arguments
        if self._hides(arguments):
            return None
        given = given_for(entry.wait, arguments) if entry.wait else None
        if given is not None:
            amounts = [self._waited(value, policy, retry) for value in self.program.evaluator.given(given)]
            return _greatest(amounts)
        return _greatest([self._grown(each, arguments, retry) for each in entry.waits] or [0.0])

    def never_waits(self, policy: RetryPolicy) -> bool:
        """Whether it is shown to wait nothing between tries."""
        return all(self.wait(policy, retry) == 0.0 for retry in (1, 2, 3))

    def _waited(self, value: Value, policy: RetryPolicy, retry: int) -> Amount:
        if value in (NONE, MISSING):
            return 0.0
        of = value.of if isinstance(value, Instance) else value
        entry = self.program.catalog.entry(of.name) if isinstance(of, External) else None
        if not isinstance(entry, RetryWait):
            return None
        # a function that makes the waits gets its numbers from the policy's own keywords
        arguments = value.arguments if isinstance(value, Instance) else policy.arguments
        if entry.combines:
            return self._combined(entry, arguments, policy, retry)
        return _greatest([self._grown(each, arguments, retry) for each in entry.growth] or [0.0])

    def _combined(
        self, entry: RetryWait, arguments: Arguments | None, policy: RetryPolicy, retry: int
    ) -> Amount:
        if arguments is None or arguments.stars:
            return None
        parts = [self.program.evaluator.given(each) for each in arguments.positional]
        if entry.combines == "chain":
            parts = parts[min(retry, len(parts)) - 1 :][:1]
        waits = [_greatest([self._waited(value, policy, retry) for value in part]) for part in parts]
        return None if None in waits else sum(each for each in waits if each is not None)

    def _grown(self, growth: Growth, arguments: Arguments | None, retry: int) -> Amount:
        if growth.needs and not any(self._has(keyword, arguments) for keyword in growth.needs):
            return 0.0
        if growth.skips_first and retry == 1:
            return 0.0
        numbers = (growth.first, growth.base, growth.step, growth.least, growth.most, growth.jitter)
        amounts = [self._amount(number, arguments) for number in numbers]
        if any(amount is None for amount in amounts):
            return None
        first, base, step, least, most, jitter = (amount or 0.0 for amount in amounts)
        if first == math.inf:  # None given for a wait: none
            return 0.0
        grown = first * base ** min(retry - 1 + growth.shift, 64) + step * (retry - 1)
        return max(least, min(grown + jitter if grown or not growth.skips_first else 0.0, most))

    def _has(self, keyword: str, arguments: Arguments | None) -> bool:
        return arguments is not None and keyword in arguments.keywords

    # --- after what ------------------------------------------------------------------------------

    def retries(self, policy: RetryPolicy, error: Error) -> bool | None:
        """Whether an exception is tried again; None if that can't be told."""
        entry, arguments = policy.entry, policy.arguments
        if entry.polls:
            return False
        if self._hides(arguments) or self.is_given(entry.unless, arguments):
            return None
        given = given_for(entry.on, arguments) if entry.on else None
        if given is None:
            return self.program.errors.covers([entry.on_default], error) if entry.on_default else None
        return self._filtered(given, error)

    def waits_for_result(self, policy: RetryPolicy) -> bool:
        """Whether it tries again for a result, or may: then it is a poller, no retry."""
        given = given_for(policy.entry.on, policy.arguments) if policy.entry.on else None
        if policy.entry.polls:
            return True
        return given is not None and not self._is_on_errors(given)

    def _is_on_errors(self, given: Given) -> bool:
        """Whether a filter is shown to look at exceptions only, by their classes."""
        expression = given.expression
        if isinstance(expression, record.Operation) and expression.operator in ("|", "&"):
            parts = (given._replace(expression=each) for each in (expression.left, expression.right))
            return all(self._is_on_errors(part) for part in parts)
        return all(self._looks_at_errors(value) for value in self.program.evaluator.given(given))

    def _looks_at_errors(self, value: Value) -> bool:
        entry = None
        if isinstance(value, Instance) and isinstance(value.of, External):
            entry = self.program.catalog.entry(value.of.name)
        if not isinstance(entry, RetryFilter) or not isinstance(value, Instance):
            classes = self.program.errors.classes((value,))
            return bool(classes) and _are_errors(classes or ())
        if entry.combines:
            return all(
                self._is_on_errors(each) for each in (value.arguments.positional if value.arguments else ())
            )
        return not entry.result

    def _filtered(self, given: Given, error: Error) -> bool | None:
        expression = given.expression
        if isinstance(expression, record.Operation) and expression.operator in ("|", "&"):
            outcomes = [
                self._filtered(given._replace(expression=each), error)
                for each in (expression.left, expression.right)
            ]
            return _either(outcomes) if expression.operator == "|" else _both(outcomes)
        return _either([self._filter(value, error) for value in self.program.evaluator.given(given)])

    def _filter(self, value: Value, error: Error) -> bool | None:
        entry = None
        if isinstance(value, Instance) and isinstance(value.of, External):
            entry = self.program.catalog.entry(value.of.name)
        if not isinstance(entry, RetryFilter) or not isinstance(value, Instance):
            classes = self.program.errors.classes((value,))
            return self.program.errors.covers(classes, error) if classes and _are_errors(classes) else None
        if entry.result:
            return None
        if entry.combines:
            parts = value.arguments.positional if value.arguments else ()
            outcomes = [self._filtered(each, error) for each in parts]
            return _either(outcomes) if entry.combines == "any" else _both(outcomes)
        return self._by_type(entry, value, error)

    def _by_type(self, entry: RetryFilter, value: Instance, error: Error) -> bool | None:
        parameter = entry.retries or entry.spares
        given = given_for(parameter, value.arguments) if parameter else None
        if given is None:
            classes: list[Error] | None = [entry.retries_default]
        else:
            classes = self.program.errors.classes(self.program.evaluator.given(given))
        covered = None if classes is None else self.program.errors.covers(classes, error)
        return covered if entry.retries or covered is None else not covered


def given_for(parameter: Parameter | None, arguments: Arguments | None) -> Given | None:
    """The argument that is written for a parameter."""
    if parameter is None or arguments is None:
        return None
    if parameter.keyword in arguments.keywords:
        return arguments.keywords[parameter.keyword]
    if parameter.position is not None and parameter.position < len(arguments.positional):
        return arguments.positional[parameter.position]
    return None


def _are_errors(classes: Iterable[Error]) -> bool:
    """Whether classes may be exceptions: a predicate is none."""
    return all(not isinstance(each, str) or each.rpartition(".")[2][:1].isupper() for each in classes)


def _known(amounts: Iterable[Amount]) -> Iterator[float]:
    return (amount for amount in amounts if amount is not None)


def _any(parts: list[Limits]) -> Limits:
    """Any part ends it: what one part can't tell, another bounds all the same."""

    def least(amounts: list[Amount]) -> Amount:
        finite = [amount for amount in _known(amounts) if amount != math.inf]
        return min(finite) if finite else (None if None in amounts else math.inf)

    return Limits(least([part.tries for part in parts]), least([part.seconds for part in parts]))


def _all(parts: list[Limits]) -> Limits:
    """Only all parts together end it, or one of them does and it can't be told which."""
    if any(part.is_endless for part in parts):
        return Limits()
    joined = Limits(_greatest([part.tries for part in parts]), _greatest([part.seconds for part in parts]))
    return UNTOLD if joined.is_endless else joined


def _greatest(amounts: list[Amount]) -> Amount:
    return None if None in amounts or not amounts else max(_known(amounts))


def _either(outcomes: list[bool | None]) -> bool | None:
    if True in outcomes:
        return True
    return None if None in outcomes or not outcomes else False


def _both(outcomes: list[bool | None]) -> bool | None:
    if False in outcomes:
        return False
    return None if None in outcomes else True
