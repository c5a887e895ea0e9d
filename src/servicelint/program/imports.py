"""Who imports whom: the import facts of all modules, linked to the modules that they mean."""

from __future__ import annotations

import posixpath
import sys
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from servicelint.facts.imports import imports, literal_names
from servicelint.program.attribute_imports import AttributeImports
from servicelint.program.import_edges import Import

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from servicelint.facts.imports import ImportFact
    from servicelint.program.modules import Module, ModuleIndex


_ENDINGS = ("/__init__.py", ".py", ".pyi", "/__init__.pyi")


class Imports:
    """The imports between the modules of a program.

    ``read`` gives the import facts of a module; by default they are read from its text.
    """

    def __init__(
        self, modules: ModuleIndex, read: Callable[[Module], Sequence[ImportFact]] | None = None
    ) -> None:
        self._modules = modules
        self._read = read or (lambda module: imports(module.source))
        self._read_facts: dict[Module, Sequence[ImportFact]] = {}
        self._known: dict[Module, list[Import]] = {}
        self._all: dict[Module, list[Import]] = {}
        self._attributes = AttributeImports(self)
        self._heads: dict[str, frozenset[str]] = {}
        self._bases: dict[tuple[str, str, str], str | None] = {}

    def statements(self, module: Module) -> list[Import]:
        """The imports of other modules by a module's statements, in order; stubs import nothing."""
        known = self._known.get(module)
        if known is None:
            facts = self._facts(module)
            known = self._known[module] = self._linked(module, facts)
        return known

    def of(self, module: Module) -> list[Import]:
        """The imports of other modules by a module, in order: statements, calls, attributes of packages."""
        known = self._all.get(module)
        if known is None:
            statements = self.statements(module)
            others = self._linked(module, self._calls(module)) + self._attributes.of(module, statements)
            known = self._all[module] = (
                sorted([*statements, *others], key=lambda each: (each.fact.statement, each.fact.start))
                if others
                else statements
            )
        return known

    def bindings(self, module: Module) -> Iterator[tuple[ImportFact, str]]:
        """The names that a module's statements bind, each with the path, without ending, of what it means."""
        for fact in self._facts(module):
            if fact.member == "*":
                continue
            stem = self.stem(fact, module)
            if stem is not None:
                head = fact.module.partition(".")[0]
                if fact.member:
                    stem = f"{stem}/{fact.member}"
                elif fact.bound == head:  # ``import a.b`` binds ``a``
                    stem = stem[: len(stem) - len(fact.module) + len(head)]
                yield fact, stem

    def at(self, stem: str) -> Module | None:
        """The module whose path is ``stem``, without its ending."""
        return self._stems.get(stem)

    def is_package(self, stem: str) -> bool:
        """Whether modules lie below a path."""
        return self._modules.is_folder(stem)

    def _facts(self, module: Module) -> Sequence[ImportFact]:
        known = self._read_facts.get(module)
        if known is None:
            facts = () if module.path.endswith(".pyi") else self._read(module)
            known = self._read_facts[module] = facts
        return known

    def _calls(self, module: Module) -> list[ImportFact]:
        """What calls import: the few files that may so name a module of the program are parsed."""
        if not any(self._target(fact, module) for fact in literal_names(module.source)):
            return []
        from servicelint.facts.dynamic_imports import dynamic_imports  # brings libcst

        return dynamic_imports(module.facts, module.lines)

    @cached_property
    def importers(self) -> Mapping[Module, list[Import]]:
        """For each module the imports of it."""
        found: defaultdict[Module, list[Import]] = defaultdict(list)
        for module in self._modules.modules:
            for each in self.of(module):
                found[each.target].append(each)
        return found

    def _linked(self, module: Module, facts: Iterable[ImportFact]) -> list[Import]:
        linked = ((fact, self._target(fact, module)) for fact in facts)
        return [Import(module, fact, target) for fact, target in linked if target and target is not module]

    def _target(self, fact: ImportFact, importer: Module) -> Module | None:
        """The module that an import means: the member, if it is a module, else what holds it."""
        stem = self.stem(fact, importer)
        if stem is None:
            return None
        if fact.member:
            return self._stems.get(f"{stem}/{fact.member}") or self._stems.get(stem)
        return self._stems.get(stem) or self._stems.get(posixpath.dirname(stem))

    def stem(self, fact: ImportFact, importer: Module) -> str | None:
        """The path, without ending, of the module or package that stands after ``import`` or ``from``."""
        if not fact.level:
            return self._absolute(fact.module, importer)
        folder = importer.folder
        for _ in range(fact.level - 1):
            folder = posixpath.dirname(folder)
        return posixpath.join(folder, fact.module.replace(".", "/")) if fact.module else folder

    def _absolute(self, name: str, importer: Module) -> str | None:
        head = name.partition(".")[0]
        key = (head, importer.root, importer.folder)
        if key not in self._bases:
            self._bases[key] = self._base(head, importer)
        base = self._bases[key]
        return posixpath.join(base, name.replace(".", "/")) if base is not None else None

    def _base(self, head: str, importer: Module) -> str | None:
        """The source root from which an importer takes the top-level module or package ``head``.

        Its own root comes first, then those above it, then the nearest. From elsewhere nothing is taken that
        the standard library has, and no script beside which the importer does not stand: a third-party
        package may be meant.
        """
        roots = self._roots_with(head)
        if not roots:
            return None
        for root in (importer.root, *_above(importer.folder)):
            if root in roots:
                return root
        if head in sys.stdlib_module_names:
            return None
        index = self._modules
        others = [
            root
            for root in roots
            if root in index.search_roots or index.is_folder(posixpath.join(root, head))
        ]
        return max(others, key=lambda root: (len(_common(root, importer.folder)), root), default=None)

    def _roots_with(self, head: str) -> frozenset[str]:
        """The source roots that hold a top-level module or package called ``head``."""
        known = self._heads.get(head)
        if known is None:
            places = {root: posixpath.join(root, head) for root in self._modules.roots}
            known = self._heads[head] = frozenset(
                root
                for root, place in places.items()
                if place in self._stems or self._modules.is_folder(place)
            )
        return known

    @cached_property
    def _stems(self) -> dict[str, Module]:
        """The modules by their path without ending: a package before a file, a file before its stub."""
        found: dict[str, Module] = {}
        for ending in _ENDINGS:
            for module in self._modules.modules:
                if module.path.endswith(ending):
                    found.setdefault(module.path.removesuffix(ending), module)
        return found


def _above(folder: str) -> Iterator[str]:
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
