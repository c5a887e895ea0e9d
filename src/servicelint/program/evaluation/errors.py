"""Exceptions: what a class inherits from, and what an ``except`` catches."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from servicelint.program.evaluation.values import ClassRef, External, Instance, SequenceValue, Value, Values
from servicelint.program.linking.reads import Memo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from servicelint.program.program import Program

Error = str | ClassRef
"""An exception's class: a library's or a builtin by its dotted name, or one of the program."""

ANYTHING = "builtins.Exception"
"""Stands for a failure of which nothing more is known."""

_BUILTINS = "builtins."


class Errors:
    """Answers questions on exception classes."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._above: Memo[Error, frozenset[Error] | None] = Memo(program.reads)
        self._open: set[Error] = set()

    def classes(self, values: Values) -> list[Error] | None:
        """The exception classes that values are, or are objects of; None if one can't be told."""
        found: list[Error] = []
        for value in values:
            some = self._classes_of(value)
            if some is None:
                return None
            found += some
        return found

    def _classes_of(self, value: Value) -> list[Error] | None:
        if isinstance(value, Instance):
            value = value.of
        if isinstance(value, External):
            return [self.canonical(value.name)]
        if isinstance(value, ClassRef):
            return [value]
        if isinstance(value, SequenceValue) and not value.is_open:
            parts = [self.classes(item) for item in value.items]
            return None if None in parts else [error for part in parts for error in part or ()]
        return None

    def canonical(self, name: str) -> str:
        """The one name of a builtin or a library's exception."""
        name = self.program.catalog.error_aliases.get(name, name)
        if name.startswith(_BUILTINS):
            real = getattr(builtins, name.removeprefix(_BUILTINS), None)
            return f"{_BUILTINS}{real.__name__}" if isinstance(real, type) else name
        return name

    def above(self, error: Error) -> frozenset[Error] | None:
        """A class and all that it inherits from; None if that can't be told."""
        if error in self._open:  # a class that inherits from itself ends here
            return None
        self._open.add(error)
        try:
            return self._above.answer(error, lambda: self._find_above(error))
        finally:
            self._open.discard(error)

    def _find_above(self, error: Error) -> frozenset[Error] | None:
        if isinstance(error, ClassRef):
            return self._above_class(error)
        if error.startswith(_BUILTINS):
            real = getattr(builtins, error.removeprefix(_BUILTINS), None)
            return frozenset(f"{_BUILTINS}{each.__name__}" for each in real.__mro__) if real else None
        bases = self.program.catalog.errors.get(error)
        return None if bases is None else self._joined(error, bases)

    def _above_class(self, klass: ClassRef) -> frozenset[Error] | None:
        classes = self.program.attributes.classes
        order = classes.order(klass)
        if len(order) == 1 and classes.record_of(klass).bases:
            return None
        own = [each for each in order if isinstance(each, ClassRef)]
        bases = [self.canonical(each.name) for each in order if isinstance(each, External)]
        inherited = self._joined(klass, bases)
        return None if inherited is None else inherited | frozenset(own)

    def _joined(self, error: Error, bases: Iterable[Error]) -> frozenset[Error] | None:
        found: set[Error] = {error}
        for base in bases:
            more = self.above(base)
            if more is None:
                return None
            found |= more
        return frozenset(found)

    def covers(self, wider: Iterable[Error], error: Error) -> bool | None:
        """Whether ``error`` is one of some classes or inherits from one; None if that can't be told."""
        above = self.above(error)
        outcomes = [self._is_among(each, error, above) for each in wider]
        if True in outcomes:
            return True
        return None if None in outcomes else False

    def _is_among(self, wider: Error, error: Error, above: frozenset[Error] | None) -> bool | None:
        if wider in ("builtins.BaseException", "builtins.object"):
            return True
        if above is not None and wider in above:
            return True
        if above is None or error == ANYTHING:
            return True if wider == ANYTHING else None
        if self.above(wider) is None and _same_family(wider, error):
            return None  # of a library whose other exceptions the catalog knows: it may be a base of this one
        return False


def _same_family(one: Error, other: Error) -> bool:
    if isinstance(one, ClassRef) or isinstance(other, ClassRef):
        return isinstance(one, ClassRef)
    return one.partition(".")[0] == other.partition(".")[0]


def names(errors: Iterable[Error]) -> Iterator[str]:
    """Exceptions as messages call them."""
    for error in errors:
        if isinstance(error, ClassRef):
            yield error.module.facts.classes[error.index].name
        else:
            yield error.removeprefix(_BUILTINS)
