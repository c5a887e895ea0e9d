"""What is found on the way of a call's headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from servicelint.facts.record import Expression
    from servicelint.program.linking.modules import Module


class Trail(msgspec.Struct):
    """What was found on the way: ``found`` says how an id gets on, ``values`` holds what is put on.

    ``unknown`` is what could not be followed. ``is_given``: headers are given at all;
    ``is_forwarded``: a parameter of what sends has a say in them, ``takes_options``: as one of all its
    options. ``is_given_by_caller``: the call of a wrapper gives headers of its own.
    """

    found: list[str] = msgspec.field(default_factory=list)
    values: list[tuple[Expression, Module, int]] = msgspec.field(default_factory=list)
    unknown: list[str] = msgspec.field(default_factory=list)
    is_given: bool = False
    is_forwarded: bool = False
    takes_options: bool = False
    is_given_by_caller: bool = False
