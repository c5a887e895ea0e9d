"""Scopes that bound the time of what they enclose: ``asyncio.timeout``, ``wait_for``, ``fail_after``."""

from __future__ import annotations

from functools import partial
from operator import eq
from typing import TYPE_CHECKING

from servicelint.catalog.model import Scope
from servicelint.facts import record
from servicelint.program.evaluation.values import MISSING, NONE, CallRef, External, FunctionRef, Literal
from servicelint.program.linking.reads import Memo
from servicelint.program.timeouts.later_waits import waits_for
from servicelint.program.timeouts.verdicts import Bounded, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.program import Program

DEEPEST_CALLERS = 12


class Enclosing:
    """Tells whether a call stands, itself or in every caller, within something that ends it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._open: set[tuple[object, ...]] = set()
        self._possible: Memo[bool, bool] = Memo(program.reads)

    def of(self, ref: CallRef, blocking: bool) -> Bounded | None:
        """The bound that encloses a call, or None. A blocking call can't be ended by what only cancels."""
        if not self._is_possible(blocking):
            return None
        return self._around(ref, blocking) or self._around_callers(ref, blocking)

    def _around(self, ref: CallRef, blocking: bool) -> Bounded | None:
        return (
            self._in_block(ref, ref.call.region, blocking)
            or self._in_waiting(ref, blocking)
            or self._awaited_later(ref, blocking)
        )

    def _is_possible(self, blocking: bool) -> bool:
        """Whether the program names a scope that can end such a call at all."""
        return self._possible.answer(blocking, lambda: self._is_some_scope_spoken_of(blocking))

    def _is_some_scope_spoken_of(self, blocking: bool) -> bool:
        names = self.program.catalog.scope_names(lambda scope: _can_end(scope, blocking))
        return any(map(self._is_spoken_of, names))

    def _is_spoken_of(self, qualified_name: str) -> bool:
        parts = qualified_name.split(".")
        ways = frozenset(".".join(parts[:length]) for length in range(1, len(parts) + 1))
        vocabulary = self.program.vocabulary
        return bool(vocabulary.modules_with(parts[-1])) and bool(vocabulary.modules_importing(ways))

    # --- with-blocks -----------------------------------------------------------------------------

    def _in_block(self, ref: CallRef, number: int, blocking: bool) -> Bounded | None:
        regions = ref.module.facts.regions
        while number > 0 and regions[number].kind != "function":
            region = regions[number]
            if region.kind in ("with", "async-with"):
                found = self._scope_bound(region.subject, ref, blocking)
                if found:
                    return found
            number = region.parent
        return None

    def _scope_bound(self, subject: record.Expression, ref: CallRef, blocking: bool) -> Bounded | None:
        if not isinstance(subject, record.CallValue):
            return None
        scope_ref = CallRef(ref.module, subject.call)
        for name, scope, arguments in self._scopes(scope_ref):
            if scope.awaitable is None and _can_end(scope, blocking) and self._is_limited(scope, arguments):
                return Bounded(
                    f"the enclosing {name}", "total", None, (Step(scope_ref, f"{name} encloses it"),)
                )
        return None

    def _scopes(self, ref: CallRef) -> list[tuple[str, Scope, Arguments]]:
        """The bounding scopes that a call makes."""
        frame = self.program.frame_of_call(ref)
        found = []
        for callee in self.program.evaluator.values(ref.call.callee, frame):
            if isinstance(callee, External):
                entry = self.program.catalog.entry(callee.name)
                if isinstance(entry, Scope):
                    name = self.program.catalog.canonical(callee.name)
                    found.append((name, entry, self.program.calls.written(ref, frame)))
        return found

    def _is_limited(self, scope: Scope, arguments: Arguments) -> bool:
        values = self.program.evaluator.argument(arguments, scope.keyword, scope.position)
        return not any(value in (NONE, MISSING) or value == Literal(float("inf")) for value in values)

    def seconds(self, ref: CallRef, blocking: bool, *, awaits: bool) -> tuple[float, str, CallRef] | None:
        """The length of the scope that a call makes, with its name, where it is written out and can end it.

        ``awaits``: one that waits for an awaitable; else one that encloses a block.
        """
        for name, scope, arguments in self._scopes(ref):
            if (scope.awaitable is not None) is not awaits or not _can_end(scope, blocking):
                continue
            values = self.program.evaluator.argument(arguments, scope.keyword, scope.position)
            lengths = [value.value for value in values if isinstance(value, Literal)]
            known = [length for length in lengths if isinstance(length, int | float)]
            if known and len(known) == len(values) and not scope.is_point:
                return float(max(known)), name, ref
        return None

    # --- functions that wait for an awaitable ----------------------------------------------------

    def _in_waiting(self, ref: CallRef, blocking: bool) -> Bounded | None:
        """``await wait_for(client.get(url), 5)``, also through ``create_task``, ``shield`` or ``gather``."""
        awaited = ref
        while (holder := self._holder(awaited)) is not None:
            found = self._waits_for(holder, partial(eq, record.CallValue(awaited.index)), blocking)
            if found:
                return found
            awaited = holder
        return None

    def _holder(self, ref: CallRef) -> CallRef | None:
        """The call that has this one as an argument, or all that a comprehension or list makes of it."""
        if ref.call.holder >= 0:
            return CallRef(ref.module, ref.call.holder)
        for number, call in enumerate(ref.module.facts.calls):
            if number != ref.index and any(_collects(each.value, ref.index) for each in call.arguments):
                return CallRef(ref.module, number)
        return None

    def _waits_for(
        self, ref: CallRef, is_awaited: Callable[[record.Expression], bool], blocking: bool
    ) -> Bounded | None:
        """The bound of a call that waits for an awaitable, if its awaitable is the one that is meant."""
        for name, scope, arguments in self._scopes(ref):
            if scope.awaitable is None or not _can_end(scope, blocking):
                continue
            if scope.stops == "waiting" and not _is_cancelled_after(ref):
                continue
            awaited = _items_of(_expression_at(ref, scope.awaitable))
            if any(map(is_awaited, awaited)) and self._is_limited(scope, arguments):
                return Bounded(f"the enclosing {name}", "total", None, (Step(ref, f"{name} waits for it"),))
        return None

    def _awaited_later(self, ref: CallRef, blocking: bool) -> Bounded | None:
        """``task = client.get(url)`` and later ``await wait_for(task, 5)``."""
        scope, bound = self._binding_of(ref)
        if bound < 0:
            return None
        for number, call in enumerate(ref.module.facts.calls):
            if call.scope == scope and any(_names(argument.value, bound) for argument in call.arguments):
                later = CallRef(ref.module, number)
                found = self._waits_for(later, lambda given: _names(given, bound), blocking)
                found = found or self._in_waiting(later, blocking)  # ``wait_for(gather(*tasks), 5)``
                if found:
                    return found
        return None if blocking else self._waited_for_later(ref, scope, bound)

    def _waited_for_later(self, ref: CallRef, scope: int, bound: int) -> Bounded | None:
        """``call = stub.List(query)``, and each wait for it or for its parts stands within a bound."""
        first: Bounded | None = None
        for wait in waits_for(ref.module.facts, scope, bound):
            found = self._in_block(ref, wait.region, blocking=False)
            if found is None and wait.call >= 0:
                found = self._in_waiting(CallRef(ref.module, wait.call), blocking=False)
            if found is None:
                return None
            first = first or found
        return first

    def _binding_of(self, ref: CallRef) -> tuple[int, int]:
        """The scope and the binding that keeps a call's coroutine, the task made of it, or a list of them."""
        call, index = ref.call, ref.index
        while not call.is_awaited:
            if call.bound_to >= 0:
                return call.scope, call.bound_to
            if call.holder < 0:
                return self._collection_of(CallRef(ref.module, index))
            call, index = ref.module.facts.calls[call.holder], call.holder
        return call.scope, -1

    def _collection_of(self, ref: CallRef) -> tuple[int, int]:
        """The scope and the binding of ``tasks = [client.get(url) for url in urls]``."""
        scopes = ref.module.facts.scopes
        number = ref.call.scope
        while number > 0:
            for index, binding in enumerate(scopes[number].bindings):
                if _collects(binding.value, ref.index):
                    return number, index
            number = scopes[number].parent
        return ref.call.scope, -1

    # --- callers ---------------------------------------------------------------------------------

    def _around_callers(self, ref: CallRef, blocking: bool) -> Bounded | None:
        """The bound that every known caller of the call's function encloses it in."""
        function = self._function_of(ref)
        if function is None:
            return None
        key = (function.module, function.index)
        if key in self._open or len(self._open) > DEEPEST_CALLERS:
            return None
        self._open.add(key)
        try:
            first: Bounded | None = None
            for arguments in self.program.callers.of(function):
                bound = self.of(arguments.call, blocking)
                if bound is None:
                    return None
                first = first or bound
            return first
        finally:
            self._open.discard(key)

    def _function_of(self, ref: CallRef) -> FunctionRef | None:
        number = self.program.function_of_scope(ref.module, ref.call.scope)
        return FunctionRef(ref.module, number) if number >= 0 else None


def _can_end(scope: Scope, blocking: bool) -> bool:
    return not blocking or scope.cancels == "green-threads"


def _expression_at(ref: CallRef, position: int) -> record.Expression | None:
    """The argument at a position, with what only hands it on (``create_task``) taken off."""
    arguments = [argument for argument in ref.call.arguments if not argument.keyword and not argument.stars]
    return arguments[position].value if position < len(arguments) else None


def _items_of(expression: record.Expression | None) -> tuple[record.Expression, ...]:
    """An awaitable, and those in the list or set that it is, if it is written out."""
    if expression is None:
        return ()
    return (expression, *expression.items) if isinstance(expression, record.Sequence) else (expression,)


def _is_cancelled_after(ref: CallRef) -> bool:
    """Whether the function that waits also cancels: ``for task in pending: task.cancel()``."""
    return any(
        isinstance(call.callee, record.Attribute) and call.callee.name == "cancel"
        for call in ref.module.facts.calls
        if call.scope == ref.call.scope
    )


def _collects(expression: record.Expression, call: int) -> bool:
    """Whether a comprehension, or a list that is written out, is one of the results of a call."""
    if isinstance(expression, record.Collected):
        return expression.element == record.CallValue(call)
    return isinstance(expression, record.Sequence) and record.CallValue(call) in expression.items


def _names(expression: record.Expression, binding: int) -> bool:
    return any(
        isinstance(each, record.Name) and binding in each.definitions for each in _items_of(expression)
    )
