"""Indices over all modules' facts, by name: where to look, before anything is evaluated."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.values import CallRef, ClassRef

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicelint.facts.record import AttributeWrite, Expression
    from servicelint.program.modules import Module


def last_name(expression: Expression) -> str:
    """The name that a dotted expression ends in, or ""."""
    return expression.name if isinstance(expression, record.Name | record.Attribute) else ""


class Index:
    """Calls, references, aliases, subclasses and attribute writes by name."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._calls: defaultdict[str, list[CallRef]] = defaultdict(list)
        self._references: defaultdict[str, list[tuple[CallRef, int]]] = defaultdict(list)
        self._aliases: defaultdict[str, set[str]] = defaultdict(set)
        self._subclasses: defaultdict[str, list[ClassRef]] = defaultdict(list)
        self._writes: defaultdict[str, list[tuple[Module, AttributeWrite]]] = defaultdict(list)
        for module in modules:
            self._add_calls(module)
            self._add_aliases(module)
            self._add_classes(module)
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
                if original and original != binding.name:
                    self._aliases[original].add(binding.name)
        for write in module.facts.writes:
            original = last_name(write.value)
            if original and original != write.name:
                self._aliases[original].add(write.name)

    def _add_classes(self, module: Module) -> None:
        for number, klass in enumerate(module.facts.classes):
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
        """``name`` and every other name that something of this name is given."""
        found = {name}
        fresh = [name]
        while fresh:
            for other in self._aliases.get(fresh.pop(), ()):
                if other not in found:
                    found.add(other)
                    fresh.append(other)
        return found

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
