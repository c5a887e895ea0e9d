"""What declarations tell of a value, before anything is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.program.evaluation.builtins import NAMESPACES
from servicelint.program.evaluation.values import (
    ClassRef,
    External,
    Instance,
    ParameterSymbol,
    Super,
    Unknown,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.evaluation.values import Value, Values

_NAMESPACES = tuple(map(External, NAMESPACES))


def classes_of(value: Value) -> Iterator[ClassRef]:
    """The program's class that a value is an object of, or is."""
    if isinstance(value, Instance | Super):
        value = value.of
    if isinstance(value, ClassRef):
        yield value


def is_open(values: Values) -> bool:
    """Whether declarations leave open what a value is, or what its attributes are."""
    return not values or any(
        isinstance(value, Unknown | ParameterSymbol)
        or (isinstance(value, Instance) and value.of in _NAMESPACES)
        for value in values
    )
