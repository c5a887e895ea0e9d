"""Whether an expression mentions something, however deep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from servicelint.facts.record import Name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.facts.record import Expression


def parts(expression: object) -> Iterator[object]:
    """An expression and all that it is made of; results of calls are not looked into."""
    pending = [expression]
    while pending:
        part = pending.pop()
        yield part
        if isinstance(part, msgspec.Struct):
            pending += [getattr(part, name) for name in part.__struct_fields__]
        elif isinstance(part, list | tuple):
            pending += part


def mentions(expression: Expression | None, is_meant: Callable[[object], bool]) -> bool:
    """Whether any part of an expression is meant."""
    return expression is not None and any(map(is_meant, parts(expression)))


def reads(binding: int, name: str) -> Callable[[object], bool]:
    """Tells whether a part of an expression reads a binding of its own scope."""

    def is_meant(part: object) -> bool:
        return isinstance(part, Name) and part.name == name and binding in part.definitions

    return is_meant
