"""Objects that change in place: dicts that are filled step by step, clients that are configured later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from servicelint.facts import record
from servicelint.program.evaluation.arguments import or_else
from servicelint.program.evaluation.values import (
    MISSING,
    NONE,
    UNKNOWN,
    CallRef,
    Effect,
    FunctionRef,
    Instance,
    Literal,
    MappingMethod,
    MappingValue,
    ParameterSymbol,
    SequenceValue,
    Value,
    Values,
    merge,
)

if TYPE_CHECKING:
    from servicelint.facts.record import AttributeWrite, Updated
    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.program import Program


class Changes:
    """What an object is after a change, and what a dict's methods return."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def after(self, value: Value, change: Updated, frame: Frame) -> Values:
        """``value`` after ``change``."""
        if isinstance(value, Instance):
            return (self._configured(value, change, frame),)
        mapping = self._as_mapping(value, change)
        if mapping is None:
            return (value,)
        if change.operation == "item":
            return self._with_item(mapping, change, frame)
        if change.operation == "delete":
            return self._without(mapping, self.program.evaluator.values(change.key, frame))
        if isinstance(change.value, record.CallValue):
            arguments = self.program.calls.written(CallRef(frame.module, change.value.call), frame)
            return self._after_method(mapping, change.operation, arguments)
        return (mapping,)

    def _as_mapping(self, value: Value, change: Updated) -> MappingValue | None:
        if isinstance(value, MappingValue):
            return value
        if change.operation == "attribute" or not isinstance(value, ParameterSymbol):
            return None
        return MappingValue(rest=((value,),))

    def _configured(self, instance: Instance, change: Updated, frame: Frame) -> Instance:
        if change.operation == "attribute" and isinstance(change.key, record.Constant):
            values = self.program.evaluator.values(change.value, frame)
            effect = Effect(str(change.key.value), values)
        elif isinstance(change.value, record.CallValue):
            arguments = self.program.calls.written(CallRef(frame.module, change.value.call), frame)
            effect = Effect(f"{change.operation}()", arguments=arguments)
        else:
            return instance
        return _with_effect(instance, effect)

    def by_write(self, value: Value, write: AttributeWrite, frame: Frame) -> Value:
        """``value`` after a change of the attribute that holds it."""
        if isinstance(value, Instance):
            if write.name.endswith("()") and isinstance(write.value, record.CallValue):
                arguments = self.program.calls.written(CallRef(frame.module, write.value.call), frame)
                return _with_effect(value, Effect(write.name, arguments=arguments))
            # nothing, if it rests on itself: ``self.session.get = partial(self.session.get, …)``
            values = self.program.evaluator.values(write.value, frame) or (UNKNOWN,)
            return _with_effect(value, Effect(write.name, values))
        if isinstance(value, MappingValue) and isinstance(write.value, record.Mapping):
            key, stored = write.value.items[0]
            if isinstance(key, record.Constant) and isinstance(key.value, str):
                return value.with_entry(key.value, self.program.evaluator.values(stored, frame))
        if isinstance(value, MappingValue) and isinstance(write.value, record.CallValue):
            arguments = self.program.calls.written(CallRef(frame.module, write.value.call), frame)
            after = self._after_method(value, write.name.removesuffix("()"), arguments)
            return after[0] if len(after) == 1 else value
        return value

    def _with_item(self, mapping: MappingValue, change: Updated, frame: Frame) -> Values:
        values = self.program.evaluator.values(change.value, frame)
        return tuple(
            mapping.with_entry(key.value, values)
            if isinstance(key, Literal) and isinstance(key.value, str)
            else MappingValue(mapping.entries, mapping.rest, merge(mapping.elements, values))
            for key in self.program.evaluator.values(change.key, frame)
        )

    def _without(self, mapping: MappingValue, keys: Values) -> Values:
        for key in keys:
            if isinstance(key, Literal) and isinstance(key.value, str):
                mapping = mapping.with_entry(key.value, (MISSING,))
        return (mapping,)

    def _after_method(self, mapping: MappingValue, name: str, arguments: Arguments) -> Values:
        evaluator = self.program.evaluator
        if name == "setdefault":
            return self._with_default(mapping, arguments)
        if name == "pop":
            return self._without(mapping, evaluator.argument(arguments, "", 0))
        if name == "clear":
            return (MappingValue(),)
        if name == "update":
            for given in (*arguments.positional[:1], *arguments.mappings):
                mapping = MappingValue(
                    mapping.entries, (*mapping.rest, evaluator.given(given)), mapping.elements
                )
                mapping = self._overridden(mapping, evaluator.given(given))
            for key, given in arguments.keywords.items():
                mapping = mapping.with_entry(key, evaluator.given(given))
        return (mapping,)

    def _overridden(self, mapping: MappingValue, others: Values) -> MappingValue:
        """The keys of another dict win over those that are there."""
        for other in others:
            for key, values in other.entries if isinstance(other, MappingValue) else ():
                before = mapping.entry(key)
                if before is not None:
                    kept = before if len(others) > 1 else (MISSING,)
                    mapping = mapping.with_entry(
                        key, or_else(values, kept) if len(others) == 1 else merge(values, kept)
                    )
        return mapping

    def _with_default(self, mapping: MappingValue, arguments: Arguments) -> Values:
        evaluator = self.program.evaluator
        default = or_else(evaluator.argument(arguments, "", 1), (Literal(None),))
        for key in evaluator.argument(arguments, "", 0):
            if isinstance(key, Literal) and isinstance(key.value, str):
                found = _with_fallback(evaluator.containers.lookup(mapping, key.value), default)
                mapping = mapping.with_entry(key.value, found)
        return (mapping,)

    # --- what the methods of a dict return -------------------------------------------------------

    def mapping_method(self, method: MappingMethod, arguments: Arguments) -> Values:
        """The result of ``mapping.get(…)`` and its like."""
        evaluator = self.program.evaluator
        if method.name in ("get", "pop", "setdefault"):
            default = or_else(evaluator.argument(arguments, "default", 1), (Literal(None),))
            keys = evaluator.argument(arguments, "", 0)
            found = (
                merge(*(evaluator.containers.item(method.mapping, key) for key in keys))
                if not _texts(keys)
                else merge(
                    *(
                        _with_fallback(evaluator.containers.lookup(method.mapping, key), default)
                        for key in _texts(keys)
                    )
                )
            )
            return or_else(found, method.mapping.elements or (UNKNOWN,))
        if method.name == "copy":
            return (method.mapping,)
        if method.name == "values":
            stored = merge(method.mapping.elements, *(values for _, values in method.mapping.entries))
            return (SequenceValue((stored or (UNKNOWN,),), is_open=True),)
        if method.name == "items":
            stored = merge(method.mapping.elements, *(values for _, values in method.mapping.entries))
            pair = SequenceValue(((UNKNOWN,), stored or (UNKNOWN,)))
            return (SequenceValue(((pair,),), is_open=True),)
        return (UNKNOWN,)


def _with_effect(instance: Instance, effect: Effect) -> Instance:
    """An object after a change; a change seen twice (in a loop) is one."""
    if effect in instance.effects:
        return instance
    return replace(instance, effects=(*instance.effects, effect))


def _with_fallback(found: Values, default: Values) -> Values:
    """What is under a key, with a default in place of nothing."""
    present: list[Value] = []
    falls_back = False
    for value in found:
        if isinstance(value, ParameterSymbol) and value.key and "missing" not in value.excluded:
            taken = replace(value, excluded=value.excluded | {"missing"})
            # None in a keyword's place says no more than that the callers decide.
            is_theirs = default == (NONE,) and isinstance(value.owner, FunctionRef)
            present.append(replace(taken, fallback=default) if is_theirs else taken)
            falls_back = falls_back or not is_theirs
        elif value == MISSING:
            falls_back = True
        else:
            present.append(value)
    return merge(tuple(present), default) if falls_back else tuple(present)


def _texts(keys: Values) -> list[str]:
    return [key.value for key in keys if isinstance(key, Literal) and isinstance(key.value, str)]
