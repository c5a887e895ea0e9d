"""Calls of wrappers: functions that send to whatever address their callers hand them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from servicelint.program.evaluation.parameters import has_receiver
from servicelint.program.evaluation.values import CallRef, ClassRef, ParameterSymbol
from servicelint.program.linking.reads import Memo
from servicelint.program.timeouts.verdicts import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.evaluation.arguments import Arguments, Given
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program
    from servicelint.program.sites import Site


class Handed(msgspec.Struct, frozen=True):
    """A call that hands an address to a wrapper, or to a client's constructor; ``site`` is what sends there.

    ``host`` is "" if it can't be told.
    """

    ref: CallRef
    site: Site
    host: str
    steps: tuple[Step, ...]


class Wrappers:
    """Follows the addresses of call sites to the callers that tell them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._by_site: Memo[Module, tuple[Handed, ...]] = Memo(program.reads)
        self._by_caller: Memo[None, dict[Module, list[Handed]]] = Memo(program.reads)

    def calls_in(self, module: Module) -> list[Handed]:
        """The calls of a module that hand addresses to call sites anywhere."""
        return self._by_caller.answer(None, self._sorted).get(module, [])

    def of_sites_in(self, module: Module) -> tuple[Handed, ...]:
        """The calls anywhere that hand addresses to the call sites of a module."""
        return self._by_site.answer(module, lambda: tuple(self._find(module)))

    def _sorted(self) -> dict[Module, list[Handed]]:
        found: defaultdict[Module, list[Handed]] = defaultdict(list)
        for module in self.program.all_targets():
            for handed in self.of_sites_in(module):
                found[handed.ref.module].append(handed)
        return dict(found)

    def _find(self, module: Module) -> Iterator[Handed]:
        for site in self.program.sites.of(module):
            for address in self.program.addresses.of(site):
                if address.leading is not None:
                    yield from self._callers(site, address.leading, address.scheme)

    def _callers(self, site: Site, leading: ParameterSymbol, scheme: str) -> Iterator[Handed]:
        """The callers that tell the address of one site, through those that only hand it on."""
        pending: list[tuple[ParameterSymbol, str, tuple[Step, ...]]] = [(leading, scheme, ())]
        seen: set[CallRef] = set()
        while pending:
            symbol, before, steps = pending.pop()
            for arguments in self.program.callers.of(symbol.owner):
                if arguments.call in seen:
                    continue
                seen.add(arguments.call)
                given = _given(symbol, arguments)
                for address in self.program.addresses.given_like(site, given, before):
                    if address.leading is not None:
                        step = Step(arguments.call, "hands the address on")
                        pending.append((address.leading, address.scheme, (step, *steps)))
                    else:
                        sent = Step(site.ref, f"{site.targets[0].name} sends to it")
                        yield Handed(arguments.call, site, address.host, (*steps, sent))


def _given(symbol: ParameterSymbol, arguments: Arguments) -> Given | None:
    """What a call gives for a parameter, as it is written there."""
    name = symbol.key or symbol.name
    if name in arguments.keywords:
        return arguments.keywords[name]
    if isinstance(symbol.owner, ClassRef) or symbol.key:
        return None
    function = symbol.owner.module.facts.functions[symbol.owner.index]
    position = symbol.index - has_receiver(function)
    return arguments.positional[position] if position < len(arguments.positional) else None
