"""What a call returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.catalog.inbound import App
from servicelint.catalog.loader import MADE
from servicelint.catalog.retries import Retry
from servicelint.program.evaluation import arguments as argument_lists
from servicelint.program.evaluation.arguments import Arguments, Given, combined
from servicelint.program.evaluation.builtins import Builtins
from servicelint.program.evaluation.parameters import has_receiver
from servicelint.program.evaluation.values import (
    NONE,
    REMAINING,
    UNKNOWN,
    CallRef,
    ClassRef,
    ContextManager,
    External,
    ExternalMethod,
    FunctionRef,
    Instance,
    Literal,
    MappingMethod,
    ParameterSymbol,
    Partial,
    SequenceValue,
    Value,
    Values,
    merge,
)
from servicelint.program.linking.index import last_name

if TYPE_CHECKING:
    from servicelint.facts.record import Function
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.program import Program

DEEPEST_CALLS = 25
"""Calls that are followed into one another for one value; deeper it is unknown."""

_CONTEXT_MANAGERS = frozenset({"contextmanager", "asynccontextmanager"})
_ENTERING = frozenset({"enter_context", "enter_async_context"})


class Calls:
    """Follows calls into the program's functions, and knows those of libraries that matter."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.builtins = Builtins(program)

    def written(self, call: CallRef, frame: Frame) -> Arguments:
        """The arguments of a call as they are written."""
        return argument_lists.written(call, frame)

    def results(self, call: CallRef, frame: Frame) -> Values:
        """Everything a call can return."""
        callees = self.program.evaluator.values(call.call.callee, frame)
        arguments = self.written(call, frame)
        if last_name(call.call.callee) in self.program.catalog.remaining and UNKNOWN in callees:
            return (REMAINING,)
        if callees == (External("builtins.super"),):
            return self.builtins.super_of(frame)
        if getattr(call.call.callee, "name", "") in _ENTERING and arguments.positional:
            managers = self.program.evaluator.given(arguments.positional[0])
            return merge(*(self.program.evaluator.entered(manager) for manager in managers))
        return merge(*(self.called(callee, arguments) for callee in callees))

    def called(self, callee: Value, arguments: Arguments | None) -> Values:
        """What calling ``callee`` returns; without arguments, as a property."""
        if isinstance(callee, FunctionRef):
            return self._function_result(callee, arguments)
        if arguments is None:
            return (UNKNOWN,)
        if isinstance(callee, ClassRef):
            is_typed = self.program.evaluator.is_typed
            return (Instance(callee) if is_typed else Instance(callee, arguments.call, arguments),)
        if isinstance(callee, External):
            return self._external(callee, arguments)
        if isinstance(callee, ExternalMethod):
            return self._external_method(callee, arguments)
        if isinstance(callee, MappingMethod):
            return self.program.changes.mapping_method(callee, arguments)
        if isinstance(callee, Partial):
            return self.called(callee.function, combined(callee.arguments, arguments))
        if isinstance(callee, Instance):
            return self._of_object(callee, arguments)
        if isinstance(callee, ParameterSymbol):
            expanded = self.program.parameters.expand(callee)
            return merge(*(self.called(v, arguments) for v in expanded if not isinstance(v, ParameterSymbol)))
        return (UNKNOWN,)

    def method(self, owner: Value, name: str) -> Values:
        """What a special method of the program's own class returns; UNKNOWN if it has none."""
        return self._bound(owner, name, None)

    def of_name(self, method: FunctionRef, name: str, owner: Instance) -> Values:
        """What a special method that is given the name of an attribute returns for it."""
        if owner.made is None:
            return ()
        given = Given(None, None, (Literal(name),))
        return self.called(method, Arguments(owner.made, None, (given,), variant=("named", name)))

    def _bound(self, owner: Value, name: str, arguments: Arguments | None) -> Values:
        if not isinstance(owner, Instance) or not isinstance(owner.of, ClassRef):
            return (UNKNOWN,)
        methods = [
            value for value in self.program.attributes.of(owner, name) if isinstance(value, FunctionRef)
        ]
        return merge(*(self.called(method, arguments) for method in methods)) or (UNKNOWN,)

    def injected(self, maker: Value, call: int, frame: Frame) -> Values:
        """What a framework gets from a dependency: the result of calling it, or what it yields."""
        arguments = Arguments(CallRef(frame.module, call), frame, variant="injected")
        made = self.called(maker, arguments)
        evaluator = self.program.evaluator
        return merge(
            *(merge(*v.items) if isinstance(v, SequenceValue) else evaluator.entered(v) for v in made)
        )

    # --- the program's functions -----------------------------------------------------------------

    def _function_result(self, callee: FunctionRef, arguments: Arguments | None) -> Values:
        evaluator = self.program.evaluator
        if evaluator.is_shallow:
            return (UNKNOWN,)
        return self._declared_result(callee) if evaluator.is_typed else self._function(callee, arguments)

    def _declared_result(self, callee: FunctionRef) -> Values:
        """What a function returns by its annotation, else by its own code, whoever calls it."""
        function = callee.module.facts.functions[callee.index]
        if function.annotation is not None and not function.is_generator:
            outer = self.program.root_frame(callee.module, function.outer_scope)
            described = self.program.types.instances(function.annotation, outer)
            if described:
                return described
        frame = self.program.root_frame(callee.module, function.scope)
        return (
            (self._generated(function, frame),) if function.is_generator else self._returned(function, frame)
        )

    def _function(self, callee: FunctionRef, arguments: Arguments | None) -> Values:
        function = callee.module.facts.functions[callee.index]
        if arguments is not None and (
            arguments.depth > DEEPEST_CALLS or _is_recursion(callee, function, arguments)
        ):
            return (UNKNOWN,)
        if arguments is not None and has_receiver(function) and callee.receiver is None:
            callee, arguments = self._unbound(callee, arguments)
        frame = self.program.call_frame(callee, arguments)
        if function.is_generator:
            return (self._generated(function, frame),)
        return self._returned(function, frame)

    def _unbound(self, callee: FunctionRef, arguments: Arguments) -> tuple[FunctionRef, Arguments]:
        """``Client.get(client, …)``: the first argument is what the method is called on."""
        if not arguments.positional:
            return callee, arguments
        receivers = self.program.evaluator.given(arguments.positional[0])
        bound = FunctionRef(callee.module, callee.index, receivers[0] if receivers else None, callee.closure)
        return bound, argument_lists.without_first(arguments)

    def _returned(self, function: Function, frame: Frame) -> Values:
        evaluator = self.program.evaluator
        found = merge(
            *(
                evaluator.conditions.meant_in(value, region, frame) or evaluator.values(value, frame)
                for value, region in function.returns
                if not evaluator.conditions.ruled_out(region, frame)
            )
        )
        if not function.returns:
            found = (NONE,)
        if function.annotation is None:
            return found
        outer = self.program.root_frame(frame.module, function.outer_scope)
        return self.program.types.refine(found or (UNKNOWN,), function.annotation, outer)

    def _generated(self, function: Function, frame: Frame) -> Value:
        yielded = merge(*(self.program.evaluator.values(value, frame) for value in function.yields))
        if function.annotation is not None:
            outer = self.program.root_frame(frame.module, function.outer_scope)
            yielded = self.program.types.refine(yielded or (UNKNOWN,), function.annotation, outer)
        names = self.program.index.of(frame.module)
        if any(_CONTEXT_MANAGERS & names.spoken(last_name(each)) for each in function.decorators):
            return ContextManager(yielded)
        return SequenceValue((yielded,), is_open=True)

    # --- libraries -------------------------------------------------------------------------------

    def _external(self, callee: External, arguments: Arguments) -> Values:
        catalog = self.program.catalog
        if catalog.is_factory(callee.name):
            made = catalog.made_by(callee.name, self._service(arguments))
            if made is None:
                return (UNKNOWN,)
            return (Instance(External(made), arguments.call, arguments, label=callee.name),)
        if callee.name in catalog.plain_interceptors:
            return (Instance(callee, arguments.call, arguments),)
        is_object = isinstance(catalog.entry(callee.name), MADE)
        if is_object or catalog.canonical(callee.name) in catalog.transports:
            return (Instance(External(catalog.canonical(callee.name)), arguments.call, arguments),)
        stub = self.program.stubs.made(callee, arguments)
        return (stub,) if stub else self.builtins.call(callee.name, arguments)

    def _service(self, arguments: Arguments) -> str:
        """The first argument, where it is a text: ``boto3.client("sqs")``."""
        values = self.program.evaluator.argument(arguments, "service_name", 0)
        texts = [value.value for value in values if isinstance(value, Literal)]
        return texts[0] if len(texts) == 1 and isinstance(texts[0], str) else ""

    def _of_object(self, callee: Instance, arguments: Arguments) -> Values:
        """What an object returns that is called; a decorator gives back the function, tried again."""
        if isinstance(callee.of, ClassRef):
            return self._bound(callee, "__call__", arguments)
        retry = self.program.catalog.entry(callee.of.name)
        is_decorator = isinstance(retry, Retry) and retry.form == "decorator"
        return self._wrapped(arguments) if is_decorator else (UNKNOWN,)

    def _wrapped(self, arguments: Arguments) -> Values:
        """The function that something is given to be tried again."""
        return self.program.evaluator.argument(arguments, "", 0)

    def _external_method(self, callee: ExternalMethod, arguments: Arguments) -> Values:
        details = self.program.interceptors.replaced(callee, arguments)
        if details is not None:
            return (details,)
        making = self.program.queues.making(callee, lambda: self._service(arguments))
        if making is not None:
            return (Instance(External(making.returns), arguments.call, arguments),)
        described = self.program.clients.method(callee)
        if described is not None and described.inherits:
            owner = callee.instance
            return (Instance(External(described.returns), owner.made, owner.arguments, owner.effects),)
        if described is not None and described.returns:
            return (self._handed_out(callee.instance, described.returns, arguments),)
        if callee.name in ("__enter__", "__aenter__"):
            return (callee.instance,)
        return self._made_by(callee, arguments)

    def _made_by(self, callee: ExternalMethod, arguments: Arguments) -> Values:
        """A part of an application that one of its methods hands out; a function that is tried again."""
        name = self.program.clients.name_of(callee.instance.of)
        entry = self.program.catalog.entry(name) if name else None
        if isinstance(entry, Retry) and entry.wrapper == callee.name:
            return self._wrapped(arguments)
        made = entry.returns.get(callee.name) if isinstance(entry, App) else None
        return (Instance(External(made), arguments.call, arguments),) if made else (UNKNOWN,)

    def _handed_out(self, maker: Instance, name: str, arguments: Arguments) -> Instance:
        """What a client's method hands out, known by the first text it is asked for (a method's path)."""
        return Instance(External(name), arguments.call, arguments, (), maker, self.first_text(arguments))

    def first_text(self, arguments: Arguments) -> str:
        """The text that a call is given first, "" if it is none that can be told."""
        values = self.program.evaluator.argument(arguments, "", 0)
        return next((str(each.value) for each in values if isinstance(each, Literal)), "")


def _is_recursion(callee: FunctionRef, function: Function, arguments: Arguments) -> bool:
    """Whether the function is being called from within a call of itself."""
    frame = arguments.frame
    while frame is not None:
        if frame.module is callee.module and frame.scope == function.scope:
            return True
        frame = frame.arguments.frame if frame.arguments else None
    return False
