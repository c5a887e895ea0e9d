"""Registrations: the decorators and calls that tell a framework of a handler, and what they are given."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from servicelint.facts import record
from servicelint.program.evaluation.values import (
    UNKNOWN,
    CallRef,
    ClassRef,
    External,
    ExternalMethod,
    FunctionRef,
    Instance,
    Literal,
    ParameterSymbol,
    Partial,
    SequenceValue,
    Value,
    Values,
    merge,
)
from servicelint.program.handlers.held import Held
from servicelint.program.linking.index import last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.catalog.inbound import Registration
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

DEEPEST = 4
"""Wrappers, callers and decorators that are followed into one another for one handler."""


class Registered(NamedTuple):
    """A way to register, and the framework it belongs to."""

    registration: Registration
    title: str


class Registrations:
    """Tells what registers, and what is registered."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.frameworks = program.catalog.frameworks
        self._telling = self.frameworks.telling_names()
        self._makers = {name for each in self.frameworks.classes.values() for name in each.makers}

    @cached_property
    def _names(self) -> dict[str, list[Registration]]:
        """What registers, by the last name of what is called."""
        found: dict[str, list[Registration]] = {}
        for name, registration in self.frameworks.registrars.items():
            found.setdefault(name.rpartition(".")[2], []).append(registration)
        for app in self.frameworks.apps:
            for registration in self.frameworks.registrations(app):
                for name in registration.names:
                    found.setdefault(name, []).append(registration)
        return found

    def _spoken(self, module: Module, name: str) -> list[Registration]:
        """What something that is called ``name`` in a module may be."""
        spoken = self.program.index.of(module).spoken(name)
        return [registration for each in spoken for registration in self._names.get(each, ())]

    # --- what registers --------------------------------------------------------------------------

    def by(self, decorator: record.Expression, module: Module, scope: int) -> Registered | None:
        """How a decorator registers what it decorates, if it does."""
        callee = _called(decorator, module)
        return self._registering(callee, module, scope)

    def _registering(self, callee: record.Expression, module: Module, scope: int) -> Registered | None:
        if not self._spoken(module, last_name(callee)):
            return None
        frame = self.program.root_frame(module, scope)
        found = self._function(callee, frame)
        if found is None and isinstance(callee, record.Attribute):
            found = self._method(callee, frame)
        return found

    def _function(self, callee: record.Expression, frame: Frame) -> Registered | None:
        for value in self.program.evaluator.typed(callee, frame):
            if isinstance(value, External) and value.name in self.frameworks.registrars:
                return Registered(self.frameworks.registrars[value.name], self.frameworks.title(value.name))
        return None

    def _method(self, callee: record.Attribute, frame: Frame) -> Registered | None:
        """A method of an application, or of something that can only be one."""
        apps, is_open = self._apps(callee.value, frame)
        for app in apps:
            for registration in self.frameworks.registrations(app):
                if callee.name in registration.names:
                    return Registered(registration, self.frameworks.title(app))
        telling = self._telling.get(callee.name)
        if telling is not None and not apps and is_open:
            return Registered(telling, "")
        return None

    def _apps(self, expression: record.Expression, frame: Frame, depth: int = 0) -> tuple[list[str], bool]:
        """The applications that something is, or is a part of; and whether it may be something unknown."""
        values = self.program.evaluator.typed(expression, frame)
        found = [app for value in values for app in self._app_of(value, depth)]
        if found:
            return found, False
        if isinstance(expression, record.Attribute):  # ``app.router.add_get``
            found, _ = self._apps(expression.value, frame, depth)
        is_open = not values or any(
            isinstance(value, ParameterSymbol) or value == UNKNOWN for value in values
        )
        return found, is_open

    def _app_of(self, value: Value, depth: int) -> list[str]:
        if isinstance(value, ExternalMethod):
            value = value.instance
        if isinstance(value, Instance):
            return [app for app in (self._app_class(value.of),) if app is not None]
        if isinstance(value, ParameterSymbol) and depth < DEEPEST:
            return [app for passed in self._declared(value) for app in self._app_of(passed, depth + 1)]
        return []

    def _app_class(self, of: ClassRef | External) -> str | None:
        """The application's class that a class is or inherits from."""
        order = [of] if isinstance(of, External) else self.program.attributes.classes.order(of)
        names = [self.frameworks.app(each.name) for each in order if isinstance(each, External)]
        return next((name for name in names if name is not None), None)

    def _app_made_by(self, called: ClassRef | External) -> str | None:
        """The application's class that calling a class, or a library's factory, makes an object of."""
        name = getattr(called, "name", "")
        made = (key for key, app in self.frameworks.apps.items() if name in app.factories)
        return self._app_class(called) or next(made, None)

    def _declared(self, symbol: ParameterSymbol) -> Values:
        """What a parameter is by its annotation; without one, by what callers give, told in the same way."""
        if not isinstance(symbol.owner, FunctionRef):
            return ()
        module = symbol.owner.module
        parameter = module.facts.functions[symbol.owner.index].parameters[symbol.index]
        with self.program.evaluator.declarations_only():
            if parameter.annotation is not None:
                return self.program.parameters.expand(symbol)
            callers = self.program.callers.of(symbol.owner)
            return merge(*(self.program.parameters.given(symbol, arguments) for arguments in callers))

    def makes_application(self, module: Module, call: record.Call) -> bool:
        """Whether a call constructs an application."""
        if not self._may_be_application(last_name(call.callee), module):
            return False
        frame = self.program.root_frame(module, call.scope)
        for value in self.program.evaluator.typed(call.callee, frame):
            if isinstance(value, External | ClassRef):
                name = self._app_made_by(value)
                if name is not None and self.frameworks.apps[name].is_root:
                    return True
        return False

    def _may_be_application(self, name: str, module: Module) -> bool:
        """Whether something of this name may be a class: to evaluate all calls takes long."""
        if name.lstrip("_")[:1].isupper():
            return True
        names = self.program.index.of(module)
        apps = self.frameworks.apps
        makers = (name for key, app in apps.items() for name in (key, *app.factories))
        known = {each.rpartition(".")[2] for each in makers}
        return bool(known & names.spoken(name)) or any(
            alias.name == name for each in known for alias in names.aliases.get(each, ())
        )

    # --- what is registered ----------------------------------------------------------------------

    def called(self, ref: CallRef) -> Iterator[tuple[Registered, str, FunctionRef | ClassRef]]:
        """What a call registers: functions, and classes whose methods are meant."""
        call = ref.call
        if isinstance(call.callee, record.CallValue):  # ``app.route("/")(handler)``
            found = self.by(call.callee, ref.module, call.scope)
            if found is not None and call.arguments:
                route = self.route(found, call.callee, ref.module, call.scope)
                yield from self._given(found, route, call.arguments[0].value, ref)
            return
        ways = self._spoken(ref.module, last_name(call.callee))
        if not any(_handler_argument(way, call) for way in ways):
            return
        found = self._registering(call.callee, ref.module, call.scope)
        argument = _handler_argument(found.registration, call) if found else None
        if found is not None and argument is not None:
            route = self.route(found, record.CallValue(ref.index), ref.module, call.scope)
            yield from self._given(found, route, argument, ref)

    def route(self, found: Registered, registering: record.Expression, module: Module, scope: int) -> str:
        """The path that something is registered under; "" if it is not written out."""
        if found.registration.route is None or not isinstance(registering, record.CallValue):
            return ""
        ref = CallRef(module, registering.call)
        frame = self.program.root_frame(module, scope)
        arguments = self.program.calls.written(ref, frame)
        values = self.program.evaluator.argument(arguments, "", found.registration.route)
        only = values[0] if len(values) == 1 else None
        return only.value if isinstance(only, Literal) and isinstance(only.value, str) else ""

    def _given(
        self, found: Registered, route: str, argument: record.Expression, ref: CallRef
    ) -> Iterator[tuple[Registered, str, FunctionRef | ClassRef]]:
        frame = self.program.frame_of_call(ref)
        values = dict.fromkeys(self.handlers(argument, frame))
        if not values or _is_taken_from_a_table(argument, frame):
            values |= dict.fromkeys(Held(self.program).collect(argument, ref.module, ref.call.scope))
        for value in values:
            yield found, route, value

    def handlers(
        self, expression: record.Expression, frame: Frame, depth: int = 0
    ) -> Iterator[FunctionRef | ClassRef]:
        """The functions and classes that an expression given as a handler stands for."""
        if depth > DEEPEST:
            return
        if isinstance(expression, record.CallValue):
            inner = list(self._wrapped(CallRef(frame.module, expression.call), frame, depth))
            if inner:
                yield from inner
                return
        for value in self.program.evaluator.values(expression, frame):
            yield from self._of_value(value, depth)

    def _wrapped(self, ref: CallRef, frame: Frame, depth: int) -> Iterator[FunctionRef | ClassRef]:
        """What is wrapped: ``View.as_view()``, ``login_required(view)``, ``partial(view, db)``."""
        callee = ref.call.callee
        if isinstance(callee, record.Attribute) and callee.name in self._makers:
            for klass in self._viewed(callee.value, frame):
                yield from list(self._actions(klass, ref)) or (klass,)
            return
        for argument in ref.call.arguments[:1]:
            yield from self.handlers(argument.value, frame, depth + 1)

    def _viewed(self, expression: record.Expression, frame: Frame) -> Iterator[ClassRef]:
        """The classes that ``as_view`` is called on; on the receiver of a method, also those below it."""
        classes = self.program.attributes.classes
        number = classes.receiver_class(frame.module, frame.scope, expression)
        if number >= 0:
            yield ClassRef(frame.module, number)
            yield from classes.below(ClassRef(frame.module, number))
            return
        for value in self.program.evaluator.values(expression, frame):
            if isinstance(value, ClassRef):
                yield value

    def _actions(self, klass: ClassRef, ref: CallRef) -> Iterator[FunctionRef]:
        """The methods that ``as_view({"get": "list"})`` names."""
        first = ref.call.arguments[0].value if ref.call.arguments else None
        for _, name in first.items if isinstance(first, record.Mapping) else ():
            method = self.program.attributes.classes.method(klass, str(getattr(name, "value", "")))
            if method is not None:
                yield method

    def _of_value(self, value: Value, depth: int) -> Iterator[FunctionRef | ClassRef]:
        if isinstance(value, FunctionRef | ClassRef):
            yield value
        elif isinstance(value, Partial):
            yield from self._of_value(value.function, depth)
        elif isinstance(value, Instance) and isinstance(value.of, ClassRef):
            yield value.of
        elif isinstance(value, SequenceValue):
            for item in value.items:
                for each in item:
                    yield from self._of_value(each, depth)
        elif isinstance(value, ParameterSymbol) and depth < DEEPEST:
            for passed in self.passed(value):
                yield from self._of_value(passed, depth + 1)

    # --- through the program's own helpers -------------------------------------------------------

    def passed(self, symbol: ParameterSymbol) -> Values:
        """What callers give for a parameter, and what is decorated if the function is a decorator."""
        found = list(self.program.parameters.expand(symbol))
        for arguments in self.program.callers.of(symbol.owner):
            found += self.program.parameters.passed(symbol, arguments)
        if isinstance(symbol.owner, FunctionRef) and symbol.index == 0:
            found += self._decorated_by(symbol.owner)
        return tuple(dict.fromkeys(value for value in found if value not in (UNKNOWN, symbol)))

    def _decorated_by(self, decorator: FunctionRef) -> Iterator[FunctionRef]:
        """The functions that a decorator, or one that the function around it returns, is put on."""
        module = decorator.module
        function = module.facts.functions[decorator.index]
        outer = self.program.function_of_scope(module, function.outer_scope)
        for number in (decorator.index, outer):
            if number < 0:
                continue
            name = module.facts.functions[number].name
            for user in self.program.vocabulary.modules_decorating(name):
                yield from self.decorated(user, FunctionRef(module, number))

    def decorated(self, user: Module, decorator: FunctionRef) -> Iterator[FunctionRef]:
        """The functions of a module that one of the program's decorators is put on."""
        name = decorator.module.facts.functions[decorator.index].name
        for number, function in enumerate(user.facts.functions):
            for each in function.decorators:
                callee = _called(each, user)
                if name not in self.program.index.of(user).spoken(last_name(callee)):
                    continue
                frame = self.program.root_frame(user, function.outer_scope)
                for value in self.program.evaluator.typed(callee, frame):
                    if isinstance(value, FunctionRef) and _is_same(value, decorator):
                        yield FunctionRef(user, number)


def _called(expression: record.Expression, module: Module) -> record.Expression:
    """What is called, if an expression is a call; else the expression itself."""
    if isinstance(expression, record.CallValue):
        return module.facts.calls[expression.call].callee
    return expression


def _is_same(one: FunctionRef, other: FunctionRef) -> bool:
    return one.module is other.module and one.index == other.index


def _is_taken_from_a_table(expression: record.Expression, frame: Frame) -> bool:
    """Whether a name stands for each element of something that is looped over."""
    if not isinstance(expression, record.Name):
        return False
    bindings = frame.module.facts.scopes[frame.scope].bindings
    values = [bindings[number].value for number in expression.definitions]
    return any(isinstance(value, record.Element | record.Item) for value in values)


def _handler_argument(registration: Registration, call: record.Call) -> record.Expression | None:
    """The argument of a registering call that is the handler."""
    for position, argument in enumerate(call.arguments):
        if argument.stars:
            return None
        if argument.keyword:
            if argument.keyword == registration.keyword:
                return argument.value
        elif position == registration.handler:
            return argument.value
    return None
