"""What a module calls, hands on, renames, assigns and derives, by name: where to look before evaluating."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal, NamedTuple

from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef

if TYPE_CHECKING:
    from servicelint.facts.record import AttributeWrite, Expression
    from servicelint.program.linking.modules import Module


def last_name(expression: Expression) -> str:
    """The name that a dotted expression ends in, or ""."""
    return expression.name if isinstance(expression, record.Name | record.Attribute) else ""


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
    """The names of all modules, each read when it is asked for."""

    def __init__(self) -> None:
        self._known: dict[Module, ModuleNames] = {}

    def of(self, module: Module) -> ModuleNames:
        """The names of one module."""
        known = self._known.get(module)
        if known is None:
            known = self._known[module] = ModuleNames(module)
        module.reads.note(module)
        return known
