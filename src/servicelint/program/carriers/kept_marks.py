"""Marks as plain data: modules by their number, so that another run can go on from them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from servicelint.program.carriers.marks import Marked
from servicelint.program.evaluation.values import ClassRef

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from servicelint.facts.record import ModuleFacts
    from servicelint.program.carriers.marks import FunctionKey
    from servicelint.program.linking.modules import Module


class KeptMarks(msgspec.Struct, array_like=True, gc=False):
    """The fields of :class:`Marked`, each entry a row of numbers and names with its marks at the end."""

    visited: list[int]
    brought: list[tuple[int, str, list[str]]]
    slots: list[tuple[int, int, str, list[str]]]
    attributes: list[tuple[str, int, int, list[str]]]
    loose: list[tuple[str, list[str]]]
    returned: list[tuple[int, int, list[str]]]
    parameters: list[tuple[int, int, str, list[str]]]
    bases: list[tuple[int, int, list[str]]]
    givers: list[tuple[int, int, str, list[int]]]

    def owners(self) -> set[int]:
        """The modules whose scopes, functions and classes are marked."""
        first = (self.slots, self.returned, self.parameters, self.bases, self.givers)
        return {row[0] for rows in first for row in rows} | {row[1] for row in self.attributes}


def kept_marks(marked: Marked, numbers: Mapping[Module, int]) -> KeptMarks:
    """Marks as data, without the places that were looked at and have none."""
    return KeptMarks(
        sorted(numbers[module] for module in marked.visited),
        [(numbers[m], name, sorted(marks)) for (m, name), marks in marked.brought.items() if marks],
        [(numbers[m], at, name, sorted(marks)) for (m, at, name), marks in marked.slots.items() if marks],
        [
            (name, numbers[klass.module], klass.index, sorted(marks))
            for name, holders in marked.attributes.items()
            for klass, marks in holders.items()
            if marks
        ],
        [(name, sorted(marks)) for name, marks in marked.loose.items() if marks],
        [(numbers[m], index, sorted(marks)) for (m, index), marks in marked.returned.items() if marks],
        [(numbers[m], index, name, sorted(found)) for ((m, index), name), found in marked.parameters.items()],
        [(numbers[each.module], each.index, sorted(marks)) for each, marks in marked.bases.items() if marks],
        [
            (numbers[m], index, name, sorted(numbers[giver] for giver in givers))
            for ((m, index), name), givers in marked.givers.items()
            if givers
        ],
    )


class Outline(msgspec.Struct, array_like=True, gc=False):
    """What the numbers in the marks on one module mean: its scopes by name, and theirs by their scope."""

    scopes: list[str]
    functions: list[int]
    classes: list[int]


def outline_of(facts: ModuleFacts) -> Outline:
    """The outline of a module."""
    return Outline(
        [scope.qualified_name for scope in facts.scopes],
        [function.scope for function in facts.functions],
        [klass.scope for klass in facts.classes],
    )


class Moved:
    """The numbers that the scopes, functions and classes of a changed module have by now, by those before.

    Namesakes are told apart by their order. What is gone has none.
    """

    def __init__(self, before: Outline, after: Outline) -> None:
        self.scopes = _renumbered(_ranked(before.scopes), _ranked(after.scopes))
        self.functions = self._by_scope(before.functions, after.functions)
        self.classes = self._by_scope(before.classes, after.classes)

    def _by_scope(self, before: Sequence[int], after: Sequence[int]) -> dict[int, int]:
        return _renumbered([self.scopes.get(scope, -1) for scope in before], after)


def _ranked(names: Iterable[str]) -> list[tuple[str, int]]:
    seen: Counter[str] = Counter()
    ranked = []
    for name in names:
        ranked.append((name, seen[name]))
        seen[name] += 1
    return ranked


def _renumbered(before: Iterable[Hashable], after: Iterable[Hashable]) -> dict[int, int]:
    numbers = {name: number for number, name in enumerate(after)}
    return {number: numbers[name] for number, name in enumerate(before) if name in numbers}


Given: TypeAlias = "tuple[tuple[FunctionKey, str], Module]"
"""A marked parameter, and a module that passes something for it."""


class Restorer:
    """Brings kept marks back: those on a changed module by the numbers that things have in it by now.

    ``moved`` tells these by the number of the module; ``ungiven`` are what the changed modules passed before.
    """

    def __init__(
        self,
        kept: KeptMarks,
        modules: Sequence[Module],
        moved: Mapping[int, Moved],
        changed: Iterable[Module],
    ) -> None:
        self.marked = Marked()
        self.ungiven: set[Given] = set()
        self._modules = modules
        self._moved = moved
        self._changed = frozenset(changed)
        self.marked.visited.update(modules[number] for number in kept.visited)
        self.marked.loose.update((name, set(marks)) for name, marks in kept.loose)
        self._restore_names(kept)
        self._restore_classes(kept)
        self._restore_functions(kept)

    def _restore_names(self, kept: KeptMarks) -> None:
        for number, name, marks in kept.brought:
            self.marked.brought[self._modules[number], name] = set(marks)
        for number, scope, name, marks in kept.slots:
            now = self._moved[number].scopes.get(scope) if number in self._moved else scope
            if now is not None:
                self.marked.slots[self._modules[number], now, name] = set(marks)

    def _restore_classes(self, kept: KeptMarks) -> None:
        for name, number, index, marks in kept.attributes:
            if klass := self._class(number, index):
                self.marked.attributes[name][klass] = set(marks)
        for number, index, marks in kept.bases:
            if klass := self._class(number, index):
                self.marked.bases[klass] = set(marks)

    def _restore_functions(self, kept: KeptMarks) -> None:
        for number, index, name, marks in kept.parameters:
            if function := self._function(number, index):
                self.marked.parameters[function, name] = set(marks)
        for number, index, marks in kept.returned:
            if function := self._function(number, index):
                self.marked.returned[function] = set(marks)
        for number, index, name, givers in kept.givers:
            if function := self._function(number, index):
                given = {self._modules[giver] for giver in givers}
                self.marked.givers[function, name] = given - self._changed
                self.ungiven.update(((function, name), giver) for giver in given & self._changed)

    def _class(self, number: int, index: int) -> ClassRef | None:
        now = self._moved[number].classes.get(index) if number in self._moved else index
        return None if now is None else ClassRef(self._modules[number], now)

    def _function(self, number: int, index: int) -> FunctionKey | None:
        now = self._moved[number].functions.get(index) if number in self._moved else index
        return None if now is None else (self._modules[number], now)
