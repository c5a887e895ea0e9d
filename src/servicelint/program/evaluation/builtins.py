"""Calls of the standard library that hand values on: ``getattr``, ``partial``, ``os.getenv``, ``cast`` …"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.catalog.loader import STUB
from servicelint.program.evaluation.arguments import or_else, without_first
from servicelint.program.evaluation.values import (
    MISSING,
    NONE,
    UNKNOWN,
    ClassRef,
    External,
    ExternalMethod,
    Instance,
    Literal,
    MappingValue,
    Partial,
    SequenceValue,
    Super,
    Value,
    Values,
    merge,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.program import Program

_SAME = (
    "typing.cast:1", "typing_extensions.cast:1", "copy.copy:0", "copy.deepcopy:0", "contextlib.closing:0",
    "contextlib.aclosing:0", "contextlib.nullcontext:0", "asyncio.wait_for:0", "asyncio.shield:0",
    "asyncio.create_task:0", "asyncio.ensure_future:0", "asyncio.run:0", "functools.lru_cache:0",
    "functools.cache:0", "functools.wraps:9", "builtins.list:0", "builtins.tuple:0", "builtins.sorted:0",
    "builtins.reversed:0", "builtins.iter:0", "types.MappingProxyType:0", "weakref.proxy:0", "asyncio.wait:0",
    "json.dumps:0", "itertools.cycle:0",
)  # fmt: skip
"""Functions whose result stands for one of their arguments, with its position."""

_CHOOSING = ("builtins.next", "random.choice", "secrets.choice")
"""Functions whose result is one element of their first argument."""

NAMESPACES = ("threading.local", "_thread._local", "_threading_local.local", "gevent.local.local")
"""Objects without attributes of their own: what they hold is what the program assigns to them."""

_ENVIRONMENT = ("os.environ.get", "os.getenv")
_NUMBERS: dict[str, Callable[..., object]] = {
    "builtins.int": int,
    "builtins.float": float,
    "builtins.abs": abs,
    "builtins.round": round,
}


class Builtins:
    """Calls of library functions that are neither clients nor timeouts."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._known: dict[str, Callable[[Arguments], Values]] = {
            "functools.partial": self._partial,
            "functools.partialmethod": self._partial,
            "builtins.getattr": self._getattr,
            "builtins.dict": self._dict,
            **dict.fromkeys(_CHOOSING, self._element),
            **dict.fromkeys(NAMESPACES, self._namespace),
            "builtins.min": lambda arguments: self._chosen(arguments, min),
            "builtins.max": lambda arguments: self._chosen(arguments, max),
        }
        for name in _ENVIRONMENT:
            self._known[name] = self._environment
        for entry in _SAME:
            name, position = entry.split(":")
            self._known[name] = self._same(int(position))
        for name, convert in _NUMBERS.items():
            self._known[name] = self._number(convert)

    def call(self, name: str, arguments: Arguments) -> Values:
        """What calling the library function ``name`` returns; UNKNOWN if it is none of ours."""
        known = self._known.get(name)
        return known(arguments) if known else (UNKNOWN,)

    def _argument(self, arguments: Arguments, position: int, keyword: str = "") -> Values:
        return self.program.evaluator.argument(arguments, keyword, position)

    def _same(self, position: int) -> Callable[[Arguments], Values]:
        return lambda arguments: or_else(self._argument(arguments, position), (UNKNOWN,))

    def _partial(self, arguments: Arguments) -> Values:
        rest = without_first(arguments)
        return tuple(
            Partial(function, rest, arguments.call) if function not in (UNKNOWN, MISSING) else UNKNOWN
            for function in self._argument(arguments, 0)
        )

    def _getattr(self, arguments: Arguments) -> Values:
        owners = self.program.evaluator.expand_all(self._argument(arguments, 0))
        names = self._argument(arguments, 1)
        otherwise = self._argument(arguments, 2)
        found = merge(*(self._attribute(owner, name) for owner in owners for name in names))
        known = tuple(value for value in found if value != UNKNOWN)
        if UNKNOWN in owners or not known:
            return merge(known, (UNKNOWN,), tuple(v for v in otherwise if v not in (MISSING, NONE)))
        return known

    def _attribute(self, owner: Value, name: Value) -> Values:
        if isinstance(name, Literal) and isinstance(name.value, str):
            return self.program.attributes.of(owner, name.value)
        if isinstance(owner, Instance) and self.program.clients.of(owner) is not None:
            return (ExternalMethod(owner, ""),)
        if isinstance(owner, External) and self.program.catalog.stub(f"{owner.name}.{STUB}") is not None:
            return (External(f"{owner.name}.{STUB}"),)
        if isinstance(owner, Instance):
            return self.program.stubs.methods(owner, "") or (UNKNOWN,)
        return (UNKNOWN,)

    def _environment(self, arguments: Arguments) -> Values:
        """A setting as it is without environment: its default, or None."""
        found = or_else(self._argument(arguments, 1, "default"), (NONE,))
        return tuple(Literal(v.value, v.origin, assumed=True) if isinstance(v, Literal) else v for v in found)

    def _number(self, convert: Callable[..., object]) -> Callable[[Arguments], Values]:
        def converted(arguments: Arguments) -> Values:
            return tuple(_converted(convert, value) for value in self._argument(arguments, 0))

        return converted

    def _chosen(self, arguments: Arguments, choose: Callable[..., float]) -> Values:
        values = [self.program.evaluator.given(given) for given in arguments.positional]
        numbers = [alternatives[0].value for alternatives in values if _is_number(alternatives)]  # type: ignore[attr-defined]
        return (Literal(choose(numbers)),) if numbers and len(numbers) == len(values) else (UNKNOWN,)

    def _dict(self, arguments: Arguments) -> Values:
        evaluator = self.program.evaluator
        mapping = MappingValue(rest=tuple(evaluator.given(given) for given in arguments.positional[:1]))
        for name, given in arguments.keywords.items():
            mapping = mapping.with_entry(name, evaluator.given(given))
        rest = tuple(evaluator.given(given) for given in arguments.mappings)
        return (MappingValue(mapping.entries, mapping.rest + rest),)

    def _namespace(self, arguments: Arguments) -> Values:
        return (Instance(External(NAMESPACES[0]), arguments.call, arguments),)

    def _element(self, arguments: Arguments) -> Values:
        values = self._argument(arguments, 0)
        return merge(*(merge(*v.items) if isinstance(v, SequenceValue) else (UNKNOWN,) for v in values))

    def super_of(self, frame: Frame) -> Values:
        """What ``super()`` is in a method, or in a function within one."""
        number = frame.scope
        scopes = frame.module.facts.scopes
        while number > 0:
            function = self.program.function_of_scope(frame.module, number)
            klass = frame.module.facts.functions[function].klass if function >= 0 else -1
            if klass >= 0:
                own = frame if frame.scope == number else self.program.root_frame(frame.module, number)
                return (
                    Super(ClassRef(frame.module, klass), self.program.parameters.receiver(own, function)),
                )
            number = scopes[number].parent
        return (UNKNOWN,)


def _is_number(values: Values) -> bool:
    return len(values) == 1 and isinstance(values[0], Literal) and isinstance(values[0].value, int | float)


def _converted(convert: Callable[..., object], value: Value) -> Value:
    if not isinstance(value, Literal) or value.value is None:
        return UNKNOWN
    try:
        number = convert(value.value)
    except (TypeError, ValueError, OverflowError):  # the program would raise here too
        return UNKNOWN
    return Literal(number, value.origin, value.assumed) if isinstance(number, int | float) else UNKNOWN
