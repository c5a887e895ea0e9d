"""Modules that are reached as attributes: ``import shop`` and then ``shop.billing.models.Invoice``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts.attribute_paths import Certainty, paths
from servicelint.facts.imports import ImportFact
from servicelint.facts.type_checking import type_checking_blocks
from servicelint.program.linking.import_edges import Import

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.facts.attribute_paths import Path
    from servicelint.program.linking.imports import Imports
    from servicelint.program.linking.modules import Module


class AttributeImports:
    """Finds them, given the import statements of all modules."""

    def __init__(self, imports: Imports) -> None:
        self._imports = imports

    def of(self, module: Module, statements: list[Import]) -> list[Import]:
        """The first read of each module that a file reaches so and does not import by a statement."""
        known = {each.target for each in statements} | {module}
        certainty = Certainty(module.text)
        found: dict[Module, Import] = {}
        for name, package in self._packages(module):
            for path in paths(module.text, name):
                target, depth = self._deepest(package, path)
                if target is None or target in known or not certainty.is_read(name, path.start):
                    continue
                if target not in found or path.start < found[target].fact.start:
                    found[target] = Import(module, _fact(name, path, depth, certainty), target)
        return sorted(found.values(), key=lambda each: each.fact.start)

    def _packages(self, module: Module) -> Iterator[tuple[str, str]]:
        """The names that a module's imports bind to packages, with the packages' paths."""
        found = {
            (fact.bound, stem)
            for fact, stem in self._imports.bindings(module)
            if self._imports.targets.is_package(stem)
        }
        yield from sorted(found)

    def _deepest(self, package: str, path: Path) -> tuple[Module | None, int]:
        """The last module along a path of attributes, and how many attributes lead to it."""
        found: tuple[Module | None, int] = None, 0
        for depth, step in enumerate(path.steps, 1):
            owner = self._imports.targets.at(package)
            package = f"{package}/{step}"
            below = self._imports.targets.at(package)
            if below is None and not self._imports.targets.is_package(package):
                break
            if owner is not None and self._imports.binds(owner, step, below):
                break
            if below is not None:
                found = below, depth
        return found


def _fact(name: str, path: Path, depth: int, certainty: Certainty) -> ImportFact:
    blocks = type_checking_blocks(certainty.code) if "TYPE_CHECKING" in certainty.code else []
    for_types = any(start <= path.start < stop for start, stop in blocks)
    module = ".".join((name, *path.steps[:depth]))
    end = path.ends[depth - 1]
    return ImportFact(module, "", 0, "", path.start, path.start, end, for_types, "attribute")
