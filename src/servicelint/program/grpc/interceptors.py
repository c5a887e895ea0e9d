"""Interceptors: classes of the program that calls over a channel pass, and what they make of timeouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from servicelint.catalog.model import CallDetails
from servicelint.facts import record
from servicelint.program.evaluation.arguments import Arguments, Given
from servicelint.program.evaluation.values import (
    MISSING,
    NONE,
    UNKNOWN,
    CallRef,
    ClassRef,
    Effect,
    External,
    ExternalMethod,
    FunctionRef,
    Instance,
    ParameterSymbol,
    Value,
    Values,
    merge,
)
from servicelint.program.grpc.choosing import chooses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from servicelint.catalog.model import Arity
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

CONTINUATION = External("grpc.continuation")
"""Stands for what an interceptor calls to hand a call on."""

DEEPEST_HELPER = 4
"""Functions of an interceptor's own that are followed into one another."""


_INTERCEPTOR = "Interceptor"
"""How libraries end the names of the bases that they offer."""


class Interceptors:
    """Runs interceptors on a call's timeout."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def after(self, interceptor: Value, arity: Arity | None, timeouts: Values, call: CallRef) -> Values:
        """What a call's timeout can be once it has passed an interceptor; UNKNOWN if that can't be told."""
        if interceptor in (NONE, MISSING) or self.is_plain(interceptor):
            return timeouts
        if not isinstance(interceptor, Instance) or not isinstance(interceptor.of, ClassRef):
            return (UNKNOWN,)
        hook = self._hook(interceptor, arity)
        if hook is None:
            return (UNKNOWN,) if self._has_a_foreign_base(interceptor.of) else timeouts
        return merge(*(self._after(hook, timeout, call) for timeout in timeouts))

    def is_plain(self, interceptor: Value) -> bool:
        """Whether it is (or is a list of) another library's that leaves timeouts as they are."""
        if not isinstance(interceptor, Instance) or not isinstance(interceptor.of, External):
            return False
        return interceptor.of.name in self.program.catalog.plain_interceptors

    def _has_a_foreign_base(self, klass: ClassRef) -> bool:
        """Whether another library than gRPC's own calls an interceptor's methods, in a way of its own."""
        own = {name.partition(".")[0] for name, _ in self._details_by_name()}
        return any(
            isinstance(base, External)
            and base.name.endswith(_INTERCEPTOR)
            and base.name.partition(".")[0] not in own
            for base in self.program.attributes.classes.order(klass)
        )

    def replaced(self, details: ExternalMethod, arguments: Arguments) -> Instance | None:
        """``details._replace(timeout=…)``: the changed copy."""
        described = self._described(details.instance)
        if described is None or details.name != described.replace:
            return None
        given = self.program.evaluator.argument(arguments, described.timeout.keyword, None)
        if given == (MISSING,):
            return details.instance
        return replace(details.instance, effects=(Effect(described.timeout.keyword, given),))

    def _hook(self, interceptor: Instance, arity: Arity | None) -> FunctionRef | None:
        """The method that a call passes, if there is one for its kind."""
        for described in self._all_details():
            found = self.program.attributes.of(interceptor, f"{described.hook}{arity or 'unary_unary'}")
            hook = next((value for value in found if isinstance(value, FunctionRef)), None)
            if hook is not None:
                return hook
        return None

    def _all_details(self) -> Iterator[CallDetails]:
        for library in self.program.catalog.libraries.values():
            yield from library.details.values()

    # --- one timeout -----------------------------------------------------------------------------

    def _after(self, hook: FunctionRef, timeout: Value, call: CallRef) -> Values:
        """What a hook makes of a timeout. One that callers decide is asked for as if they gave none."""
        if not isinstance(timeout, ParameterSymbol):
            given = NONE if timeout == MISSING else timeout
            found = self._handed_on(hook, given, call)
            return tuple(MISSING if value == NONE and timeout == MISSING else value for value in found)
        without = self._handed_on(hook, NONE, call)
        if NONE in without:
            return (timeout,)
        return (replace(timeout, excluded=timeout.excluded | {"none", "missing"}), *without)

    def _handed_on(self, hook: FunctionRef, timeout: Value, call: CallRef) -> Values:
        """The timeouts with which a hook calls the continuation."""
        name, described = next(self._details_by_name())
        details = Instance(External(name), effects=(Effect(described.timeout.keyword, (timeout,)),))
        positional = [Given(None, None, (UNKNOWN,))] * (max(described.continuation, described.details) + 2)
        positional[described.continuation] = Given(None, None, (CONTINUATION,))
        positional[described.details] = Given(None, None, (details,))
        arguments = Arguments(call, None, tuple(positional), variant=("interceptor", hook, timeout))
        found = merge(*self._continued(self.program.call_frame(hook, arguments), 0))
        if NONE in found and len(found) > 1 and self._chooses(hook, described):
            return tuple(UNKNOWN if each == NONE else each for each in found)
        return found or (UNKNOWN,)

    def _chooses(self, hook: FunctionRef, described: CallDetails) -> bool:
        """Whether the class of a hook gives a deadline to some calls only, by what they are."""
        receiver = hook.receiver
        if not isinstance(receiver, Instance) or not isinstance(receiver.of, ClassRef):
            return False
        order = self.program.attributes.classes.order(receiver.of)
        own = [each for each in order if isinstance(each, ClassRef)]
        timeout = described.timeout.keyword
        return any(chooses(each, timeout, self._deciding(each.module, receiver)) for each in own)

    def _deciding(
        self, module: Module, receiver: Instance
    ) -> Callable[[record.Expression, int], bool | None]:
        """Tells of a test in a scope of a module how it goes for one interceptor."""

        def decide(test: record.Expression, scope: int) -> bool | None:
            frame = self.program.method_frame(module, scope, receiver)
            return self.program.evaluator.conditions.decide(test, frame)

        return decide

    def _details_by_name(self) -> Iterator[tuple[str, CallDetails]]:
        for library in self.program.catalog.libraries.values():
            yield from library.details.items()

    def _continued(self, frame: Frame, depth: int) -> Iterator[Values]:
        """The timeouts that reach the continuation from a function, its inner functions and its helpers."""
        for number, call in enumerate(frame.module.facts.calls):
            if call.scope != frame.scope or self.program.evaluator.conditions.ruled_out(call.region, frame):
                continue
            ref = CallRef(frame.module, number)
            for callee in self.program.evaluator.values(call.callee, frame):
                if callee == CONTINUATION:
                    yield self._timeout_given(ref, frame)
                elif isinstance(callee, FunctionRef) and depth < DEEPEST_HELPER:
                    yield from self._in_helper(callee, ref, frame, depth)

    def _in_helper(self, callee: FunctionRef, ref: CallRef, frame: Frame, depth: int) -> Iterator[Values]:
        """A helper that is handed the continuation, or an inner function that has it at hand."""
        passed = self.program.calls.written(ref, frame)
        evaluator = self.program.evaluator
        given = [*passed.positional, *passed.keywords.values()]
        if callee.closure is frame or any(CONTINUATION in evaluator.given(each) for each in given):
            yield from self._continued(self.program.call_frame(callee, passed), depth + 1)

    # --- details ---------------------------------------------------------------------------------

    def _timeout_given(self, ref: CallRef, frame: Frame) -> Values:
        """The timeout in the details that a continuation is called with."""
        arguments = self.program.calls.written(ref, frame)
        if not arguments.positional:
            return (UNKNOWN,)
        expression = arguments.positional[0].expression
        if isinstance(expression, record.Name) and len(expression.definitions) > 1:
            numbers = self._not_replaced(expression.definitions, frame)
            found = self.program.evaluator.bindings(frame, numbers)
        else:
            found = self.program.evaluator.given(arguments.positional[0])
        return merge(*(self._timeout_of(value) for value in found))

    def _not_replaced(self, numbers: Iterable[int], frame: Frame) -> list[int]:
        """The bindings that are left where a later one stands under a test that is known to hold."""
        bindings = frame.module.facts.scopes[frame.scope].bindings
        certain = [number for number in numbers if self._is_certain(bindings[number].region, frame)]
        return [number for number in numbers if not certain or number >= max(certain)]

    def _is_certain(self, number: int, frame: Frame) -> bool:
        """Whether a block is entered for certain: each test around it, up to the function, holds."""
        regions = frame.module.facts.regions
        while number > 0 and regions[number].kind not in ("function", "module"):
            region = regions[number]
            if region.kind != "if":
                return False
            if self.program.evaluator.conditions.decide(region.subject, frame) is not region.outcome:
                return False
            number = region.parent
        return True

    def _timeout_of(self, details: Value) -> Values:
        if not isinstance(details, Instance):
            return (UNKNOWN,)
        described = self._described(details)
        slot = described.timeout if described else None
        keyword = slot.keyword if slot else "timeout"
        found = self.program.attributes.of(details, keyword)
        known = tuple(value for value in found if value != UNKNOWN and not isinstance(value, ExternalMethod))
        if known:
            return known
        if details.arguments is None or slot is None:
            return (UNKNOWN,)
        given = self.program.evaluator.argument(details.arguments, keyword, slot.position)
        return tuple(NONE if value == MISSING else value for value in given)

    def _described(self, details: Instance) -> CallDetails | None:
        name = self.program.clients.name_of(details.of)
        entry = self.program.catalog.entry(name) if name else None
        return entry if isinstance(entry, CallDetails) else None
