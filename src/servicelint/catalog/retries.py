"""What the catalog can say about retries: how often, for how long, after which waits, on which errors.

All times are seconds once they are multiplied by the ``unit`` of their parameter.
"""

from __future__ import annotations

from typing import Literal

from servicelint.catalog.record import Number, Parameter, Record


class Growth(Record, frozen=True):
    """The longest wait before the n-th retry: ``first * base ** (n - 1 + shift) + step * (n - 1)``.

    Kept between ``least`` and ``most``, ``jitter`` included. ``skips_first``: the first retry follows at
    once. ``needs``: it applies only if one of these keywords is given.
    """

    first: Number
    base: Number = Number(default=1.0)
    step: Number = Number(default=0.0)
    least: Number = Number(default=0.0)
    most: Number = Number()
    jitter: Number = Number(default=0.0)
    shift: int = 0
    skips_first: bool = False
    needs: tuple[str, ...] = ()


class RetryStop(Record, frozen=True):
    """An object that ends retries: after some tries, after some time, or by its parts.

    ``combines``: ``any`` of its arguments ends them, or only ``all`` together. With neither it ends nothing.
    """

    tries: Number | None = None
    seconds: Number | None = None
    combines: Literal["any", "all", ""] = ""
    aliases: tuple[str, ...] = ()


class RetryWait(Record, frozen=True):
    """An object that says how long to wait. ``combines``: the ``sum`` of its arguments, or each in turn."""

    growth: tuple[Growth, ...] = ()
    combines: Literal["sum", "chain", ""] = ""
    aliases: tuple[str, ...] = ()


class RetryFilter(Record, frozen=True):
    """An object that says after what to try again.

    ``retries`` takes the exceptions that are tried again, ``spares`` those that are not; ``result``: it looks
    at results only. ``combines`` as for :class:`RetryStop`.
    """

    retries: Parameter | None = None
    retries_default: str = "builtins.Exception"
    spares: Parameter | None = None
    result: bool = False
    combines: Literal["any", "all", ""] = ""
    aliases: tuple[str, ...] = ()


class Retry(Record, frozen=True):
    """Something that calls again what has failed.

    Attributes:
        form: a ``decorator`` (what calling it returns decorates functions), an ``object`` that is iterated
            for attempts or calls a function, or a ``policy`` that a client is given.
        bare: as a decorator it need not be called.
        tries: the number of tries. ``counts_retries``: the first try is not among them.
        further: other counters, one of which is enough to end it.
        seconds: the time after which no further try is begun. ``cuts``: it ends the running one too.
        attempt_seconds: the time that one try may take.
        stop, wait, on: the parameters that take a :class:`RetryStop`, a :class:`RetryWait` (or the function
            that makes one), and the exceptions or a :class:`RetryFilter`.
        on_default: what is tried again if nothing is said; "" if it must be said.
        waits: the waits that its own numbers make.
        unless: a predicate that may end it.
        polls: it tries again for a result, not for a failure.
        methods: of a policy, the HTTP methods it repeats; ``safe_methods`` are its default.
        wrapper: of an object, the method that gives a function back as one that is tried again.
    """

    form: Literal["decorator", "object", "policy"]
    bare: bool = False
    tries: Number | None = None
    counts_retries: bool = False
    further: tuple[Parameter, ...] = ()
    seconds: Number | None = None
    cuts: bool = False
    attempt_seconds: Number | None = None
    stop: Parameter | None = None
    wait: Parameter | None = None
    on: Parameter | None = None
    on_default: str = "builtins.Exception"
    waits: tuple[Growth, ...] = ()
    unless: Parameter | None = None
    polls: bool = False
    methods: Parameter | None = None
    safe_methods: tuple[str, ...] = ()
    wrapper: str = ""
    aliases: tuple[str, ...] = ()
