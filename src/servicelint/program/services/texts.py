"""Texts as programs put them together, as far as they are known: f-strings, sums, ``format``, ``urljoin``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from servicelint.facts import record
from servicelint.program.evaluation.attributes import is_property
from servicelint.program.evaluation.values import (
    CallRef,
    ClassRef,
    FunctionRef,
    Instance,
    Literal,
    ModuleValue,
    ParameterSymbol,
)
from servicelint.program.linking.index import last_name
from servicelint.program.services.environment import Environment
from servicelint.program.services.settings import FrameworkSettings
from servicelint.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from servicelint.facts.record import Expression
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.evaluation.values import Value, Values
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

DEEPEST = 8
"""Texts put together of texts that are put together, and so on."""

MOST_ALTERNATIVES = 32
"""Texts that one expression is followed into."""

UNTOLD = "\0"
"""Stands in a text for what isn't known of it."""

WHOLE = "\1"
"""Stands behind a whole URL that a setting holds: what is put behind it is a path."""

_SCHEME = regex(r"[a-z][\w+.-]*://", re.IGNORECASE)
_WHOLE_URL = regex(r"[a-z][\w+.-]*://[^/]+\Z", re.IGNORECASE)
_SAME = frozenset({"str", "URL", "parse_url", "urljoin", "AnyUrl", "AnyHttpUrl", "HttpUrl"})
"""Functions whose text begins as their first argument does."""

_OWN = frozenset({"rstrip", "strip", "lstrip", "removesuffix", "lower", "joinpath", "with_path"})
"""Methods whose text begins as that of what they are called on."""

_FIELD = regex(r"\{(\w*)[^{}]*\}")
_PERCENT = regex(r"%(?:\((\w+)\))?[-#0 +]*[\d.*]*[a-zA-Z]")


class Told(NamedTuple):
    """What is known of a text; ``leading`` is the parameter that it begins with, but for a ``scheme``."""

    text: str
    leading: ParameterSymbol | None = None
    scheme: str = ""

    def followed_by(self, other: Told) -> Told:
        """The text with another one behind it."""
        text = self.text + other.text
        if not self.text:
            return Told(text, other.leading, other.scheme)
        if _SCHEME.fullmatch(self.text) and not other.scheme:
            return Told(text, other.leading, self.text if other.leading else "")
        return Told(text, self.leading, self.scheme)


UNKNOWN_TEXT = Told(UNTOLD)


class Texts:
    """Reads texts that are put together."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._environment = Environment(program)
        self._settings = FrameworkSettings(program)
        self._depth = 0
        self._take: int | None = None
        self._most = 1

    def of(self, expression: Expression, frame: Frame) -> Told:
        """What is known of the text that an expression gives."""
        if isinstance(expression, record.Text):
            return self._joined(expression.parts, frame)
        if isinstance(expression, record.Operation):
            return self._operation(expression, frame)
        deployed = self._environment.read_by(expression, frame)
        if deployed:
            return _setting(deployed)
        only = self._taken(self.program.evaluator.values(expression, frame))
        if isinstance(only, ParameterSymbol):
            return Told(UNTOLD, only)
        found = UNKNOWN_TEXT
        if isinstance(only, Literal) and isinstance(only.value, str):
            found = Told(only.value) if isinstance(expression, record.Constant) else _setting(only.value)
        if not isinstance(only, Literal) or only.assumed:
            return self._followed(expression, frame, found)
        return found

    def alternatives(self, expression: Expression, frame: Frame) -> list[Told]:
        """What is known of each text that an expression may give, where parts of it are one of several.

        Of several such parts the first texts go together, then the second ones, and so on.
        """
        found: list[Told] = []
        self._take, self._most = 0, 1
        try:
            while self._take < min(self._most, MOST_ALTERNATIVES):
                found.append(self.of(expression, frame))
                self._take += 1
        finally:
            self._take = None
        return list(dict.fromkeys(found))

    def _taken(self, values: Values) -> Value | None:
        """The only value; or, of several texts, the one whose turn it is."""
        if len(values) == 1:
            return values[0]
        if self._take is None or not values or not all(map(_is_text, values)):
            return None
        self._most = max(self._most, len(values))
        return values[min(self._take, len(values) - 1)]

    def _followed(self, expression: Expression, frame: Frame, otherwise: Told) -> Told:
        """What is known of a text that is no literal, or only if the environment sets nothing."""
        if self._depth >= DEEPEST:
            return otherwise
        self._depth += 1
        try:
            found = self._put_together(expression, frame)
        finally:
            self._depth -= 1
        return otherwise if found == UNKNOWN_TEXT else found

    def _put_together(self, expression: Expression, frame: Frame) -> Told:
        """What is known of a text that is no whole literal, by how it is made."""
        settings = self._settings.written(expression, frame)
        if settings:
            return self._agreed([self.of(*each) for each in settings])
        if isinstance(expression, record.CallValue):
            return self._call(CallRef(frame.module, expression.call), frame)
        if isinstance(expression, record.Attribute):
            return self._attribute(expression, frame)
        if isinstance(expression, record.Choice) and expression.operator == "or":
            return self._agreed([self.of(each, frame) for each in expression.operands])
        return self._bound(expression, frame) if isinstance(expression, record.Name) else UNKNOWN_TEXT

    def _agreed(self, given: list[Told]) -> Told:
        """What is known of a setting by all that it is given; by what has its turn, if that differs."""
        texts = list(dict.fromkeys(_whole(told) for told in given))
        if len(texts) > 1 and (self._take is None or UNKNOWN_TEXT in texts):
            return UNKNOWN_TEXT
        self._most = max(self._most, len(texts))
        return texts[min(self._take or 0, len(texts) - 1)]

    def _joined(self, parts: Iterable[Expression], frame: Frame) -> Told:
        found = Told("")
        for part in parts:
            found = found.followed_by(self.of(part, frame))
        return found

    def _operation(self, operation: record.Operation, frame: Frame) -> Told:
        left = self.of(operation.left, frame)
        if operation.operator == "+":
            return left.followed_by(self.of(operation.right, frame))
        if operation.operator == "/":  # a URL object with a path
            return left.followed_by(Told(f"/{UNTOLD}"))
        if operation.operator != "%":
            return UNKNOWN_TEXT
        right = operation.right
        items = right.items if isinstance(right, record.Sequence) else [right]
        given = {str(number): item for number, item in enumerate(items)}
        return self._filled(left, _PERCENT, given, frame)

    def _call(self, ref: CallRef, frame: Frame) -> Told:
        """What is known of the text that a call gives."""
        call, name = ref.call, last_name(ref.call.callee)
        owner = call.callee.value if isinstance(call.callee, record.Attribute) else None
        if name == "format" and owner is not None:
            return self._formatted(owner, call, frame)
        if name == "join" and owner is not None and call.arguments:
            return self._joined_by(owner, call.arguments[0].value, frame)
        if name in _SAME and call.arguments:
            return self.of(call.arguments[0].value, frame)
        if owner is not None and name in _OWN:
            return self.of(owner, frame)
        callees = self.program.evaluator.values(call.callee, frame)
        only = callees[0] if len(callees) == 1 else None
        if not isinstance(only, FunctionRef):
            return UNKNOWN_TEXT
        function = only.module.facts.functions[only.index]
        if len(function.returns) != 1 or function.is_generator:
            return UNKNOWN_TEXT
        entered = self.program.call_frame(only, self.program.calls.written(ref, frame))
        return self.of(function.returns[0][0], entered)

    def _joined_by(self, owner: Expression, first: Expression, frame: Frame) -> Told:
        """The beginning of ``"/".join([first, …])``, or of ``os.path.join(first, …)``."""
        separator = self.of(owner, frame) if isinstance(owner, record.Constant) else Told("/")
        if isinstance(first, record.Sequence) and first.items:
            first = first.items[0]
        return self.of(first, frame).followed_by(separator).followed_by(UNKNOWN_TEXT)

    def _formatted(self, template: Expression, call: record.Call, frame: Frame) -> Told:
        """``template.format(…)``."""
        given = {
            argument.keyword or str(number): argument.value for number, argument in enumerate(call.arguments)
        }
        return self._filled(self.of(template, frame), _FIELD, given, frame)

    def _filled(
        self, template: Told, field: re.Pattern[str], given: Mapping[str, Expression], frame: Frame
    ) -> Told:
        """A template with its fields told, each by its name or its number."""
        found, end = Told("", template.leading), 0
        for number, each in enumerate(field.finditer(template.text)):
            expression = given.get(each[1] or str(number))
            filled = self.of(expression, frame) if expression is not None else UNKNOWN_TEXT
            found = found.followed_by(Told(template.text[end : each.start()])).followed_by(filled)
            end = each.end()
        return found.followed_by(Told(template.text[end:]))

    def _attribute(self, expression: record.Attribute, frame: Frame) -> Told:
        """What is known of the text in an attribute: of a module, of settings, or that one method assigns."""
        owners = self.program.evaluator.values(expression.value, frame)
        only = owners[0] if len(owners) == 1 else None
        if isinstance(only, ModuleValue) and only.module is not None:
            return self._global(expression.name, only.module)
        if not isinstance(only, Instance) or not isinstance(only.of, ClassRef):
            return UNKNOWN_TEXT
        if self.program.attributes.classes.is_settings(only.of):
            return _setting(self._environment.setting(expression.name, only.of.module) or UNTOLD)
        written = self._property(only, only.of, expression.name)
        if written is not None:
            return written
        writes = self.program.attributes.classes.own_writes(only.of, expression.name)
        if len(writes) != 1:
            return UNKNOWN_TEXT
        return self.of(writes[0].value, self.program.method_frame(only.of.module, writes[0].scope, only))

    def _property(self, owner: Instance, klass: ClassRef, name: str) -> Told | None:
        """What is known of the text that a property returns in one place; None if it is no such property."""
        scope = self.program.attributes.classes.scope_of(klass)
        for number in scope.final.get(name, []):
            value = scope.bindings[number].value
            if isinstance(value, record.FunctionValue):
                function = klass.module.facts.functions[value.function]
                if is_property(function) and len(function.returns) == 1:
                    frame = self.program.method_frame(klass.module, function.scope, owner)
                    return self.of(function.returns[0][0], frame)
        return None

    def _bound(self, name: record.Name, frame: Frame) -> Told:
        """What is known of the text that a name holds which is bound once, in its function or its module."""
        if not name.definitions:
            return self._global(name.name, frame.module)
        return self._binding(frame, name.definitions)

    def _global(self, name: str, module: Module) -> Told:
        """What is known of the text that a module calls ``name``."""
        numbers = module.facts.scopes[0].final.get(name, [])
        return self._binding(self.program.root_frame(module, 0), numbers)

    def _binding(self, frame: Frame, numbers: Sequence[int]) -> Told:
        if len(numbers) != 1 or self._depth >= DEEPEST:
            return UNKNOWN_TEXT
        value = frame.module.facts.scopes[frame.scope].bindings[numbers[0]].value
        return self._imported(value, frame) if isinstance(value, record.Imported) else self.of(value, frame)

    def _imported(self, value: record.Imported, frame: Frame) -> Told:
        """What is known of the text that a module imports from another."""
        module = self.program.names.origin(value, frame.module)
        if module is None:
            return UNKNOWN_TEXT
        self._depth += 1
        try:
            return self._global(value.member, module)
        finally:
            self._depth -= 1


def _whole(told: Told) -> Told:
    """What a setting is given, with the mark behind it if that is a whole URL."""
    return told if UNTOLD in told.text or told.leading else _setting(told.text.removesuffix(WHOLE))


def _is_text(value: Value) -> bool:
    return isinstance(value, Literal) and isinstance(value.value, str)


def _setting(value: str) -> Told:
    """A text that was not written where it is used; if it is a whole URL, a path follows it."""
    return Told(value + WHOLE if _WHOLE_URL.match(value) else value)
