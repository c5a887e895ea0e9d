"""What a module calls, hands on, renames, assigns and derives, by name: where to look before evaluating."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal, NamedTuple

from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef
from servicelint.program.linking.reads import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from servicelint.facts.record import AttributeWrite, Expression
    from servicelint.program.linking.modules import Module
    from servicelint.program.linking.reads import Reads
    from servicelint.program.linking.vocabulary import Tables


def last_name(expression: Expression) -> str:
    """The name that a dotted expression ends in, or ""."""
    return expression.name if isinstance(expression, record.Name | record.Attribute) else ""


Indexed = Literal[
    "indexed calls", "indexed references", "indexed aliases", "indexed subclasses", "indexed writes"
]
"""What a module may have of a name."""

KINDS: dict[Indexed, Callable[[ModuleNames], Mapping[str, Collection[object]]]] = {
    "indexed calls": lambda names: names.calls,
    "indexed references": lambda names: names.references,
    "indexed aliases": lambda names: names.aliases,
    "indexed subclasses": lambda names: names.subclasses,
    "indexed writes": lambda names: names.writes,
}


class Alias(NamedTuple):
    """A further name for something: of a module, local to a scope, or an attribute."""

    name: str
    kind: Literal["module", "local", "attribute"]


class ModuleNames:
    """One module's calls, references, aliases, subclasses, methods and attribute writes by name."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.calls: defaultdict[str, list[CallRef]] = defaultdict(list)
        self.references: defaultdict[str, list[tuple[CallRef, int]]] = defaultdict(list)
        self.aliases: defaultdict[str, set[Alias]] = defaultdict(set)
        self.subclasses: defaultdict[str, list[int]] = defaultdict(list)
        self.methods: defaultdict[str, list[int]] = defaultdict(list)
        self.writes: defaultdict[str, list[AttributeWrite]] = defaultdict(list)
        self._imported_as: defaultdict[str, set[str]] = defaultdict(set)
        self._add_calls()
        self._add_aliases()
        self._add_classes()
        for write in module.facts.writes:
            self.writes[write.name].append(write)

    def spoken(self, name: str) -> set[str]:
        """``name`` and the names under which a library may know what the module calls so."""
        return {name} | self._imported_as.get(name, set())

    def spellings(self, name: str) -> set[str]:
        """The names under which the module may speak of what a library calls ``name``."""
        return {name} | {spoken for spoken, names in self._imported_as.items() if name in names}

    def has(self, kind: Indexed, name: str) -> bool:
        """Whether there is something of a kind by this name."""
        return bool(KINDS[kind](self).get(name))

    def _add_calls(self) -> None:
        for number, call in enumerate(self.module.facts.calls):
            ref = CallRef(self.module, number)
            name = last_name(call.callee)
            if name:
                self.calls[name].append(ref)
            for position, argument in enumerate(call.arguments):
                handed = last_name(argument.value)
                if handed:
                    self.references[handed].append((ref, position))

    def _add_aliases(self) -> None:
        for scope in self.module.facts.scopes:
            kind: Literal["module", "local"] = "module" if scope.kind == "module" else "local"
            for binding in scope.bindings:
                value = binding.value
                original = value.member if isinstance(value, record.Imported) else last_name(value)
                if isinstance(value, record.Imported) and original:
                    self._imported_as[binding.name].add(original)
                if original and original != binding.name:
                    is_shared = scope.kind == "class" or binding.name in scope.globals
                    self.aliases[original].add(Alias(binding.name, "attribute" if is_shared else kind))
        for write in self.module.facts.writes:
            original = last_name(write.value)
            if original and original != write.name:
                self.aliases[original].add(Alias(write.name, "attribute"))

    def _add_classes(self) -> None:
        for number, klass in enumerate(self.module.facts.classes):
            for base in klass.bases:
                named = base.value if isinstance(base, record.Subscript) else base
                for spoken in self.spoken(last_name(named)):
                    self.subclasses[spoken].append(number)
        for number, function in enumerate(self.module.facts.functions):
            if function.klass >= 0:
                self.methods[function.name].append(number)


class Index:
    """The names of all modules, each read when it is asked for.

    Most modules with a name in their text have nothing of the kind that is asked for. That alone is noted
    of them, as ``indexed calls:name``, and kept: no edit elsewhere in such a module is of interest to who
    asked, and a run that goes on need not read it. ``missing`` are the modules of which it was said.
    """

    def __init__(self, reads: Reads, tables: Tables) -> None:
        self.missing: defaultdict[tuple[Indexed, str], set[Module]] = defaultdict(set)
        self._reads = reads
        self._tables = tables
        self._known: dict[Module, ModuleNames] = {}

    def of(self, module: Module) -> ModuleNames:
        """The names of one module."""
        self._reads.note(module)
        return self._names(module)

    def calls(self, module: Module, name: str) -> list[CallRef]:
        """The calls of something by its last name."""
        return self.of(module).calls[name] if self._has(module, "indexed calls", name) else []

    def references(self, module: Module, name: str) -> list[tuple[CallRef, int]]:
        """The calls that are given something by its last name, each with the argument's position."""
        return self.of(module).references[name] if self._has(module, "indexed references", name) else []

    def aliases(self, module: Module, name: str) -> set[Alias]:
        """The further names of something."""
        return self.of(module).aliases[name] if self._has(module, "indexed aliases", name) else set()

    def subclasses(self, module: Module, name: str) -> list[int]:
        """The classes with a base of this name, or known by it in its library."""
        return self.of(module).subclasses[name] if self._has(module, "indexed subclasses", name) else []

    def writes(self, module: Module, name: str) -> list[AttributeWrite]:
        """The assignments to attributes of this name."""
        return self.of(module).writes[name] if self._has(module, "indexed writes", name) else []

    def _has(self, module: Module, kind: Indexed, name: str) -> bool:
        if module not in self._known and self._tables.peeked(module, kind, name) is False:
            is_there = False
        else:
            is_there = self._names(module).has(kind, name)
        if not is_there:
            self._reads.note(f"{kind}:{name}")
            self.missing[kind, name].add(module)
        return is_there

    def _names(self, module: Module) -> ModuleNames:
        known = self._known.get(module)
        if known is None:
            with self._reads.apart(Node()):  # who asks for less than all of it rests on less
                known = self._known[module] = ModuleNames(module)
        return known
