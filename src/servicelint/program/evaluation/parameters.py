"""Parameters: what a call binds to them, and what can be said when any caller may call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.arguments import or_else
from servicelint.program.evaluation.values import (
    MISSING,
    NONE,
    UNKNOWN,
    ClassRef,
    External,
    FunctionRef,
    Instance,
    MappingValue,
    ParameterSymbol,
    SequenceValue,
    Value,
    Values,
    merge,
)

if TYPE_CHECKING:
    from servicelint.facts.record import Function, Parameter
    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

_POSITIONAL = ("positional-only", "positional")


class Parameters:
    """Binds arguments to parameters, and stands in for callers where there is no particular one."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._open: set[ParameterSymbol] = set()

    def function_of(self, frame: Frame) -> int:
        """The index of the function whose scope the frame is."""
        return self.program.function_of_scope(frame.module, frame.scope)

    def values(self, frame: Frame, index: int) -> Values:
        """What the ``index``-th parameter holds in a frame of its function."""
        number = self.function_of(frame)
        function = frame.module.facts.functions[number]
        if index == 0 and has_receiver(function):
            return (self.receiver(frame, number),)
        if frame.arguments is None:
            return self._symbolic(FunctionRef(frame.module, number), function, index)
        return self._bound(frame, function, index, frame.arguments)

    def receiver(self, frame: Frame, number: int) -> Value:
        """What a method's first parameter is: what it is called on, else any object of its class."""
        if frame.receiver is not None:
            return frame.receiver
        function = frame.module.facts.functions[number]
        owner = ClassRef(frame.module, function.klass)
        return owner if is_class_method(function) else Instance(owner)

    def _symbolic(self, owner: FunctionRef, function: Function, index: int) -> Values:
        parameter = function.parameters[index]
        symbol = ParameterSymbol(owner, index, parameter.name)
        if parameter.kind == "double-star":
            return (MappingValue(entries=_taken(function), rest=((symbol,),)),)
        return (symbol,)

    def _bound(self, frame: Frame, function: Function, index: int, arguments: Arguments) -> Values:
        parameter = function.parameters[index]
        offset = 1 if has_receiver(function) else 0
        if parameter.kind == "star":
            taken = sum(1 for other in function.parameters if other.kind in _POSITIONAL) - offset
            return (self._star(arguments, taken),)
        if parameter.kind == "double-star":
            return (self._double_star(arguments, function),)
        position = index - offset if parameter.kind in _POSITIONAL else None
        found = self.program.evaluator.argument(arguments, parameter.name, position)
        return or_else(found, self.default(frame.module, function, parameter))

    def default(self, module: Module, function: Function, parameter: Parameter) -> Values:
        """What a parameter is when it is left out."""
        if parameter.default is None:
            return (UNKNOWN,)
        frame = self.program.root_frame(module, function.outer_scope)
        injected = self._injected(parameter.default, frame)
        return injected or self.program.evaluator.values(parameter.default, frame)

    def _injected(self, default: record.Expression, frame: Frame) -> Values:
        """``Depends(make_client)``: what the framework injects is what the function returns."""
        if not isinstance(default, record.CallValue):
            return ()
        call = frame.module.facts.calls[default.call]
        if getattr(call.callee, "name", "") not in ("Depends", "Security", "Provide") or not call.arguments:
            return ()
        makers = self.program.evaluator.values(call.arguments[0].value, frame)
        made = merge(*(self.program.calls.injected(maker, default.call, frame) for maker in makers))
        return tuple(value for value in made if value != UNKNOWN)

    def _star(self, arguments: Arguments, taken: int) -> Value:
        evaluator = self.program.evaluator
        rest = arguments.positional[max(taken, 0) :]
        return SequenceValue(tuple(evaluator.given(given) for given in rest), is_open=bool(arguments.stars))

    def _double_star(self, arguments: Arguments, function: Function) -> Value:
        evaluator = self.program.evaluator
        taken = _taken(function)
        names = {name for name, _ in taken}
        entries = [
            (name, evaluator.given(given)) for name, given in arguments.keywords.items() if name not in names
        ]
        rest = tuple(evaluator.given(mapping) for mapping in arguments.mappings)
        return MappingValue((*taken, *entries), rest)

    # --- any caller ------------------------------------------------------------------------------

    def parameter_of(self, symbol: ParameterSymbol) -> Parameter | None:
        """The parameter that a symbol stands for; None for a field of a record class."""
        if isinstance(symbol.owner, ClassRef):
            return None
        return symbol.owner.module.facts.functions[symbol.owner.index].parameters[symbol.index]

    def is_double_star(self, symbol: ParameterSymbol) -> bool:
        """Whether it stands for a whole ``**`` parameter."""
        parameter = self.parameter_of(symbol)
        return parameter is not None and parameter.kind == "double-star" and not symbol.key

    def is_star(self, symbol: ParameterSymbol) -> bool:
        """Whether it stands for a whole ``*`` parameter."""
        parameter = self.parameter_of(symbol)
        return parameter is not None and parameter.kind == "star" and not symbol.key

    def expand(self, value: Value) -> Values:
        """A parameter as an object: what its known callers pass, else what its annotation says."""
        if not isinstance(value, ParameterSymbol):
            return (value,)
        bare = ParameterSymbol(value.owner, value.index, value.name, value.key)
        if bare in self._open:
            return ()
        if self.program.evaluator.is_shallow:
            return (UNKNOWN,)
        if self.program.evaluator.is_typed:
            return self._described(bare) or (UNKNOWN,)
        self._open.add(bare)
        try:
            found = self._expanded(bare)
        finally:
            self._open.discard(bare)
        return tuple(item for item in found if item != NONE or "none" not in value.excluded)

    def _expanded(self, symbol: ParameterSymbol) -> Values:
        described = self._described(symbol)
        if not self._may_matter(symbol):
            return self._left_out(symbol) or described or (UNKNOWN,)
        evaluator = self.program.evaluator
        passed = merge(*(self.passed(symbol, call) for call in self._telling_callers(symbol)))
        passed = evaluator.expand_all(tuple(value for value in passed if value != MISSING))
        known = tuple(value for value in passed if value not in (UNKNOWN, NONE))
        if described and (not known or UNKNOWN in passed):
            return merge(known, described)
        return passed or (UNKNOWN,)

    def _left_out(self, symbol: ParameterSymbol) -> Values:
        """What a parameter is when no known caller gives it: its default, if that says something."""
        if isinstance(symbol.owner, ClassRef) or symbol.key:
            return ()
        return tuple(value for value in self.defaults(symbol) if value not in (MISSING, UNKNOWN))

    def _telling_callers(self, symbol: ParameterSymbol) -> list[Arguments]:
        """The calls that may pass a client: only those say what the parameter is."""
        if isinstance(symbol.owner, ClassRef) or symbol.key:
            return self.program.callers.of(symbol.owner)
        givers = self.program.carriers.givers(symbol.owner, symbol.name)
        return self.program.callers.of(symbol.owner, givers)

    def _may_matter(self, symbol: ParameterSymbol) -> bool:
        """Whether callers may pass a client, or a dict or tuple: else there is nothing to follow."""
        if isinstance(symbol.owner, ClassRef) or symbol.key:
            return True
        return self.program.carriers.parameter(symbol.owner, symbol.name)

    def passed(self, symbol: ParameterSymbol, arguments: Arguments) -> Values:
        """What one call gives for a parameter; the default where it is left out, MISSING without one."""
        found = self.given(symbol, arguments)
        return or_else(found, self.defaults(symbol)) if MISSING in found else found

    def defaults(self, symbol: ParameterSymbol) -> Values:
        """What a parameter is when it is left out, MISSING without a default."""
        if symbol.fallback:
            return symbol.fallback
        if isinstance(symbol.owner, ClassRef):
            return self.program.attributes.classes.field_default(symbol.owner, symbol.name)
        function = symbol.owner.module.facts.functions[symbol.owner.index]
        parameter = function.parameters[symbol.index]
        if parameter.default is None:
            return (MISSING,)
        return self.default(symbol.owner.module, function, parameter)

    def given(self, symbol: ParameterSymbol, arguments: Arguments) -> Values:
        """What one call gives for a parameter, MISSING where it leaves it out."""
        evaluator = self.program.evaluator
        if isinstance(symbol.owner, ClassRef):
            return self.program.attributes.field_given(symbol.owner, symbol.index, arguments)
        function = symbol.owner.module.facts.functions[symbol.owner.index]
        parameter = function.parameters[symbol.index]
        offset = 1 if has_receiver(function) else 0
        if parameter.kind == "double-star":
            if not symbol.key:
                return (self._double_star(arguments, function),)
            return evaluator.containers.lookup(self._double_star_mapping(arguments, function), symbol.key)
        if parameter.kind == "star":
            return self._passed_star(symbol, arguments, function, offset)
        position = symbol.index - offset if parameter.kind in _POSITIONAL else None
        return evaluator.argument(arguments, parameter.name, position)

    def _double_star_mapping(self, arguments: Arguments, function: Function) -> MappingValue:
        found = self._double_star(arguments, function)
        return found if isinstance(found, MappingValue) else MappingValue()

    def _passed_star(
        self, symbol: ParameterSymbol, arguments: Arguments, function: Function, offset: int
    ) -> Values:
        taken = sum(1 for other in function.parameters if other.kind in _POSITIONAL) - offset
        if not symbol.key:
            return (self._star(arguments, taken),)
        return self.program.evaluator.argument(arguments, "", taken + int(symbol.key))

    def _described(self, symbol: ParameterSymbol) -> Values:
        """What a parameter's annotation, default or injection says it is."""
        if isinstance(symbol.owner, ClassRef):
            return self.program.attributes.field_type(symbol.owner, symbol.index)
        module = symbol.owner.module
        function = module.facts.functions[symbol.owner.index]
        parameter = function.parameters[symbol.index]
        frame = self.program.root_frame(module, function.outer_scope)
        found: Values = ()
        if parameter.annotation is not None:
            found = self._annotated_injection(parameter.annotation, frame)
            found = found or self.program.types.instances(parameter.annotation, frame)
        if parameter.default is not None:
            default = self.default(module, function, parameter)
            objects = tuple(v for v in default if isinstance(v, Instance | FunctionRef | External))
            found = objects or found  # what is injected says more than the annotation
        return found

    def _annotated_injection(self, annotation: record.Expression, frame: Frame) -> Values:
        """``Annotated[Client, Depends(make_client)]``, written out or as an alias."""
        annotation, frame = self.program.types.written_out(annotation, frame)
        if not isinstance(annotation, record.Subscript) or not isinstance(annotation.index, record.Sequence):
            return ()
        return merge(*(self._injected(part, frame) for part in annotation.index.items))


def has_receiver(function: Function) -> bool:
    """Whether a call on an object passes that object as the first parameter."""
    return function.klass >= 0 and not _decorated(function, "staticmethod") and bool(function.parameters)


def is_class_method(function: Function) -> bool:
    """Whether a method gets its class instead of an object."""
    return _decorated(function, "classmethod") or function.name in ("__new__", "__init_subclass__")


def _decorated(function: Function, name: str) -> bool:
    return any(getattr(decorator, "name", "") == name for decorator in function.decorators)


def _taken(function: Function) -> tuple[tuple[str, Values], ...]:
    """The keywords that a ``**`` parameter can't hold, because other parameters take them."""
    return tuple(
        (parameter.name, (MISSING,))
        for parameter in function.parameters
        if parameter.kind in ("positional", "keyword")
    )
