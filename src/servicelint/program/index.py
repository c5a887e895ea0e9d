"""Indices over all modules' facts, by name: where to look, before anything is evaluated."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.values import CallRef, ClassRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from servicelint.facts.record import AttributeWrite, Expression, Function
    from servicelint.program.modules import Module


def last_name(expression: Expression) -> str:
    """The name that a dotted expression ends in, or ""."""
    return expression.name if isinstance(expression, record.Name | record.Attribute) else ""


FURTHEST_ALIAS = 2
"""Names given on this often are followed; beyond it, everyday names would lead from anywhere to anywhere."""


def _near(name: str, links: Mapping[str, set[str]]) -> set[str]:
    """``name`` and the names within a few links of it."""
    found = {name}
    fresh = [name]
    for _ in range(FURTHEST_ALIAS):
        fresh = [other for each in fresh for other in links.get(each, ()) if other not in found]
        found.update(fresh)
    return found


class Index:
    """Calls, references, aliases, subclasses and attribute writes by name."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._calls: defaultdict[str, list[CallRef]] = defaultdict(list)
        self._references: defaultdict[str, list[tuple[CallRef, int]]] = defaultdict(list)
        self._aliases: defaultdict[str, set[str]] = defaultdict(set)
        self._subclasses: defaultdict[str, list[ClassRef]] = defaultdict(list)
        self._spoken: dict[str, set[str]] = {}
        self._imported_as: defaultdict[str, set[str]] = defaultdict(set)
        self._known_originals: dict[str, set[str]] = {}
        self._originals: defaultdict[str, set[str]] = defaultdict(set)
        self._functions: defaultdict[str, list[tuple[Function, int]]] = defaultdict(list)
        self._class_fields: defaultdict[str, set[str]] = defaultdict(set)
        self._writes: defaultdict[str, list[tuple[Module, AttributeWrite]]] = defaultdict(list)
        for module in modules:
            self._add_calls(module)
            self._add_aliases(module)
            self._add_classes(module)
            self._add_functions(module)
            for write in module.facts.writes:
                self._writes[write.name].append((module, write))

    def _add_calls(self, module: Module) -> None:
        for number, call in enumerate(module.facts.calls):
            ref = CallRef(module, number)
            name = last_name(call.callee)
            if name:
                self._calls[name].append(ref)
            for position, argument in enumerate(call.arguments):
                handed = last_name(argument.value)
                if handed:
                    self._references[handed].append((ref, position))

    def _add_aliases(self, module: Module) -> None:
        for scope in module.facts.scopes:
            for binding in scope.bindings:
                value = binding.value
                original = value.member if isinstance(value, record.Imported) else last_name(value)
                if isinstance(value, record.Imported) and original:
                    self._imported_as[binding.name].add(original)
                if original and original != binding.name:
                    self._aliases[original].add(binding.name)
                    self._originals[binding.name].add(original)
        for write in module.facts.writes:
            original = last_name(write.value)
            if original and original != write.name:
                self._aliases[original].add(write.name)
                self._originals[write.name].add(original)

    def _add_functions(self, module: Module) -> None:
        classes = module.facts.classes
        for function in module.facts.functions:
            offset = 1 if function.klass >= 0 else 0
            self._functions[function.name].append((function, offset))
            if function.name == "__init__" and function.klass >= 0:
                self._functions[classes[function.klass].name].append((function, 1))

    def _add_classes(self, module: Module) -> None:
        for number, klass in enumerate(module.facts.classes):
            body = module.facts.scopes[klass.scope]
            self._class_fields[klass.name].update(b.name for b in body.bindings if b.annotation is not None)
            for base in klass.bases:
                named = base.value if isinstance(base, record.Subscript) else base
                self._subclasses[last_name(named)].append(ClassRef(module, number))

    def calls_named(self, name: str) -> list[CallRef]:
        """The calls whose callee ends in ``name``."""
        return self._calls.get(name, [])

    def references_named(self, name: str) -> list[tuple[CallRef, int]]:
        """The calls that have something ending in ``name`` as an argument, with its position."""
        return self._references.get(name, [])

    def aliases(self, name: str) -> set[str]:
        """``name`` and the other names that something of this name is given."""
        return _near(name, self._aliases)

    def originals(self, name: str) -> set[str]:
        """The functions and classes of the program that are called ``name``, or that it may stand for."""
        known = self._known_originals.get(name)
        if known is None:
            near = _near(name, self._originals)
            known = {other for other in near if other in self._functions or other in self._class_fields}
            self._known_originals[name] = known
        return known

    def spoken(self, name: str) -> set[str]:
        """``name`` and the names under which a library may know what it stands for."""
        known = self._spoken.get(name)
        if known is None:
            known = self._spoken[name] = {name} | self._imported_as.get(name, set())
        return known

    def functions_named(self, name: str) -> list[tuple[Function, int]]:
        """The functions (or constructors of classes) of this name, with the offset of their arguments."""
        return self._functions.get(name, [])

    def fields_of(self, name: str) -> set[str]:
        """The annotated names in the bodies of classes of this name."""
        return self._class_fields.get(name, set())

    def subclass_candidates(self, name: str) -> list[ClassRef]:
        """The classes that may inherit, at any distance, from a class of this name."""
        found: dict[ClassRef, None] = {}
        fresh = [name]
        seen = {name}
        while fresh:
            for alias in self.aliases(fresh.pop()):
                for klass in self._subclasses.get(alias, ()):
                    found[klass] = None
                    below = klass.module.facts.classes[klass.index].name
                    if below not in seen:
                        seen.add(below)
                        fresh.append(below)
        return list(found)

    def writes(self, name: str) -> list[tuple[Module, AttributeWrite]]:
        """The assignments to an attribute of this name, in any module."""
        return self._writes.get(name, [])
