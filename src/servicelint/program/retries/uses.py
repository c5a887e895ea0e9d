"""Where retry policies apply: functions they decorate, blocks they repeat, clients they are given to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from servicelint.program.evaluation.lifetimes import blocks_around
from servicelint.program.evaluation.values import CallRef, FunctionRef, Partial
from servicelint.program.linking.reads import Memo
from servicelint.program.linking.wholes import IS_SO, Whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.facts import record
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program
    from servicelint.program.retries.policies import RetryPolicy
    from servicelint.program.sites import Site


class RetryUse(msgspec.Struct, frozen=True):
    """One place where a policy repeats something: a function, or a block.

    ``rank`` is the decorator's place among the function's; a lower one lies further out.
    """

    policy: RetryPolicy
    form: Literal["decorator", "call", "block"]
    module: Module
    function: FunctionRef | None = None
    region: int = -1
    rank: int = -1


class RetryUses:
    """Finds the uses of retry policies."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._known: Memo[Module, list[RetryUse]] = Memo(program.reads)
        self._are_used = Whole(program.reads, "retries used", self._find_used, lambda used: {"": used}, IS_SO)

    @property
    def are_used(self) -> bool:
        """Whether any module of the program imports a library of retries."""
        return self._are_used.answer()

    def _find_used(self) -> bool:
        return bool(self.program.vocabulary.modules_importing(self.program.catalog.retrying))

    def of(self, module: Module) -> list[RetryUse]:
        """The uses in a module."""
        return self._known.answer(module, lambda: list(self._find(module)))

    def policies(self, module: Module) -> Iterator[RetryPolicy]:
        """The policies that a module makes, each at the call that makes it."""
        if not self.program.carriers.visited(module) or not self.are_used:
            return
        for number, call in enumerate(module.facts.calls):
            if not self.program.carriers.of(call.callee, module, call.scope):
                continue
            ref = CallRef(module, number)
            made = self.program.calls.results(ref, self.program.frame_of_call(ref))
            policies = [policy for value in made if (policy := self.program.retries.of(value)) is not None]
            yield from (policy for policy in policies[:1] if policy.made == ref)

    def _find(self, module: Module) -> Iterator[RetryUse]:
        if not self.program.carriers.visited(module) or not self.are_used:
            return
        for number, function in enumerate(module.facts.functions):
            for rank, decorator in enumerate(function.decorators):
                for policy in self.decorating(decorator, module, function.outer_scope):
                    yield RetryUse(policy, "decorator", module, FunctionRef(module, number), rank=rank)
        for number, region in enumerate(module.facts.regions):
            if region.kind == "for":
                for policy in self._among(region.subject, module, region.scope):
                    if policy.entry.form == "object":
                        yield RetryUse(policy, "block", module, region=number)
        for number in range(len(module.facts.calls)):
            yield from self._calling(CallRef(module, number))

    def _among(self, expression: record.Expression, module: Module, scope: int) -> list[RetryPolicy]:
        if not self.program.carriers.of(expression, module, scope):
            return []
        values = self.program.evaluator.values(expression, self.program.root_frame(module, scope))
        return [policy for value in values if (policy := self.program.retries.of(value)) is not None]

    def decorating(self, decorator: record.Expression, module: Module, scope: int) -> list[RetryPolicy]:
        """The policies that repeat what is decorated so."""
        found = self._among(decorator, module, scope)
        return [policy for policy in found if policy.entry.form == "decorator"]

    def _calling(self, ref: CallRef) -> Iterator[RetryUse]:
        """``retrying(fetch, …)``: an object that calls what it is given."""
        if not ref.call.arguments:
            return
        for policy in self._among(ref.call.callee, ref.module, ref.call.scope):
            if policy.made is None:
                continue
            frame = self.program.frame_of_call(ref)
            for value in self.program.evaluator.values(ref.call.arguments[0].value, frame):
                inner = value.function if isinstance(value, Partial) else value
                if isinstance(inner, FunctionRef):
                    yield RetryUse(policy, "call", ref.module, FunctionRef(inner.module, inner.index))

    # --- around a call ---------------------------------------------------------------------------

    def around(self, ref: CallRef) -> list[RetryUse]:
        """The policies in its own function that repeat a call, innermost first."""
        number = self.program.function_of_scope(ref.module, ref.call.scope)
        blocks = set(blocks_around(ref.module.facts.regions, ref.call.region))
        uses = self.of(ref.module)
        inner = [use for use in uses if use.form == "block" and use.region in blocks]
        outer = [
            use
            for use in uses
            if use.function is not None
            and number >= 0
            and use.function.index == number
            and use.function.module is ref.module
        ]
        return sorted(inner, key=lambda use: -use.region) + sorted(outer, key=lambda use: -use.rank)

    def mounted(self, site: Site) -> list[RetryPolicy]:
        """The policies that the client of a call site was given, and that repeat its requests."""
        found: list[RetryPolicy] = []
        for target in site.targets:
            mounting = target.client.mounting if target.client else None
            if mounting is None or target.instance is None:
                continue
            for _, values in self.program.hooks.mounts(mounting, target.instance):
                policies = [self.program.retries.given_to(value) for value in values]
                found += [policy for policy in policies if policy is not None]
        return list(dict.fromkeys(found))
