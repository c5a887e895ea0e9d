"""The program: every module's facts linked, and the questions that rules ask of it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from servicelint.boundaries.chains import Chains
from servicelint.facts.record import OPAQUE
from servicelint.program.breakers.catching import Catching
from servicelint.program.breakers.faults import BreakerFaults
from servicelint.program.breakers.guarding import Guarding
from servicelint.program.breakers.made_anew import BreakersMadeAnew
from servicelint.program.breakers.mesh import Mesh
from servicelint.program.breakers.outcomes import Outcomes
from servicelint.program.breakers.own import OwnBreakers
from servicelint.program.breakers.shapes import OwnShapes
from servicelint.program.breakers.statuses import Statuses
from servicelint.program.breakers.uses import Breakers
from servicelint.program.carriers.worklist import Carriers
from servicelint.program.elsewhere import Elsewhere
from servicelint.program.evaluation.attributes import Attributes
from servicelint.program.evaluation.callers import Callers
from servicelint.program.evaluation.calls import Calls
from servicelint.program.evaluation.changes import Changes
from servicelint.program.evaluation.clients import Clients
from servicelint.program.evaluation.errors import Errors
from servicelint.program.evaluation.evaluator import Evaluator
from servicelint.program.evaluation.frames import Frame
from servicelint.program.evaluation.lifetimes import Lifetimes
from servicelint.program.evaluation.lists import Lists
from servicelint.program.evaluation.names import Names
from servicelint.program.evaluation.parameters import Parameters, has_receiver
from servicelint.program.evaluation.types import Types
from servicelint.program.evaluation.values import CallRef, ClassRef, FunctionRef, Instance, Value
from servicelint.program.grpc.channels import Channels
from servicelint.program.grpc.interceptors import Interceptors
from servicelint.program.grpc.stubs import Stubs
from servicelint.program.handlers.entry_points import Handlers
from servicelint.program.handlers.handing_on import HandedOn, handed_on
from servicelint.program.handlers.reaching import Reaching
from servicelint.program.handlers.services import Services
from servicelint.program.linking.index import Index
from servicelint.program.linking.modules import FILES, Module, ModuleIndex
from servicelint.program.linking.reach import FEW, Reach
from servicelint.program.linking.reads import Memo, Node, Reads
from servicelint.program.linking.vocabulary import ScannedTables, Vocabulary
from servicelint.program.queues import Queues
from servicelint.program.request_ids.instrumented import Instrumented
from servicelint.program.request_ids.questions import IdQuestions
from servicelint.program.retries.budgets import Budgets
from servicelint.program.retries.faults import RetryFaults
from servicelint.program.retries.loops import RetryLoops
from servicelint.program.retries.policies import Retries
from servicelint.program.retries.requests_sent import Requests
from servicelint.program.retries.uses import RetryUses
from servicelint.program.services.addresses import Addresses
from servicelint.program.services.calls import ServiceCalls
from servicelint.program.services.tables import Tables
from servicelint.program.sites import Sites
from servicelint.program.timeouts.bounds import Bounds
from servicelint.program.timeouts.enclosing import Enclosing
from servicelint.program.timeouts.forwarding import Forwarding
from servicelint.program.timeouts.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from servicelint.boundaries.crossings import Boundaries
    from servicelint.catalog.loader import Catalog
    from servicelint.facts.record import AttributeWrite
    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.evaluation.values import External
    from servicelint.program.linking.earlier import Earlier
    from servicelint.program.outbound import OutboundCall
    from servicelint.program.queues import Publication


class Program:
    """All modules of a run. Questions are answered when asked and remembered."""

    def __init__(
        self,
        modules: Iterable[Module],
        catalog: Catalog,
        roots: Iterable[str] = (),
        earlier: Earlier | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.catalog = catalog
        self.elsewhere = elsewhere or Elsewhere()
        self.reads = Reads()
        numbered = earlier.numbered if earlier else ()
        self.modules = ModuleIndex(modules, roots, self.reads, numbered, catalog.packages)
        for module in self.modules.modules:
            module.reads = self.reads
        self.targets = [module for module in self.modules.modules if module.is_target]
        """The modules that are checked, in order; see :meth:`all_targets`."""
        self.crashes: dict[Module, Exception] = {}
        tables = earlier.tables if earlier else ScannedTables(self.targets, self.elsewhere.hand_out)
        self.vocabulary = Vocabulary(self.targets, self.reads, tables)
        self.index = Index(self.reads, self.vocabulary.tables)
        self.reach = Reach(self)
        self.evaluator = Evaluator(self)
        self.names = Names(self)
        self.types = Types(self)
        self.parameters = Parameters(self)
        self.attributes = Attributes(self)
        self.changes = Changes(self)
        self.calls = Calls(self)
        self.clients = Clients(self)
        self.stubs = Stubs(self)
        self.channels = Channels(self)
        self.interceptors = Interceptors(self)
        self.lists = Lists(self)
        self.queues = Queues(self)
        self.callers = Callers(self)
        self.sites = Sites(self)
        self.bounds = Bounds(self)
        self.hooks = Hooks(self)
        self.enclosing = Enclosing(self)
        self.forwarding = Forwarding(self)
        self.errors = Errors(self)
        self.catching = Catching(self)
        self.outcomes = Outcomes(self)
        self.lifetimes = Lifetimes()
        self.statuses = Statuses(self)
        self.breakers = Breakers(self)
        self.breaker_faults = BreakerFaults(self)
        self.breakers_made_anew = BreakersMadeAnew(self)
        self.own_breakers = OwnBreakers(self)
        self.breaker_shapes = OwnShapes(self)
        self.guarding = Guarding(self)
        self.addresses = Addresses(self)
        self.service_calls = ServiceCalls(self)
        self.tables = Tables(self)
        self.mesh = Mesh()
        self.retries = Retries(self)
        self.handlers = Handlers(self)
        self.reaching = Reaching(self)
        self.services = Services(self)
        self.retry_uses = RetryUses(self)
        self.retry_loops = RetryLoops(self)
        self.retry_faults = RetryFaults(self)
        self.requests = Requests(self)
        self.budgets = Budgets(self)
        self.instrumented = Instrumented(self)
        self.commands: Callable[[], Iterable[tuple[str, str]]] = tuple
        """Files that say how services are started: paths and texts."""

        self._request_ids: dict[tuple[str, ...], IdQuestions] = {}
        self.checks: defaultdict[Module, Node] = defaultdict(Node)
        """By module, what the rules' findings in it rest on."""
        self.boundaries: Boundaries | None = None
        self.chains: Chains | None = None

        self._earlier = earlier
        self._carriers: Carriers | None = None
        self._carriers_crash: Exception | None = None
        self._frames: dict[tuple[object, ...], Frame] = {}
        self._functions: dict[Module, dict[int, int]] = {}
        self._handed_on: Memo[CallRef, HandedOn | None] = Memo(self.reads)

    # --- frames ----------------------------------------------------------------------------------

    def function_of_scope(self, module: Module, scope: int) -> int:
        """The index of the function whose body is ``scope``, or -1."""
        known = self._functions.get(module)
        if known is None:
            known = {function.scope: number for number, function in enumerate(module.facts.functions)}
            self._functions[module] = known
        return known.get(scope, -1)

    def root_frame(self, module: Module, scope: int) -> Frame:
        """A scope as any caller may enter it."""
        return self._frame((module, scope), lambda: Frame(module, scope))

    def frame_of_call(self, ref: CallRef) -> Frame:
        """The frame that a call stands in, whoever calls its function."""
        return self.root_frame(ref.module, ref.call.scope)

    def call_frame(self, callee: FunctionRef, arguments: Arguments | None) -> Frame:
        """A function as one particular call enters it."""
        scope = callee.module.facts.functions[callee.index].scope
        key = (callee.module, scope, arguments, callee.receiver, callee.closure)
        return self._frame(
            key, lambda: Frame(callee.module, scope, arguments, callee.receiver, callee.closure)
        )

    def method_frame(
        self, module: Module, scope: int, instance: Instance, *, asks_receiver: bool = False
    ) -> Frame:
        """The scope of a method (or of a function in it) as ``instance`` enters it.

        ``asks_receiver``: what is looked for calls something that an heir may have otherwise.
        """
        number = self.function_of_scope(module, scope)
        if number < 0:
            return self.root_frame(module, scope)
        function = module.facts.functions[number]
        if function.klass < 0:
            return self.root_frame(module, scope)
        if not has_receiver(function):
            return self.root_frame(module, scope)
        if instance.made is None:  # of a class below, what it says of itself tells more than any object could
            is_heir = isinstance(instance.of, ClassRef) and instance.of != ClassRef(module, function.klass)
            if not is_heir or not asks_receiver:
                return self.root_frame(module, scope)
            return self.call_frame(FunctionRef(module, number, instance), None)
        arguments = instance.arguments if function.name == "__init__" else None
        if function.name == "__init__":
            arguments = self._constructor_arguments(FunctionRef(module, number), instance)
        return self.call_frame(FunctionRef(module, number, instance), arguments)

    def _constructor_arguments(self, method: FunctionRef, instance: Instance) -> Arguments | None:
        """What an ``__init__`` gets when ``instance`` is built: directly, or through ``super().__init__``."""
        if not isinstance(instance.of, ClassRef):
            return None
        constructor = self.attributes.classes.constructor(instance.of)
        if constructor == FunctionRef(method.module, method.index):
            return instance.arguments
        return self.bounds.constructions.arguments_for(method, instance)

    def _frame(self, key: tuple[object, ...], make: Callable[[], Frame]) -> Frame:
        known = self._frames.get(key)
        if known is None:
            known = self._frames[key] = make()
        return known

    def all_targets(self) -> list[Module]:
        """The targets, for an answer that looks at each: it rests on which files there are."""
        self.reads.note(FILES)
        return self.targets

    @property
    def carriers(self) -> Carriers:
        """Where clients can be."""
        if self._carriers is None:
            if self._carriers_crash is not None:
                raise self._carriers_crash.with_traceback(None)
            try:
                with self.reads.apart(Node()):  # each visit notes what it rests on by itself
                    self._carriers = Carriers(self, self._earlier)
            except Exception as error:
                self._carriers_crash = error  # each file asks for them
                raise
        return self._carriers

    # --- look-ups --------------------------------------------------------------------------------

    def handed_on(self, ref: CallRef) -> HandedOn | None:
        """The function that a call hands to a library to be called, if it does."""
        return self._handed_on.answer(ref, lambda: handed_on(self, ref, self.frame_of_call(ref)))

    def foreign_writes(self, owner: ClassRef | External, name: str) -> list[tuple[Module, AttributeWrite]]:
        """Assignments to an attribute ``name`` of ``owner`` by code that is not a method of its object."""
        modules = self.vocabulary.modules_assigning(name)
        if isinstance(owner, ClassRef) and modules:
            near = set(self.reach.of_member(owner, name))
            modules = [module for module in modules if module in near]
        elif len(modules) > FEW:
            modules = [module for module in modules if self.carriers.visited(module)]
        classes = self.attributes.classes
        self.elsewhere.order(modules)
        return [
            (module, write)
            for module in modules
            for write in self.index.writes(module, name)
            if write.value is not OPAQUE and classes.receiver_class(module, write.scope, write.target) < 0
        ]

    def declare(self, boundaries: Boundaries) -> None:
        """Declare services, so that there are boundaries to ask about."""
        self.boundaries = boundaries
        self.chains = Chains(boundaries)

    # --- questions of rules ----------------------------------------------------------------------

    def outbound_calls(self, module: Module) -> list[OutboundCall]:
        """The calls of a module that send a request, and those of wrappers that leave the bound to them."""
        return self.forwarding.outbound_calls(module)

    def publications(self, module: Module) -> list[Publication]:
        """The calls of a module that hand a message to a broker, in source order."""
        return self.queues.publications(module)

    def request_ids(self, names: tuple[str, ...]) -> IdQuestions:
        """The questions on request ids that go by these headers."""
        known = self._request_ids.get(names)
        if known is None:
            known = self._request_ids[names] = IdQuestions(self, names)
        return known

    def is_internal(self, value: Value) -> bool:
        """Whether a value is a function or class of the program."""
        return isinstance(value, FunctionRef | ClassRef)
