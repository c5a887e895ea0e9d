"""Forwarded bounds: wrappers that leave the timeout to their callers, followed to the callers that decide.

A call site whose bound rests on a parameter puts an obligation on the function's callers. Each caller either
gives a bound, gives none (then it is the finding, with the way to the site as its trace), or hands the
decision on to its own callers. Recursion ends because a call takes part in one obligation once.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from servicelint.program.evaluation.values import (
    MISSING,
    NONE,
    CallRef,
    ClassRef,
    FunctionRef,
    Instance,
    ParameterSymbol,
)
from servicelint.program.linking.reads import Memo, Node
from servicelint.program.outbound import Bound, OutboundCall
from servicelint.program.timeouts.one_decision import is_excluded, less
from servicelint.program.timeouts.verdicts import (
    Bounded,
    Forwarded,
    Step,
    Unbounded,
    Undecided,
    Verdict,
    joined,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program
    from servicelint.program.sites import Site, Target


class Judged(msgspec.Struct, frozen=True):
    """A call site's target with the verdict on it."""

    target: Target
    verdict: Verdict


class Obligation(msgspec.Struct, frozen=True):
    """What a function's callers have to decide: ``verdict`` for the target that a site sends with."""

    site: Site
    judged: Judged
    verdict: Forwarded


class Decision(msgspec.Struct, frozen=True):
    """What one caller decides for a call site elsewhere."""

    call: CallRef
    obligation: Obligation
    verdict: Verdict


class Forwarding:
    """Verdicts on call sites, and on the calls that decide for them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._judged: Memo[tuple[CallRef, int | None], list[Judged]] = Memo(program.reads)
        self._decided: dict[Module, dict[CallRef, list[Decision]]] | None = None
        self.origins: Iterable[Module] = program.targets
        """The modules whose call sites may be decided elsewhere: all, unless only some have to be asked."""

        self._settled: Memo[Module, list[Decision]] = Memo(program.reads)

    # --- call sites ------------------------------------------------------------------------------

    def outbound_calls(self, module: Module) -> list[OutboundCall]:
        """The outbound calls of a module, in source order."""
        decisions = self._decided_in(module)
        if module in self.program.crashes:
            raise self.program.crashes[module]
        found = [self.site_call(site) for site in self.program.sites.of(module)]
        taken = {call.ref for call in found if call.bound.state != "forwarded"}
        found += [self._wrapper_call(ref, made) for ref, made in decisions.items() if ref not in taken]
        return sorted(found, key=lambda call: (call.ref.call.line, call.ref.index))

    def site_call(self, site: Site) -> OutboundCall:
        """A call site with its own verdict, whatever callers decide."""
        judged = self.judge(site)
        worst = joined(each.verdict for each in judged)
        target = next(each.target for each in judged if each.verdict is worst)
        bound = Bound(worst, _longest(each.verdict for each in judged))
        protocol = self.program.catalog.library_of(target.entry).protocol
        return OutboundCall(
            site.ref,
            target.name,
            target.entry,
            protocol,
            bound,
            reference=site.reference,
            stream=self.program.stubs.stream(target),
        )

    def judge(self, site: Site) -> list[Judged]:
        """The verdicts on a call site's targets, enclosing scopes included."""
        key = (site.ref, site.reference)
        return self._judged.answer(key, lambda: [self._judge_target(site, each) for each in site.targets])

    def _judge_target(self, site: Site, target: Target) -> Judged:
        verdict = self.program.bounds.of(target)
        if not isinstance(verdict, Bounded):
            enclosed = self.program.enclosing.of(site.ref, target.blocking)
            verdict = enclosed or self.program.mesh.bound(self.program.addresses.host(site)) or verdict
        return Judged(target, verdict)

    # --- callers ---------------------------------------------------------------------------------

    def _decided_in(self, module: Module) -> dict[CallRef, list[Decision]]:
        """By call of a module, the verdicts on what it decides for call sites anywhere."""
        if self._decided is None:
            with self.program.reads.apart(Node()):  # each module rests on what is decided in it alone
                self._decided = self._by_module()
        found = self._decided.get(module, {})
        for origin in {each.obligation.site.ref.module for made in found.values() for each in made}:
            self.decisions(origin)
        return found

    def _by_module(self) -> dict[Module, dict[CallRef, list[Decision]]]:
        found: defaultdict[Module, dict[CallRef, list[Decision]]] = defaultdict(dict)
        for origin in self.origins:
            for decision in self.decisions(origin):
                found[decision.call.module].setdefault(decision.call, []).append(decision)
        return dict(found)

    def decisions(self, origin: Module) -> list[Decision]:
        """What callers, wherever they stand, decide for the call sites of one module."""
        return self._settled.answer(origin, lambda: self._decisions(origin))

    def _decisions(self, origin: Module) -> list[Decision]:
        found: list[Decision] = []
        seen: set[tuple[object, ...]] = set()
        try:
            pending = list(self._obligations(origin))
            while pending:
                pending += self._settle(pending.pop(), seen, found)
        except Exception as error:  # noqa: BLE001 - one file's crash must not hide the others; it is reported
            self.program.crashes[origin] = error
        return found

    def _obligations(self, origin: Module) -> Iterator[Obligation]:
        for site in self.program.sites.of(origin):
            for judged in self.judge(site):
                if isinstance(judged.verdict, Forwarded):
                    yield Obligation(site, judged, judged.verdict)

    def _settle(
        self, obligation: Obligation, seen: set[tuple[object, ...]], found: list[Decision]
    ) -> list[Obligation]:
        """Ask each caller; returns the obligations that callers hand on to theirs."""
        handed_on: list[Obligation] = []
        for arguments in self.program.callers.of(obligation.verdict.symbol.owner):
            target = obligation.judged.target
            key = (
                obligation.site.ref,
                target.name,
                target.instance,
                obligation.verdict.symbol,
                arguments.call,
            )
            if key in seen:
                continue
            seen.add(key)
            via = self._via(obligation, arguments)
            if via is None:
                continue
            verdict = self._decide(obligation, arguments)
            if isinstance(verdict, Forwarded):
                target = replace(target, via=via if isinstance(via, ParameterSymbol) else None)
                handed_on.append(
                    Obligation(obligation.site, replace(obligation.judged, target=target), verdict)
                )
            found.append(Decision(arguments.call, obligation, verdict))
        return handed_on

    def _via(self, obligation: Obligation, arguments: Arguments) -> ParameterSymbol | bool | None:
        """Whether a caller passes what the site was found to send with; None if it passes something else."""
        via = obligation.judged.target.via
        if via is None or not self._same_owner(via, obligation.verdict.symbol):
            return True
        passed = self.program.parameters.passed(via, arguments)
        target = obligation.judged.target
        for value in passed:
            if isinstance(value, ParameterSymbol):
                return value
            if self._is_target(value, target):
                return True
        return None

    def _is_target(self, value: object, target: Target) -> bool:
        if target.instance is not None:
            return any(
                each in (value, getattr(value, "instance", None)) for each in _with_makers(target.instance)
            )
        found = self.program.sites.target(value, target.arguments)  # type: ignore[arg-type]
        return found is not None and found.name == target.name

    def _same_owner(self, one: ParameterSymbol, other: ParameterSymbol) -> bool:
        return (type(one.owner), one.owner.module, one.owner.index) == (
            type(other.owner), other.owner.module, other.owner.index,
        )  # fmt: skip

    def _decide(self, obligation: Obligation, arguments: Arguments) -> Verdict:
        """The verdict on what one caller gives."""
        symbol = obligation.verdict.symbol
        passed = self.program.parameters.passed(symbol, arguments)
        excluded = symbol.excluded | self._covered_by_default(obligation)
        left = tuple(less(value, excluded) for value in passed if not is_excluded(value, symbol))
        if not left:
            return Bounded("the function sets a bound where it gets none")
        if any(self._is_given(each, symbol, arguments) for each in obligation.verdict.instead):
            return Bounded("the caller gives another bound")
        verdicts = obligation.verdict.judge(left)
        is_left_out = MISSING in self.program.parameters.given(symbol, arguments)
        verdict = joined(verdicts)
        if isinstance(verdict, Undecided):
            verdict = self._as_entered(obligation, arguments) or verdict
        if isinstance(verdict, Unbounded):
            verdict = self._at_caller(verdict, obligation, is_left_out)
        elif isinstance(verdict, Forwarded):
            step = Step(arguments.call, f"{_function_name(symbol)} hands it on")
            verdict = replace(verdict, steps=(step, *obligation.verdict.steps))
        if not isinstance(verdict, Bounded):
            blocking = obligation.judged.target.blocking
            verdict = self.program.enclosing.of(arguments.call, blocking) or verdict
        return verdict

    def _as_entered(self, obligation: Obligation, arguments: Arguments) -> Verdict | None:
        """The verdict on a method's call site as one caller enters it: on the object that it has."""
        site, owner = obligation.site, obligation.verdict.symbol.owner
        if arguments.frame is None or not isinstance(owner, FunctionRef):
            return None
        found: list[Verdict] = []
        for callee in self.program.evaluator.values(arguments.call.call.callee, arguments.frame):
            if isinstance(callee, FunctionRef) and (callee.module, callee.index) == (
                owner.module,
                owner.index,
            ):
                frame = self.program.call_frame(callee, arguments)
                if frame.scope == site.ref.call.scope and frame.receiver is not None:
                    targets = self.program.sites.targets(site.ref, frame)
                    found += [self.program.bounds.of(target) for target in targets]
        return joined(found) if found else None

    def _is_given(self, other: ParameterSymbol, symbol: ParameterSymbol, arguments: Arguments) -> bool:
        """Whether a caller gives something for another parameter of the same function."""
        if not self._same_owner(other, symbol):
            return False
        return not {MISSING, NONE} & set(self.program.parameters.passed(other, arguments))

    def _covered_by_default(self, obligation: Obligation) -> frozenset[str]:
        """``missing``, if a caller that hands on nothing gets a bound from the parameter's default."""
        symbol = obligation.verdict.symbol
        defaults = self.program.parameters.defaults(symbol)
        left = tuple(value for value in defaults if not is_excluded(value, symbol))
        if MISSING in defaults:
            return frozenset()
        is_bounded = all(isinstance(verdict, Bounded) for verdict in obligation.verdict.judge(left))
        return frozenset({"missing"}) if is_bounded else frozenset()

    def _at_caller(self, verdict: Unbounded, obligation: Obligation, is_left_out: bool) -> Unbounded:
        symbol = obligation.verdict.symbol
        name = symbol.key if symbol.key and not symbol.key.isdigit() else symbol.name
        site = Step(obligation.site.ref, f"{obligation.judged.target.name} waits for ever")
        if is_left_out:
            reason = f"no `{name}` is given to {_function_name(symbol)}, which sets none of its own"
        else:
            reason = f"{verdict.reason}, and {_function_name(symbol)} hands it on"
        steps = (site, *obligation.verdict.steps, *verdict.steps)
        return Unbounded(reason, not is_left_out, None if is_left_out else verdict.cause, steps)

    def _wrapper_call(self, ref: CallRef, decided: list[Decision]) -> OutboundCall:
        worst = joined(each.verdict for each in decided)
        obligation = next(each.obligation for each in decided if each.verdict is worst)
        target = obligation.judged.target
        bound = Bound(worst, _longest(each.verdict for each in decided))
        protocol = self.program.catalog.library_of(target.entry).protocol
        name = _function_name(obligation.verdict.symbol)
        stream = self.program.stubs.stream(target)
        sends = obligation.site.ref
        return OutboundCall(ref, name, target.entry, protocol, bound, True, stream=stream, sends=sends)


def _with_makers(instance: Instance) -> Iterator[Instance]:
    """An object and what handed it out: a remote method, its stub."""
    maker: Instance | None = instance
    while maker is not None:
        yield maker
        maker = maker.maker


def _function_name(symbol: ParameterSymbol) -> str:
    owner = symbol.owner
    if isinstance(owner, ClassRef):
        return owner.module.facts.classes[owner.index].name
    function = owner.module.facts.functions[owner.index]
    if function.name == "__init__" and function.klass >= 0:
        return owner.module.facts.classes[function.klass].name
    return function.name


def _longest(verdicts: Iterator[Verdict]) -> float | None:
    seconds = [v.seconds for v in verdicts if isinstance(v, Bounded) and v.seconds is not None]
    return max(seconds, default=None)
