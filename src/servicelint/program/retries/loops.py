"""Retries written by hand: loops that success leaves and failure goes round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from servicelint.facts import record
from servicelint.facts.mentions import mentions
from servicelint.program.evaluation.errors import ANYTHING, Error
from servicelint.program.evaluation.values import CallRef, External, FunctionRef
from servicelint.program.linking.index import last_name
from servicelint.program.linking.reads import Memo
from servicelint.program.linking.wholes import Parts, Whole, by_number, paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.facts.record import Exit, Expression, Region
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

_COUNT = "itertools.count"
_WAITING = frozenset({"sleep", "wait", "wait_for", "backoff", "delay", "pause", "async_sleep"})
_STATUS = frozenset({"status_code", "status", "ok", "is_success", "is_error", "code"})
_ENDING = frozenset({"exit", "_exit", "quit", "abort", "fail", "cancel", "stop"})


class RetryLoop(msgspec.Struct, frozen=True):
    """A loop that tries a call again after a failure: ``region`` is its block, ``handler`` what goes round.

    ``is_endless``: nothing but success ends it. ``waits``: it waits before it goes round.
    """

    module: Module
    region: int
    call: CallRef
    handler: int
    is_endless: bool
    waits: bool


class RetryLoops:
    """Finds loops that are retries."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._known: Memo[Module, list[RetryLoop]] = Memo(program.reads)
        reads, packing = program.reads, by_number(program.modules)
        self._calling_into = Parts(reads, "loops", self._find_calling_into, packing)
        self._calling = Whole(reads, "loops", self._find_calling, paths, packing)

    def of(self, module: Module) -> list[RetryLoop]:
        """The loops of a module that try a request again."""
        return self._known.answer(module, lambda: list(self._find(module)))

    def _find(self, module: Module) -> Iterator[RetryLoop]:
        if not self.program.carriers.visited(module) and module not in self._calling.answer(module.path):
            return
        for number in _loops_that_try(module.facts.regions):
            if not self._is_generator(module, module.facts.regions[number].scope):
                loop = self._loop(module, number)
                if loop is not None:
                    yield loop

    def _find_calling(self) -> frozenset[Module]:
        """The modules that may try again, in a loop, a function of the program that sends."""
        visited = filter(self.program.carriers.visited, self.program.all_targets())
        return frozenset(user for module in visited for user in self._calling_into.of(module))

    def _find_calling_into(self, module: Module) -> frozenset[Module]:
        """The modules that may do so with a function of ``module``."""
        scopes = dict.fromkeys(site.call.scope for site in self.program.outcomes.sites(module))
        numbers = [self.program.function_of_scope(module, scope) for scope in scopes]
        functions = [FunctionRef(module, number) for number in numbers if number >= 0]
        uses = (use for function in functions for use in self.program.callers.uses(function))
        return frozenset(user for user, _ in uses if self.program.vocabulary.tries_in_loops(user))

    def _is_generator(self, module: Module, scope: int) -> bool:
        number = self.program.function_of_scope(module, scope)
        return number >= 0 and module.facts.functions[number].is_generator

    def _loop(self, module: Module, number: int) -> RetryLoop | None:
        for ref in self.program.catching.calls_below(module, number):
            if _nearest_loop(module.facts.regions, ref.call.region) != number or not self._sends(ref):
                continue
            site = self.program.outcomes.sites(ref.module).get(ref)
            errors: list[Error] = self.program.outcomes.failures(site) if site else [ANYTHING]
            handler = self.going_round(ref, number, errors)
            if handler >= 0 and self.is_left_by_success(ref, number, handler):
                return RetryLoop(
                    module,
                    number,
                    ref,
                    handler,
                    self._is_endless(ref, number, handler),
                    self._waits(module, number),
                )
        return None

    def _sends(self, ref: CallRef) -> bool:
        """Whether a call sends a request, itself or in the function that it calls."""
        if ref in self.program.outcomes.sites(ref.module):
            return True
        for function in self.program.outcomes.called(ref):
            if self.program.carriers.visited(function.module):
                scope = function.module.facts.functions[function.index].scope
                sites = self.program.outcomes.sites(function.module)
                if any(site.call.scope == scope for site in sites):
                    return True
        return False

    def going_round(self, ref: CallRef, loop: int, errors: list[Error], *, surely: bool = True) -> int:
        """The handler in the loop that ends one of the errors and does not leave it; -1 if there is none.

        Not ``surely``: one that may raise it, too (``if turn == last: raise``), counts.
        """
        kinds = ("swallowed",) if surely else ("swallowed", "unknown")
        catching = self.program.catching
        for error in errors:
            fate = catching.fate(ref.module, ref.call.region, error, loop)
            if fate.kind not in kinds or fate.region < 0:
                continue
            if ref.module.facts.regions[fate.region].kind != "except":
                continue
            return fate.region
        return -1

    # --- how it ends -----------------------------------------------------------------------------

    def is_left_by_success(self, ref: CallRef, loop: int, handler: int) -> bool:
        """Whether something that runs after the call alone leaves the loop, whatever the answer says."""
        return any(self._is_success(each, ref, loop, handler) for each in self._exits(ref.module, loop))

    def _exits(self, module: Module, loop: int) -> list[Exit]:
        regions = module.facts.regions
        return [
            each
            for each in self.program.catching.exits_below(module, loop)
            if each.kind in ("return", "raise")
            or (each.kind == "break" and _nearest_loop(regions, each.region) == loop)
        ]

    def _is_success(self, exit_: Exit, ref: CallRef, loop: int, handler: int) -> bool:
        regions = ref.module.facts.regions
        if exit_.kind == "raise" or not self._is_on_the_way(exit_, ref, loop, handler):
            return False
        around = [regions[each] for each in _ancestors(regions, exit_.region, loop)]
        own = {id(regions[each]) for each in _ancestors(regions, ref.call.region, loop)}
        tests = [each.subject for each in around if each.kind == "if" and id(each) not in own]
        return all(mentions(test, _is_status) for test in tests)

    def _is_on_the_way(self, exit_: Exit, ref: CallRef, loop: int, handler: int) -> bool:
        """Whether an exit stands where only a call that did not fail leads."""
        regions = ref.module.facts.regions
        around = set(_ancestors(regions, exit_.region, loop))
        tried = self._try_of(ref.module, handler)
        if tried in around:
            return True
        parent = regions[tried].parent
        is_else = any(
            regions[each].kind == "else" and regions[each].parent == parent and each > tried
            for each in around
        )
        goes_on = any(
            each.kind == "continue" and each.region == handler
            for each in self.program.catching.exits_below(ref.module, handler)
        )
        is_handler = any(regions[each].kind == "except" for each in around)
        return (
            is_else
            or (goes_on and not is_handler and exit_.region > tried)
            or (goes_on and exit_.region == parent)
        )

    def _try_of(self, module: Module, handler: int) -> int:
        regions = module.facts.regions
        parent = regions[handler].parent
        return max(
            each for each in range(handler) if regions[each].parent == parent and regions[each].kind == "try"
        )

    def _is_endless(self, ref: CallRef, loop: int, handler: int) -> bool:
        """Whether nothing but success ends the loop."""
        regions = ref.module.facts.regions
        if not self._has_no_end(ref.module, regions[loop], ref):
            return False
        if any(
            last_name(call.call.callee) in _ENDING
            for call in self.program.catching.calls_below(ref.module, handler)
        ):
            return False
        for exit_ in self._exits(ref.module, loop):
            if not self._is_on_the_way(exit_, ref, loop, handler):
                return False
        site = self.program.outcomes.sites(ref.module).get(ref)
        blocking = all(target.blocking for target in site.targets) if site else True
        return self.program.enclosing.of(ref, blocking) is None

    def _has_no_end(self, module: Module, loop: Region, ref: CallRef) -> bool:
        if loop.kind == "while":
            return self._waits_for(loop.subject, module, ref)
        if not isinstance(loop.subject, record.CallValue):
            return False
        callee = module.facts.calls[loop.subject.call].callee
        frame = self.program.root_frame(module, loop.scope)
        return External(_COUNT) in self.program.evaluator.values(callee, frame)

    def _waits_for(self, test: Expression, module: Module, ref: CallRef) -> bool:
        """``while True``, or ``while answer is None`` where the call's answer is what is waited for."""
        if isinstance(test, record.Constant):
            return bool(test.value)
        if ref.call.bound_to < 0:
            return False
        name = module.facts.scopes[ref.call.scope].bindings[ref.call.bound_to].name
        tested = test.left if isinstance(test, record.Comparison) and test.operator == "is" else None
        tested = test.value if isinstance(test, record.Negation) else tested
        return isinstance(tested, record.Name) and tested.name == name

    def _waits(self, module: Module, loop: int) -> bool:
        calls = self.program.catching.calls_below(module, loop)
        return any(
            last_name(ref.call.callee).lstrip("_") in _WAITING or "sleep" in last_name(ref.call.callee)
            for ref in calls
        )


def _is_status(part: object) -> bool:
    return isinstance(part, record.Attribute) and part.name in _STATUS


def _loops_that_try(regions: list[Region]) -> list[int]:
    """The loops with a ``try`` in them, in order."""
    found: set[int] = set()
    for number, region in enumerate(regions):
        if region.kind == "try":
            loop = _nearest_loop(regions, number)
            while loop >= 0:
                found.add(loop)
                loop = _nearest_loop(regions, regions[loop].parent)
    return sorted(found)


def _nearest_loop(regions: list[Region], region: int) -> int:
    while region > 0 and regions[region].kind != "function":
        if regions[region].kind in ("for", "while"):
            return region
        region = regions[region].parent
    return -1


def _ancestors(regions: list[Region], region: int, until: int) -> Iterator[int]:
    """The blocks around one, itself first, up to but without ``until``."""
    while region > 0 and region != until:
        yield region
        region = regions[region].parent
