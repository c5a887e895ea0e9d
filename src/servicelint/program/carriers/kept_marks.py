"""Marks as plain data: modules by their number, so that another run of the same files can go on from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from servicelint.program.carriers.marks import Marked
from servicelint.program.evaluation.values import ClassRef

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from servicelint.program.linking.modules import Module


class KeptMarks(msgspec.Struct, array_like=True, gc=False):
    """The fields of :class:`Marked`, each entry a row of numbers and names with its marks at the end."""

    visited: list[int]
    slots: list[tuple[int, int, str, list[str]]]
    attributes: list[tuple[str, int, int, list[str]]]
    loose: list[tuple[str, list[str]]]
    returned: list[tuple[int, int, list[str]]]
    parameters: list[tuple[int, int, str, list[str]]]
    bases: list[tuple[int, int, list[str]]]
    givers: list[tuple[int, int, str, list[int]]]


def kept_marks(marked: Marked, numbers: Mapping[Module, int]) -> KeptMarks:
    """Marks as data."""
    return KeptMarks(
        sorted(numbers[module] for module in marked.visited),
        [(numbers[m], scope, name, sorted(marks)) for (m, scope, name), marks in marked.slots.items()],
        [
            (name, numbers[klass.module], klass.index, sorted(marks))
            for name, holders in marked.attributes.items()
            for klass, marks in holders.items()
        ],
        [(name, sorted(marks)) for name, marks in marked.loose.items()],
        [(numbers[m], index, sorted(marks)) for (m, index), marks in marked.returned.items()],
        [(numbers[m], index, name, sorted(found)) for ((m, index), name), found in marked.parameters.items()],
        [(numbers[klass.module], klass.index, sorted(marks)) for klass, marks in marked.bases.items()],
        [
            (numbers[m], index, name, sorted(numbers[giver] for giver in givers))
            for ((m, index), name), givers in marked.givers.items()
        ],
    )


def marks_without(
    kept: KeptMarks, modules: Sequence[Module], changed: frozenset[Module]
) -> tuple[Marked, set[Module]]:
    """The marks, less those on what stands in a changed module; and the modules that have lost a giver."""
    standing = [None if module in changed else module for module in modules]
    marked = Marked()
    marked.visited.update(module for number in kept.visited if (module := standing[number]))
    marked.loose.update((name, set(marks)) for name, marks in kept.loose)
    for number, scope, name, marks in kept.slots:
        if module := standing[number]:
            marked.slots[module, scope, name] = set(marks)
    for number, index, name, marks in kept.parameters:
        if module := standing[number]:
            marked.parameters[(module, index), name] = set(marks)
    for number, index, marks in kept.returned:
        if module := standing[number]:
            marked.returned[module, index] = set(marks)
    _restore_classes(kept, marked, standing)
    return marked, _restore_givers(kept, marked, modules, changed)


def _restore_classes(kept: KeptMarks, marked: Marked, standing: Sequence[Module | None]) -> None:
    for name, number, index, marks in kept.attributes:
        if module := standing[number]:
            marked.attributes[name][ClassRef(module, index)] = set(marks)
    for number, index, marks in kept.bases:
        if module := standing[number]:
            marked.bases[ClassRef(module, index)] = set(marks)


def _restore_givers(
    kept: KeptMarks, marked: Marked, modules: Sequence[Module], changed: frozenset[Module]
) -> set[Module]:
    lost: set[Module] = set()
    for number, index, name, givers in kept.givers:
        owner = modules[number]
        if owner in changed:
            continue
        left = {modules[giver] for giver in givers} - changed
        marked.givers[(owner, index), name] = left
        if len(left) < len(givers):
            lost.add(owner)
    return lost
