"""Checking one module: the rules' findings, what comments silence of them, and what could not be read."""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec.structs import replace

from servicelint.boundaries.uses import Use, Uses
from servicelint.crashes import Crashes
from servicelint.finding import Finding, Place, UnknownCall
from servicelint.program.linking.reads import Node
from servicelint.program.outbound import UNGUARDED, UNKNOWN
from servicelint.program.timeouts.verdicts import Step
from servicelint.rule import Module as ModuleView
from servicelint.rule import WholeProgram, asks_for_breakers, trace_step
from servicelint.suppression import Suppressions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from servicelint.config import Config
    from servicelint.program.linking.modules import Module
    from servicelint.program.outbound import OutboundCall
    from servicelint.program.program import Program
    from servicelint.program.services.calls import ServiceCall
    from servicelint.reader import Reader
    from servicelint.rule import Findings, RestsOn, Rule


Subject = TypeVar("Subject")
"""What a check is given: a module, or the whole program."""

Answer = TypeVar("Answer")

COUNTING, READING = "the count of calls", "the look at its text"
"""What can crash besides rules, as SVC001 calls it."""


class ModuleResult(msgspec.Struct):
    """What was found in one module, how many of its call sites ended in which state, what it calls.

    ``unknown`` are the call sites whose bound can't be told.
    """

    findings: list[Finding] = msgspec.field(default_factory=list)
    sites: dict[str, int] = msgspec.field(default_factory=dict)
    uses: Uses = msgspec.field(default_factory=Uses)
    unknown: list[UnknownCall] = msgspec.field(default_factory=list)

    @property
    def has_unread(self) -> bool:
        """Whether something in it could not be read."""
        return any(finding.code == "SVC004" for finding in self.findings)


class Checker:
    """Runs rules on the modules of a program. A crash is told as a finding, and the rest goes on."""

    def __init__(
        self,
        program: Program,
        reader: Reader,
        config: Config,
        rules: Iterable[Rule],
    ) -> None:
        self.program = program
        self.reader = reader
        self.config = config
        self.rules = list(rules)
        self.asks_for_breakers = any(rule.code == "SVC201" for rule in self.rules)
        self.asks_for_uses = program.boundaries is not None and any(map(_is_of_the_whole, self.rules))
        self.asks_for_calls = self.asks_for_uses or any(
            rule.check and rule.rests_on == "calls" for rule in self.rules
        )
        self.crashes = Crashes()

    @property
    def tracebacks(self) -> list[str]:
        """Those of what crashed."""
        return self.crashes.tracebacks

    def check(self, modules: Iterable[Module]) -> dict[Module, ModuleResult]:
        """What is found in each of some modules."""
        chosen = list(modules)
        found = {module: self._found(module) for module in chosen}
        for module in chosen:  # what could not be read is known once all has been asked
            self._finish(module, found[module])
        return found

    def _found(self, module: Module) -> ModuleResult:
        with self.program.reads.apart(self.program.checks[module]):
            findings = list(self._findings(module))
            sites = self._guarded(lambda: self._sites(module), COUNTING, module.shown) or {}
            uses = self._guarded(lambda: self._uses(module), COUNTING, module.shown) or Uses()
            unknown = self._guarded(lambda: self._unknown(module), COUNTING, module.shown) or []
            return ModuleResult(findings, sites, uses, unknown)

    def _finish(self, module: Module, result: ModuleResult) -> None:
        with self.program.reads.apart(self.program.checks[module]):
            failures = self._guarded(lambda: list(self._failures(module)), READING, module.shown) or []
            result.findings = self._marked([*result.findings, *failures], module)

    def check_reading(self, modules: Iterable[Module]) -> list[Finding]:
        """What could not be read of some modules, which are parsed for that."""
        with self.program.reads.apart(Node()):
            parsed = [module for module in modules if module.facts]
            return [each for module in parsed for each in self._marked([*self._failures(module)], module)]

    def check_anew(self, uses: Uses, *, is_whole: bool) -> list[Finding]:
        """What rules find that are asked in each run: on imports, and on a program that is whole."""
        targets = self.program.targets if self.program.boundaries else []
        with self.program.reads.apart(Node()):
            found = {module: list(self._findings(module, "imports")) for module in targets}
            of_the_whole = list(self._findings_of_the_whole(uses)) if is_whole else []
            by_path = {module.shown: module for module in self.program.targets} if of_the_whole else {}
            elsewhere = []
            for finding in of_the_whole:
                if finding.place.path in by_path:
                    found.setdefault(by_path[finding.place.path], []).append(finding)
                elif finding.place.path.endswith(".toml"):
                    elsewhere.append(finding)
            left = [each for module, findings in found.items() for each in self._marked(findings, module)]
            return left + with_fingerprints([*elsewhere, *self.crashes.left()], [])

    def _marked(self, findings: list[Finding], module: Module) -> list[Finding]:
        """A module's findings and crashes in order, those marked that comments silence."""
        found = [*findings, *self.crashes.taken(module.shown)]
        if not found:
            return found
        marked = self._guarded(lambda: _silenced(found, module), READING, module.shown) or found
        marked = [*marked, *self.crashes.taken(module.shown)]
        marked.sort(key=lambda finding: finding.order)
        return with_fingerprints(marked, module.lines)

    def _findings(self, module: Module, rests_on: RestsOn = "calls") -> Iterator[Finding]:
        view = ModuleView(self.program, module, self.config)
        for rule in self.rules:
            if rule.check is not None and rule.rests_on == rests_on:
                check = functools.partial(_all_of, rule.check, view)
                yield from self._guarded(check, rule.code, module.shown) or []

    def _findings_of_the_whole(self, uses: Uses) -> Iterator[Finding]:
        whole = WholeProgram(self.program, self.config, uses)
        for rule in self.rules:
            if rule.program_check is not None and self.program.targets:
                check = functools.partial(_all_of, rule.program_check, whole)
                yield from self._guarded(check, rule.code, self.program.targets[0].shown) or []

    def _guarded(self, ask: Callable[[], Answer], who: str, path: str) -> Answer | None:
        """An answer to what ``who`` asks; None if that crashes, which is noted at the file ``path``."""
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - reported as SVC001; the rest goes on
            self.crashes.note(path, who, error)
            return None

    def _sites(self, module: Module) -> dict[str, int]:
        if module in self.program.crashes or not self.asks_for_calls:
            return {}
        counts = Counter(call.bound.state for call in self.program.outbound_calls(module))
        if self.asks_for_breakers and not asks_for_breakers(self.program, self.config):
            counts[UNGUARDED] = self.program.guarding.exposed(module)
        return {state: count for state, count in counts.items() if count}

    def _unknown(self, module: Module) -> list[UnknownCall]:
        if module in self.program.crashes or not self.asks_for_calls:
            return []
        calls = self.program.outbound_calls(module)
        return [unknown_call(call) for call in calls if call.bound.state == UNKNOWN]

    def _uses(self, module: Module) -> Uses:
        """What a module calls of other services, for the rules on the program as a whole."""
        if module in self.program.crashes or not self.asks_for_uses:
            return Uses()
        calls = self.program.service_calls.of(module)
        return Uses([use_of(call) for call in calls], sorted(self.program.service_calls.untold(module)))

    def _failures(self, module: Module) -> Iterable[Finding]:
        """What could not be read of a file."""
        rule = next((rule for rule in self.rules if rule.code == "SVC004"), None)
        if rule is None:
            return
        _ = module.source  # every file is read; parsed are those that can matter
        error = self.reader.unreadable.get(module.path)
        if error is not None:
            yield rule.at_place(Place(module.shown, error.line, error.column), reason=error.reason)
        for unread in module.facts.unread if module.is_parsed else ():
            reason = f"too deep or large for the parser, left out: {unread.reason}; split it"
            yield rule.at_place(Place(module.shown, unread.line), reason=reason)


def _all_of(check: Callable[[Subject], Findings], subject: Subject) -> list[Finding]:
    return list(check(subject))


def _silenced(findings: list[Finding], module: Module) -> list[Finding]:
    """A module's findings, each with whose comments silence it."""
    suppressions = Suppressions(module.source)
    return [replace(each, silenced_by=suppressions.silencing(each)) for each in findings]


def _is_of_the_whole(rule: Rule) -> bool:
    """Whether a rule asks about all calls between services."""
    return rule.program_check is not None and rule.rests_on == "calls"


def use_of(call: ServiceCall) -> Use:
    """A call of another service as data."""
    from servicelint.facts.positions import call_span  # only such calls need it

    module = call.ref.module
    span = call_span(module.lines, call.ref.call)
    where = (module.shown, span.line, span.column, span.end_line, span.end_column)
    return Use(call.source, call.target, call.protocol, call.subject, *where)


def unknown_call(call: OutboundCall) -> UnknownCall:
    """A call whose bound can't be told, as data."""
    span = call.span
    sent = (Step(call.sends, "the request is sent here"),) if call.sends else ()
    return UnknownCall(
        Place(call.ref.module.shown, span.line, span.column),
        call.name,
        call.protocol,
        call.bound.reason,
        span.end_line,
        span.end_column,
        call.function,
        tuple(trace_step(step) for step in (*call.bound.trace, *sent)),
    )


def with_fingerprints(findings: list[Finding], lines: list[str]) -> list[Finding]:
    """A file's findings with what stays the same when lines move: rule, path, function, text and rank."""
    ranks: Counter[tuple[str, ...]] = Counter()
    marked = []
    for finding in findings:
        text = " ".join("".join(lines[finding.place.line - 1 : finding.end_line]).split())
        key = (finding.code, finding.place.path, finding.function, text)
        digest = hashlib.sha256("\0".join((*key, str(ranks[key]))).encode()).hexdigest()[:20]
        ranks[key] += 1
        marked.append(replace(finding, fingerprint=digest))
    return marked
