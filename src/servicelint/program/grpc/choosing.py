"""Interceptors that choose: which of the calls they change rests on what is called, or with what.

A test in an interceptor that asks of the call's details or its request (its method, its metadata) goes
another way for another call. Which way it goes for one call can't be told, so its deadline can't be either.
A test that rests on anything else besides (a setting) may go either way for each call: it chooses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.facts.mentions import mentions, parts
from servicelint.program.evaluation.parameters import has_receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from servicelint.facts.record import Expression, ModuleFacts
    from servicelint.program.evaluation.values import ClassRef

DEEPEST = 8
"""Names that are followed to what they are bound to, one after the other."""


def chooses(klass: ClassRef, timeout: str, decide: Callable[[Expression, int], bool | None]) -> bool:
    """Whether a method of a class tests anything of what it is handed, but for the attribute ``timeout``.

    ``decide`` tells of a test in a scope whether it holds, None if that can't be told.
    """
    facts = klass.module.facts
    methods = {each.scope for each in facts.functions if each.klass == klass.index}
    return any(
        _Tests(facts, scope, timeout, decide).ask_of_the_call()
        for scope in range(len(facts.scopes))
        if methods & set(_enclosing(facts, scope))
    )


class _Tests:
    """The tests of one function."""

    def __init__(
        self, facts: ModuleFacts, scope: int, timeout: str, decide: Callable[[Expression, int], bool | None]
    ) -> None:
        self.facts, self.scope, self.timeout, self.decide = facts, scope, timeout, decide

    def ask_of_the_call(self) -> bool:
        return any(map(self._is_reached_and_asks, self._blocks())) or any(
            self._asks(part.test, DEEPEST)
            for part in parts(self._written())
            if isinstance(part, record.Conditional)
        )

    def _blocks(self) -> list[record.Region]:
        return [each for each in self.facts.regions if each.kind == "if" and each.scope == self.scope]

    def _is_reached_and_asks(self, block: record.Region) -> bool:
        """Whether the test of a block asks of the call, and nothing around it may go either way."""
        if not self._asks(block.subject, DEEPEST):
            return False
        while block.parent > 0:
            block = self.facts.regions[block.parent]
            if block.kind == "if" and not self._leaves_open(block.subject, block.outcome):
                return False
        return True

    def _leaves_open(self, test: Expression, outcome: bool) -> bool:
        """Whether it is up to the call, or no question at all, that a test has an outcome."""
        asks_timeout = mentions(test, lambda part: getattr(part, "name", "") == self.timeout)
        return asks_timeout or self._asks(test, DEEPEST) or self.decide(test, self.scope) is outcome

    def _written(self) -> list[Expression]:
        """What the function binds to names and gives to calls."""
        bound = [binding.value for binding in self.facts.scopes[self.scope].bindings]
        calls = [call for call in self.facts.calls if call.scope == self.scope]
        return bound + [argument.value for call in calls for argument in call.arguments]

    def _asks(self, expression: object, depth: int) -> bool:
        if isinstance(expression, record.Attribute) and expression.name == self.timeout:
            return False
        if isinstance(expression, record.Choice):
            neutral = expression.operator == "and"
            return any(self._asks(each, depth) for each in expression.operands) and all(
                self._leaves_open(each, neutral) for each in expression.operands
            )
        if isinstance(expression, record.Name):
            return depth > 0 and any(self._asks_by_binding(*each, depth) for each in self._bound(expression))
        return any(self._asks(part, depth) for part in self._inside(expression))

    def _asks_by_binding(self, scope: int, number: int, depth: int) -> bool:
        value = self.facts.scopes[scope].bindings[number].value
        if isinstance(value, record.ParameterValue):
            return not self._is_receiver(scope, value.index)
        return self._asks(value, depth - 1)

    def _inside(self, expression: object) -> Sequence[object]:
        if isinstance(expression, record.CallValue):
            call = self.facts.calls[expression.call]
            return [call.callee, *(argument.value for argument in call.arguments)]
        if isinstance(expression, record.Node):
            return [getattr(expression, field) for field in expression.__struct_fields__]
        return expression if isinstance(expression, list | tuple) else ()

    def _bound(self, name: record.Name) -> list[tuple[int, int]]:
        """The bindings that a name may mean, by scope and number: its own, or an outer function's."""
        if name.definitions:
            return [(self.scope, number) for number in name.definitions]
        for scope in _enclosing(self.facts, self.facts.scopes[self.scope].parent):
            if name.name in self.facts.scopes[scope].final:
                return [(scope, number) for number in self.facts.scopes[scope].final[name.name]]
        return []

    def _is_receiver(self, scope: int, index: int) -> bool:
        function = next(each for each in self.facts.functions if each.scope == scope)
        return index == 0 and has_receiver(function)


def _enclosing(facts: ModuleFacts, scope: int) -> Iterator[int]:
    """A scope and those around it, up to the module's."""
    while scope > 0:
        yield scope
        scope = facts.scopes[scope].parent
