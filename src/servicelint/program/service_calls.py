"""Calls from one declared service to another, by the host in their URL or their client's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.program.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program
    from servicelint.program.sites import Site


class ServiceCalls:
    """Tells which calls go to a service, and whether that was declared."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def undeclared(self, module: Module) -> Iterator[Fault]:
        """The calls of a module to services that its own does not depend on by their protocol."""
        boundaries = self.program.boundaries
        service = boundaries.ownership.service_of(module) if boundaries else None
        if boundaries is None or service is None:
            return
        for site in self.program.sites.of(module):
            host = self.program.addresses.host(site)
            other = boundaries.hosts.get(host)
            if other is None or other == service:
                continue
            protocol = self._protocol(site)
            declared = boundaries.declared_protocols(service, other)
            if protocol not in declared:
                only = f", only by {' and '.join(declared)}" if declared else ""
                reason = f"{service} calls {other} ({host}), and depends on it not by {protocol}{only}"
                yield Fault(site.ref, site.targets[0].name, reason)

    def _protocol(self, site: Site) -> str:
        """How a call site speaks to its peer, in the words of the settings."""
        return self.program.catalog.library_of(site.targets[0].entry).protocol
