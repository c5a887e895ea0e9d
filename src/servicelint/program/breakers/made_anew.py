"""Circuit breakers whose state does not last: made for each call, or with an object made for each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef, ClassRef, FunctionRef
from servicelint.program.faults import Fault
from servicelint.program.timeouts.verdicts import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.breakers.uses import BreakerUse
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program


class BreakersMadeAnew:
    """Finds breakers that forget what failed before."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def of(self, module: Module) -> Iterator[Fault]:
        """The breakers made in a module that live no longer than a call, or than a request."""
        seen: set[CallRef] = set()
        for use in self.program.breakers.uses(module):
            made = use.breaker.instance.made
            if made is None or made in seen or made.module is not module:
                continue
            if self.program.breakers.has_own_storage(use.breaker):
                continue
            fault = self._for_each_call(use, made) or self._for_each_request(use, made)
            if fault is not None:
                seen.add(made)
                yield fault

    # --- made where it is used -------------------------------------------------------------------

    def _for_each_call(self, use: BreakerUse, made: CallRef) -> Fault | None:
        if not self._is_spent(use, made):
            return None
        function = self._function_around(made)
        described = f"each call of `{function.name}`" if function else "each call"
        return Fault(made, use.breaker.name, f"made anew for {described}, it forgets what failed before")

    def _function_around(self, ref: CallRef) -> record.Function | None:
        number = self.program.function_of_scope(ref.module, ref.call.scope)
        return ref.module.facts.functions[number] if number >= 0 else None

    def _is_spent(self, use: BreakerUse, made: CallRef) -> bool:
        """Whether a breaker is used up in the very call of the function that makes it."""
        function = self._function_around(made)
        if function is None or self.program.lifetimes.is_run_once(function, made.module.facts.calls):
            return False
        if self._scope_of_use(use) != made.call.scope or self.program.lifetimes.loops_between(use, made):
            return False
        if self.program.lifetimes.outlives_call(made):
            return False
        if use.form != "decorator":
            return True
        return use.function is not None and self.program.lifetimes.is_called_and_dropped(use.function)

    def _scope_of_use(self, use: BreakerUse) -> int:
        if use.form == "block":
            return use.module.facts.regions[use.region].scope
        is_wrapped_later = self.program.breaker_faults.is_wrapped_later(use)
        if use.function is not None and not is_wrapped_later and use.form == "decorator":
            return use.module.facts.functions[use.function.index].outer_scope
        return use.call.call.scope if use.call else -1

    # --- made with an object that handles one request --------------------------------------------

    def _for_each_request(self, use: BreakerUse, made: CallRef) -> Fault | None:
        """A breaker that ``__init__`` keeps on an object which a handler, or a dependency, makes."""
        init = self._function_around(made)
        if init is None or init.name != "__init__" or init.klass < 0 or not _is_kept_on_self(made):
            return None
        klass = ClassRef(made.module, init.klass)
        for construction in self._constructions(made):
            if self._is_for_one_request(construction):
                name = self.program.attributes.classes.record_of(klass).name
                reason = f"made anew with each `{name}`, and one is made for each request"
                return Fault(made, use.breaker.name, reason, (Step(construction, f"`{name}` is made here"),))
        return None

    def _constructions(self, made: CallRef) -> list[CallRef]:
        """Where objects are made by the ``__init__`` that a call stands in."""
        init = FunctionRef(made.module, self.program.function_of_scope(made.module, made.call.scope))
        return list(dict.fromkeys(arguments.call for arguments in self.program.callers.of(init)))

    def _is_for_one_request(self, construction: CallRef) -> bool:
        """Whether a handler makes an object and drops it, or a dependency makes it for the handler."""
        module = construction.module
        number = self.program.function_of_scope(module, construction.call.scope)
        if number < 0:
            return False
        handler = self.program.handlers.of(FunctionRef(module, number))
        if handler is None or handler.kind == "message":
            return False
        function = module.facts.functions[number]
        if function.decorators and (
            not handler.is_entry or self.program.lifetimes.is_run_once(function, module.facts.calls)
        ):
            return False
        return not handler.is_entry or not self.program.lifetimes.outlives_call(construction)


def _is_kept_on_self(made: CallRef) -> bool:
    """Whether an attribute of the object itself gets what is made."""
    result = record.CallValue(made.index)
    return any(
        write.value == result and write.scope == made.call.scope and isinstance(write.target, record.Name)
        for write in made.module.facts.writes
    )
