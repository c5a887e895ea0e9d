"""The calls in an expression that is too much for the parser as a whole."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from servicelint.facts.brackets import Group, Item, is_call

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST_KEPT = 50
LONGEST_KEPT = 400
"""What is kept must be well within the parser's limits (:mod:`servicelint.facts.limits`)."""


class Calls(NamedTuple):
    """Pieces of an expression that hold calls, by where they start and end; whether they are all of them."""

    pieces: list[tuple[int, int]]
    are_all: bool


def calls_within(items: list[Item]) -> Calls:
    """The largest pieces with calls in them that the parser can take, in source order."""
    pieces: list[tuple[int, int]] = []
    are_all = True
    pending = [items]
    while pending:
        for chain, start in _chains(pending.pop()):
            kept = _kept(chain)
            if any(item.has_call for item in chain[:kept]) or _has_call(chain[:kept]):
                pieces.append((start, chain[kept - 1].end))
            rest = chain[kept:]
            are_all = are_all and not _has_call(chain[max(0, kept - 1) :])
            are_all = are_all and not any(item.has_call and item.kind == "string" for item in rest)
            pending += [item.items for item in rest if isinstance(item, Group)]
    return Calls(sorted(pieces), are_all)


def _chains(items: list[Item]) -> Iterator[tuple[list[Item], int]]:
    """Operands with the attributes, calls and subscripts behind them, and where they start with ``await``."""
    index = 0
    while index < len(items):
        first = index
        index += 1
        if not items[first].is_operand:
            continue
        while index < len(items) and (step := _step(items, index)):
            index += step
        is_awaited = first > 0 and items[first - 1].text == "await"
        yield items[first:index], items[first - 1 if is_awaited else first].start


def _step(items: list[Item], index: int) -> int:
    """How many items the next attribute, call or subscript takes; 0 if there is none."""
    item = items[index]
    if item.kind == "group" and item.text in "([":
        return 1
    return 2 if item.text == "." and index + 1 < len(items) and items[index + 1].kind == "name" else 0


def _kept(chain: list[Item]) -> int:
    """How many items of a chain, from its start, the parser can take."""
    links = 0
    for index, item in enumerate(chain):
        links += item.links
        if links > LONGEST_KEPT or item.run > LONGEST_KEPT or item.height > DEEPEST_KEPT:
            return index - 1 if index and chain[index - 1].text == "." else index
    return len(chain)


def _has_call(chain: list[Item]) -> bool:
    return any(is_call(before, item) for before, item in itertools.pairwise(chain))
