"""Cycles of services with the imports and calls behind each of their dependencies."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from servicelint.boundaries.cycles import Cycle, Edge, cycles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicelint.boundaries.crossings import Boundaries
    from servicelint.boundaries.uses import Use
    from servicelint.program.linking.import_edges import Import


class Loop(NamedTuple):
    """A cycle, and what each of its edges rests on: imports, then calls, in the order of files and lines."""

    cycle: Cycle
    links: dict[Edge, list[Import | Use]]

    @property
    def first(self) -> Import | Use:
        """The first import, or else call, of the first dependency to cut: where the finding stands."""
        return self.links[self.cycle.cut[0]][0]


def loops(boundaries: Boundaries, calls: Iterable[Use]) -> list[Loop]:
    """The cycles of services, by calls, and by imports that run and that no exception lets through."""
    dependencies = _dependencies(boundaries)
    for call in calls:
        dependencies[call.source, call.target].append(call)
    found = cycles({edge: len(links) for edge, links in dependencies.items()})
    return [
        Loop(cycle, {edge: dependencies[edge] for edge in dependencies if set(edge) <= set(cycle.services)})
        for cycle in found
    ]


def _dependencies(boundaries: Boundaries) -> defaultdict[Edge, list[Import | Use]]:
    service_of = boundaries.ownership.service_of
    found: defaultdict[Edge, list[Import | Use]] = defaultdict(list)
    for module in sorted(boundaries.modules.modules, key=lambda module: module.path):
        service = service_of(module)
        if service is None or not module.is_target:
            continue
        for edge in boundaries.imports.of(module):
            other = service_of(edge.target)
            if other and other != service and not _is_let_through(boundaries, edge, service, other):
                found[service, other].append(edge)
    return found


def _is_let_through(boundaries: Boundaries, edge: Import, service: str, other: str) -> bool:
    if edge.fact.is_for_types and boundaries.type_checking(service, other) != "deny":
        return True
    return boundaries.is_exempt(edge)
