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
        """The modules whose import statements name one of these symbols, a module among them or all of one.

        A module that is only part of the way to others (``http`` of ``http.client``) counts where it is
        imported itself.
        """
        packages = {symbol.partition(".")[0] for symbol in symbols}
        candidates = {module for package in packages for module in self.modules_with(package)}
        return [
            module
            for module in self.modules
            if module in candidates and any(_leads(name, symbols) for name in module.imports)
        ]

    @cached_property
    def _words(self) -> dict[str, list[Module]]:
        return self._inverted(words.words)

    @cached_property
    def _assigned(self) -> dict[str, list[Module]]:
        return self._inverted(words.assigned)

    def _inverted(self, scan: Callable[[str], set[str]]) -> dict[str, list[Module]]:
        found: defaultdict[str, list[Module]] = defaultdict(list)
        for module in self.modules:
            for word in scan(module.source):
                found[word].append(module)
        return dict(found)


def _leads(name: str, symbols: frozenset[str]) -> bool:
    return name in symbols or (name.endswith(".*") and name[:-2] in symbols)
