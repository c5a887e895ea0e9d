"""Bystanders: modules that marks lead to, but which only hand clients on to other packages.

Programs that hand one client to hundreds of libraries have a module for each of them. None of these sends
anything itself, or hands a client on to code of the program, so none has to be parsed: what becomes of the
names in it (:mod:`servicelint.facts.flows`) tells that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.catalog.loader import STUB as STUB_CLASS
from servicelint.facts.flows import CALL, ITEM
from servicelint.program.carriers.marks import (
    BOX,
    CLIENT,
    ENTERING,
    HANDING_ON,
    NOTHING,
    Marks,
    lead,
    more_than_modules,
)
from servicelint.program.evaluation.attributes import PROXYING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicelint.facts.flows import Flows, Path
    from servicelint.program.carriers.mark_reader import MarkReader
    from servicelint.program.linking.modules import Module


class Bystanders:
    """Tells bystanders from other modules, by the marks known so far."""

    def __init__(self, reader: MarkReader) -> None:
        self._reader = reader
        self._program = reader.program
        self._flows: dict[Module, Flows | None] = {}

    def look_soon_at(self, modules: Iterable[Module]) -> None:
        """Have some modules read, of which it will be asked what they import."""
        self._program.elsewhere.order_flows(module for module in modules if module not in self._flows)

    def imports(self, module: Module) -> dict[str, Marks] | None:
        """The marks on what a bystander imports, by the names that it has for it; None if it is none."""
        if module not in self._flows:
            self._flows[module] = self._program.elsewhere.flows(module)
            _ = module.source  # on which the answer rests
        known = self._flows[module]
        if known is None or self._speaks_of_helpers(module):
            return None
        reading = _Reading(self._reader, module, known)
        if reading.matters():
            del self._flows[module]
            return None
        return {name: reading.names[name] for name in known.members}

    def _speaks_of_helpers(self, module: Module) -> bool:
        """Whether objects may be there that one of Python's own methods makes clients of."""
        reach, classes = self._program.reach, self._program.attributes.classes
        holders = {
            klass for name in (*ENTERING, PROXYING) for klass in self._reader.marked.attributes.get(name, ())
        }
        words = {word for klass in holders for word in (classes.record_of(klass).name, *reach.holders(klass))}
        return any(module in self._program.vocabulary.modules_with(word) for word in sorted(words))


class _Reading:
    """What may be a client in one module."""

    def __init__(self, reader: MarkReader, module: Module, known: Flows) -> None:
        self._reader = reader
        self._module = module
        self._known = known
        self.names: dict[str, Marks] = {
            name: frozenset(mark for each in imports for mark in reader.imported(each, module))
            for name, imports in known.imports.items()
        }
        while self._spread():
            pass

    def _spread(self) -> bool:
        """Mark the names that may stand for something marked; tells whether any is new."""
        before = sum(map(len, self.names.values()))
        for name, path in self._known.taken:
            self.names[name] = self.names.get(name, NOTHING) | self._of(path)
        return sum(map(len, self.names.values())) > before

    def matters(self) -> bool:
        """Whether anything is done that may send a request, or hand a client on to code of the program."""
        known = self._known
        return (
            any(more_than_modules(self.names.get(name, NOTHING)) for name in known.shared)
            or any(lead(self._of(path)) for path in known.called)
            or any(more_than_modules(self._of(path)) for path in known.kept)
            or any(
                more_than_modules(self._of(path)) and not self._is_foreign(callee)
                for callee, path in known.given
            )
        )

    def _of(self, path: Path) -> Marks:
        marks = self.names.get(path.root, NOTHING)
        last = path.root
        for step in path.steps:
            if any(mark.startswith(BOX) for mark in marks):
                return frozenset({CLIENT})  # containers are not followed: something in it may be one
            if step == CALL:
                marks = self._reader.called(marks, last)
            else:
                marks = self._attribute(marks, step) if step != ITEM else NOTHING
                last = step
        return marks

    def _attribute(self, owner: Marks, name: str) -> Marks:
        """What an attribute may be, whatever class of the program it is one of."""
        marked = self._reader.marked
        found = {mark for marks in marked.attributes.get(name, {}).values() for mark in marks}
        return self._reader.attribute_of(owner, name) | found | marked.loose.get(name, set())

    def _is_foreign(self, callee: Path) -> bool:
        """Whether what is called belongs to another package, of which nothing is known."""
        imports = self._known.imports.get(callee.root, ())
        if not imports or CALL in callee.steps or ITEM in callee.steps:
            return False
        catalog = self._reader.program.catalog
        spoken = {callee.steps[-1]} if callee.steps else {callee.root, *(each.member for each in imports)}
        return not (
            self._of(callee)
            or callee.root in self._known.bound
            or any(self._reader.is_own(each, self._module) for each in imports)
            or spoken & HANDING_ON
            or any(name in catalog.invokers or name.endswith(STUB_CLASS) for name in spoken)
        )
