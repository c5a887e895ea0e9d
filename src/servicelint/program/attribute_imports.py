"""Modules that are reached as attributes: ``import shop`` and then ``shop.billing.models.Invoice``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from servicelint.facts.attribute_paths import Certainty, paths
from servicelint.facts.imports import ImportFact
from servicelint.facts.type_checking import type_checking_blocks
from servicelint.program.import_edges import Import

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.facts.attribute_paths import Path
    from servicelint.program.imports import Imports
    from servicelint.program.modules import Module


class AttributeImports:
    """Finds them, given the import statements of all modules."""

    def __init__(self, imports: Imports) -> None:
        self._imports = imports
        self._bound: dict[tuple[Module, str], bool] = {}

    def of(self, module: Module, statements: list[Import]) -> list[Import]:
        """The first read of each module that a file reaches so and does not import by a statement."""
        known = {each.target for each in statements} | {module}
        certainty = Certainty(module.source)
        found: dict[Module, Import] = {}
        for name, package in self._packages(module):
            for path in paths(module.source, name):
                target, depth = self._deepest(package, path)
                if target is None or target in known or not certainty.is_read(name, path.start):
                    continue
                end = path.ends[depth - 1]
                if target not in found or path.start < found[target].fact.start:
                    found[target] = Import(module, _fact(target, path, end, certainty), target)
        return sorted(found.values(), key=lambda each: each.fact.start)

    def _packages(self, module: Module) -> Iterator[tuple[str, str]]:
        """The names that a module's imports bind to packages, with the packages' paths."""
        found = {
            (fact.bound, stem)
            for fact, stem in self._imports.bindings(module)
            if self._imports.is_package(stem)
        }
        yield from sorted(found)

    def _deepest(self, package: str, path: Path) -> tuple[Module | None, int]:
        """The last module along a path of attributes, and how many attributes lead to it."""
        found: tuple[Module | None, int] = None, 0
        for depth, step in enumerate(path.steps, 1):
            owner = self._imports.at(package)
            package = f"{package}/{step}"
            below = self._imports.at(package)
            if below is None and not self._imports.is_package(package):
                break
            if owner is not None and self._binds(owner, step, below):
                break
            if below is not None:
                found = below, depth
        return found

    def _binds(self, package: Module, name: str, submodule: Module | None) -> bool:
        """Whether a package itself calls something else by the name of a module below it."""
        key = package, name
        if key not in self._bound:
            imported = any(
                each.fact.bound == name and each.target is not submodule
                for each in self._imports.statements(package)
            )
            defined = re.search(
                rf"^(?:(?:async[ \t]+)?def|class)[ \t]+{name}\b|^{name}[ \t]*(?::[^=\n]*)?=",
                package.source,
                re.MULTILINE,
            )
            self._bound[key] = imported or defined is not None
        return self._bound[key]


def _fact(target: Module, path: Path, end: int, certainty: Certainty) -> ImportFact:
    blocks = type_checking_blocks(certainty.code) if "TYPE_CHECKING" in certainty.code else []
    for_types = any(start <= path.start < stop for start, stop in blocks)
    return ImportFact(target.name, "", 0, "", path.start, path.start, end, for_types, "attribute")
