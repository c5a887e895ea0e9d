"""Work that leaves its context behind: threads and executors, where a context variable holds the id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.catalog.model import Sender
from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef, External, FunctionRef, Partial
from servicelint.program.faults import Fault, name_of
from servicelint.program.handlers.handing_on import invoker_of
from servicelint.program.linking.index import last_name
from servicelint.program.linking.reads import Memo
from servicelint.program.linking.wholes import Whole
from servicelint.program.request_ids.names import IDENTITY
from servicelint.program.request_ids.telling import by_whom, way_to
from servicelint.program.timeouts.verdicts import Step
from servicelint.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.evaluation.values import Value
    from servicelint.program.handlers.reaching import Reached
    from servicelint.program.linking.modules import Module
    from servicelint.program.request_ids.names import RequestIds

DEEPEST_WORK = 4
"""Functions that are followed into one another for what work does in another thread."""

_LOGGING = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})
_LOGGERS = frozenset({"log", "logger", "logging", "_log", "_logger", "LOG", "LOGGER", "_LOGGER"})
_RECORDS = ("record", "log_record", "logrecord", "rec", "event_dict")
"""What filters of a log, and processors, call the line that they change."""

_RECORDED = regex(
    rf"\b(?:{'|'.join(_RECORDS)})(?:\.|\[['\"])\w*(?:request|correlation|trace|transaction)_?id(?:['\"]\])?\s*=(?!=)"
)
"""``record.request_id = …``, ``event_dict["request_id"] = …``."""

_VARIABLE = "contextvars.ContextVar"


class ContextLoss:
    """Finds work that handlers hand to other threads without the context."""

    def __init__(self, ids: RequestIds) -> None:
        self.ids = ids
        self.program = ids.program
        self._logged = Whole(
            ids.program.reads, f"ids logged {ids.names}", self._find_logged, lambda found: {"": found}
        )
        self._kept = Whole(
            ids.program.reads, f"ids kept {ids.names}", self._find_kept, lambda found: {"": found}
        )
        self._work: Memo[tuple[Module, int], str] = Memo(ids.program.reads)

    def handed_over(self, module: Module) -> Iterator[Fault]:
        """The calls of a module that hand such work over, where a handler reaches them."""
        if not self._may_hand_over(module):
            return
        for number, call in enumerate(module.facts.calls):
            ref = CallRef(module, number)
            invoker = invoker_of(self.program, module, call)
            if invoker is None or not invoker.loses_context or not self._is_meant(call):
                continue
            found = self._loss(ref)
            if found is not None:
                yield found

    def _may_hand_over(self, module: Module) -> bool:
        """Whether a module can be at fault, told without parsing it."""
        invokers = self.program.catalog.invokers
        names = [name for name, invoker in invokers.items() if invoker.loses_context]
        if not any(self.program.vocabulary.holds(module, name) for name in names):
            return False
        if not self._is_kept_in_context():
            return False
        return self.program.reaching.downstream.holds(module)

    def _is_meant(self, call: record.Call) -> bool:
        """``map`` alone is the builtin function, which changes no thread."""
        return isinstance(call.callee, record.Attribute) or call.callee != record.Name("map")

    def _loss(self, ref: CallRef) -> Fault | None:
        handed = self.program.handed_on(ref)
        if handed is None:
            return None
        for value in handed.callables:
            work = self._does(value)
            if work:
                reached = [each for each in self.program.reaching.handlers_of(ref) if self._loses(each)]
                if not reached:
                    return None
                lost = Step(ref, f"it is run elsewhere, with a context of its own: {work}")
                reason = f"{work}, and {by_whom(reached)}"
                return Fault(ref, last_name(ref.call.callee), reason, (*way_to(reached[0]), lost))
        return None

    def _loses(self, reached: Reached) -> bool:
        """Whether threads that a handler's service starts leave the context behind."""
        services = self.program.services.of(reached.handler.function.module)
        return not any(map(self.program.instrumented.keeps_context, services))

    # --- the work --------------------------------------------------------------------------------

    def _does(self, value: Value) -> str:
        """What work does that needs the id; "" if nothing."""
        if isinstance(value, Partial):
            return self._does(value.function)
        if isinstance(value, FunctionRef):
            return self._done_by((value.module, value.index), 0)
        if isinstance(value, External) and isinstance(self.program.catalog.entry(value.name), Sender):
            return f"{value.name} sends a request"
        return ""

    def _done_by(self, function: tuple[Module, int], depth: int) -> str:
        if depth > DEEPEST_WORK:
            return ""
        if depth:
            return self._find_done(function, depth)
        return self._work.answer(function, lambda: self._find_done(function, 0))

    def _find_done(self, function: tuple[Module, int], depth: int) -> str:
        module, number = function
        facts = module.facts
        own = facts.functions[number]
        refs = [CallRef(module, n) for n, call in enumerate(facts.calls) if call.scope == own.scope]
        name = name_of(FunctionRef(module, number))
        sites = {site.ref for site in self.program.sites.of(module)}
        messages = {publication.ref for publication in self.program.queues.publications(module)}
        for ref in refs:
            if ref in sites:
                return f"{name} sends a request"
            if ref in messages:
                return f"{name} publishes a message"
            if self._logs(ref):
                return f"{name} writes to the log"
        for ref in refs:
            for value in self.program.evaluator.typed(ref.call.callee, self.program.frame_of_call(ref)):
                if isinstance(value, FunctionRef):
                    found = self._done_by((value.module, value.index), depth + 1)
                    if found:
                        return found
        return ""

    def _logs(self, ref: CallRef) -> bool:
        """Whether a call writes a line of the log, on which the id is wanted."""
        callee = ref.call.callee
        if not isinstance(callee, record.Attribute) or callee.name not in _LOGGING:
            return False
        return last_name(callee.value) in _LOGGERS and self._logged.answer()

    def _find_logged(self) -> bool:
        """Whether lines of the log tell the id: by a library's filter, or one of the program's."""
        vocabulary = self.program.vocabulary
        fields = self.program.catalog.correlation.log_fields
        if any(vocabulary.modules_with(name.rpartition(".")[2]) for name in fields):
            return True
        modules = {module for name in _RECORDS for module in vocabulary.modules_with(name)}
        return any(_RECORDED.search(module.source) for module in modules)

    # --- where the id is kept --------------------------------------------------------------------

    def _is_kept_in_context(self) -> bool:
        """Whether the id of a request lives in a context variable: a library's, or one of the program's."""
        return self._kept.answer()

    def _find_kept(self) -> bool:
        vocabulary = self.program.vocabulary
        keepers = frozenset(self.program.catalog.correlation.keepers)
        if vocabulary.modules_importing(keepers):
            return True
        return any(
            self._keeps(module)
            for module in vocabulary.modules_importing(frozenset({_VARIABLE, "contextvars"}))
        )

    def _keeps(self, module: Module) -> bool:
        """Whether a module makes a context variable that is named for an id."""
        names = self.program.index.of(module)
        for ref in [ref for name in names.spellings("ContextVar") for ref in names.calls[name]]:
            bindings = module.facts.scopes[ref.call.scope].bindings
            said = {bindings[ref.call.bound_to].name} if ref.call.bound_to >= 0 else set()
            said |= {str(getattr(argument.value, "value", "")) for argument in ref.call.arguments}
            if any(IDENTITY.search(name.replace("-", "_").strip("_")) for name in said):
                return True
        return False
