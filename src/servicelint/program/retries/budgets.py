"""Budgets: how long a call site may take in all, its retries and their waits included, in seconds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef, FunctionRef, Origin
from servicelint.program.faults import Fault
from servicelint.program.linking.reads import Memo
from servicelint.program.linking.wholes import Whole, by_number, paths
from servicelint.program.retries.one_try import Tries, number
from servicelint.program.timeouts.verdicts import Bounded, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.evaluation.errors import Error
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program
    from servicelint.program.retries.policies import RetryPolicy
    from servicelint.program.sites import Site

    Among = frozenset[Module] | None

MOST_TRIES = 1_000
"""Waits are added up one by one; a policy with more tries is as good as endless."""

DEEPEST_CALLERS = 3
"""Callers that are followed for retries around retries."""


class Budget(msgspec.Struct, frozen=True):
    """The worst case of a call, with the arithmetic as steps. ``limit`` is the shortest time around it."""

    seconds: float
    steps: tuple[Step, ...]
    is_repeated: bool = False
    limit: float = math.inf
    limited_by: str = ""


class Budgets:
    """Adds up what call sites may take."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.tries = Tries(program)
        self._known: Memo[tuple[CallRef, bool], Budget | None] = Memo(program.reads)
        self._below_limits = Whole(
            program.reads, "below limits", self._find_below_limits, paths, by_number(program.modules)
        )

    def of(self, site: Site, *, everywhere: bool) -> Budget | None:
        """The worst case of a call site; None if it can't be told, or has none.

        ``everywhere``: count the retries of any caller; else of those that may stand below a limit.
        """
        among = None if everywhere else self._below_limits.answer()
        return self._known.answer((site.ref, everywhere), lambda: self._find(site, among))

    def exceeded(self, module: Module, most: float | None) -> Iterator[Fault]:
        """The call sites whose retries take longer than the time around them, or than the budget."""
        for site in self.program.outcomes.sites(module).values():
            budget = self.of(site, everywhere=most is not None)
            if budget is None or not budget.is_repeated:
                continue
            limit, by = min((budget.limit, budget.limited_by), (most or math.inf, "the budget"))
            if budget.seconds > limit:
                worst = f"may take {_shown(budget.seconds)} s with its retries"
                on_top = self.program.mesh.on_top(self.program.addresses.host(site))
                reason = f"{worst}, longer than {by} of {_shown(limit)} s{on_top}"
                yield Fault(site.ref, site.targets[0].name, reason, budget.steps, seconds=budget.seconds)

    # --- one try ---------------------------------------------------------------------------------

    def _find(self, site: Site, among: Among) -> Budget | None:
        tries = [self.tries.seconds(target) for target in site.targets]
        judged = self.program.forwarding.judge(site)
        if None in tries or not all(isinstance(each.verdict, Bounded) for each in judged):
            return None
        seconds = max(each for each in tries if each is not None)
        first = Step(site.ref, f"one try takes up to {_shown(seconds)} s")
        budget = Budget(seconds, (first, *self._redirected(site, seconds)))
        for policy in self.program.retry_uses.mounted(site):
            repeated = self._repeated(budget, policy, site, [])
            if repeated is None:
                return None
            budget = repeated
        return self._around(site.ref, budget, site, self.program.outcomes.failures(site), among, 0)

    def _redirected(self, site: Site, seconds: float) -> Iterator[Step]:
        """Redirects are said, not counted: few calls meet any."""
        most = max(map(self.tries.redirects, site.targets), default=0)
        if most:
            yield Step(
                site.ref, f"each redirect it follows (up to {most}) takes up to {_shown(seconds)} s more"
            )

    # --- retries ---------------------------------------------------------------------------------

    def _around(
        self, ref: CallRef, budget: Budget, site: Site, errors: list[Error], among: Among, depth: int
    ) -> Budget | None:
        """The worst case with what repeats the call, or limits it, in its own function and in its callers.

        ``errors``: what the call raises; only what leaves a function is tried again outside of it.
        """
        found: Budget | None = self._in_blocks(ref, budget, site, errors)
        left = list(self._leaving(ref, errors))
        uses = [use for use in self.program.retry_uses.around(ref) if use.form != "block"]
        for use in uses:
            found = found and self._repeated(found, use.policy, site, left)
        if found is None or depth >= DEEPEST_CALLERS:
            return found
        function = self.program.function_of_scope(ref.module, ref.call.scope)
        if function < 0:
            return found
        return self._in_callers(FunctionRef(ref.module, function), found, site, left, among, depth)

    def _leaving(self, ref: CallRef, errors: list[Error]) -> Iterator[Error]:
        """What a call's errors are when they leave its function; what can't be told is taken to leave it."""
        for error in errors:
            fate = self.program.catching.fate(ref.module, ref.call.region, error)
            if fate.kind != "swallowed":
                yield fate.error or error

    def _in_blocks(self, ref: CallRef, budget: Budget, site: Site, errors: list[Error]) -> Budget | None:
        """From the call outwards: loops and attempts that repeat it, scopes that limit it."""
        regions = ref.module.facts.regions
        repeating = {
            use.region: use.policy for use in self.program.retry_uses.around(ref) if use.form == "block"
        }
        region = ref.call.region
        found: Budget | None = self._limited(budget, self._waited_for(ref, site))
        while region > 0 and regions[region].kind != "function" and found is not None:
            if region in repeating:
                found = self._repeated(found, repeating[region], site, errors)
            elif regions[region].kind in ("for", "while") and self._goes_round(ref, region, errors):
                found = self._looped(found, ref.module, region)
            elif regions[region].kind == "async-with" or regions[region].kind == "with":
                found = self._limited(found, self._scope(ref.module, region, site))
            region = regions[region].parent
        return found

    def _goes_round(self, ref: CallRef, loop: int, errors: list[Error]) -> bool:
        """Whether a loop tries a call again that failed, and is left when it did not."""
        handler = self.program.retry_loops.going_round(ref, loop, errors, surely=False)
        return handler >= 0 and self.program.retry_loops.is_left_by_success(ref, loop, handler)

    def _in_callers(
        self,
        function: FunctionRef,
        budget: Budget,
        site: Site,
        errors: list[Error],
        among: Among,
        depth: int,
    ) -> Budget:
        """The worst of what callers that repeat or limit the function make of it."""
        worst = budget
        for arguments in self.program.callers.of(function, among):
            around = self._around(arguments.call, budget, site, errors, among, depth + 1)
            if around is not None and (around.seconds, -around.limit) > (worst.seconds, -worst.limit):
                worst = around
        return worst

    def _find_below_limits(self) -> frozenset[Module]:
        """The modules that may limit what they call, and those that they lead to by imports.

        With no budget in the settings only a limit makes a finding, and it stands above what is repeated;
        looking for callers everywhere would have half of a program parsed.
        """
        vocabulary, catalog = self.program.vocabulary, self.program.catalog
        scopes = {name.rpartition(".")[2] for name in catalog.scope_names(lambda scope: not scope.is_point)}
        limiting = {
            module
            for scope in sorted(scopes)
            for module in vocabulary.modules_with(scope)
            if vocabulary.uses(module, scope) or vocabulary.renames(module, scope)
        }
        return self.program.reaching.downstream.imported_from(limiting)

    def _repeated(
        self, budget: Budget, policy: RetryPolicy, site: Site, errors: list[Error]
    ) -> Budget | None:
        """The worst case when a policy tries it again; None if it can't be told."""
        retries = self.program.retries
        if policy.entry.form != "policy" and not any(retries.retries(policy, error) for error in errors):
            return budget
        limits = retries.limits(policy)
        if limits.tries is None and limits.seconds is None:
            return None
        waited = self._waits(policy, limits.tries)
        counted = (
            math.inf if waited is None or limits.tries is None else limits.tries * budget.seconds + waited
        )
        timed = (
            math.inf
            if limits.seconds is None
            else limits.seconds + (0 if policy.entry.cuts else budget.seconds)
        )
        total = min(counted, timed)
        if total == math.inf:
            return None
        one = _shown(budget.seconds)
        message = (
            f"{_shown(limits.tries or 0)} tries x {one} s + {_shown(waited or 0)} s of waits"
            if counted <= timed
            else f"tries begin for {_shown(limits.seconds or 0)} s, the last takes {one} s"
        )
        step = Step(policy.made or site.ref, f"{policy.name}: {message} = {_shown(total)} s")
        return Budget(total, (*budget.steps, step), True, budget.limit, budget.limited_by)

    def _waits(self, policy: RetryPolicy, tries: float | None) -> float | None:
        """The longest that all waits between so many tries can come to."""
        if tries is None or tries > MOST_TRIES:
            return None
        waits = [self.program.retries.wait(policy, retry) for retry in range(1, int(tries))]
        return None if None in waits else sum(wait for wait in waits if wait is not None)

    def _looped(self, budget: Budget, module: Module, region: int) -> Budget | None:
        """The worst case of a loop over ``range(n)`` that tries it again."""
        block = module.facts.regions[region]
        tries = self._turns(module, region)
        if tries is None:
            return None
        total = tries * budget.seconds
        where = Origin(module, block.line, "")
        step = Step(
            where, f"{tries} turns x {_shown(budget.seconds)} s = {_shown(total)} s, waits left aside"
        )
        return Budget(total, (*budget.steps, step), True, budget.limit, budget.limited_by)

    def _turns(self, module: Module, region: int) -> int | None:
        subject = module.facts.regions[region].subject
        if not isinstance(subject, record.CallValue):
            return None
        call = module.facts.calls[subject.call]
        frame = self.program.root_frame(module, call.scope)
        if getattr(call.callee, "name", "") != "range" or not 1 <= len(call.arguments) <= 2:
            return None
        bounds = [number(self.program.evaluator.values(each.value, frame)) for each in call.arguments]
        if None in bounds:
            return None
        first, last = (0.0, bounds[0]) if len(bounds) == 1 else (bounds[0], bounds[1])
        return int((last or 0) - (first or 0))

    # --- what limits it --------------------------------------------------------------------------

    def _limited(self, budget: Budget, scope: tuple[float, str, CallRef] | None) -> Budget:
        """A scope around a single try ends it; around retries it is what they are compared with."""
        if scope is None:
            return budget
        seconds, name, ref = scope
        if not budget.is_repeated:
            step = Step(ref, f"{name} ends a try after {_shown(seconds)} s")
            shorter = seconds < budget.seconds
            return Budget(min(seconds, budget.seconds), (*budget.steps, step) if shorter else budget.steps)
        if seconds >= budget.limit:
            return budget
        step = Step(ref, f"{name} ends it all after {_shown(seconds)} s")
        return Budget(budget.seconds, (*budget.steps, step), True, seconds, f"the enclosing {name}")

    def _scope(self, module: Module, region: int, site: Site) -> tuple[float, str, CallRef] | None:
        subject = module.facts.regions[region].subject
        if not isinstance(subject, record.CallValue):
            return None
        return self.program.enclosing.seconds(CallRef(module, subject.call), _blocking(site), awaits=False)

    def _waited_for(self, ref: CallRef, site: Site) -> tuple[float, str, CallRef] | None:
        """``wait_for(call, seconds)`` directly around a call."""
        if ref.call.holder < 0:
            return None
        return self.program.enclosing.seconds(
            CallRef(ref.module, ref.call.holder), _blocking(site), awaits=True
        )


def _blocking(site: Site) -> bool:
    return all(target.blocking for target in site.targets)


def _shown(seconds: float) -> str:
    return f"{seconds:.6g}"
