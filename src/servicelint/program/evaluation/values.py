"""What an expression can be: the abstract values that evaluation yields.

A value is one possibility; evaluation yields a tuple of them. Two values are equal when they stand for the
same thing; where they come from (``origin``) does not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from servicelint.facts.record import Call
    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.linking.modules import Module


class Origin(msgspec.Struct, frozen=True):
    """The binding that a literal comes from: ``name`` in ``module`` at ``line``."""

    module: Module
    line: int
    name: str


class CallRef(msgspec.Struct, frozen=True):
    """One call of one module."""

    module: Module
    index: int

    @property
    def call(self) -> Call:
        """Its record."""
        return self.module.facts.calls[self.index]


class Value(msgspec.Struct, frozen=True):
    """Base of all values."""


class Unknown(Value, frozen=True):
    """Something that can't be resolved."""


class Missing(Value, frozen=True):
    """An argument or key that is left out."""


class Remaining(Value, frozen=True):
    """The seconds that the caller of a handler still waits (``context.time_remaining()``)."""


class Literal(Value, frozen=True):
    """A constant; its type keeps True apart from 1. ``assumed``: so if the environment sets nothing."""

    value: bool | int | float | str | None
    origin: Origin | None = None
    assumed: bool = False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Literal):
            return False
        return (type(self.value), self.value) == (type(other.value), other.value)

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


class External(Value, frozen=True):
    """A symbol of a library, by the qualified name through which the program reaches it."""

    name: str


class ModuleValue(Value, frozen=True):
    """A module or package of the program; ``module`` is None for a namespace package."""

    name: str
    folder: str
    module: Module | None


class FunctionRef(Value, frozen=True):
    """A function of the program; a method that is bound has its ``receiver``."""

    module: Module
    index: int
    receiver: Value | None = None
    closure: Frame | None = None


class ClassRef(Value, frozen=True):
    """A class of the program."""

    module: Module
    index: int


class Effect(msgspec.Struct, frozen=True):
    """A change made to an object after it was built: an attribute set, or a method called."""

    name: str
    values: tuple[Value, ...] = ()
    arguments: Arguments | None = None


class Instance(Value, frozen=True):
    """An object of a class of the program or of a library.

    ``made`` is the construction, with the arguments it was given; None if only the type is known. What
    another object handed out has that as its ``maker``. ``label`` tells under what name it was made: the
    library's function, or the remote method that it stands for.
    """

    of: ClassRef | External
    made: CallRef | None = None
    arguments: Arguments | None = None
    effects: tuple[Effect, ...] = ()
    maker: Instance | None = None
    label: str = ""


class ExternalMethod(Value, frozen=True):
    """A method of an object that a library defines; ``name`` is "" if it is chosen at run time."""

    instance: Instance
    name: str


class Super(Value, frozen=True):
    """``super()`` in a method of ``of``, for ``instance``."""

    of: ClassRef
    instance: Value


class Partial(Value, frozen=True):
    """A callable with some arguments given already (``functools.partial``)."""

    function: Value
    arguments: Arguments
    made: CallRef


class MappingValue(Value, frozen=True):
    """A dict. ``rest`` are other mappings merged in: each a tuple of what it can be."""

    entries: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    rest: tuple[tuple[Value, ...], ...] = ()
    elements: tuple[Value, ...] = ()

    def entry(self, key: str) -> tuple[Value, ...] | None:
        """What is known to be under ``key``."""
        for name, values in self.entries:
            if name == key:
                return values
        return None

    def with_entry(self, key: str, values: tuple[Value, ...]) -> MappingValue:
        """The dict after ``d[key] = …``."""
        entries = tuple(item for item in self.entries if item[0] != key)
        return MappingValue((*entries, (key, values)), self.rest, self.elements)


class MappingMethod(Value, frozen=True):
    """A method of a dict."""

    mapping: MappingValue
    name: str


class SequenceValue(Value, frozen=True):
    """A tuple, list or set; each item is a tuple of what it can be. ``is_open``: there may be more."""

    items: tuple[tuple[Value, ...], ...]
    is_open: bool = False


class ContextManager(Value, frozen=True):
    """The result of a function under ``@contextmanager``: ``with`` enters what it yields."""

    entered: tuple[Value, ...]


class ParameterSymbol(Value, frozen=True):
    """What a caller gives for a parameter.

    ``key`` is the keyword looked up in a ``**`` parameter or the index in a ``*`` one. ``excluded`` is what
    it is known not to be here: ``none``, ``false`` or ``missing``. ``fallback`` is what the function
    takes where a caller doesn't give the keyword (``kwargs.pop("timeout", None)``).
    """

    owner: FunctionRef | ClassRef
    index: int
    name: str
    key: str = ""
    excluded: frozenset[str] = frozenset()
    fallback: tuple[Value, ...] = ()


UNKNOWN = Unknown()
MISSING = Missing()
REMAINING = Remaining()
NONE = Literal(None)
Values = tuple[Value, ...]


def merge(*groups: Values) -> Values:
    """All the values once, in order."""
    return tuple(dict.fromkeys(value for group in groups for value in group))


def without_placeholder(values: Values) -> Values:
    """Leave out a None that only holds the place for what is assigned later."""
    others = tuple(value for value in values if value != NONE)
    return others or values


def without_declared(values: Values) -> Values:
    """Leave out objects that an annotation speaks of where it is known what was assigned."""
    declared = [value for value in values if isinstance(value, Instance) and value.made is None]
    known = [value for value in values if value not in declared and value not in (UNKNOWN, NONE)]
    return tuple(value for value in values if value not in declared) if known else values
