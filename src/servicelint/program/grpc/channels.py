"""Channels: what a call passes between a stub and the wire, as far as it bounds the call.

A channel can be built around another, with interceptors that every call passes, the outermost first; and with
a service config, a JSON text that gives services and methods their timeouts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicelint.program.evaluation.arguments import Given
from servicelint.program.evaluation.values import (
    UNKNOWN,
    Instance,
    Literal,
    MappingValue,
    SequenceValue,
    Value,
    Values,
    merge,
)
from servicelint.program.timeouts.verdicts import Bounded, Forwarded, Unbounded, Undecided, Verdict, joined
from servicelint.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.catalog.model import Channel, Slot
    from servicelint.program.program import Program
    from servicelint.program.sites import Target

_DURATION = regex(r"(\d+(?:\.\d*)?|\.\d+)s")
_METHODS = "methodConfig"
_HINTS = ("service_config", "ServiceConfig", "intercept_unary_unary", "ClientCallDetails")
"""Words without one of which nothing in a program can bound the calls over a channel."""


class Channels:
    """Finds what bounds the calls over a channel."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def bound(self, target: Target) -> Verdict | None:
        """The verdict on a remote method's call; None if the target is none."""
        if target.instance is None or target.entry not in self.program.catalog.over_channels:
            return None
        channels = self.program.stubs.channels(target.instance)
        if not channels:
            return self._over_unknown(target)
        return joined(self._over(channel, target) for channel in channels)

    def _over_unknown(self, target: Target) -> Verdict:
        """A channel that can't be told bounds nothing if nothing in the program could make it do so."""
        own = joined(self.program.bounds.judged(target, self.program.bounds.given(target)))
        if isinstance(own, Unbounded | Forwarded) and self._may_bound():
            return Undecided("the stub's channel can't be told, and the program bounds calls over some")
        return own

    def _may_bound(self) -> bool:
        return any(self.program.vocabulary.modules_with(word) for word in _HINTS)

    def _over(self, channel: Instance, target: Target) -> Verdict:
        """The verdict where calls go over this channel: interceptors first, then the service config."""
        assert target.instance is not None  # noqa: S101 - bound made sure
        timeouts = self.program.bounds.given(target)
        arity = self.program.stubs.arity(target.instance)
        layers = list(self.layers(channel))
        for layer, described in layers:
            for interceptor in self._listed(layer, described.interceptors):
                timeouts = merge(
                    *(
                        self.program.interceptors.after(each, arity, timeouts, target.arguments.call)
                        for each in interceptor
                    )
                )
        verdict = joined(self.program.bounds.judged(target, timeouts))
        if isinstance(verdict, Bounded) or not layers:
            return verdict
        return self._configured(layers[-1], target) or verdict

    def described(self, channel: Instance) -> Channel | None:
        """How what made a channel takes what matters: a function, or the channel's class itself."""
        known = self.program.catalog.channels
        return known.get(channel.label) or known.get(self.program.clients.name_of(channel.of) or "")

    def layers(self, channel: Instance) -> Iterator[tuple[Instance, Channel]]:
        """A channel and those that it is built around, each with how its maker takes what matters."""
        seen: set[Instance] = set()
        pending = [channel]
        while pending:
            layer = pending.pop()
            described = self.described(layer)
            if described is None or layer in seen:
                continue
            seen.add(layer)
            yield layer, described
            if described.wraps:
                inner = self._values(layer, described.wraps)
                pending += [value for value in inner if isinstance(value, Instance)]

    def interceptors(self, method: Instance) -> Iterator[Value]:
        """What the calls of a remote method pass on their way, over any channel that it may go over."""
        for channel in self.program.stubs.channels(method):
            for layer, described in self.layers(channel):
                for values in self._listed(layer, described.interceptors):
                    yield from values

    def _values(self, layer: Instance, slot: Slot) -> Values:
        if layer.arguments is None:
            return (UNKNOWN,)
        evaluator = self.program.evaluator
        return evaluator.expand_all(evaluator.argument(layer.arguments, slot.keyword, slot.position))

    def _listed(self, layer: Instance, slot: Slot | None) -> list[Values]:
        """The elements of what a channel's maker takes as a list, or one by one."""
        if slot is None or layer.arguments is None:
            return []
        arguments = layer.arguments
        if slot.rest:
            evaluator = self.program.evaluator
            single = [
                evaluator.expand_all(evaluator.given(each)) for each in arguments.positional[slot.position :]
            ]
            return single + [each for star in arguments.stars for each in self.program.lists.elements(star)]
        given = arguments.keywords.get(slot.keyword)
        if given is None and slot.position is not None and slot.position < len(arguments.positional):
            given = arguments.positional[slot.position]
        if given is None:
            found = self._values(layer, slot) if arguments.mappings or arguments.stars else ()
            return self.program.lists.elements(Given(None, None, found))
        if all(map(self.program.interceptors.is_plain, self.program.evaluator.given(given))):
            return []
        return self.program.lists.elements(given)

    # --- service config --------------------------------------------------------------------------

    def _configured(self, made: tuple[Instance, Channel], target: Target) -> Verdict | None:
        """The verdict of the channel's service config; None if it has none that bounds the call."""
        layer, described = made
        client = self.program.clients.of(layer)
        if client is None or target.instance is None:
            return None
        for option in self._listed(layer, described.options):
            for value in option:
                if value == UNKNOWN and self.program.vocabulary.modules_with("service_config"):
                    return Undecided("the channel's options can't be told")
                for config in _value_of(value, client[1].service_config):
                    found = self._by_config(config, target.instance)
                    if found is not None:
                        return found
        return None

    def _by_config(self, config: Value, method: Instance) -> Verdict | None:
        decoded = _decoded(config)
        if decoded is None:
            return Undecided("the channel's service config can't be told")
        timeout = _timeout_for(decoded, *self._path(method))
        seconds = _DURATION.fullmatch(timeout) if isinstance(timeout, str) else None
        if seconds is None or not float(seconds[1]):
            return (
                None if timeout in (None, "0s") else Undecided("the service config's timeout can't be told")
            )
        return Bounded("the channel's service config", "total", float(seconds[1]))

    def _path(self, method: Instance) -> tuple[str, str]:
        """The service, as far as it is known, and the method's name: of ``/package.Service/Method``."""
        label = method.label
        if label.startswith("/"):
            service, _, name = label[1:].partition("/")
            return service, name
        service, _, name = label.rpartition(".")
        return service.removesuffix("Stub"), name


def _value_of(option: Value, name: str) -> Values:
    """The value of an option that is ``(name, value)``; of one of an unknown name, if it can be meant."""
    if not isinstance(option, SequenceValue) or len(option.items) != 2:
        return ()
    names, values = option.items
    if Literal(name) in names:
        return values
    return tuple(value for value in values if UNKNOWN in names and _is_config(value))


def _is_config(value: Value) -> bool:
    decoded = _decoded(value)
    return isinstance(decoded, dict) and _METHODS in decoded


def _decoded(config: Value) -> Any:
    """A service config as plain data; None if it can't be told."""
    if isinstance(config, Literal) and isinstance(config.value, str):
        import json  # few channels have a configuration

        try:
            return json.loads(config.value)
        except ValueError:
            return None
    return _plain(config) if isinstance(config, MappingValue) else None


def _plain(value: Value) -> Any:
    """A value as plain data; what can't be told is ``...``."""
    if isinstance(value, Literal):
        return value.value
    if isinstance(value, SequenceValue):
        return [_plain(item[0]) if item else ... for item in value.items]
    if isinstance(value, MappingValue):
        return {key: _plain(values[0]) if len(values) == 1 else ... for key, values in value.entries}
    return ...


def _timeout_for(config: Any, service: str, method: str) -> Any:
    """The timeout that a config gives a method: by the entry that names it most closely; None without one."""
    found: dict[int, Any] = {}
    entries = config.get(_METHODS) if isinstance(config, dict) else None
    if entries is ...:
        return ...
    for entry in entries if isinstance(entries, list) else ():
        for name in entry.get("name") or () if isinstance(entry, dict) else ():
            rank = _closeness(name, service, method)
            if rank is not None:
                found.setdefault(rank, entry.get("timeout"))
    return found[max(found)] if found else None


def _closeness(name: Any, service: str, method: str) -> int | None:
    """2 if the method is named, 1 if its service is, 0 for the entry for all; None if it is not meant."""
    if not isinstance(name, dict):
        return None
    meant, only = name.get("service") or "", name.get("method") or ""
    if ... in (meant, only):
        return None
    if not meant:
        return 0
    if meant != service and not meant.endswith(f".{service}"):
        return None
    return 1 if not only else 2 if only == method else None
