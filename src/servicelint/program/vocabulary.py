"""Which modules hold a word: the first question of every search, answered without parsing anything."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from servicelint.facts import words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from servicelint.program.modules import Module


class Vocabulary:
    """The words of all modules, each with the modules that hold it, in the program's order."""

    def __init__(self, modules: Sequence[Module]) -> None:
        self.modules = modules

    def modules_with(self, word: str) -> Sequence[Module]:
        """The modules that hold a word, be it in a comment."""
        return self._words.get(word, ())

    def modules_assigning(self, attribute: str) -> Sequence[Module]:
        """The modules that may assign an attribute of an object that is not a method's own."""
        return self._assigned.get(attribute, ())

    def modules_importing(self, symbols: frozenset[str]) -> list[Module]:
        """The modules whose import statements name one of these symbols, or all of a module among them."""
        wanted = {
            module
            for symbol in symbols
            for name in (symbol, f"{symbol}.*")
            for module in self._imported.get(name, ())
        }
        return [module for module in self.modules if module in wanted]

    def importers(self, owner: str, name: str) -> set[Module]:
        """The modules that import ``name``, or everything, from a module whose last name is ``owner``.

        With no owner: from a package that is only told by dots.
        """
        return self._members[owner, name] | self._members[owner, "*"]

    def modules_naming(self, name: str) -> set[Module]:
        """The modules with an import statement that ends in a module (or member) called ``name``."""
        return self._ends[name]

    @cached_property
    def _words(self) -> dict[str, list[Module]]:
        return self._inverted(words.words)

    @cached_property
    def _assigned(self) -> dict[str, list[Module]]:
        return self._inverted(words.assigned)

    @cached_property
    def _imported(self) -> dict[str, list[Module]]:
        return self._inverted(words.imported)

    @cached_property
    def _members(self) -> defaultdict[tuple[str, str], set[Module]]:
        found: defaultdict[tuple[str, str], set[Module]] = defaultdict(set)
        for name, modules in self._imported.items():
            owner, _, last = name.rpartition(".")
            found[owner.rpartition(".")[2], last].update(modules)
        return found

    @cached_property
    def _ends(self) -> defaultdict[str, set[Module]]:
        found: defaultdict[str, set[Module]] = defaultdict(set)
        for (_, last), modules in self._members.items():
            found[last] |= modules
        return found

    def _inverted(self, scan: Callable[[str], set[str]]) -> dict[str, list[Module]]:
        found: defaultdict[str, list[Module]] = defaultdict(list)
        for module in self.modules:
            for word in scan(module.source):
                found[word].append(module)
        return dict(found)
