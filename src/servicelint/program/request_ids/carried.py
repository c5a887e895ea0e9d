"""What an outbound call carries: whether an id is among its headers, and how it came there.

Headers are followed by structure, from the argument backwards: displays, changes in place, merges, helpers
that build them, parameters and what callers give for them, attributes. Of a mapping its keys count, not its
values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from servicelint.facts import record
from servicelint.facts.structure import parts_of
from servicelint.program.evaluation.arguments import passed_for
from servicelint.program.evaluation.parameters import has_receiver
from servicelint.program.evaluation.values import CallRef, FunctionRef, ModuleValue
from servicelint.program.linking.index import last_name
from servicelint.program.request_ids.options import Options, added
from servicelint.program.request_ids.sources import Sources
from servicelint.program.request_ids.trail import Trail

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicelint.facts.record import Expression
    from servicelint.program.evaluation.arguments import Arguments, Given
    from servicelint.program.handlers.reaching import Function
    from servicelint.program.linking.modules import Module
    from servicelint.program.request_ids.names import RequestIds

DEEPEST = 40
"""Steps from the argument that is asked about."""

MOST_CALLERS = 40
"""Callers of one function whose arguments are followed."""

_INBOUND = frozenset({"request", "req", "websocket", "ws", "connection", "conn"})
_VALUES_ONLY = frozenset({"get", "getlist", "get_all", "getall", "pop"})
_METADATA = frozenset({"invocation_metadata"})


class Taken(NamedTuple):
    """A parameter of a function of the program, and its position in calls."""

    function: FunctionRef
    parameter: record.Parameter
    position: int


class HeaderReader:
    """Follows one header argument. A reader is used once."""

    def __init__(self, ids: RequestIds, sender: Function | None = None) -> None:
        self.ids = ids
        self._sender = sender
        self.program = ids.program
        self.sources = Sources(ids.program)
        self.trail = Trail()
        self.follows_callers = True
        self._options: dict[str, Options] = {}
        self._seen: set[tuple[object, ...]] = set()

    # --- arguments -------------------------------------------------------------------------------

    def argument(self, arguments: Arguments, keyword: str, position: int | None) -> None:
        """Read what a call gives for its headers."""
        given = passed_for(arguments, keyword, position)
        if given is not None:
            self.trail.is_given = True
            self.given(given)
        for mapping in arguments.mappings:
            self.option(keyword, mapping)

    def given(self, given: Given) -> None:
        """Read one argument."""
        if given.expression is not None and given.frame is not None:
            self.read(given.expression, given.frame.module, given.frame.scope)
        else:
            self.note_unknown("an argument that can't be told", None)

    def note_unknown(self, reason: str, module: Module | None) -> None:
        """Note what can't be followed, unless no id can come from there: its name is written somewhere."""
        if module is None or self.ids.may_come_from(module):
            self.trail.unknown.append(reason)

    def option(self, key: str, given: Given) -> None:
        """Read what the mappings of an argument, or of its list, have under a key."""
        if given.expression is not None and given.frame is not None:
            self._option(key).read(given.expression, given.frame.module, given.frame.scope, 0)

    def _option(self, key: str) -> Options:
        """The reader of what mappings have under a key."""
        return self._options.setdefault(key, Options(self, key))

    def note_parameter(self, function: Function, *, is_options: bool) -> None:
        """Note that what sends takes its headers, or all its options, from a parameter."""
        if function == self._sender:
            self.trail.is_forwarded = True
            self.trail.takes_options = self.trail.takes_options or is_options

    # --- structures ------------------------------------------------------------------------------

    def read(self, expression: Expression, module: Module, scope: int, depth: int = 0) -> None:
        """Read a structure of headers: a mapping, or a list of pairs."""
        key = (module, id(expression))
        if key in self._seen:
            return
        if depth > DEEPEST:
            self.note_unknown("what is too far to follow", module)
            return
        self._seen.add(key)
        reader = _READERS.get(type(expression))
        if reader is not None:
            reader(self, expression, module, scope, depth)
            return
        for part in parts_of(expression):
            self.read(part, module, scope, depth + 1)

    def _mapping(self, mapping: record.Mapping, module: Module, scope: int, depth: int) -> None:
        for key, value in mapping.items:
            if key is None:
                self.read(value, module, scope, depth + 1)
            else:
                self._key(key, value, module, scope)

    def _key(self, key: Expression, value: Expression, module: Module, scope: int) -> None:
        named = self.ids.names_id(key, module, scope)
        if named:
            self.trail.found.append("put on the call by its headers")
            self.trail.values.append((value, module, scope))
        elif named is None:
            self.note_unknown("a header's name can't be told", module)

    def _sequence(self, sequence: record.Sequence, module: Module, scope: int, depth: int) -> None:
        """Pairs, as metadata is given."""
        for item in sequence.items:
            if isinstance(item, record.Sequence) and len(item.items) == 2:
                self._key(item.items[0], item.items[1], module, scope)
            else:
                self.read(item, module, scope, depth + 1)

    def _updated(self, updated: record.Updated, module: Module, scope: int, depth: int) -> None:
        self.read(updated.previous, module, scope, depth + 1)
        if updated.operation == "item":
            self._key(updated.key, updated.value, module, scope)
        elif isinstance(updated.value, record.CallValue):
            self.change(CallRef(module, updated.value.call), updated.operation, depth)

    def change(self, ref: CallRef, operation: str, depth: int = 0) -> None:
        """A method that changes headers in place."""
        arguments = ref.call.arguments
        if operation == "update":
            for argument in arguments:
                if not argument.keyword:
                    self.read(argument.value, ref.module, ref.call.scope, depth + 1)
        elif len(arguments) > 1:
            self._key(arguments[0].value, arguments[1].value, ref.module, ref.call.scope)

    def _subscript(self, subscript: record.Subscript, module: Module, scope: int, depth: int) -> None:
        """``options["headers"]``: what is under the key; of the inbound headers, one of them."""
        key = subscript.index
        if self._is_inbound(subscript.value, module, scope):
            self._key(key, subscript, module, scope)
        elif isinstance(key, record.Constant) and isinstance(key.value, str):
            self._option(key.value).read(subscript.value, module, scope, depth)
        else:
            self.read(subscript.value, module, scope, depth + 1)

    # --- names and attributes --------------------------------------------------------------------

    def _name(self, name: record.Name, module: Module, scope: int, depth: int) -> None:
        for value, number in self.sources.bindings(name, module, scope):
            self.read(value, module, number, depth + 1)
        for item in added(name, module, scope):
            self.read(item, module, scope, depth + 1)
        self.changes(name, module, scope)

    def changes(self, name: record.Name, module: Module, scope: int) -> None:
        """``inject(headers)``, ``add_ids(headers)``, ``headers.add(ID, value)`` in the same function."""
        for number, call in enumerate(module.facts.calls):
            if call.scope != scope:
                continue
            ref = CallRef(module, number)
            is_owner = isinstance(call.callee, record.Attribute) and _is_name(call.callee.value, name.name)
            if is_owner and self.ids.sets(ref):
                self.trail.found.append("put on the call by its headers")
                self.trail.values.append((call.arguments[1].value, module, scope))
            elif any(_is_name(argument.value, name.name) for argument in call.arguments):
                self._filled(ref)

    def assigned(self, name: record.Name, attribute: str, module: Module, scope: int) -> None:
        """``request.headers[ID] = …``, ``message.headers = …`` in the same function."""
        for write in module.facts.writes:
            target, owner = write.target, write.target
            if isinstance(target, record.Attribute) and target.name == attribute:
                owner = target.value
            elif write.name != attribute:
                continue
            if write.scope != scope or not _is_name(owner, name.name):
                continue
            if write.name == "[]" or write.name == attribute:
                self.read(write.value, module, scope)
            elif isinstance(write.value, record.CallValue):
                self.change(CallRef(module, write.value.call), write.name.removesuffix("()"))

    def _filled(self, ref: CallRef) -> None:
        """A call that is handed the headers may put an id into them."""
        if self.ids.injects(ref.call.callee, ref.module, ref.call.scope):
            self.trail.found.append(f"put on the call by {last_name(ref.call.callee)}")
            return
        for function in self.sources.functions(ref):
            if self.ids.puts(function):
                self.trail.found.append(f"put on the call by {_name_of(function)}")

    def _attribute(self, attribute: record.Attribute, module: Module, scope: int, depth: int) -> None:
        if self._is_inbound(attribute, module, scope):
            self.trail.found.append("handed on with all inbound headers")
            return
        frame = self.program.root_frame(module, scope)
        for owner in self.program.evaluator.typed(attribute.value, frame):
            if isinstance(owner, ModuleValue) and owner.module is not None:
                self.read(record.Name(attribute.name), owner.module, 0, depth + 1)
                return
        writes = list(self.sources.writes(attribute, module, scope))
        for value, owner_module, number in writes:
            self.read(value, owner_module, number, depth + 1)
        if not writes:
            self.note_unknown(f"what `{attribute.name}` holds can't be told", module)

    def _is_inbound(self, expression: Expression, module: Module, scope: int) -> bool:
        """Whether an expression is the headers of what came in: ``request.headers``, ``request.META``."""
        if not isinstance(expression, record.Attribute) or expression.name not in ("headers", "META"):
            return False
        owner = expression.value
        if last_name(owner) in _INBOUND:
            return True
        for value, number in (
            self.sources.bindings(owner, module, scope) if isinstance(owner, record.Name) else ()
        ):
            if isinstance(value, record.ParameterValue):
                function = module.facts.functions[self.program.function_of_scope(module, number)]
                if last_name(function.parameters[value.index].annotation or record.OPAQUE).endswith(
                    "Request"
                ):
                    return True
        return False

    # --- calls -----------------------------------------------------------------------------------

    def _result(self, value: record.CallValue, module: Module, scope: int, depth: int) -> None:
        ref = CallRef(module, value.call)
        callee = ref.call.callee
        if self.ids.injects(callee, module, scope):
            self.trail.found.append(f"put on the call by {last_name(callee)}")
            return
        functions = list(self.sources.functions(ref))
        for function in functions:
            facts = function.module.facts.functions[function.index]
            for returned in (*(each for each, _ in facts.returns), *facts.yields):
                self.read(returned, function.module, facts.scope, depth + 1)
        if functions:
            return
        if isinstance(callee, record.Attribute):
            self._method_result(callee, ref, depth)
        for argument in ref.call.arguments:
            if argument.keyword and not argument.stars:
                self._keyword(argument, ref)
            elif not isinstance(argument.value, record.Constant):
                self.read(argument.value, module, ref.call.scope, depth + 1)

    def _function(self, value: record.FunctionValue, module: Module, _: int, depth: int) -> None:
        """A function where headers are wanted is one that is called for them: a dependency."""
        function = module.facts.functions[value.function]
        for returned, _region in function.returns:
            self.read(returned, module, function.scope, depth + 1)

    def _method_result(self, callee: record.Attribute, ref: CallRef, depth: int) -> None:
        """``headers.copy()``, ``context.invocation_metadata()``, ``settings.get("headers")``."""
        if callee.name in _METADATA:
            self.trail.found.append("handed on with all inbound metadata")
            return
        first = ref.call.arguments[0].value if ref.call.arguments else None
        if callee.name in _VALUES_ONLY and first is not None:
            if self._is_inbound(callee.value, ref.module, ref.call.scope):
                self._key(first, record.CallValue(ref.index), ref.module, ref.call.scope)
            elif isinstance(first, record.Constant) and isinstance(first.value, str):
                self._option(first.value).read(callee.value, ref.module, ref.call.scope, depth)
            return
        self.read(callee.value, ref.module, ref.call.scope, depth + 1)

    def _keyword(self, argument: record.Argument, ref: CallRef) -> None:
        """``dict(traceparent=…)``: a keyword is a key."""
        if self.ids.is_id(argument.keyword):
            self.trail.found.append("put on the call by its headers")
            self.trail.values.append((argument.value, ref.module, ref.call.scope))

    # --- parameters ------------------------------------------------------------------------------

    def taken(
        self, value: record.ParameterValue, module: Module, scope: int, *, is_options: bool
    ) -> Taken | None:
        """A parameter that is read, to be asked of its callers; None if they are not asked.

        ``is_options``: it takes all options of a call, headers among them.
        """
        number = self.program.function_of_scope(module, scope)
        self.note_parameter((module, number), is_options=is_options)
        if number < 0 or not self.follows_callers:
            return None
        function = module.facts.functions[number]
        position = value.index - (1 if has_receiver(function) else 0)
        return Taken(FunctionRef(module, number), function.parameters[value.index], position)

    def _parameter(self, value: record.ParameterValue, module: Module, scope: int, depth: int) -> None:
        taken = self.taken(value, module, scope, is_options=False)
        if taken is None:
            return
        if taken.parameter.default is not None:
            function = module.facts.functions[taken.function.index]
            self.read(taken.parameter.default, module, function.outer_scope, depth + 1)
        callers = self.program.callers.of(taken.function)
        if callers:
            self.by_callers(callers, lambda arguments: self._passed(arguments, taken, depth))
        elif self.program.handlers.of(taken.function) is None:
            self.note_unknown(f"`{taken.parameter.name}` comes from outside", module)

    def by_callers(self, callers: list[Arguments], read: Callable[[Arguments], None]) -> None:
        """Read what callers give. One that shows nothing drops the id, whatever can't be told of others."""
        before = list(self.trail.unknown)
        is_open = True
        for arguments in callers[:MOST_CALLERS]:
            known = len(self.trail.unknown)
            read(arguments)
            is_open = is_open and len(self.trail.unknown) > known
        if not is_open:
            self.trail.unknown = before

    def _passed(self, arguments: Arguments, taken: Taken, depth: int) -> None:
        """What one caller gives for a parameter."""
        if taken.parameter.kind == "double-star":
            if any(map(self.ids.is_id, arguments.keywords)):
                self.trail.found.append("put on the call by its headers")
            return
        given = passed_for(arguments, taken.parameter.name, taken.position)
        if given is not None and given.expression is not None and given.frame is not None:
            self.read(given.expression, given.frame.module, given.frame.scope, depth + 1)


_READERS: dict[type, Callable[[HeaderReader, Any, Module, int, int], None]] = {
    record.Mapping: HeaderReader._mapping,
    record.Sequence: HeaderReader._sequence,
    record.Updated: HeaderReader._updated,
    record.Subscript: HeaderReader._subscript,
    record.Name: HeaderReader._name,
    record.Attribute: HeaderReader._attribute,
    record.CallValue: HeaderReader._result,
    record.ParameterValue: HeaderReader._parameter,
    record.FunctionValue: HeaderReader._function,
}


def _is_name(expression: Expression, name: str) -> bool:
    return isinstance(expression, record.Name) and expression.name == name


def _name_of(function: FunctionRef) -> str:
    return function.module.facts.functions[function.index].name
