"""Whether an outbound call carries an id: by its arguments, its client, code on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from servicelint.facts import record
from servicelint.program.evaluation.parameters import has_receiver
from servicelint.program.evaluation.values import (
    CallRef,
    ClassRef,
    FunctionRef,
    Instance,
    Partial,
    SequenceValue,
    Value,
)
from servicelint.program.handlers.held import Held
from servicelint.program.linking.reads import Memo
from servicelint.program.request_ids.carried import HeaderReader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicelint.catalog.record import Parameter
    from servicelint.facts.record import AttributeWrite
    from servicelint.program.evaluation.arguments import Arguments, Given
    from servicelint.program.linking.modules import Module
    from servicelint.program.outbound import OutboundCall
    from servicelint.program.request_ids.names import RequestIds
    from servicelint.program.request_ids.trail import Trail
    from servicelint.program.sites import Target

Answer = Literal["carried", "dropped", "fresh", "unknown"]


class Carriage(msgspec.Struct, frozen=True):
    """What can be said of a call's id, and why. ``fresh``: the id is made anew."""

    answer: Answer
    reason: str


class Outgoing:
    """Judges outbound calls by the headers they get."""

    def __init__(self, ids: RequestIds) -> None:
        self.ids = ids
        self.program = ids.program
        self._known: Memo[CallRef, Carriage] = Memo(ids.program.reads)

    def of(self, call: OutboundCall) -> Carriage:
        """What a call carries."""
        return self._known.answer(call.ref, lambda: self._judge(call))

    def _judge(self, call: OutboundCall) -> Carriage:
        headers = self.program.catalog.library_of(call.entry).headers
        targets = self._targets(call)
        trails = [self._trail(call, target, headers) for target in targets]
        if any(trail.found for trail in trails):
            return self.found(trails)
        if any(self._by_client(target, headers, trails) for target in targets):
            return Carriage("carried", "its client puts it on")
        return dropped(trails)

    def is_forwarded(self, call: OutboundCall) -> bool:
        """Whether callers of the function that a call stands in have a say in its headers."""
        headers = self.program.catalog.library_of(call.entry).headers
        return any(self._trail(call, target, headers).is_forwarded for target in self._targets(call))

    def _targets(self, call: OutboundCall) -> list[Target]:
        ref = call.sends or call.ref
        return [
            target for site in self.program.sites.of(ref.module) if site.ref == ref for target in site.targets
        ]

    def found(self, trails: list[Trail]) -> Carriage:
        """What is carried, where an id was found."""
        values = [value for trail in trails for value in trail.values]
        if values and all(self.is_fresh(*value) for value in values):
            return Carriage("fresh", "its headers get an id made anew")
        return Carriage("carried", next(trail.found[0] for trail in trails if trail.found))

    # --- the call --------------------------------------------------------------------------------

    def _trail(self, call: OutboundCall, target: Target, headers: Parameter | None) -> Trail:
        """What is found on the way of the headers of one target."""
        reader = HeaderReader(self.ids, self.program.reaching.function_of(call.sends or call.ref))
        keyword = headers.keyword if headers else "headers"
        position = target.method.headers if target.method else None
        if position is None and headers is not None:
            position = headers.position
        if call.is_wrapper:
            self._given_by_caller(call, keyword, reader)
            reader.follows_callers = False
            reader.trail.is_given_by_caller = reader.trail.is_given
        reader.argument(target.arguments, keyword, position)
        for given in self._others(target.arguments, keyword):
            if self._code_puts(given):
                reader.trail.found.append("put on the call by code that it is given")
        position = target.url or 0
        if position < len(target.arguments.positional):
            self._prepared(target.arguments.positional[position], reader)
        return reader.trail

    def _given_by_caller(self, call: OutboundCall, keyword: str, reader: HeaderReader) -> None:
        """What a wrapper's call gives for headers: by their keyword, or by a parameter that tells of them."""
        written = self.program.calls.written(call.ref, self.program.frame_of_call(call.ref))
        reader.argument(written, keyword, None)
        sender = self.program.reaching.function_of(call.sends) if call.sends else None
        if sender is None:
            return
        function = sender[0].facts.functions[sender[1]]
        offset = 1 if has_receiver(function) else 0
        for number, parameter in enumerate(function.parameters):
            if keyword.rstrip("s") in parameter.name.lower():
                reader.argument(written, parameter.name, number - offset)

    def _others(self, arguments: Arguments, keyword: str) -> Iterable[Given]:
        return [given for name, given in arguments.keywords.items() if name != keyword]

    def _prepared(self, given: Given, reader: HeaderReader) -> None:
        """``urlopen(Request(url, headers=…))``: the request is made before, and may be changed."""
        expression, frame = given.expression, given.frame
        if frame is None or not isinstance(expression, record.Name | record.CallValue):
            return
        values = self.program.evaluator.given(given)
        for value in values:
            if isinstance(value, Instance) and value.arguments is not None:
                reader.argument(value.arguments, "headers", None)
        self._built(expression, frame.module, frame.scope, reader)

    def _built(
        self, expression: record.Expression, module: Module, scope: int, reader: HeaderReader, depth: int = 0
    ) -> None:
        """A request object: what it is built with or prepared from, and what is changed on it."""
        if depth > DEEPEST_REQUEST:
            return
        for inner in self._makings(expression, module, scope):
            for argument in inner.call.arguments:
                if argument.keyword == "headers":
                    reader.trail.is_given = True
                    reader.read(argument.value, inner.module, inner.call.scope)
                else:
                    self._built(argument.value, module, inner.call.scope, reader, depth + 1)
            if isinstance(inner.call.callee, record.Attribute):
                self._built(inner.call.callee.value, module, inner.call.scope, reader, depth + 1)
        if isinstance(expression, record.Name):
            reader.changes(expression, module, scope)
            reader.assigned(expression, "headers", module, scope)

    def _makings(self, expression: record.Expression, module: Module, scope: int) -> Iterable[CallRef]:
        """The calls that may have made what a name holds."""
        if isinstance(expression, record.CallValue):
            return [CallRef(module, expression.call)]
        bindings = module.facts.scopes[scope].bindings
        numbers = expression.definitions if isinstance(expression, record.Name) else []
        values = [bindings[number].value for number in numbers]
        return [CallRef(module, value.call) for value in values if isinstance(value, record.CallValue)]

    # --- the client ------------------------------------------------------------------------------

    def _by_client(self, target: Target, headers: Parameter | None, trails: list[Trail]) -> bool:
        """Whether the client puts an id on; what of it can't be followed is added to the trails."""
        instance = target.instance
        if instance is None:
            return False
        return (
            self.client_puts(instance)
            or self._by_construction(instance, headers, trails)
            or any(
                self._by_construction(each, headers, trails) for each in self.program.stubs.channels(instance)
            )
        )

    def client_puts(self, instance: Instance) -> bool:
        """Whether an object's own class, or what has been done to it, puts an id on what it sends."""
        return self._by_class(instance) or self._by_effects(instance) or self._by_module(instance)

    def _by_class(self, instance: Instance) -> bool:
        """The program's own class, overriding what sends."""
        return isinstance(instance.of, ClassRef) and self._class_puts(instance.of)

    def _class_puts(self, klass: ClassRef) -> bool:
        classes = self.program.attributes.classes
        for each in classes.order(klass):
            if not isinstance(each, ClassRef):
                continue
            for number, function in enumerate(each.module.facts.functions):
                if function.klass == each.index and self._method_puts(FunctionRef(each.module, number)):
                    return True
        return False

    def _method_puts(self, method: FunctionRef) -> bool:
        """Whether a method puts an id on something, or gives its object code that does: ``self.auth = …``."""
        module, own = method.module, method.module.facts.functions[method.index].scope
        return self.ids.puts(method) or any(
            self._write_puts(write, module) for write in module.facts.writes if write.scope == own
        )

    def _by_construction(self, instance: Instance, headers: Parameter | None, trails: list[Trail]) -> bool:
        """Headers, hooks, auth objects, transports, interceptors that the client is built with."""
        keyword = headers.keyword if headers else "headers"
        for arguments in self._constructions(instance):
            reader = HeaderReader(self.ids)
            reader.argument(arguments, keyword, None)
            if reader.trail.found:
                return True
            trails.append(reader.trail)
            given = [*arguments.positional, *arguments.stars, *self._others(arguments, keyword)]
            if any(self._code_puts(each) for each in given):
                return True
        return instance.maker is not None and self._by_construction(instance.maker, headers, trails)

    def _constructions(self, instance: Instance) -> list[Arguments]:
        found = self.program.bounds.constructions.library_arguments(instance)
        return [*found, *([instance.arguments] if instance.arguments and not found else [])]

    def _by_effects(self, instance: Instance) -> bool:
        """What has been assigned to it, or mounted on it, since."""
        for effect in instance.effects:
            if any(self._value_puts(value) for value in effect.values):
                return True
            if effect.arguments is not None and any(map(self._code_puts, effect.arguments.positional)):
                return True
        return False

    def _value_puts(self, value: Value) -> bool:
        if isinstance(value, Partial):
            return self._value_puts(value.function)
        if isinstance(value, FunctionRef):
            return self.ids.puts(FunctionRef(value.module, value.index))
        if isinstance(value, Instance) and isinstance(value.of, ClassRef):
            return self._class_puts(value.of)
        if isinstance(value, SequenceValue):
            return any(self._value_puts(each) for item in value.items for each in item)
        return False

    def _by_module(self, instance: Instance) -> bool:
        """``session.headers[ID] = …``, ``client.event_hooks = …`` beside the construction."""
        module = instance.made.module if instance.made else None
        if module is None:
            return False
        return any(
            self._write_puts(write, module) and self._is_on(write, module, instance)
            for write in module.facts.writes
        )

    def _is_on(self, write: AttributeWrite, module: Module, instance: Instance) -> bool:
        """Whether a write changes the client that is meant."""
        owner = write.target
        if isinstance(owner, record.Attribute) and (owner.name == "headers" or owner.name in _CODE):
            owner = owner.value
        frame = self.program.root_frame(module, write.scope)
        values = self.program.evaluator.expand_all(self.program.evaluator.values(owner, frame))
        return any(isinstance(value, Instance) and value.made == instance.made for value in values)

    def _write_puts(self, write: AttributeWrite, module: Module) -> bool:
        target = write.target
        if isinstance(target, record.Attribute) and target.name == "headers":
            reader = HeaderReader(self.ids)
            if write.name == "[]":
                reader.read(write.value, module, write.scope)
            elif isinstance(write.value, record.CallValue):
                reader.change(CallRef(module, write.value.call), write.name.removesuffix("()"))
            return bool(reader.trail.found)
        is_code = write.name in _CODE or (isinstance(target, record.Attribute) and target.name in _CODE)
        if not is_code:
            return False
        values = self.program.evaluator.values(write.value, self.program.root_frame(module, write.scope))
        return self._expression_puts(write.value, module, write.scope) or any(map(self._value_puts, values))

    # --- code ------------------------------------------------------------------------------------

    def _code_puts(self, given: Given) -> bool:
        """Whether something that is given holds code that puts an id on requests."""
        if given.expression is None or given.frame is None:
            return any(map(self._value_puts, given.values))
        if isinstance(given.expression, record.Constant):
            return False
        if self._expression_puts(given.expression, given.frame.module, given.frame.scope):
            return True
        return any(map(self._value_puts, self.program.evaluator.given(given)))

    def _expression_puts(self, expression: record.Expression, module: Module, scope: int) -> bool:
        if not self.ids.modules():
            return False
        for each in Held(self.program).collect(expression, module, scope):
            if self._class_puts(each) if isinstance(each, ClassRef) else self.ids.puts(each):
                return True
        return False

    def is_fresh(self, expression: record.Expression, module: Module, scope: int, depth: int = 0) -> bool:
        """Whether a value is made anew, whatever came in."""
        if depth > DEEPEST_VALUE:
            return False
        if isinstance(expression, record.Name) and expression.definitions:
            bindings = module.facts.scopes[scope].bindings
            values = [bindings[number].value for number in expression.definitions]
            return all(self.is_fresh(value, module, scope, depth + 1) for value in values)
        if isinstance(expression, record.Attribute):
            return self.is_fresh(expression.value, module, scope, depth + 1)
        if isinstance(expression, record.Text):
            parts = [part for part in expression.parts if not isinstance(part, record.Constant)]
            return bool(parts) and any(self.is_fresh(part, module, scope, depth + 1) for part in parts)
        if isinstance(expression, record.CallValue):
            return self._is_fresh_result(CallRef(module, expression.call), depth)
        return False

    def _is_fresh_result(self, ref: CallRef, depth: int) -> bool:
        callee, module, scope = ref.call.callee, ref.module, ref.call.scope
        frame = self.program.frame_of_call(ref)
        for value in self.program.evaluator.typed(callee, frame):
            if getattr(value, "name", "") in _MAKERS:
                return True
            if isinstance(value, FunctionRef):
                facts = value.module.facts.functions[value.index]
                returned = [each for each, _ in facts.returns]
                return bool(returned) and all(
                    self.is_fresh(each, value.module, facts.scope, depth + 1) for each in returned
                )
        if getattr(callee, "name", "") == "str" and ref.call.arguments:
            return self.is_fresh(ref.call.arguments[0].value, module, scope, depth + 1)
        return False


def dropped(trails: list[Trail]) -> Carriage:
    """What is said where no id was found: that there is none, or that it can't be told."""
    unknown = [reason for trail in trails for reason in trail.unknown]
    if unknown:
        return Carriage("unknown", unknown[0])
    if any(trail.is_given_by_caller and not trail.takes_options for trail in trails):
        return Carriage("unknown", "what it calls sends the headers it is given")
    is_given = any(trail.is_given for trail in trails)
    return Carriage("dropped", "its headers hold none" if is_given else "it is given no headers")


DEEPEST_REQUEST = 2
"""Objects that a request is prepared from: ``session.prepare_request(Request(…))``."""

DEEPEST_VALUE = 8
"""Steps from a header's value to what made it."""

_CODE = frozenset({"auth", "hooks", "event_hooks", "transport", "adapters"})
"""Attributes of clients that hold code which a request passes."""

_MAKERS = frozenset({
    "uuid.uuid4", "uuid.uuid1", "uuid.uuid7", "secrets.token_hex", "secrets.token_urlsafe", "ulid.new",
    "shortuuid.uuid", "nanoid.generate", "ulid.ULID", "uuid6.uuid7",
})  # fmt: skip
"""Functions that make an id."""
