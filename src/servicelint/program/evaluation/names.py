"""Names beyond a scope's own: enclosing scopes, modules, imports, builtins."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from servicelint.program.evaluation.values import (
    UNKNOWN,
    External,
    ModuleValue,
    Values,
    merge,
    without_placeholder,
)

if TYPE_CHECKING:
    from servicelint.facts.record import Imported
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program


class Names:
    """Looks names up where the record found no definition that reaches them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._outer_writes: dict[Module, dict[str, list[tuple[int, int]]]] = {}
        self._open: set[tuple[str, str]] = set()

    # --- scopes ----------------------------------------------------------------------------------

    def free(self, name: str, frame: Frame) -> Values:
        """What ``name`` is in a frame whose scope does not define it where it is read."""
        scopes = frame.module.facts.scopes
        scope = scopes[frame.scope]
        outward: Frame | None = frame
        number = frame.scope
        if name in scope.globals:
            number, outward = 0, None
        elif name in scope.nonlocals:
            number, outward = scope.parent, frame.closure
        while number > 0:
            here = scopes[number]
            if here.kind == "function" or number == frame.scope:
                found = self._in_scope(name, number, frame.module, outward)
                if found is not None:
                    return found
            outward = outward.closure if outward is not None else None
            number = here.parent
        return self.in_module(frame.module, name) or (External(f"builtins.{name}"),)

    def _in_scope(self, name: str, number: int, module: Module, frame: Frame | None) -> Values | None:
        """What any binding of ``name`` in an enclosing scope holds; None if it has no such name."""
        bindings = module.facts.scopes[number].bindings
        numbers = [index for index, binding in enumerate(bindings) if binding.name == name]
        if not numbers:
            return None
        if frame is None or frame.scope != number:
            frame = self.program.root_frame(module, number)
        numbers = module.facts.scopes[number].final.get(name) or numbers
        found = self.program.evaluator.bindings(frame, numbers)
        assigned = self._outer(module, number, name)
        return without_placeholder(merge(found, assigned)) if assigned else found

    def _outer(self, module: Module, scope: int, name: str) -> Values:
        """What functions assign to ``name`` of ``scope`` through ``global`` or ``nonlocal``."""
        evaluator = self.program.evaluator
        writes = self._writes_of(module).get(f"{scope}:{name}", ())
        return merge(
            *(evaluator.binding(self.program.root_frame(module, inner), number) for inner, number in writes)
        )

    def _writes_of(self, module: Module) -> dict[str, list[tuple[int, int]]]:
        known = self._outer_writes.get(module)
        if known is None:
            known = self._outer_writes[module] = _outer_writes(module)
        return known

    # --- modules ---------------------------------------------------------------------------------

    def in_module(self, module: Module, name: str) -> Values | None:
        """What ``name`` is at the end of a module; None if the module has no such name."""
        scope = module.facts.scopes[0]
        found: Values = ()
        if name in scope.final:
            frame = self.program.root_frame(module, 0)
            found = self.program.evaluator.bindings(frame, scope.final[name])
        assigned = self._outer(module, 0, name)
        if name in scope.final or assigned:
            # a None at module level only holds the place for what functions assign
            return (without_placeholder(merge(found, assigned)) if assigned else found) or (UNKNOWN,)
        return self._from_star(module, name)

    def _from_star(self, module: Module, name: str) -> Values | None:
        key = (module.path, name)
        if key in self._open or name.startswith("_"):
            return None
        self._open.add(key)
        try:
            for star in module.facts.scopes[0].stars:
                for owner in self._module_of(star, module):
                    found = self._exported(owner, name)
                    if found:
                        return found
        finally:
            self._open.discard(key)
        return None

    def _exported(self, owner: ModuleValue | External, name: str) -> Values | None:
        if isinstance(owner, External):
            symbol = External(f"{owner.name}.{name}")
            return (symbol,) if self.program.catalog.knows(symbol.name) else None
        return self.in_module(owner.module, name) if owner.module else None

    def member(self, owner: ModuleValue, name: str) -> Values:
        """``owner.name``: a name of the module, or a module below the package."""
        found = self.in_module(owner.module, name) if owner.module else None
        if found:
            return found
        below = self._module_at(posixpath.join(owner.folder, name), f"{owner.name}.{name}")
        return (below,) if below else (UNKNOWN,)

    # --- imports ---------------------------------------------------------------------------------

    def imported(self, imported: Imported, module: Module) -> Values:
        """What an import binds."""
        owners = self._module_of(imported, module)
        if not imported.member:
            return owners
        return merge(*(self._imported_member(owner, imported.member, module) for owner in owners))

    def _imported_member(self, owner: ModuleValue | External, name: str, importer: Module) -> Values:
        if isinstance(owner, External):
            return (External(f"{owner.name}.{name}"),)
        if owner.module is importer:  # ``from . import x`` in an ``__init__`` means the module x first
            below = self._module_at(posixpath.join(owner.folder, name), f"{owner.name}.{name}")
            if below:
                return (below,)
        return self.member(owner, name)

    def origin(self, imported: Imported, module: Module) -> Module | None:
        """The module of the program that an import takes its member from."""
        owners = self._module_of(imported, module) if imported.member else ()
        return next((owner.module for owner in owners if isinstance(owner, ModuleValue)), None)

    def _module_of(self, imported: Imported, module: Module) -> tuple[ModuleValue | External, ...]:
        index = self.program.modules
        if imported.level:
            stem: str | None = index.relative(imported, module)
        else:
            stem = index.locate(imported.module, module)
        if stem is None:
            return (External(imported.module),)
        found = self._module_at(stem, imported.module)
        return (found,) if found else (External("." * imported.level + imported.module),)

    def _module_at(self, stem: str, name: str) -> ModuleValue | None:
        module = self.program.modules.at(stem)
        if module or self.program.modules.is_folder(stem):
            return ModuleValue(module.name if module else name, stem, module)
        return None


def _outer_writes(module: Module) -> dict[str, list[tuple[int, int]]]:
    """By ``scope:name``, the bindings that functions make in scopes around them."""
    found: dict[str, list[tuple[int, int]]] = {}
    scopes = module.facts.scopes
    for number, scope in enumerate(scopes):
        for name in scope.globals:
            _collect(found, f"0:{name}", module, number, name)
        for name in scope.nonlocals:
            outer = scope.parent
            while outer > 0 and (scopes[outer].kind != "function" or name in scopes[outer].nonlocals):
                outer = scopes[outer].parent
            _collect(found, f"{outer}:{name}", module, number, name)
    return found


def _collect(
    found: dict[str, list[tuple[int, int]]], key: str, module: Module, scope: int, name: str
) -> None:
    for number, binding in enumerate(module.facts.scopes[scope].bindings):
        if binding.name == name:
            found.setdefault(key, []).append((scope, number))
