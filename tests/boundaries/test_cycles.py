"""Cycles of services: found all, the shortest told, and cut by as few edges as can be."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from servicelint.boundaries.cycles import cycles

if TYPE_CHECKING:
    from collections.abc import Collection

Edge = tuple[str, str]

SERVICES = st.sampled_from("abcdef")
EDGES = st.dictionaries(
    st.tuples(SERVICES, SERVICES).filter(lambda edge: edge[0] != edge[1]), st.integers(1, 9), max_size=12
)
LARGE = st.dictionaries(
    st.tuples(st.sampled_from("abcdefghijklmnop"), st.sampled_from("abcdefghijklmnop")).filter(
        lambda edge: edge[0] != edge[1]
    ),
    st.integers(1, 9),
    max_size=60,
)


def is_acyclic(edges: Collection[Edge]) -> bool:
    """Whether services can be taken away, one that depends on no other at a time, until none is left."""
    left = set(edges)
    while left:
        ends = {target for _, target in left} - {source for source, _ in left}
        rest = {edge for edge in left if edge[1] not in ends}
        if rest == left:
            return False
        left = rest
    return True


@given(EDGES)
def test_the_cut_is_the_smallest(edges: dict[Edge, int]) -> None:
    found = cycles(edges)
    cut = {edge for cycle in found for edge in cycle.cut}
    assert is_acyclic(edges.keys() - cut)
    cheapest = min(
        (len(chosen), sum(edges[edge] for edge in chosen))
        for number in range(len(cut) + 1)
        for chosen in combinations(edges, number)
        if is_acyclic(edges.keys() - set(chosen))
    )
    assert (len(cut), sum(edges[edge] for edge in cut)) == cheapest
    assert bool(found) == (not is_acyclic(edges))


@given(EDGES)
def test_the_shortest_cycle_is_one(edges: dict[Edge, int]) -> None:
    for cycle in cycles(edges):
        path = cycle.shortest
        assert all(edge in edges for edge in zip(path, (*path[1:], path[0]), strict=True))
        assert set(path) <= set(cycle.services)
        assert len(path) == 2 or not any((b, a) in edges for a, b in edges if {a, b} <= set(cycle.services))


@settings(max_examples=30)
@given(LARGE)
def test_many_services_are_cut_all_the_same(edges: dict[Edge, int]) -> None:
    found = cycles(edges)
    assert is_acyclic(edges.keys() - {edge for cycle in found for edge in cycle.cut})
    assert all(cycle.is_exact == (len(cycle.services) <= 12) for cycle in found)


def test_twelve_services_that_all_depend_on_each_other_take_no_time() -> None:
    names = "abcdefghijkl"
    [cycle] = cycles({(a, b): 1 for a in names for b in names if a != b})
    assert len(cycle.cut) == len(names) * (len(names) - 1) // 2
