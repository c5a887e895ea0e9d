"""Where a call goes: the host in its URL or in its client's, or the target of its channel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from servicelint.program.linking.reads import Memo
from servicelint.program.services.texts import Texts, Told
from servicelint.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.evaluation.arguments import Arguments, Given
    from servicelint.program.evaluation.values import CallRef, Instance, ParameterSymbol
    from servicelint.program.program import Program
    from servicelint.program.sites import Site, Target

_URL = regex(r"[a-z][\w+.-]*://(?:[^/@]*@)?(?P<host>[^/:?#{}\0\1]+)(?:[/:?#\1]|\Z)", re.IGNORECASE)
_CHANNEL = regex(
    r"(?:(?:dns|xds|passthrough|kubernetes|k8s|consul):(?://[^/]*)?/?)?(?!unix:|unix-abstract:|ipv[46]:)"
    r"(?P<host>[^/:?#{}\0\1\s]+)(?:[/:\1]|\Z)"
)
"""The target of a gRPC channel, as its resolvers take it."""

_HOST = regex(r"(?P<host>[^/:?#{}\0\1\s]+)(?:[:\1]|\Z)")
"""What a client is made for, where that is no URL."""


class Address(NamedTuple):
    """Where a call goes: ``host`` is "" if it can't be told; ``leading`` is the parameter that tells it.

    If that is only the host, ``scheme`` is what stands before it.
    """

    host: str
    leading: ParameterSymbol | None = None
    scheme: str = ""


NOWHERE = Address("")


class Addresses:
    """Reads the hosts of calls, as far as they are written out or have a default."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.texts = Texts(program)
        self._known: Memo[tuple[CallRef, int | None], list[Address]] = Memo(program.reads)

    def host(self, site: Site) -> str:
        """The host that all targets of a call site go to; "" if it can't be told."""
        hosts = {address.host for address in self.of(site)}
        return hosts.pop() if len(hosts) == 1 else ""

    def of(self, site: Site) -> list[Address]:
        """The addresses that a call site sends to."""
        return self._known.answer((site.ref, site.reference), lambda: list(self._found(site)))

    def _found(self, site: Site) -> Iterator[Address]:
        for target in site.targets:
            if target.instance is not None and target.instance.maker is not None:
                for each in self._channel_targets(target.instance):
                    yield from self.given(each, _CHANNEL)
            else:
                yield from self._of_url(target)

    def _of_url(self, target: Target) -> list[Address]:
        given = target.arguments.keywords.get("url")
        if given is None and target.url is not None and target.url < len(target.arguments.positional):
            given = target.arguments.positional[target.url]
        own = self.given(given)
        if all(address.host for address in own):
            return own
        peers = [address for peer in self._peers(target) for address in self.given(peer, _HOST)]
        return [address for address in peers if any(address)] or own

    def given(self, given: Given | None, form: re.Pattern[str] = _URL, scheme: str = "") -> list[Address]:
        """The addresses that an argument may give; ``scheme`` is put before them."""
        if given is None or given.expression is None or given.frame is None:
            return [NOWHERE]
        texts = self.texts.alternatives(given.expression, given.frame)
        return [_address(Told(scheme).followed_by(told), form) for told in texts]

    def given_like(self, site: Site, given: Given | None, scheme: str) -> list[Address]:
        """The addresses that an argument may give which a call site, elsewhere, makes its own of."""
        if any(target.instance and target.instance.maker for target in site.targets):
            return self.given(given, _CHANNEL, scheme)
        is_host = all(target.instance and target.url is None for target in site.targets)
        return self.given(given, _HOST if is_host else _URL, scheme)

    def _peers(self, target: Target) -> Iterator[Given | None]:
        """The URLs or hosts that the client was made for."""
        if target.instance is None or target.client is None:
            return
        peer = target.client.peer
        for arguments in self.program.bounds.constructions.library_arguments(target.instance):
            yield _at(arguments, peer.keyword, peer.position)

    def _channel_targets(self, method: Instance) -> Iterator[Given | None]:
        """What the channels that a remote method is called over were made for."""
        for channel in self.program.stubs.channels(method):
            for layer, described in self.program.channels.layers(channel):
                if described.target is not None and layer.arguments is not None:
                    yield _at(layer.arguments, described.target.keyword, described.target.position)


def _address(told: Told, form: re.Pattern[str]) -> Address:
    found = _URL.match(told.text) or form.match(told.text)
    return Address(found["host"].lower()) if found else Address("", told.leading, told.scheme)


def _at(arguments: Arguments, keyword: str, position: int | None) -> Given | None:
    if keyword in arguments.keywords:
        return arguments.keywords[keyword]
    if position is not None and position < len(arguments.positional):
        return arguments.positional[position]
    return None
