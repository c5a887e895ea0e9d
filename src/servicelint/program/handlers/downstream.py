"""Modules that handlers can reach: those that they, or the applications, import, and so on.

A walk up the call graph need not leave them. A module with a class that inherits from one of theirs belongs
to them too (plugins that register themselves), unless the class is named in many modules. What is imported by
a name made at run time is not followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts.record import Imported
from servicelint.program.linking.wholes import Whole, by_number, paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program


MOST_HEIRS = 12
"""Modules that name a class: with more of them what one heir does says nothing of its base."""


class Downstream:
    """Tells, by import statements alone, which modules handlers can lead to."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._modules = Whole(program.reads, "downstream", self._find, paths, by_number(program.modules))

    def holds(self, module: Module) -> bool:
        """Whether a handler may lead to a module."""
        return module in self._modules.answer(module.path)

    @property
    def modules(self) -> frozenset[Module]:
        """All modules that a handler may lead to."""
        return self._modules.answer()

    def _find(self) -> frozenset[Module]:
        return _followed(self._beginnings(), lambda module: (*self.imports(module), *self._heirs(module)))

    def _beginnings(self) -> Iterator[Module]:
        """The modules of handlers, of applications, and those that start or fill the applications."""
        handlers = self.program.handlers
        yield from dict.fromkeys(handler.function.module for handler in handlers.all())
        for made in dict.fromkeys(ref.module for ref in handlers.applications()):
            yield made
            yield from self.program.vocabulary.modules_naming(made.name.rpartition(".")[2])

    def _heirs(self, module: Module) -> Iterator[Module]:
        """The modules with classes that inherit from those of a module, by their text."""
        vocabulary = self.program.vocabulary
        for name in vocabulary.classes(module):
            holding = vocabulary.modules_with(name)
            if len(holding) <= MOST_HEIRS:
                yield from (user for user in holding if vocabulary.derives(user, name))

    def imported_from(
        self, modules: Iterable[Module], enters: Callable[[Module], bool] = lambda _: True
    ) -> frozenset[Module]:
        """Some modules with what they import, what that imports, and so on, as far as ``enters`` allows."""
        return _followed(filter(enters, modules), lambda module: filter(enters, self.imports(module)))

    def imports(self, module: Module) -> Iterator[Module]:
        """The modules of the program that an import statement of a module names, or takes something from."""
        index = self.program.modules
        for name in self.program.vocabulary.imported(module):
            bare = name.lstrip(".")
            level = len(name) - len(bare)
            owner, _, member = bare.rpartition(".")
            for target in (bare, owner) if member != "*" else (owner,):
                stem = (
                    index.relative(Imported(target, "", level), module)
                    if level
                    else index.locate(target, module)
                    if target
                    else None
                )
                found = index.at(stem) if stem else None
                if found is not None:
                    yield found
                    break


def _followed(modules: Iterable[Module], leads_to: Callable[[Module], Iterable[Module]]) -> frozenset[Module]:
    """Some modules with those that they lead to, those that these lead to, and so on."""
    found: set[Module] = set()
    pending = list(modules)
    while pending:
        module = pending.pop()
        if module not in found:
            found.add(module)
            pending += leads_to(module)
    return frozenset(found)
