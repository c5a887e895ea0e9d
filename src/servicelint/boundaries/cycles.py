"""Services that depend on each other in a loop, and the fewest dependencies to cut."""

from __future__ import annotations

import functools
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_EXACT = 12
"""Services; a smallest cut among more is only approached."""

Edge = tuple[str, str]
"""A service and one that it depends on."""


class Cycle(NamedTuple):
    """Services of which each reaches each other: all edges among them, a shortest cycle, what to cut.

    ``is_exact`` if no fewer edges would do.
    """

    services: tuple[str, ...]
    shortest: tuple[str, ...]
    cut: tuple[Edge, ...]
    is_exact: bool


def cycles(edges: Mapping[Edge, int]) -> list[Cycle]:
    """The cycles among edges; an edge's number is what cutting it costs, which counts among equal cuts."""
    services = sorted({service for edge in edges for service in edge})
    reached = {service: _reachable(service, edges) for service in services}
    found: list[Cycle] = []
    done: set[str] = set()
    for service in services:
        if service in done or service not in reached[service]:
            continue
        members = tuple(each for each in services if each in reached[service] and service in reached[each])
        done.update(members)
        inner = {edge: cost for edge, cost in edges.items() if set(edge) <= set(members)}
        is_exact = len(members) <= MOST_EXACT
        cut = _smallest_cut(members, inner) if is_exact else _approached_cut(members, inner)
        found.append(Cycle(members, _shortest(members, inner), tuple(sorted(cut)), is_exact))
    return found


def _reachable(start: str, edges: Mapping[Edge, int]) -> set[str]:
    found: set[str] = set()
    pending = [start]
    while pending:
        here = pending.pop()
        fresh = {target for source, target in edges if source == here} - found
        found |= fresh
        pending += fresh
    return found


def _shortest(members: Sequence[str], edges: Mapping[Edge, int]) -> tuple[str, ...]:
    """The services of a shortest cycle, the first of them by name in front."""
    found = [path for start in members if (path := _way_back(start, edges))]
    return min(found, key=lambda path: (len(path), path))


def _way_back(start: str, edges: Mapping[Edge, int]) -> tuple[str, ...]:
    pending: deque[tuple[str, ...]] = deque([(start,)])
    seen: set[str] = set()
    while pending:
        path = pending.popleft()
        for target in sorted(target for source, target in edges if source == path[-1]):
            if target == start:
                return path
            if target not in seen:
                seen.add(target)
                pending.append((*path, target))
    return ()


def _smallest_cut(members: Sequence[str], edges: Mapping[Edge, int]) -> list[Edge]:
    """The edges that point backwards in the best order of the services: as few, then as cheap as can be."""

    targets = {
        each: {target: cost for (source, target), cost in edges.items() if source == each} for each in members
    }

    @functools.cache
    def best(left: frozenset[str]) -> tuple[int, int, tuple[str, ...]]:
        """Fewest edges, least cost and order of what is left to be put behind all others."""
        if not left:
            return 0, 0, ()
        options = []
        for last in sorted(left):
            rest = left - {last}
            back = [cost for target, cost in targets[last].items() if target in rest]
            count, cost, order = best(rest)
            options.append((count + len(back), cost + sum(back), (*order, last)))
        return min(options)

    return _backward(best(frozenset(members))[2], edges)


def _approached_cut(members: Sequence[str], edges: Mapping[Edge, int]) -> list[Edge]:
    """What a greedy order leaves pointing backwards (Eades, Lin and Smyth 1993)."""
    left, front, back = set(members), [], []
    while left:
        inner = [edge for edge in edges if set(edge) <= left]
        sinks = sorted(left - {source for source, _ in inner})
        sources = sorted(left - {target for _, target in inner})
        if sinks:
            back.append(sinks[0])
            left.remove(sinks[0])
        else:
            surplus = {
                each: sum(source == each for source, _ in inner) - sum(target == each for _, target in inner)
                for each in sorted(left)
            }
            chosen = sources[0] if sources else max(surplus, key=lambda each: surplus[each])
            front.append(chosen)
            left.remove(chosen)
    return _backward((*front, *reversed(back)), edges)


def _backward(order: Sequence[str], edges: Mapping[Edge, int]) -> list[Edge]:
    rank = {service: number for number, service in enumerate(order)}
    return [edge for edge in edges if rank[edge[0]] > rank[edge[1]]]
