"""A handler, and how those that were found are told and kept."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from servicelint.program.evaluation.values import CallRef, FunctionRef
from servicelint.program.linking.wholes import Packing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from servicelint.catalog.inbound import HandlerKind
    from servicelint.program.linking.modules import Module, ModuleIndex


class Handler(msgspec.Struct, frozen=True):
    """A function that is run for what comes in.

    ``framework`` is its title, ``route`` the path or name it is registered under as far as it is written
    out. A handler of kind ``hook`` is run on the way of others: middleware, dependencies, error handlers.
    """

    function: FunctionRef
    framework: str
    kind: HandlerKind
    route: str = ""

    @property
    def is_entry(self) -> bool:
        """Whether it answers by itself what comes in."""
        return self.kind != "hook"

    @property
    def name(self) -> str:
        """Its dotted name, without the module's."""
        facts = self.function.module.facts
        return facts.scopes[facts.functions[self.function.index].scope].qualified_name


Found: TypeAlias = "dict[tuple[Module, int], Handler]"
"""Handlers by their functions."""


class KeptHandlers:
    """Handlers and calls as plain data, modules by their numbers."""

    def __init__(self, index: ModuleIndex) -> None:
        self._index = index

    def of_module(self) -> Packing[tuple[list[Handler], list[Handler]]]:
        """For what one module registers, and what is inherited there."""
        return Packing(
            lambda found: [self._rows(found[0]), self._rows(found[1])],
            lambda rows: (self._handlers(rows[0]), self._handlers(rows[1])),
        )

    def collected(self) -> Packing[Found]:
        """For all handlers."""
        return Packing(
            lambda found: self._rows(found.values()),
            lambda rows: {(each.function.module, each.function.index): each for each in self._handlers(rows)},
        )

    def calls(self) -> Packing[list[CallRef]]:
        """For calls."""
        return Packing(
            lambda calls: [(self._index.numbers[ref.module], ref.index) for ref in calls],
            lambda rows: [CallRef(self._index.numbered[number], index) for number, index in rows],
        )

    def _rows(self, handlers: Iterable[Handler]) -> list[tuple[object, ...]]:
        numbers = self._index.numbers
        return [
            (numbers[each.function.module], each.function.index, each.framework, each.kind, each.route)
            for each in handlers
        ]

    def _handlers(self, rows: Iterable[tuple[Any, ...]]) -> list[Handler]:
        modules = self._index.numbered
        return [Handler(FunctionRef(modules[number], index), *told) for number, index, *told in rows]


def told(found: Mapping[tuple[Module, int], Handler]) -> dict[str, object]:
    """Handlers as parts of an answer, by the paths of their modules."""
    parts: defaultdict[str, list[object]] = defaultdict(list)
    for (module, number), handler in found.items():
        parts[module.path].append((number, handler.framework, handler.kind, handler.route))
    return {"": sorted(parts.items()), **parts}


def told_calls(calls: Iterable[CallRef]) -> dict[str, object]:
    """Calls as an answer of one part."""
    return {"": [(ref.module.path, ref.index) for ref in calls]}
