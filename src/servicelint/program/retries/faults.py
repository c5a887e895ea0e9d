"""What is wrong with retries: no end, no wait, an open breaker or an unsafe request tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.errors import ANYTHING, names
from servicelint.program.evaluation.values import CallRef, FunctionRef
from servicelint.program.faults import Fault, statement
from servicelint.program.timeouts.verdicts import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from servicelint.program.breakers.uses import BreakerUse
    from servicelint.program.evaluation.errors import Error
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program
    from servicelint.program.retries.loops import RetryLoop
    from servicelint.program.retries.policies import RetryPolicy
    from servicelint.program.retries.uses import RetryUse
    from servicelint.program.sites import Site

UNSAFE = ("POST", "PATCH")
"""The HTTP methods that do something twice if they are sent twice."""

FEW_RETRIES = 2
"""A client that tries a request again at once, and not more often, does no harm."""


class RetryFaults:
    """Judges retries."""

    def __init__(self, program: Program) -> None:
        self.program = program

    # --- retries without end, and without a wait -------------------------------------------------

    def endless(self, module: Module) -> Iterator[Fault]:
        """Retries that nothing but success ends, then those that wait nothing between tries (info)."""
        for place, policy, functions in self._policies(module):
            if any(self._is_for_ever(function) for function in functions):
                continue
            fault = self._endless(place, policy, functions) or self._hasty(place, policy)
            if fault is not None:
                yield fault
        for loop in self.program.retry_loops.of(module):
            if loop.is_endless:
                yield self._endless_loop(loop)

    def _policies(
        self, module: Module
    ) -> Iterator[tuple[CallRef | FunctionRef, RetryPolicy, list[FunctionRef]]]:
        """The policies made in a module, and the bare decorators in it, with the functions they repeat."""
        uses = self.program.retry_uses.of(module)
        for policy in self.program.retry_uses.policies(module):
            repeated = [use.function for use in uses if use.policy.made == policy.made and use.function]
            if policy.made is not None:
                yield policy.made, policy, repeated
        for use in uses:
            if use.policy.made is None and use.function is not None:
                yield use.function, use.policy, [use.function]

    def _is_for_ever(self, function: FunctionRef) -> bool:
        """Whether a function is meant to run for ever, so that it is started again for ever: a consumer."""
        facts = function.module.facts
        described = facts.functions[function.index]
        if described.is_generator:
            return True
        return any(
            region.kind == "while"
            and region.scope == described.scope
            and isinstance(region.subject, record.Constant)
            and bool(region.subject.value)
            for region in facts.regions
        )

    def _endless(
        self, place: CallRef | FunctionRef, policy: RetryPolicy, functions: list[FunctionRef]
    ) -> Fault | None:
        retries = self.program.retries
        if not retries.limits(policy).is_endless or retries.waits_for_result(policy):
            return None
        if policy.entry.unless and retries.is_given(policy.entry.unless, policy.arguments):
            return None
        waiting = ", without waiting between tries" if retries.never_waits(policy) else ""
        on_top = self._on_top(site for function in functions for site in self._sites(function))
        return Fault(place, policy.name, f"tries for ever{waiting}: nothing but success ends it{on_top}")

    def _sites(self, function: FunctionRef) -> list[Site]:
        """The requests that stand in a function."""
        scope = function.module.facts.functions[function.index].scope
        sites = self.program.outcomes.sites(function.module)
        return [site for ref, site in sites.items() if ref.call.scope == scope]

    def _on_top(self, sites: Iterable[Site]) -> str:
        """That a mesh tries some of these again, too; "" if none does."""
        mesh = self.program.mesh
        if not mesh.rules:
            return ""
        told = (mesh.on_top(self.program.addresses.host(site)) for site in sites)
        return next(filter(None, told), "")

    def _hasty(self, place: CallRef | FunctionRef, policy: RetryPolicy) -> Fault | None:
        retries = self.program.retries
        limits = retries.limits(policy)
        if not retries.never_waits(policy) or retries.waits_for_result(policy) or limits.tries is None:
            return None
        if limits.tries <= 1 or (policy.entry.form == "policy" and limits.tries <= FEW_RETRIES + 1):
            return None
        return Fault(place, policy.name, "waits nothing between tries", severity="info")

    def _endless_loop(self, loop: RetryLoop) -> Fault:
        waiting = "" if loop.waits else ", without waiting between tries"
        place = statement(loop.module, loop.region)
        steps = (
            Step(loop.call, "this is what is tried"),
            Step(statement(loop.module, loop.handler), "its failure is caught here, and the loop goes on"),
        )
        site = self.program.outcomes.sites(loop.module).get(loop.call)
        ending = f"nothing but success ends it{self._on_top([site] if site else [])}"
        return Fault(place, "this loop", f"tries for ever{waiting}: {ending}", steps)

    # --- open breakers that are tried again ------------------------------------------------------

    def on_open_breakers(self, module: Module) -> Iterator[Fault]:
        """Retries that also try again when a breaker refuses the call."""
        if not (self.program.breakers.are_used or self.program.own_breakers.exist):
            return
        seen: set[object] = set()
        for use in self.program.retry_uses.of(module):
            for guard, error, steps in self._refusals(use):
                if self.program.retries.retries(use.policy, error) and use.function not in seen:
                    seen.add(use.function)
                    yield self._refused(use, guard, error, steps)
        yield from self._loops_on_open_breakers(module)

    def _refused(self, use: RetryUse, guard: BreakerUse, error: Error, steps: tuple[Step, ...]) -> Fault:
        [seen] = names([error])
        reason = f"tries again after {seen}, which {guard.breaker.name} raises while it is open"
        function = use.function
        if function is not None and function.module is use.module:
            return Fault(function, use.policy.name, reason, steps)
        return Fault(statement(use.module, max(use.region, 0)), use.policy.name, reason, steps)

    def _refusals(self, use: RetryUse) -> Iterator[tuple[BreakerUse, Error, tuple[Step, ...]]]:
        """What open breakers raise within what is repeated, as the retry gets to see it."""
        if use.form == "block":
            yield from self._refusals_in(use.module, use.region, use.region)
            return
        if use.function is None:
            return
        described = use.function.module.facts.functions[use.function.index]
        for guard in self.program.breakers.guarding(use.function):
            error = guard.breaker.open_error
            if error is None or self.program.breakers.falls_back(guard.breaker):
                continue
            if use.form == "call" or len(described.decorators) - len(guard.below) - 1 > use.rank:
                yield guard, error, ()
        yield from self._refusals_in(use.function.module, -1, 0, described.scope)

    def _refusals_in(
        self, module: Module, region: int, within: int, scope: int = -1
    ) -> Iterator[tuple[BreakerUse, Error, tuple[Step, ...]]]:
        """What the breakers used in a block or function raise, as it leaves the block."""
        catching = self.program.catching
        refs = (
            catching.calls_below(module, region)
            if region >= 0
            else [CallRef(module, n) for n, call in enumerate(module.facts.calls) if call.scope == scope]
        )
        for ref in refs:
            for guard in self._guards_of(ref):
                error = guard.breaker.open_error
                if error is None or self.program.breakers.falls_back(guard.breaker):
                    continue
                fate = catching.fate(module, ref.call.region, error, within)
                if fate.kind == "raised" and fate.error is not None:
                    yield guard, fate.error, (Step(ref, f"{guard.breaker.name} guards this call"),)

    def _guards_of(self, ref: CallRef) -> list[BreakerUse]:
        """The breakers through which a call goes: its own, or those of the function it calls."""
        own = [
            use for use in self.program.breakers.uses(ref.module) if use.form == "call" and use.call == ref
        ]
        called = [
            use
            for function in self.program.outcomes.called(ref)
            for use in self.program.breakers.guarding(function)
        ]
        return own + called

    def _loops_on_open_breakers(self, module: Module) -> Iterator[Fault]:
        """Loops written by hand whose handler catches the open breaker's error and goes round."""
        catching = self.program.catching
        for number, region in enumerate(module.facts.regions):
            if region.kind not in ("for", "while"):
                continue
            for ref in catching.calls_below(module, number):
                for guard in self._guards_of(ref):
                    error = guard.breaker.open_error
                    if error is None:
                        continue
                    handler = self.program.retry_loops.going_round(ref, number, [error])
                    if handler >= 0 and self.program.retry_loops.is_left_by_success(ref, number, handler):
                        yield self._loop_refused(module, number, handler, ref, guard)
                        break

    def _loop_refused(
        self, module: Module, loop: int, handler: int, ref: CallRef, guard: BreakerUse
    ) -> Fault:
        [error] = names([guard.breaker.open_error or ANYTHING])
        steps = (
            Step(ref, f"{guard.breaker.name} guards this call"),
            Step(statement(module, handler), f"{error} is caught here, and the loop goes on"),
        )
        reason = f"tries again after {error}, which {guard.breaker.name} raises while it is open"
        return Fault(statement(module, loop), "this loop", reason, steps)

    # --- requests that must not be repeated ------------------------------------------------------

    def of_unsafe_methods(self, module: Module) -> Iterator[Fault]:
        """Automatic retries of POST and PATCH with no header that makes the repetition harmless."""
        if not self.program.retry_uses.are_used:
            return
        for ref, site in self.program.outcomes.sites(module).items():
            verb = self.program.requests.verb(site)
            if verb not in UNSAFE or self.program.requests.may_be_idempotent(site):
                continue
            policy = self._repeating(ref, verb)
            if policy is not None:
                made = (Step(policy.made, "this tries it again"),) if policy.made else ()
                yield Fault(ref, site.targets[0].name, f"{policy.name} may send it again", made)

    def _repeating(self, ref: CallRef, verb: str) -> RetryPolicy | None:
        """The policy that repeats a request, if one does."""
        site = self.program.outcomes.sites(ref.module)[ref]
        errors = self.program.outcomes.failures(site)
        for use in self.program.retry_uses.around(ref):
            if any(self.program.retries.retries(use.policy, error) for error in errors):
                return use.policy
        for policy in self.program.retry_uses.mounted(site):
            if self.program.retries.repeats(policy, verb):
                return policy
        return None
