"""Where the id of a request is lost on its way out: calls and messages without it, or with one made anew."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef, FunctionRef
from servicelint.program.faults import Fault, name_of
from servicelint.program.handlers.handing_on import invoker_of
from servicelint.program.linking.index import last_name
from servicelint.program.linking.reads import Memo
from servicelint.program.linking.wholes import Packing, Parts, Whole
from servicelint.program.request_ids.hosts import goes_public
from servicelint.program.request_ids.messages import Messages
from servicelint.program.request_ids.names import expressions, walk
from servicelint.program.request_ids.outgoing import Outgoing
from servicelint.program.request_ids.telling import by_whom, way_to
from servicelint.program.timeouts.verdicts import Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servicelint.program.handlers.reaching import Edge, Reached
    from servicelint.program.linking.modules import Module, ModuleIndex
    from servicelint.program.outbound import OutboundCall
    from servicelint.program.request_ids.names import RequestIds

_MESSAGE_IDS = frozenset({"correlation_id", "headers", "x_request_id", "trace_id"})
_MESSAGES = frozenset({"request", "properties", "props", "message", "msg", "delivery", "event", "record"})
"""What consumers call what they get, and the attributes in which it has an id."""


class Entered(NamedTuple):
    """A call of a function, called ``name``, that hands its headers on to the call site of this number."""

    ref: CallRef
    name: str
    origin: Module
    site: int


class Dropped:
    """Finds calls and messages that handlers send without the id of what they handle."""

    def __init__(self, ids: RequestIds) -> None:
        self.ids = ids
        self.program = ids.program
        self.outgoing = Outgoing(ids)
        self.sent = Messages(self.outgoing)
        self._attended: Memo[CallRef, list[Reached]] = Memo(ids.program.reads)
        reads = self.program.reads
        self._entered = Parts(
            reads, f"entered {ids.names}", self._find_entered, _packing(self.program.modules)
        )
        self._wrapping = Whole(reads, f"wrappers {ids.names}", self._find_wrapping, _told)

    # --- calls -----------------------------------------------------------------------------------

    def calls(self, module: Module, protocol: str, *, internal_only: bool) -> Iterator[Fault]:
        """The calls over ``protocol`` that drop the id; ``internal_only``: not those to public hosts."""
        for call in self._calls(module):
            if call.protocol != protocol or self._is_covered(call.entry, module):
                continue
            carriage = self.outgoing.of(call)
            reached = self._inbound(call.ref, call.entry) if carriage.answer == "dropped" else []
            if reached and not (internal_only and goes_public(self.program, call)):
                yield self._fault(call.ref, call.name, carriage.reason, reached)

    def renewed(self, module: Module) -> Iterator[Fault]:
        """The calls and messages whose id is made anew though one came in."""
        for ref, name, entry in self._with_fresh_ids(module):
            inbound = self._inbound(ref, entry)
            reached = [each for each in inbound if self.ids.are_known(each.handler.function.module)]
            if reached:
                steps = (*way_to(reached[0]), Step(ref, "an id is made anew for it"))
                yield Fault(ref, name, by_whom(reached), steps)

    def _with_fresh_ids(self, module: Module) -> Iterator[tuple[CallRef, str, str]]:
        """What sends with an id made anew: where, what it is called, the catalog's name of its client."""
        for call in self.program.outbound_calls(module):
            if not self._is_covered(call.entry, module) and self.outgoing.of(call).answer == "fresh":
                yield call.ref, call.name, call.entry
        for sent in self.program.queues.publications(module):
            if not self._is_covered(sent.entry, module) and self.sent.of(sent).answer == "fresh":
                yield sent.ref, sent.name, sent.entry

    def _fault(self, ref: CallRef, subject: str, reason: str, reached: list[Reached]) -> Fault:
        module = reached[0].handler.function.module
        entrance = self.ids.entrance(module)
        taken = (Step(entrance, "the id of the request is read here"),) if entrance else ()
        expected = Step(ref, f"no {self.ids.preferred(module)} is on it: {reason}")
        steps = (*way_to(reached[0]), *taken, expected)
        told = f"{reason}, and {by_whom(reached)}"
        return Fault(ref, subject, told, steps, None if self.ids.are_known(module) else "info")

    def _inbound(self, ref: CallRef, entry: str) -> list[Reached]:
        """The handlers whose id a call of a library has to carry: none that an instrumentation serves.

        Of those that consume messages, only those that read an id.
        """
        found = self._attended.answer(ref, lambda: self.program.reaching.walk(ref, self._is_attended))
        return [
            each
            for each in found
            if not self._is_covered(entry, each.handler.function.module, each.handler.kind)
            and (each.handler.kind != "message" or self._reads(each.handler.function))
        ]

    def _is_covered(self, entry: str, module: Module, kind: str = "") -> bool:
        """Whether an instrumentation serves the calls of a library in each service that runs a module.

        Asked of a call's own module first: what it says of that holds for all handlers that lead there.
        """
        library = self.program.catalog.library_of(entry)
        covering = self.program.instrumented.covering
        return covering(library.library, library.protocol, module, kind) is not None

    def _is_attended(self, edge: Edge) -> bool:
        """Whether a handler waits for what it calls: a thread of its own has its own request, or none."""
        if edge.ref is None:
            return True
        invoker = invoker_of(self.program, edge.ref.module, edge.ref.call)
        return invoker is None or not invoker.is_detached

    # --- wrappers --------------------------------------------------------------------------------

    def _calls(self, module: Module) -> list[OutboundCall]:
        """The calls of a module that send, and those that enter a function which hands their headers on."""
        own = [call for call in self.program.outbound_calls(module) if not call.is_wrapper]
        sent = {call.ref for call in own}
        entering = self._wrapping.answer(module.path).get(module, {})
        return own + [self._as_call(each) for ref, each in entering.items() if ref not in sent]

    def _as_call(self, entered: Entered) -> OutboundCall:
        """A call of a wrapper as one that sends what its call site does."""
        call = self.program.forwarding.site_call(self.program.sites.of(entered.origin)[entered.site])
        return replace(call, ref=entered.ref, name=entered.name, is_wrapper=True, sends=call.ref)

    def _find_wrapping(self) -> dict[Module, dict[CallRef, Entered]]:
        found: defaultdict[Module, dict[CallRef, Entered]] = defaultdict(dict)
        for module in self.program.all_targets():
            if self.program.carriers.visited(module):
                for each in self._entered.of(module):
                    found[each.ref.module][each.ref] = each
        return dict(found)

    def _find_entered(self, origin: Module) -> list[Entered]:
        """The calls of the functions that hand their headers on to a call site of ``origin``."""
        found: list[Entered] = []
        for number, site in enumerate(self.program.sites.of(origin)):
            function = self.program.reaching.function_of(site.ref)
            if function is None or not origin.facts.functions[function[1]].parameters:
                continue
            call = self.program.forwarding.site_call(site)
            if self._is_covered(call.entry, origin) or not self.outgoing.is_forwarded(call):
                continue
            name = name_of(FunctionRef(*function)).rpartition(".")[2]
            callers = self.program.callers.of(FunctionRef(*function))
            found += [Entered(arguments.call, name, origin, number) for arguments in callers]
        return found

    def _reads(self, function: FunctionRef) -> bool:
        """Whether a consumer looks at its message's headers or id."""
        if self.program.instrumented.covering("celery", "queue", function.module, "message") is not None:
            return True
        own = function.module.facts.functions[function.index].scope
        return any(
            isinstance(part, record.Attribute)
            and part.name in _MESSAGE_IDS
            and last_name(part.value) in _MESSAGES
            for expression in expressions(function.module, own)
            for part in walk(expression)
        )

    # --- messages --------------------------------------------------------------------------------

    def messages(self, module: Module) -> Iterator[Fault]:
        """The messages that are published without the id."""
        for publication in self.program.queues.publications(module):
            if self._is_covered(publication.entry, module):
                continue
            carriage = self.sent.of(publication)
            is_dropped = carriage.answer == "dropped"
            reached = self._inbound(publication.ref, publication.entry) if is_dropped else []
            if reached:
                yield self._fault(publication.ref, publication.name, carriage.reason, reached)


def _packing(index: ModuleIndex) -> Packing[list[Entered]]:
    numbers, modules = index.numbers, index.numbered
    return Packing(
        lambda found: [
            (numbers[ref.module], ref.index, name, numbers[origin], site) for ref, name, origin, site in found
        ],
        lambda rows: [
            Entered(CallRef(modules[number], call), name, modules[origin], site)
            for number, call, name, origin, site in rows
        ],
    )


def _told(found: Mapping[Module, Mapping[CallRef, Entered]]) -> dict[str, object]:
    """Calls of wrappers as parts of an answer, by the paths of their modules."""
    return {
        module.path: [(ref.index, name, origin.path, site) for ref, name, origin, site in calls.values()]
        for module, calls in found.items()
    }
