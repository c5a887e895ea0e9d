"""Tests: which way they go, as far as that can be told, and what they leave of a value."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from servicelint.facts import record
from servicelint.facts.mentions import mentions
from servicelint.program.evaluation.values import (
    MISSING,
    UNKNOWN,
    ClassRef,
    External,
    FunctionRef,
    Instance,
    Literal,
    MappingValue,
    ModuleValue,
    ParameterSymbol,
    SequenceValue,
    Value,
    Values,
    merge,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from servicelint.program.evaluation.evaluator import Evaluator
    from servicelint.program.evaluation.frames import Frame

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "is": operator.is_,
    "is not": operator.is_not,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MAIN_GUARD = "__name__"


class Conditions:
    """Decides tests on literal values; what depends on anything else stays undecided (None)."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._assumes = True

    def as_values(self, expression: record.Expression, frame: Frame) -> Values:
        """A comparison or negation as a value."""
        outcome = self.decide(expression, frame)
        return (UNKNOWN,) if outcome is None else (Literal(outcome),)

    def decide(self, test: record.Expression, frame: Frame) -> bool | None:
        """Whether ``test`` holds: True or False if it does for everything it can be, else None."""
        if isinstance(test, record.Negation):
            outcome = self.decide(test.value, frame)
            return None if outcome is None else not outcome
        if isinstance(test, record.Comparison):
            return self._compare(test, frame)
        if isinstance(test, record.Choice):
            return self._decide_choice(test, frame)
        if isinstance(test, record.Name | record.Constant | record.Attribute | record.CallValue):
            return _agreed(self.truth(value) for value in self.evaluator.shallow(test, frame))
        return None

    def _decide_choice(self, test: record.Choice, frame: Frame) -> bool | None:
        outcomes = [self.decide(operand, frame) for operand in test.operands]
        decisive = test.operator == "or"
        if decisive in outcomes:
            return decisive
        return None if None in outcomes else not decisive

    def _compare(self, test: record.Comparison, frame: Frame) -> bool | None:
        if test.operator in ("in", "not in"):
            return self._contains(test, frame)
        compare = _COMPARE.get(test.operator)
        if compare is None:
            return None
        lefts = self.evaluator.shallow(test.left, frame)
        rights = self.evaluator.shallow(test.right, frame)
        if not self._assumes and any(isinstance(v, Literal) and v.assumed for v in lefts + rights):
            return None
        return _agreed(_compared(compare, left, right) for left in lefts for right in rights)

    def _contains(self, test: record.Comparison, frame: Frame) -> bool | None:
        keys = self.evaluator.shallow(test.left, frame)
        holders = self.evaluator.shallow(test.right, frame)
        outcome = _agreed(self._holds(holder, key) for holder in holders for key in keys)
        return outcome if outcome is None or test.operator == "in" else not outcome

    def _holds(self, holder: Value, key: Value) -> bool | None:
        if not isinstance(key, Literal):
            return None
        if isinstance(holder, MappingValue) and isinstance(key.value, str):
            found = self.evaluator.containers.lookup(holder, key.value)
            if any(isinstance(value, ParameterSymbol) for value in found) or UNKNOWN in found:
                return None
            return _agreed(value != MISSING for value in found)
        if isinstance(holder, SequenceValue) and not holder.is_open:
            items = merge(*holder.items)
            return (key in items) if all(isinstance(item, Literal) for item in items) else None
        return None

    def truth(self, value: Value) -> bool | None:
        """Whether a value is truthy, as far as that is known."""
        if isinstance(value, Literal):
            return bool(value.value) if self._assumes or not value.assumed else None
        if isinstance(value, SequenceValue) and not value.is_open:
            return bool(value.items)
        if isinstance(value, Instance | FunctionRef | ClassRef | ModuleValue | External):
            return True
        if isinstance(value, ParameterSymbol) and "false" in value.excluded:
            return True
        return None

    # --- narrowing -------------------------------------------------------------------------------

    def narrowed(self, expression: record.Narrowed, frame: Frame) -> Values:
        """What is left of a value where a test of it had a known outcome."""
        values = self.evaluator.values(expression.value, frame)
        if expression.test in ("key", "item"):
            keys = self.evaluator.values(expression.detail, frame)
            key = keys[0].value if len(keys) == 1 and isinstance(keys[0], Literal) else None
            if not isinstance(key, str):
                return values
            without = expression.outcome is (expression.test == "item")
            return self._narrowed_key(values, key, without, expression.test == "item")
        return self.narrowed_to(values, expression.test, expression.outcome)

    def narrowed_to(self, values: Values, test: str, outcome: bool) -> Values:
        """The values for which ``test`` (``none`` or ``true``) can have ``outcome``."""
        return merge(*(self._narrowed_value(value, test, outcome) for value in values))

    def _narrowed_value(self, value: Value, test: str, outcome: bool) -> Values:
        if isinstance(value, ParameterSymbol):
            return _narrowed_symbol(value, test, outcome)
        holds = (value == Literal(None)) if test == "none" else self.truth(value)
        if test == "none" and value == UNKNOWN:
            return () if outcome else (value,)
        return (value,) if holds is None or holds is outcome else ()

    def _narrowed_key(self, values: Values, key: str, without: bool, or_none: bool) -> Values:
        """Dicts known to be without a key, or to have it; ``or_none``: having None is being without."""
        narrowed: list[Value] = []
        for value in values:
            mapping = MappingValue(rest=((value,),)) if isinstance(value, ParameterSymbol) else value
            if not isinstance(mapping, MappingValue):
                narrowed.append(value)
                continue
            found = self.evaluator.containers.lookup(mapping, key)
            if without:
                left: Values = (MISSING,) if any(_may_be_missing(entry, or_none) for entry in found) else ()
            else:
                left = merge(*(_present(entry, or_none) for entry in found))
            if left:
                narrowed.append(mapping.with_entry(key, left))
        return tuple(narrowed)

    def meant(
        self, expression: record.Expression, test: record.Expression, outcome: bool, frame: Frame
    ) -> Values:
        """``None`` where a test tells that a parameter is None stands for that: its callers decide.

        () if it is anything else. A test for truth tells so only of a parameter that is None by default: of a
        text, for one, it tells that it is empty.
        """
        name = _none_by(test, outcome) if expression == record.Constant(None) else None
        if name is None:
            return ()
        symbols = [each for each in self.evaluator.values(name, frame) if isinstance(each, ParameterSymbol)]
        if isinstance(_without_negation(test), record.Comparison):
            return tuple(symbols)
        defaults = self.evaluator.program.parameters.defaults
        return tuple(each for each in symbols if Literal(None) in defaults(each))

    def meant_in(self, expression: record.Expression, region: int, frame: Frame) -> Values:
        """The same for an expression in a block: ``if timeout is None: return None``."""
        regions = frame.module.facts.regions
        while region > 0 and regions[region].scope == frame.scope:
            block = regions[region]
            if block.kind == "if":
                found = self.meant(expression, block.subject, block.outcome, frame)
                if found:
                    return found
            region = block.parent
        return ()

    def meant_before(self, number: int, frame: Frame) -> Values:
        """The same for what stands before a test: ``limit = None``, then ``if given: limit = Limit(given)``.

        What is put there instead is made of what is tested, else the test would tell of something else.
        """
        bindings = frame.module.facts.scopes[frame.scope].bindings
        before = bindings[number]
        for later in bindings[number + 1 :] if before.value == record.Constant(None) else ():
            block = self._block_in(before.region, later.region, frame) if later.name == before.name else None
            tested = _none_by(block.subject, not block.outcome) if block is not None else None
            if block is not None and tested is not None and _is_made_of(tested.name, later.value, frame):
                return self.meant(before.value, block.subject, not block.outcome, frame)
        return ()

    def _block_in(self, outer: int, inner: int, frame: Frame) -> record.Region | None:
        """The branch of a test that stands directly in a block and holds another one."""
        regions = frame.module.facts.regions
        while inner > 0 and regions[inner].parent != outer and regions[inner].scope == frame.scope:
            inner = regions[inner].parent
        block = regions[inner]
        return block if inner > 0 and block.kind == "if" and block.scope == frame.scope else None

    # --- branches --------------------------------------------------------------------------------

    def unreachable(self, region: int, frame: Frame) -> bool:
        """Whether a block can't be reached, whatever the environment sets."""
        self._assumes, before = False, self._assumes
        try:
            return self.ruled_out(region, frame)
        finally:
            self._assumes = before

    def ruled_out(self, region: int, frame: Frame) -> bool:
        """Whether a block can't be reached, as its tests go here where the environment sets nothing."""
        regions = frame.module.facts.regions
        while region > 0:
            block = regions[region]
            if block.kind == "function" or block.scope != frame.scope:
                return False
            if block.kind == "if":
                outcome = self.decide(block.subject, frame)
                if outcome is not None and outcome is not block.outcome:
                    return True
            region = block.parent
        return False


def _without_negation(test: record.Expression) -> record.Expression:
    return _without_negation(test.value) if isinstance(test, record.Negation) else test


def _is_made_of(name: str, value: record.Expression, frame: Frame) -> bool:
    """Whether a value, or an argument of the call that it is, mentions a name."""
    arguments = frame.module.facts.calls[value.call].arguments if isinstance(value, record.CallValue) else ()
    given = (value, *(each.value for each in arguments))
    return any(
        mentions(each, lambda part: isinstance(part, record.Name) and part.name == name) for each in given
    )


def _none_by(test: record.Expression, outcome: bool) -> record.Name | None:
    """The name that is None, or as good as that, where a test has an outcome."""
    if isinstance(test, record.Negation):
        return _none_by(test.value, not outcome)
    if isinstance(test, record.Name):
        return None if outcome else test
    if not isinstance(test, record.Comparison) or test.right != record.Constant(None):
        return None
    is_none = {"is": True, "==": True, "is not": False, "!=": False}.get(test.operator)
    return test.left if is_none is outcome and isinstance(test.left, record.Name) else None


def _narrowed_symbol(symbol: ParameterSymbol, test: str, outcome: bool) -> Values:
    if test == "none" and not outcome:
        return (replace(symbol, excluded=symbol.excluded | {"none"}),)
    if test == "true" and outcome:
        return (replace(symbol, excluded=symbol.excluded | {"none", "false"}),)
    impossible = "none" if test == "none" else "false"
    return () if impossible in symbol.excluded else (symbol,)


def _may_be_missing(value: Value, or_none: bool) -> bool:
    if isinstance(value, ParameterSymbol):
        return "missing" not in value.excluded or (or_none and "none" not in value.excluded)
    return value in (MISSING, UNKNOWN) or (or_none and value == Literal(None))


def _present(value: Value, not_none: bool) -> Values:
    if isinstance(value, ParameterSymbol):
        more = {"missing", "none"} if not_none else {"missing"}
        return (replace(value, excluded=value.excluded | more),)
    return () if value == MISSING or (not_none and value == Literal(None)) else (value,)


def _compared(compare: Callable[[object, object], bool], left: Value, right: Value) -> bool | None:
    if isinstance(left, ParameterSymbol) and right == Literal(None) and "none" in left.excluded:
        return (
            compare(object(), None)
            if compare in (operator.is_, operator.is_not, operator.eq, operator.ne)
            else None
        )
    none = Literal(None)
    if none in (left, right) and compare in (operator.is_, operator.is_not):
        other = right if left == none else left
        if isinstance(other, Instance | FunctionRef | ClassRef | MappingValue | SequenceValue):
            return compare is operator.is_not
    if not isinstance(left, Literal) or not isinstance(right, Literal):
        return None
    try:
        return bool(compare(left.value, right.value))
    except TypeError:  # the program would raise here: the branch is not taken either way
        return None


def _agreed(outcomes: Iterable[bool | None]) -> bool | None:
    """The one outcome that all share, or None."""
    distinct = set(outcomes)
    return distinct.pop() if len(distinct) == 1 else None
