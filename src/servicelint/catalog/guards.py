"""What the catalog can say about circuit breakers."""

from __future__ import annotations

from typing import Literal

from servicelint.catalog.record import Parameter, Record

FunctionKind = Literal["function", "coroutine", "generator", "async-generator"]
"""What a ``def`` makes: a plain function, ``async def``, or one of either with ``yield``."""


class Breaker(Record, frozen=True):
    """A class whose objects guard code: after enough failures they refuse further calls for a while.

    Attributes:
        factories: callables that return one.
        bare: those that guard a function they decorate without being called first (``@circuit``).
        names: the object is a registry: calling it with a circuit's name gives the decorator.
        decorates: the kinds of functions that it guards as a decorator. Others it lets pass for ever.
        calls: methods that call what they are given, each with the kinds that it guards so.
        blocks: methods whose result is entered to guard a block, "" for the object itself; false where it
            looks so but never refuses.
        counted: only these exceptions count as failures; all if none is given (``counted-default``).
        counted_attribute: the attribute of a subclass that says so instead.
        excluded: these exceptions don't count.
        storage: keeps the state elsewhere, so that it outlives the object.
        fallback: is called instead of raising while the breaker is open.
        open_error: what an open breaker raises.
    """

    open_error: str
    decorates: tuple[FunctionKind, ...] = ()
    calls: dict[str, tuple[FunctionKind, ...]] = {}
    blocks: dict[str, bool] = {}
    names: bool = False
    aliases: tuple[str, ...] = ()
    factories: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    counted: Parameter | None = None
    counted_default: str = "builtins.Exception"
    counted_attribute: str = ""
    excluded: Parameter | None = None
    storage: Parameter | None = None
    fallback: Parameter | None = None
