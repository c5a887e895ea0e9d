"""Where a symbol of the program can be used, judged by the words of the modules.

A symbol whose name stands in few modules may be used in all of them. An everyday name is only looked for
where more speaks for it: in the folder of its module, where the module, its package or its class is named,
or something that holds an object of the class. That keeps a question on one function from becoming a
question on every file, and reads the same files whether or not they have been parsed already.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from servicelint.program.linking.reads import Memo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicelint.program.evaluation.values import ClassRef
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

FEW = 60
"""Modules with a name that are looked into without asking for more."""

_ENTRY = "__init__"


class Reach:
    """Finds the modules that may use a function, a class, or a member of one."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._names: Memo[tuple[Module, str], list[Module]] = Memo(program.reads)
        self._members: Memo[tuple[ClassRef, str], list[Module]] = Memo(program.reads)
        self._holders: Memo[ClassRef, set[str]] = Memo(program.reads)

    def of_name(self, module: Module, name: str) -> list[Module]:
        """The modules that may use ``name`` of a module."""
        return self._names.answer((module, name), lambda: self._users(module, name))

    def of_member(self, klass: ClassRef, name: str) -> list[Module]:
        """The modules that may use the attribute or method ``name`` of a class's objects."""
        return self._members.answer((klass, name), lambda: self._users_of_member(klass, name))

    def _users_of_member(self, klass: ClassRef, name: str) -> list[Module]:
        holding = list(self.program.vocabulary.modules_with(name))
        if len(holding) <= FEW:
            return holding
        signs = self.holders(klass) | {self.program.attributes.classes.record_of(klass).name}
        return self._near(klass.module, holding, signs)

    def of_attribute(self, module: Module, name: str) -> list[Module]:
        """The modules that may use an attribute of which only the name is known."""
        holding = self.program.vocabulary.modules_with(name)
        return list(holding) if len(holding) <= FEW else [module]

    # --- names of modules ------------------------------------------------------------------------

    def _users(self, module: Module, name: str) -> list[Module]:
        holding = list(self.program.vocabulary.modules_with(name))
        if len(holding) <= FEW:
            return holding
        found = {module}
        pending = [module]
        while pending:
            origin = pending.pop()
            members = self._importers(origin, name) - found
            found |= members
            pending += members
            through = self.program.vocabulary.modules_naming(_import_name(origin))
            found |= {user for user in through if self.program.vocabulary.dots(user, name)}
        return [user for user in holding if user in found]

    def _importers(self, module: Module, name: str) -> set[Module]:
        """The modules that import ``name``, or everything, from a module that is called as this one."""
        vocabulary = self.program.vocabulary
        beside = {user for user in vocabulary.importers("", name) if _is_above(module, user)}
        return vocabulary.importers(_import_name(module), name) | beside

    def _near(self, module: Module, holding: Iterable[Module], signs: set[str]) -> list[Module]:
        """Those of ``holding`` that lie beside or below a module, or hold one of the signs."""
        signed = {user for sign in signs for user in self.program.vocabulary.modules_with(sign)}
        return [user for user in holding if user in signed or _is_above(module, user)]

    # --- what holds objects of a class -----------------------------------------------------------

    def holders(self, klass: ClassRef) -> set[str]:
        """The names of the functions that return objects of a class, and of the variables that keep them."""
        return self._holders.answer(klass, lambda: self._find_holders(klass))

    def _find_holders(self, klass: ClassRef) -> set[str]:
        name = self.program.attributes.classes.record_of(klass).name
        vocabulary = self.program.vocabulary
        modules = vocabulary.modules_with(name)[:FEW]
        return {holder for module in modules for holder in vocabulary.holders(module, name)}


def _import_name(module: Module) -> str:
    """The word by which other modules import from a module: its own name, or its package's."""
    stem = posixpath.splitext(posixpath.basename(module.path))[0]
    return posixpath.basename(module.folder) if stem == _ENTRY else stem


def _is_above(module: Module, user: Module) -> bool:
    """Whether ``user`` lies beside or below ``module``: ``from . import`` in it may mean that package."""
    return user.folder == module.folder or user.folder.startswith(f"{module.folder}/")
