"""Which module of the program an import means, by the source roots that its file looks into."""

from __future__ import annotations

import posixpath
import sys
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.facts.imports import ImportFact
    from servicelint.program.linking.modules import Module, ModuleIndex

_ENDINGS = ("/__init__.py", ".py", ".pyi", "/__init__.pyi")


class ImportTargets:
    """Looks modules up by their paths without ending ("stems")."""

    def __init__(self, modules: ModuleIndex) -> None:
        self._modules = modules
        self._roots_by_head: dict[str, list[str]] = {}
        self._bases: dict[tuple[str, str, str], list[str]] = {}

    def at(self, stem: str) -> Module | None:
        """The module with this path."""
        return self._stems.get(stem)

    def is_package(self, stem: str) -> bool:
        """Whether modules lie below this path."""
        return self._modules.is_folder(stem)

    def target(self, fact: ImportFact, importer: Module) -> Module | None:
        """The module that an import means: the member, if it is a module, else what holds it."""
        stems = self.places(fact, importer)
        if fact.member:
            likely = [f"{stem}/{fact.member}" for stem in stems] + stems
        else:
            likely = stems + [posixpath.dirname(stem) for stem in stems]
        return next((self._stems[stem] for stem in likely if stem in self._stems), None)

    def places(self, fact: ImportFact, importer: Module) -> list[str]:
        """The paths where what stands after ``import`` or ``from`` may be, the likeliest first."""
        name = fact.module.replace(".", "/")
        if not fact.level:
            return [f"{base}/{name}" if base else name for base in self._bases_of(fact.module, importer)]
        folder = importer.folder
        for _ in range(fact.level - 1):
            folder = posixpath.dirname(folder)
        return [f"{folder}/{name}" if name else folder]

    def _bases_of(self, name: str, importer: Module) -> list[str]:
        """The source roots from which an importer takes what is called ``name``."""
        head = name.partition(".")[0]
        roots = self._roots_with(head)
        if not roots:
            return roots
        key = (head, importer.root, importer.folder)
        if key not in self._bases:
            self._bases[key] = self._ordered(head, roots, importer)
        return self._bases[key]

    def _ordered(self, head: str, roots: list[str], importer: Module) -> list[str]:
        """Those of the roots that an importer takes ``head`` from, in the order in which it looks into them.

        Its own comes first, then those above it, then the nearest. From elsewhere nothing is taken that the
        standard library has, and no script beside which the importer does not stand: a third-party package
        may be meant. Only a namespace package goes on in the next roots.
        """
        own = [root for root in (importer.root, *_upwards(importer.folder)) if root in roots]
        others = (
            [] if head in sys.stdlib_module_names else [root for root in roots if self._is_open(root, head)]
        )
        others.sort(key=lambda root: (-len(_common(root, importer.folder)), root))
        ordered = list(dict.fromkeys([*own, *others]))
        regular = [number for number, root in enumerate(ordered) if posixpath.join(root, head) in self._stems]
        return ordered[: regular[0] + 1] if regular else ordered

    def _is_open(self, root: str, head: str) -> bool:
        """Whether files elsewhere may import ``head`` from a root."""
        return root in self._modules.search_roots or self.is_package(posixpath.join(root, head))

    def _roots_with(self, head: str) -> list[str]:
        """The source roots that hold a top-level module or package called ``head``."""
        known = self._roots_by_head.get(head)
        if known is None:
            places = {root: posixpath.join(root, head) for root in self._modules.roots}
            known = self._roots_by_head[head] = sorted(
                root for root, place in places.items() if place in self._stems or self.is_package(place)
            )
        return known

    @cached_property
    def _stems(self) -> dict[str, Module]:
        """The modules by their path: a package before a file, a file before its stub."""
        found: dict[str, Module] = {}
        for ending in _ENDINGS:
            for module in self._modules.modules:
                if module.path.endswith(ending):
                    found.setdefault(module.path.removesuffix(ending), module)
        return found


def _upwards(folder: str) -> Iterator[str]:
    while True:
        yield folder
        if folder == posixpath.dirname(folder):
            return
        folder = posixpath.dirname(folder)


def _common(one: str, other: str) -> str:
    """The folder above both; "" if one of them is relative and the other is not."""
    if one.startswith("/") != other.startswith("/"):
        return ""
    return posixpath.commonpath([one or ".", other or "."])
