"""What a rule is: the one facade that checkers import.

A rule is a file in ``checkers/`` with a module docstring (its documentation), a :class:`Rule` and, unless the
engine reports it itself, one function decorated with ``each_module`` or ``whole_program``. Code, name and
pylint id come from the file's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from servicelint.boundaries.loops import loops
from servicelint.boundaries.unused import Declarations
from servicelint.boundaries.uses import Use
from servicelint.finding import Cause, Finding, Place, Severity, TraceStep
from servicelint.program.linking.import_edges import spot
from servicelint.regex import regex

if TYPE_CHECKING:
    from servicelint.boundaries.chains import Chain
    from servicelint.boundaries.crossings import Breach, Crossing
    from servicelint.boundaries.loops import Loop
    from servicelint.boundaries.uses import Uses
    from servicelint.config import Config
    from servicelint.program.evaluation.values import Origin
    from servicelint.program.faults import Fault
    from servicelint.program.linking.import_edges import Import
    from servicelint.program.linking.modules import Module as ProgramModule
    from servicelint.program.outbound import OutboundCall
    from servicelint.program.program import Program
    from servicelint.program.request_ids.questions import IdQuestions
    from servicelint.program.timeouts.verdicts import Step

Findings = Iterator[Finding]
Check = Callable[["Module"], Findings]
RestsOn = Literal["calls", "imports"]
"""What a rule asks about."""

ProgramCheck = Callable[["WholeProgram"], Findings]

_FILE_NAME = regex(r"(?P<code>svc\d{3})_(?P<name>[a-z0-9_]+)\Z")
SECTIONS = ("Why it hurts", "Instead", "Gaps")
"""The sections that every rule's documentation has."""


class Module:
    """One file, as a rule sees it: questions on it, with the whole program behind the answers."""

    def __init__(self, program: Program, module: ProgramModule, config: Config) -> None:
        self.config = config
        self._program = program
        self._module = module

    def outbound_calls(self, protocol: str = "") -> list[OutboundCall]:
        """The calls that send a request (over one protocol), and of wrappers that leave the bound open."""
        calls = self._program.outbound_calls(self._module)
        return [call for call in calls if protocol in ("", call.protocol)]

    def may_stay_open(self, call: OutboundCall) -> bool:
        """Whether a call starts a stream that is meant to stay open: so it is named, described or set."""
        timeouts = self.config.timeouts
        if timeouts.may_stay_open(call.stream):
            return True
        return timeouts.streams == "allow" and self._program.stubs.is_described_as_open(call.stream)

    def retries_without_end(self) -> Iterator[Fault]:
        """Retries that nothing but success ends, and (info) those that wait nothing between tries."""
        return self._program.retry_faults.endless(self._module)

    def retries_on_open_breakers(self) -> Iterator[Fault]:
        """Retries that also try again when a circuit breaker refuses the call."""
        return self._program.retry_faults.on_open_breakers(self._module)

    def retries_of_unsafe_methods(self) -> Iterator[Fault]:
        """Automatic retries of POST and PATCH, but for the functions that the settings call idempotent."""
        for fault in self._program.retry_faults.of_unsafe_methods(self._module):
            name = f"{self._module.name}.{fault.function}"
            if not any(fnmatchcase(name, pattern) for pattern in self.config.retries.idempotent):
                yield fault

    def exceeded_budgets(self) -> Iterator[Fault]:
        """The calls whose retries take longer than the time around them, or than the settings allow."""
        return self._program.budgets.exceeded(self._module, self.config.timeouts.budget_seconds)

    def calls_without_breaker(self) -> Iterator[Fault]:
        """The calls that a handler reaches with no circuit breaker on the way, where one is wanted."""
        guarding = self._program.guarding
        if not asks_for_breakers(self._program, self.config):
            return
        for site, reached in guarding.unguarded(self._module):
            wanted = self._wanted_breaker(self._program.addresses.host(site))
            if wanted == "required" or (wanted is None and (reached or self.config.breakers.everywhere)):
                yield guarding.fault(site, reached)

    def _wanted_breaker(self, host: str) -> str | None:
        """What the settings say of breakers for calls to a host."""
        for name, service in self.config.services.items():
            if host and host in (name, *service.hosts):
                return service.breaker
        return None

    def breakers_that_never_open(self) -> Iterator[Fault]:
        """The uses of circuit breakers that let every call pass, whatever fails."""
        return self._program.breaker_faults.never_open(self._module)

    def breakers_made_per_call(self) -> Iterator[Fault]:
        """The circuit breakers that are made where they are used, so that their state never lasts."""
        return self._program.breakers_made_anew.of(self._module)

    def breakers_blind_to_status(self) -> Iterator[Fault]:
        """The guarded functions for whose breaker an answer with status 500 is a success."""
        return self._program.breaker_faults.blind_to_status(self._module)

    def undeclared_calls(self) -> Iterator[Fault]:
        """The calls to services that this file's own does not depend on by their protocol."""
        return self._program.service_calls.undeclared(self._module)

    def shared_tables(self) -> Iterator[Fault]:
        """The uses of tables that another service uses in the same database."""
        return self._program.tables.shared(self._module, self.config.shared_tables)

    def breaches(self, breach: Breach) -> list[Crossing]:
        """The imports of this file that cross into another service and must not."""
        bounds = self._program.boundaries
        return [each for each in bounds.crossings(self._module) if each.breach == breach] if bounds else []

    def indirect_imports(self) -> list[Chain]:
        """The chains of imports from here, through modules of nobody, into services not to be imported."""
        return self._program.chains.of(self._module) if self._program.chains else []

    def has_no_service(self) -> bool:
        """Whether services are declared and this file, unless it is empty, is neither of one nor shared."""
        bounds = self._program.boundaries
        return (
            bounds is not None and not bounds.is_claimed(self._module) and bool(self._module.source.strip())
        )

    @property
    def start(self) -> Place:
        """Its first line."""
        return Place(self._module.shown, 1)

    # --- request ids -----------------------------------------------------------------------------

    @property
    def _ids(self) -> IdQuestions:
        return self._program.request_ids(self.config.request_id.headers)

    def calls_without_request_id(self, protocol: str) -> Iterator[Fault]:
        """The calls over a protocol that a handler reaches and that carry no id."""
        internal_only = self.config.request_id.internal_only
        return self._ids.dropped.calls(self._module, protocol, internal_only=internal_only)

    def calls_with_fresh_request_id(self) -> Iterator[Fault]:
        """The calls whose id is made anew although one came in."""
        return self._ids.dropped.renewed(self._module)

    def messages_without_request_id(self) -> Iterator[Fault]:
        """The messages that a handler publishes and that carry no id."""
        return self._ids.dropped.messages(self._module)

    def work_without_context(self) -> Iterator[Fault]:
        """The work that a handler hands to another thread without its context variables."""
        return self._ids.context.handed_over(self._module)

    def applications_without_request_id(self) -> Iterator[Fault]:
        """The applications in whose program nothing reads or makes an id."""
        return self._ids.identified.without_ids(self._module)

    def applications_with_silent_answers(self) -> Iterator[Fault]:
        """The applications whose answers never carry the id."""
        return self._ids.identified.silent_answers(self._module)


class WholeProgram:
    """All of a program, for the rules whose findings have no single place."""

    def __init__(self, program: Program, config: Config, uses: Uses) -> None:
        self.config = config
        self._program = program
        self._uses = uses

    def service_loops(self) -> list[Loop]:
        """The services that depend on each other in a loop."""
        return loops(self._program.boundaries, self._uses.calls) if self._program.boundaries else []

    def unused_declarations(self) -> Iterator[tuple[str, Place]]:
        """What the settings declare of services and no import or call needs, and where."""
        if self._program.boundaries:
            for unused in Declarations(self._program.boundaries, self.config, self._uses).unused():
                yield unused.what, Place(unused.path, unused.line)


def asks_for_breakers(program: Program, config: Config) -> bool:
    """Whether calls want a circuit breaker here: one is used, services are declared, or the rule is named."""
    return program.guarding.is_used or bool(config.services) or "SVC201" in config.select


class Rule:
    """One rule: its identity, its documentation and its check.

    Args:
        module_name: ``__name__`` of the rule's file, such as ``…svc101_http_call_without_timeout``.
        documentation: ``__doc__`` of the rule's file.
        message: what a finding says, with fields in braces.
        severity: how bad it is, unless a finding says otherwise.
        on_by_default: whether it runs without being named by its full code.
        rests_on: what its check asks about. What rests on calls is kept while nothing changes that matters to
            it; what rests on imports alone is asked anew in each run, once services are declared.
        extra: the extra of servicelint's that installs what it needs.

    Raises:
        ValueError: if the file is not named as a rule, or its documentation lacks a section.
    """

    def __init__(
        self,
        module_name: str,
        documentation: str | None,
        *,
        message: str,
        severity: Severity = "warning",
        on_by_default: bool = True,
        rests_on: RestsOn = "calls",
        extra: str = "",
    ) -> None:
        named = _FILE_NAME.search(module_name)
        if named is None:
            raise ValueError(f"{module_name}: a rule's file is named svcNNN_what_is_wrong.py")
        self.code = named["code"].upper()
        self.name = named["name"].replace("_", "-")
        self.documentation = documentation or ""
        missing = [section for section in SECTIONS if f"\n{section}:" not in self.documentation]
        if missing:
            raise ValueError(f"{module_name}: its documentation lacks {', '.join(missing)}")
        self.message = message
        self.severity: Severity = severity
        self.on_by_default = on_by_default
        self.rests_on: RestsOn = rests_on
        self.extra = extra
        self.check: Check | None = None
        self.program_check: ProgramCheck | None = None

    @property
    def pylint_id(self) -> str:
        """The message id under pylint: W9 and the code's last three digits."""
        return f"W9{self.code[-3:]}"

    @property
    def summary(self) -> str:
        """The first line of its documentation."""
        return self.documentation.strip().splitlines()[0]

    def each_module(self, check: Check) -> Check:
        """Run the decorated function on each file; it reports inside that file only."""
        self.check = check
        return check

    def whole_program(self, check: ProgramCheck) -> ProgramCheck:
        """Run the decorated function once; each of its findings stands at a fixed place all the same."""
        self.program_check = check
        return check

    def at(self, call: OutboundCall, *, severity: Severity | None = None, **fields: str) -> Finding:
        """A finding at a call; ``fields`` fill the message, ``{call}`` being the call's name."""
        span = call.span
        return Finding(
            place=Place(call.ref.module.shown, span.line, span.column),
            code=self.code,
            name=self.name,
            message=self.message.format(call=call.name, **fields),
            severity=severity or self.severity,
            end_line=span.end_line,
            end_column=span.end_column,
            function=call.function,
            trace=tuple(trace_step(step) for step in call.bound.trace),
            cause=_cause(call.bound.cause),
        )

    def at_fault(self, fault: Fault, **fields: str) -> Finding:
        """A finding at a fault; ``{subject}`` and ``{reason}`` of the message are its own."""
        span = fault.span
        message = self.message.format(subject=fault.subject, reason=fault.reason, **fields)
        return Finding(
            place=Place(fault.module.shown, span.line, span.column),
            code=self.code,
            name=self.name,
            message=message,
            severity=fault.severity or self.severity,
            end_line=span.end_line,
            end_column=span.end_column,
            function=fault.function,
            trace=tuple(trace_step(step) for step in fault.steps),
            worst_case_seconds=fault.seconds,
        )

    def at_import(
        self,
        edge: Import,
        *,
        severity: Severity | None = None,
        trace: Iterable[TraceStep] = (),
        **fields: str,
    ) -> Finding:
        """A finding at an imported name."""
        where = spot(edge.importer, edge.fact)
        return Finding(
            place=Place(edge.importer.shown, where.line, where.column),
            code=self.code,
            name=self.name,
            message=self.message.format(**fields),
            severity=severity or self.severity,
            end_line=where.end_line,
            end_column=where.end_column,
            trace=tuple(trace),
        )

    def at_link(self, link: Import | Use, *, trace: Iterable[TraceStep] = (), **fields: str) -> Finding:
        """A finding at an import or at a call of another service."""
        if not isinstance(link, Use):
            return self.at_import(link, severity=None, trace=trace, **fields)
        return Finding(
            place=Place(link.path, link.line, link.column),
            code=self.code,
            name=self.name,
            message=self.message.format(**fields),
            severity=self.severity,
            end_line=link.end_line,
            end_column=link.end_column,
            trace=tuple(trace),
        )

    def at_crossing(self, crossing: Crossing) -> Finding:
        """A finding at an import between services; of severity info where the settings only warn of it."""
        return self.at_import(
            crossing.edge,
            severity="info" if crossing.is_mild else None,
            source=crossing.source,
            module=crossing.edge.name,
            target=crossing.target,
            note=crossing.note,
        )

    def at_place(self, place: Place, **fields: str) -> Finding:
        """A finding at a place of its own."""
        return Finding(place, self.code, self.name, self.message.format(**fields), self.severity)


def trace_step(step: Step) -> TraceStep:
    """A step of a verdict as a place that reports can show."""
    from servicelint.facts.positions import call_span
    from servicelint.program.evaluation.values import CallRef

    if isinstance(step.place, CallRef):
        module = step.place.module
        span = call_span(module.lines, step.place.call)
        return TraceStep(Place(module.shown, span.line, span.column), step.message)
    return TraceStep(Place(step.place.module.shown, step.place.line), step.message)


def link_step(link: Import | Use) -> TraceStep:
    """An import, or a call of another service, as a step of an explanation."""
    if not isinstance(link, Use):
        return import_step(link)
    message = f"{link.source} calls {link.target} by {link.protocol}: {link.subject}"
    return TraceStep(Place(link.path, link.line, link.column), message)


def import_step(edge: Import) -> TraceStep:
    """An import as a step of an explanation."""
    where = spot(edge.importer, edge.fact)
    place = Place(edge.importer.shown, where.line, where.column)
    return TraceStep(place, f"{edge.importer.name} imports {edge.name}")


def _cause(origin: Origin | None) -> Cause | None:
    return Cause(Place(origin.module.shown, origin.line), origin.name) if origin else None
