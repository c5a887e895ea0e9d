"""Who imports whom: the import facts of all modules, linked to the modules that they mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from servicelint.facts.imports import imports, literal_names
from servicelint.program.linking.attribute_imports import AttributeImports
from servicelint.program.linking.import_edges import Import
from servicelint.program.linking.import_targets import ImportTargets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from servicelint.facts.imports import ImportFact
    from servicelint.program.linking.modules import Module, ModuleIndex


class Imports:
    """The imports between the modules of a program.

    ``read`` gives the import facts of a module; by default they are read from its text.
    """

    def __init__(
        self, modules: ModuleIndex, read: Callable[[Module], Sequence[ImportFact]] | None = None
    ) -> None:
        self.targets = ImportTargets(modules)
        self._read = read or (lambda module: imports(module.text))
        self._attributes = AttributeImports(self)
        self._facts: dict[Module, Sequence[ImportFact]] = {}
        self._statements: dict[Module, list[Import]] = {}
        self._all: dict[Module, list[Import]] = {}
        self._bound: dict[tuple[Module, str], bool] = {}

    def of(self, module: Module) -> list[Import]:
        """The imports of other modules by a module, in order: statements, calls, attributes of packages."""
        known = self._all.get(module)
        if known is None:
            statements = self.statements(module)
            further = self._linked(module, self._calls(module)) + self._attributes.of(module, statements)
            known = sorted([*statements, *further], key=_place) if further else statements
            self._all[module] = known
        return known

    def statements(self, module: Module) -> list[Import]:
        """The imports of other modules by a module's statements, in order."""
        known = self._statements.get(module)
        if known is None:
            known = self._statements[module] = self._linked(module, self._facts_of(module))
        return known

    def bindings(self, module: Module) -> Iterator[tuple[ImportFact, str]]:
        """The names that a module's statements bind, each with the path (no ending) of what it may mean."""
        for fact in self._facts_of(module):
            head = fact.module.partition(".")[0]
            for stem in self.targets.places(fact, module):
                if fact.member:
                    yield fact, f"{stem}/{fact.member}"
                elif fact.bound == head:  # ``import a.b`` binds ``a``
                    yield fact, stem[: len(stem) - len(fact.module) + len(head)]
                else:
                    yield fact, stem

    def binds(self, package: Module, name: str, submodule: Module | None) -> bool:
        """Whether a package itself calls something else by the name of a module below it."""
        key = package, name
        if key not in self._bound:
            imported = (fact for fact in self._facts_of(package) if fact.bound == name)
            self._bound[key] = _defines(package.text, name) or any(
                not self._is_module(fact, package, submodule) for fact in imported
            )
        return self._bound[key]

    def _is_module(self, fact: ImportFact, importer: Module, module: Module | None) -> bool:
        """Whether an import binds this module itself, not something in it."""
        target = self.targets.target(fact, importer)
        is_holder = fact.member and target in map(self.targets.at, self.targets.places(fact, importer))
        return target is not None and target is module and not is_holder

    def _facts_of(self, module: Module) -> Sequence[ImportFact]:
        """The facts of a module; stubs import nothing."""
        known = self._facts.get(module)
        if known is None:
            known = self._facts[module] = () if module.path.endswith(".pyi") else self._read(module)
        return known

    def _linked(self, module: Module, facts: Iterable[ImportFact]) -> list[Import]:
        linked = ((fact, self.targets.target(fact, module)) for fact in facts)
        return [Import(module, fact, target) for fact, target in linked if target and target is not module]

    def _calls(self, module: Module) -> list[ImportFact]:
        """What calls import: the few files that may so name a module of the program are parsed."""
        if not any(self.targets.target(fact, module) for fact in literal_names(module.text)):
            return []
        from servicelint.facts.dynamic_imports import dynamic_imports  # for few files

        return dynamic_imports(module.facts, module.lines)


def _defines(text: str, name: str) -> bool:
    """Whether a module defines or assigns a name at its first level, as far as the text tells."""
    defining = rf"^(?:(?:async[ \t]+)?def|class)[ \t]+{name}\b|^{name}[ \t]*(?::[^=\n]*)?="
    return re.search(defining, text, re.MULTILINE) is not None


def _place(edge: Import) -> tuple[int, int]:
    return edge.fact.statement, edge.fact.start
