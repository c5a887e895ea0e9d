"""Reading statements that say where names come from: imports, ``global`` and ``nonlocal``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from servicelint.facts.record import Imported, Name

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicelint.facts.builder import Builder


class DeclarationReader:
    """Binds what a scope takes from elsewhere."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.readers: dict[type, Callable[[Any], None]] = {
            ast.Import: self._import,
            ast.ImportFrom: self._import_from,
            ast.Global: self._global,
            ast.Nonlocal: self._nonlocal,
        }

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.asname:
                self.builder.bind(alias.asname, Imported(alias.name))
            else:
                # ``import a.b`` binds ``a``; that ``a.b`` is loaded too matters to nobody here
                first = alias.name.partition(".")[0]
                self.builder.bind(first, Imported(first))

    def _import_from(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            imported = Imported(node.module or "", alias.name, node.level)
            if alias.name == "*":
                self.builder.scopes[self.builder.frame.scope].stars.append(imported)
            else:
                self.builder.bind(alias.asname or alias.name, imported)

    def _global(self, node: ast.Global) -> None:
        self._declare(node.names, self.builder.scopes[self.builder.frame.scope].globals)

    def _nonlocal(self, node: ast.Nonlocal) -> None:
        self._declare(node.names, self.builder.scopes[self.builder.frame.scope].nonlocals)

    def _declare(self, names: list[str], declared: list[str]) -> None:
        for name in names:
            declared.append(name)
            self.builder.bind(name, Name(name))
