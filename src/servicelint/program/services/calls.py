"""Calls and messages from one declared service to another, and those that go nobody knows where."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from servicelint.program.evaluation.values import ClassRef
from servicelint.program.faults import Fault
from servicelint.program.linking.reads import Memo
from servicelint.program.services.destinations import Destinations
from servicelint.program.services.wrappers import Wrappers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.boundaries.crossings import Boundaries
    from servicelint.boundaries.declared import Protocol
    from servicelint.program.evaluation.values import CallRef
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program
    from servicelint.program.sites import Site, Target
    from servicelint.program.timeouts.verdicts import Step

NOBODY = ""
"""The service of code that belongs to none."""


class ServiceCall(msgspec.Struct, frozen=True):
    """A call by which one service uses another. ``does`` says so in words, after the service's name."""

    ref: CallRef
    subject: str
    source: str
    target: str
    protocol: Protocol
    does: str
    steps: tuple[Step, ...] = ()


class Untold(NamedTuple):
    """A service (or :data:`NOBODY`) has a call over a protocol that goes nobody knows where."""

    service: str
    protocol: Protocol


class ServiceCalls:
    """Tells which calls go to a service, and whether that was declared."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.wrappers = Wrappers(program)
        self.destinations = Destinations(program)
        self._known: Memo[Module, list[ServiceCall | Untold]] = Memo(program.reads)

    def of(self, module: Module) -> list[ServiceCall]:
        """The calls of a module to services other than its own."""
        return [each for each in self._uses(module) if isinstance(each, ServiceCall)]

    def untold(self, module: Module) -> set[Untold]:
        """The protocols over which calls of a module go nobody knows where."""
        return {each for each in self._uses(module) if isinstance(each, Untold)}

    def undeclared(self, module: Module) -> Iterator[Fault]:
        """The calls of a module to services that its own does not depend on by their protocol."""
        boundaries = self.program.boundaries
        for call in self.of(module) if boundaries else ():
            declared = boundaries.declared_protocols(call.source, call.target) if boundaries else ()
            if call.protocol not in declared:
                only = f", only by {' and '.join(declared)}" if declared else ""
                reason = f"{call.source} {call.does}, and depends on it not by {call.protocol}{only}"
                yield Fault(call.ref, call.subject, reason, call.steps)

    # --- all uses --------------------------------------------------------------------------------

    def _uses(self, module: Module) -> list[ServiceCall | Untold]:
        boundaries = self.program.boundaries
        if boundaries is None:
            return []
        return self._known.answer(module, lambda: _once(self._find(module, boundaries)))

    def _find(self, module: Module, boundaries: Boundaries) -> Iterator[ServiceCall | Untold]:
        service = boundaries.ownership.service_of(module) or NOBODY
        told_elsewhere = {handed.site.ref for handed in self.wrappers.of_sites_in(module)}
        for site in self.program.sites.of(module):
            hosts = {address.host for address in self.program.addresses.of(site)} or {""}
            for host in sorted(hosts):
                if host or site.ref not in told_elsewhere:
                    yield from self._use(site.ref, site, host, service, boundaries, ())
        for handed in self.wrappers.calls_in(module):
            yield from self._use(handed.ref, handed.site, handed.host, service, boundaries, handed.steps)
        for use in self.destinations.of(module, boundaries):
            if use.target is None:
                yield Untold(service, "queue")
            elif use.target and service not in (NOBODY, use.target):
                yield ServiceCall(use.ref, use.subject, service, use.target, "queue", use.does)

    def _use(
        self,
        ref: CallRef,
        site: Site,
        host: str,
        service: str,
        boundaries: Boundaries,
        steps: tuple[Step, ...],
    ) -> Iterator[ServiceCall | Untold]:
        """What a call does that sends to a host, itself or through a wrapper."""
        target = site.targets[0]
        protocol = self.program.catalog.library_of(target.entry).protocol
        other, told = boundaries.hosts.get(host), host
        if not host:
            other, told = self._by_stub(target, boundaries), "its stub"
        if not host and other is None:
            yield Untold(service, protocol)
        elif other is not None and service not in (NOBODY, other):
            yield ServiceCall(ref, target.name, service, other, protocol, f"calls {other} ({told})", steps)

    # --- stubs -----------------------------------------------------------------------------------

    def _by_stub(self, target: Target, boundaries: Boundaries) -> str | None:
        """The service that a generated stub stands for: the one that it belongs to, or that serves it."""
        maker = target.instance.maker if target.instance else None
        generated = self.program.stubs.generated(maker.of) if maker else None
        if generated is None:
            return None
        if isinstance(generated, ClassRef):
            owner = boundaries.ownership.service_of(generated.module)
            if owner is not None:
                return owner
            name = self.program.attributes.classes.record_of(generated).name
        else:
            name = generated.name.rpartition(".")[2]
        return self._served_by(name.removesuffix("Stub"), boundaries)

    def _served_by(self, name: str, boundaries: Boundaries) -> str | None:
        """The one service with a class that serves what a stub called ``name`` calls."""
        vocabulary = self.program.vocabulary
        serving = [
            boundaries.ownership.service_of(module)
            for base in (f"{name}Servicer", f"{name}Base")
            for module in vocabulary.modules_with(base)
            if vocabulary.derives(module, base)
        ]
        services = {service for service in serving if service is not None}
        return services.pop() if len(services) == 1 else None


def _once(uses: Iterator[ServiceCall | Untold]) -> list[ServiceCall | Untold]:
    """Each use once: a client that one call makes for an address may send there in many ways."""
    found: dict[object, ServiceCall | Untold] = {}
    for use in uses:
        key = (use.ref, use.target, use.protocol) if isinstance(use, ServiceCall) else use
        found.setdefault(key, use)
    return list(found.values())
