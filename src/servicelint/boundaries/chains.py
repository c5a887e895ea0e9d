"""Services reached through modules of nobody: ``orders`` imports ``common``, which imports ``billing``."""

from __future__ import annotations

from collections import defaultdict, deque
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicelint.boundaries.crossings import Boundaries
    from servicelint.program.linking.import_edges import Import
    from servicelint.program.linking.modules import Module


class Chain(NamedTuple):
    """Imports, each of the module that the next one stands in: from one service to another through others.

    ``is_mild`` if it needs imports for types, and the settings only warn of these.
    """

    edges: tuple[Import, ...]
    source: str
    target: str
    is_mild: bool


Route = dict["Module", "Import"]
"""For each module of nobody from which a service is reached: the import that leads there soonest."""


class Chains:
    """Finds the shortest chains into services that may not be imported."""

    def __init__(self, boundaries: Boundaries) -> None:
        self._boundaries = boundaries
        self._routes: dict[tuple[str, bool], Route] = {}

    def of(self, module: Module) -> list[Chain]:
        """The shortest chain from a module into each service that its own may not import."""
        bounds = self._boundaries
        service = bounds.ownership.service_of(module)
        if service is None:
            return []
        first = [
            edge for edge in bounds.imports.of(module)
            if bounds.ownership.service_of(edge.target) is None and not bounds.is_exempt(edge)
        ]  # fmt: skip
        if not first:
            return []
        found = (
            self._chain(first, service, other)
            for other in bounds.services
            if other != service and not bounds.may_import(service, other)
        )
        return [chain for chain in found if chain is not None]

    def _chain(self, first: Iterable[Import], service: str, other: str) -> Chain | None:
        """The shortest chain that one of these imports begins; one that runs before one for types only."""
        checking = self._boundaries.type_checking(service, other)
        running = [edge for edge in first if not edge.fact.is_for_types]
        chain = self._shortest(running, other, for_types=False)
        if chain is None and checking != "allow":
            chain = self._shortest(first, other, for_types=True)
            return Chain(chain, service, other, checking == "warn") if chain else None
        return Chain(chain, service, other, is_mild=False) if chain else None

    def _shortest(self, first: Iterable[Import], other: str, *, for_types: bool) -> tuple[Import, ...] | None:
        route = self._route(other, for_types=for_types)
        chains = [(edge, *_followed(edge.target, route)) for edge in first if edge.target in route]
        return min(chains, key=len, default=None)

    def _route(self, service: str, *, for_types: bool) -> Route:
        """How to get from modules of nobody into a service."""
        key = service, for_types
        if key not in self._routes:
            self._routes[key] = self._found_route(service, for_types=for_types)
        return self._routes[key]

    def _found_route(self, service: str, *, for_types: bool) -> Route:
        route: Route = {}
        importers = self._importers_among_nobodys
        pending = deque(
            module for module in importers if self._boundaries.ownership.service_of(module) == service
        )
        while pending:
            for edge in importers.get(pending.popleft(), ()):
                if edge.importer not in route and (for_types or not edge.fact.is_for_types):
                    route[edge.importer] = edge
                    pending.append(edge.importer)
        return route

    @cached_property
    def _importers_among_nobodys(self) -> dict[Module, list[Import]]:
        """For each module the imports of it that stand in modules of nobody and are not let through."""
        found: defaultdict[Module, list[Import]] = defaultdict(list)
        for module in self._boundaries.unowned:
            for edge in self._boundaries.imports.of(module):
                if not self._boundaries.is_exempt(edge):
                    found[edge.target].append(edge)
        return found


def _followed(module: Module, route: Route) -> Iterable[Import]:
    while module in route:
        edge = route[module]
        yield edge
        module = edge.target
