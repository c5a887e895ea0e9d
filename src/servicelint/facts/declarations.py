"""Reading statements that say where names come from: imports, ``global`` and ``nonlocal``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from servicelint.facts.names import dotted
from servicelint.facts.record import Imported, Name

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicelint.facts.builder import Builder


class DeclarationReader:
    """Binds what a scope takes from elsewhere."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.readers: dict[type, Callable[[Any], None]] = {
            cst.Import: self._import,
            cst.ImportFrom: self._import_from,
            cst.Global: self._global,
            cst.Nonlocal: self._nonlocal,
        }

    def _import(self, node: cst.Import) -> None:
        for alias in node.names:
            module = dotted(alias.name)
            if alias.asname:
                self.builder.bind(dotted(alias.asname.name), Imported(module))
            else:
                # ``import a.b`` binds ``a``; that ``a.b`` is loaded too matters to nobody here
                self.builder.bind(module.partition(".")[0], Imported(module.partition(".")[0]))

    def _import_from(self, node: cst.ImportFrom) -> None:
        module = dotted(node.module) if node.module else ""
        level = len(node.relative)
        if isinstance(node.names, cst.ImportStar):
            self.builder.scopes[self.builder.frame.scope].stars.append(Imported(module, "*", level))
            return
        for alias in node.names:
            member = dotted(alias.name)
            name = dotted(alias.asname.name) if alias.asname else member
            self.builder.bind(name, Imported(module, member, level))

    def _global(self, node: cst.Global) -> None:
        for item in node.names:
            self.builder.scopes[self.builder.frame.scope].globals.append(item.name.value)
            self.builder.bind(item.name.value, Name(item.name.value))

    def _nonlocal(self, node: cst.Nonlocal) -> None:
        for item in node.names:
            self.builder.scopes[self.builder.frame.scope].nonlocals.append(item.name.value)
            self.builder.bind(item.name.value, Name(item.name.value))
