"""What is wrong with the use of a circuit breaker: it can't open, or is blind to error statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.breakers.uses import kind_of
from servicelint.program.evaluation.errors import names
from servicelint.program.evaluation.values import CallRef, External, ExternalMethod, FunctionRef, Origin
from servicelint.program.faults import Fault, name_of, statement
from servicelint.program.timeouts.verdicts import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.catalog.guards import FunctionKind
    from servicelint.program.breakers.outcomes import Outcome
    from servicelint.program.breakers.uses import BreakerUse
    from servicelint.program.evaluation.errors import Error
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

_KINDS: dict[FunctionKind, str] = {
    "function": "a plain function",
    "coroutine": "`async def`",
    "generator": "a generator",
    "async-generator": "an async generator",
}


class BreakerFaults:
    """Judges the uses of breakers."""

    def __init__(self, program: Program) -> None:
        self.program = program

    # --- breakers that never open ----------------------------------------------------------------

    def never_open(self, module: Module) -> Iterator[Fault]:
        """The uses of breakers in a module that never open, whatever fails."""
        seen: set[object] = set()
        for use in self.program.breakers.uses(module):
            fault = self._never_opens(use)
            if fault is not None and fault.place not in seen:
                seen.add(fault.place)
                yield fault

    def _never_opens(self, use: BreakerUse) -> Fault | None:
        return self._toothless(use) or self._wrong_kind(use) or self._blind(use)

    def place(self, use: BreakerUse) -> CallRef | FunctionRef | Origin | None:
        """Where a use stands: at the function that is decorated, at the call, at what opens the block."""
        if use.form == "block":
            return statement(use.module, use.region)
        if use.form == "decorator" and use.function is not None:
            return use.call if self.is_wrapped_later(use) else use.function
        return use.call

    def is_wrapped_later(self, use: BreakerUse) -> bool:
        """Whether a function is given to the breaker by a call, not decorated at its definition."""
        function = use.function
        if use.call is None or function is None:
            return False
        decorators = function.module.facts.functions[function.index].decorators
        return record.CallValue(use.call.index) not in decorators or use.call.module is not function.module

    def _fault(self, use: BreakerUse, reason: str, steps: tuple[Step, ...] = ()) -> Fault | None:
        place = self.place(use)
        if place is None:
            return None
        made = use.breaker.instance.made
        first = (Step(made, f"the {use.breaker.name} is made here"),) if made and made != place else ()
        return Fault(place, self._subject(use), reason, (*first, *steps))

    def _subject(self, use: BreakerUse) -> str:
        if use.function is not None:
            name = name_of(use.function)
            return f"`{name.rpartition('.')[2]}`" if "<" not in name else "the lambda"
        if isinstance(use.target, ExternalMethod):
            return f"`{use.target.name}`"
        return "this block" if use.form == "block" else "what it calls"

    def _toothless(self, use: BreakerUse) -> Fault | None:
        """A way of using it that counts failures and never refuses a call."""
        name = use.breaker.name
        if use.form == "block" and not use.entry.blocks[use.through]:
            return self._fault(use, f"`with` on a {name} counts failures and lets every block run")
        if use.form == "call" and not use.entry.calls[use.through]:
            return self._fault(use, f"{name}.{use.through} counts failures and lets every call pass")
        return None

    def _wrong_kind(self, use: BreakerUse) -> Fault | None:
        """A kind of function whose failures it never sees."""
        if use.form == "block" or any(not self._keeps_kind(each, use) for each in use.below):
            return None
        kind = self._kind(use)
        if kind is None or kind in use.guards:
            return None
        how = f"{use.breaker.name}.{use.through}" if use.through else f"a {use.breaker.name}"
        end = "a coroutine that is made is no failure" if kind == "coroutine" else "it is over before it runs"
        return self._fault(use, f"{how} sees no failure of {_KINDS[kind]}: {end}")

    def _keeps_kind(self, decorator: record.Expression, use: BreakerUse) -> bool:
        """Whether a decorator below leaves a coroutine one: retries and further breakers do."""
        function = use.function
        if function is None:
            return False
        scope = function.module.facts.functions[function.index].outer_scope
        frame = self.program.root_frame(function.module, scope)
        values = self.program.evaluator.values(decorator, frame)
        guards = (self.program.retries.of(v) or self.program.breakers.of(v) for v in values)
        return bool(values) and all(guard is not None for guard in guards)

    def _kind(self, use: BreakerUse) -> FunctionKind | None:
        if use.function is not None:
            function = use.function.module.facts.functions[use.function.index]
            if function.name == "<lambda>":
                return self._kind_of_lambda(use.function)
            if use.form == "call" and function.decorators:
                return None
            return kind_of(function)
        if isinstance(use.target, External | ExternalMethod) and use.call is not None:
            frame = self.program.frame_of_call(use.call)
            target = self.program.sites.target(use.target, self.program.calls.written(use.call, frame))
            return None if target is None or target.blocking else "coroutine"
        return None

    def _kind_of_lambda(self, function: FunctionRef) -> FunctionKind | None:
        """A lambda that returns a coroutine is as good as one."""
        described = function.module.facts.functions[function.index]
        for value, _ in described.returns:
            if isinstance(value, record.CallValue):
                ref = CallRef(function.module, value.call)
                site = self.program.outcomes.sites(function.module).get(ref)
                if site is not None and not all(target.blocking for target in site.targets):
                    return "coroutine"
                called = [
                    each.module.facts.functions[each.index] for each in self.program.outcomes.called(ref)
                ]
                if called and all(each.is_async and not each.decorators for each in called):
                    return "coroutine"
        return None

    # --- failures that it does not see or does not count -----------------------------------------

    def _blind(self, use: BreakerUse) -> Fault | None:
        is_told_all = use.breaker.own is not None and use.form == "block"  # what leaves a block is no choice
        counted = None if is_told_all else self.program.breakers.counted(use.breaker)
        excluded = self.program.breakers.excluded(use.breaker)
        if counted == []:
            return self._fault(use, "it is told of no exception that counts as a failure")
        outcomes = self._outcomes(use)
        if not outcomes or any(outcome.fate.kind == "unknown" for outcome in outcomes):
            return None
        left = [outcome for outcome in outcomes if outcome.fate.kind == "raised"]
        if not left:
            return self._fault(use, "every failure is caught before the breaker sees it", _steps(outcomes))
        if counted is None or excluded is None:
            return None
        if any(self._counts(outcome.fate.error, counted, excluded) is not False for outcome in left):
            return None
        return self._fault(use, _uncounted(left, counted, excluded), _steps(left))

    def _outcomes(self, use: BreakerUse) -> list[Outcome]:
        if use.form == "block":
            return self.program.outcomes.of_block(use.module, use.region)
        if use.function is None or any(not self._keeps_kind(each, use) for each in use.below):
            return []
        return self.program.outcomes.of_function(use.function)

    def _counts(self, error: Error | None, counted: list[Error], excluded: list[Error]) -> bool | None:
        """Whether the breaker counts an exception; None if that can't be told."""
        if error is None:
            return None
        errors = self.program.errors
        if errors.covers(excluded, error):
            return False
        if any(isinstance(each, str) and not each.rpartition(".")[2][:1].isupper() for each in counted):
            return None  # a predicate decides
        if errors.covers(excluded, error) is None and excluded:
            return None
        return errors.covers(counted, error)

    # --- error statuses --------------------------------------------------------------------------

    def blind_to_status(self, module: Module) -> Iterator[Fault]:
        """The guarded functions that return an answer with an error status like any other."""
        seen: set[FunctionRef] = set()
        for use in self.program.breakers.uses(module):
            function = use.function
            if function is None or function in seen or self._never_opens(use) is not None:
                continue
            if use.breaker.own is not None and use.breaker.own.looks_at_results:
                continue
            seen.add(function)
            site = self.program.statuses.unchecked_site(function)
            if site is not None:
                name = site.targets[0].name
                step = Step(site.ref, f"{name} returns an answer with status 500 like any other")
                yield Fault(function, self._subject(use), "", (step,))


MOST_STEPS = 4
"""Handlers that a trace shows."""


def _steps(outcomes: list[Outcome]) -> tuple[Step, ...]:
    """Where the handlers stand that make failures unseen."""
    found: dict[tuple[int, int], Step] = {}
    for outcome in outcomes:
        found.setdefault((id(outcome.ref.module), outcome.ref.index), Step(outcome.ref, _told(outcome)))
    return tuple(found.values())[:MOST_STEPS]


def _told(outcome: Outcome) -> str:
    [failure] = names([outcome.error])
    if outcome.fate.kind == "swallowed":
        return f"{failure} is caught here and not raised again"
    [seen] = names([outcome.fate.error]) if outcome.fate.error else ["?"]
    return f"{failure} leaves here" if seen == failure else f"{failure} is turned into {seen}"


def _uncounted(left: list[Outcome], counted: list[Error], excluded: list[Error]) -> str:
    raised = ", ".join(dict.fromkeys(names([each.fate.error for each in left if each.fate.error])))
    if excluded:
        return f"it is told not to count {', '.join(names(excluded))}, and what is raised is {raised}"
    return f"it counts {', '.join(names(counted))}, and what is raised is {raised}"
