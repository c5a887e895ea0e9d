"""What all records of the catalog share."""

from __future__ import annotations

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Base of all catalog records: immutable, and strict about unknown keys."""


class Parameter(Record, frozen=True):
    """How a callable takes an argument: its keyword, and its position (zero-based, ``self`` not counted).

    ``position`` is None where it can only be given by keyword. ``is_rest``: all positional ones from there.
    """

    keyword: str = ""
    position: int | None = None
    is_rest: bool = False


class Number(Parameter, frozen=True):
    """A parameter that takes a number; ``default`` is what leaving it out means, None being no limit.

    ``unit`` is what one of it is in seconds.
    """

    default: float | None = None
    unit: float = 1.0
