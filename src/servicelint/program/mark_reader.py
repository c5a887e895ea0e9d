"""Reading marks: what an expression may be, by the marks known so far."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from servicelint.catalog.model import Client
from servicelint.facts import record
from servicelint.program.index import last_name
from servicelint.program.marks import (
    BOX,
    CALLED,
    CLIENT,
    CONTAINER_METHODS,
    EVERYDAY,
    HANDING_ON,
    METHOD,
    NOTHING,
    PROXY,
    TRANSPARENT,
    Marks,
    families,
    lead,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from servicelint.facts.record import Expression, Function
    from servicelint.program.modules import Module
    from servicelint.program.program import Program


class MarkReader:
    """Holds what is marked, and reads expressions by it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._prefixes = program.catalog.prefixes()
        self._methods = program.catalog.method_names()
        self._slots: defaultdict[tuple[Module, int, str], set[str]] = defaultdict(set)
        self._families = families(program)
        # by family of classes and name; those of family "" are anybody's
        self._attributes: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._results: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._returned: defaultdict[int, set[str]] = defaultdict(set)
        self._foreign: defaultdict[str, set[str]] = defaultdict(set)
        self._bases: defaultdict[str, set[str]] = defaultdict(set)
        self._open: set[tuple[Module, str]] = set()
        self._receivers: dict[tuple[Module, int, str], str] = {}
        self._parameters: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
        self._scope_names: dict[tuple[Module, int], frozenset[str]] = {}
        self._readers: dict[type, Callable[[Any, Module, int], Marks]] = {
            record.Name: self._name,
            record.Attribute: self._attribute,
            record.CallValue: lambda e, module, _: self._result(module, module.facts.calls[e.call]),
            record.Subscript: lambda e, module, scope: self._part(self.of(e.value, module, scope)),
            record.Element: lambda e, module, scope: self._part(self.of(e.value, module, scope)),
            record.Item: lambda e, module, scope: self._part(self.of(e.value, module, scope)),
            record.Operation: lambda e, module, scope: self._any((e.left, e.right), module, scope),
            record.Choice: lambda e, module, scope: self._any(e.operands, module, scope),
            record.Conditional: lambda e, module, scope: self._any((e.body, e.orelse), module, scope),
            record.Awaited: lambda e, module, scope: self.of(e.value, module, scope),
            record.Entered: lambda e, module, scope: self.of(e.value, module, scope),
            record.Unpacked: lambda e, module, scope: self.of(e.value, module, scope),
            record.Updated: lambda e, module, scope: self._any((e.previous, e.value), module, scope),
            record.Narrowed: lambda e, module, scope: self.of(e.value, module, scope),
            record.Collected: lambda e, module, scope: self._boxed(self.of(e.element, module, scope)),
            record.Sequence: lambda e, module, scope: self._boxed(self._any(e.items, module, scope)),
            record.Mapping: lambda e, module, scope: self._boxed(
                self._any([v for _, v in e.items], module, scope)
            ),
            record.Imported: lambda e, module, _: self._imported(e, module),
            record.FunctionValue: lambda e, module, _: self._callable(module.facts.functions[e.function]),
            record.ClassValue: lambda e, module, _: frozenset(
                self._bases.get(module.facts.classes[e.klass].name, ())
            ),
        }

    def of(self, expression: Expression, module: Module, scope: int) -> Marks:
        """What an expression may be."""
        reader = self._readers.get(type(expression))
        return reader(expression, module, scope) if reader else NOTHING

    def _receiver(self, module: Module, scope: int, expression: Expression) -> str:
        """The family of the class whose own object (or class, or ``super()``) an expression names, or ""."""
        if isinstance(expression, record.CallValue):
            callee = module.facts.calls[expression.call].callee
            if last_name(callee) != "super":
                return ""
            expression = record.Name("self")
        if not isinstance(expression, record.Name):
            return ""
        key = (module, scope, expression.name)
        known = self._receivers.get(key)
        if known is None:
            klass = self.program.attributes.classes.receiver_class(module, scope, expression)
            name = module.facts.classes[klass].name if klass >= 0 else ""
            known = self._receivers[key] = self._families.get(name, name)
        return known

    # --- expressions -----------------------------------------------------------------------------

    def _any(self, expressions: Iterable[Expression], module: Module, scope: int) -> Marks:
        found: Marks = NOTHING
        for expression in expressions:
            found |= self.of(expression, module, scope)
        return found

    def _name(self, name: record.Name, module: Module, scope: int) -> Marks:
        scopes = module.facts.scopes
        number = scope
        if name.name in scopes[scope].globals:
            number = 0
        while number >= 0:
            here = scopes[number]
            if name.name in self._names_of(module, number) and (here.kind != "class" or number == scope):
                return frozenset(self._slots[module, number, name.name])
            number = here.parent
        found = NOTHING
        for star in scopes[0].stars:
            found |= self._imported(record.Imported(star.module, name.name, star.level), module)
        return found

    def _names_of(self, module: Module, scope: int) -> frozenset[str]:
        known = self._scope_names.get((module, scope))
        if known is None:
            here = module.facts.scopes[scope]
            names = {binding.name for binding in here.bindings} - set(here.globals) - set(here.nonlocals)
            if scope == 0:
                names.update(name for other in module.facts.scopes for name in other.globals)
            known = self._scope_names[module, scope] = frozenset(names)
        return known

    def _attribute(self, attribute: record.Attribute, module: Module, scope: int) -> Marks:
        base = self.of(attribute.value, module, scope)
        family = self._receiver(module, scope, attribute.value)
        found: set[str] = set(self._attributes.get((family, attribute.name), ()))
        if family:
            found |= self._foreign.get(attribute.name, set())
        for mark in base:
            if mark == PROXY:
                found.add(PROXY)
            elif mark == CLIENT and attribute.name in self._methods:
                found.add(METHOD)
            elif mark == BOX and attribute.name in CONTAINER_METHODS:
                found.add(BOX)
            elif mark in (CLIENT, METHOD, BOX) or mark.startswith(CALLED):
                continue
            elif mark.startswith("module:"):
                found |= self._member(mark, attribute.name)
            else:
                found |= self._symbol(f"{mark}.{attribute.name}")
        return frozenset(found)

    def _callable(self, function: Function) -> Marks:
        """A function by what it returns; what functions that return functions lead to is cut short."""
        returned = self._returned.get(id(function), ())
        return frozenset(f"{CALLED}{mark}" for mark in returned if not mark.startswith(2 * CALLED))

    def _symbol(self, name: str) -> Marks:
        return frozenset({name}) if name in self._prefixes else NOTHING

    def _part(self, marks: Marks) -> Marks:
        return marks | {CLIENT, METHOD} if BOX in marks else marks

    def _boxed(self, marks: Marks) -> Marks:
        return marks | {BOX} if lead(marks) or any(mark.startswith(CALLED) for mark in marks) else NOTHING

    def _result(self, module: Module, call: record.Call) -> Marks:
        """What calling something may return."""
        name = last_name(call.callee)
        found: set[str] = set()
        found |= self._own_result(module, call, name)
        if HANDING_ON & self.program.index.spoken(name):
            found |= self._handed_on(module, call)
        if name == "super":
            found |= self._name(record.Name("self"), module, call.scope)
        for mark in self.of(call.callee, module, call.scope):
            if mark.startswith(CALLED):
                found.add(mark.removeprefix(CALLED))
            elif mark == BOX:
                found |= {CLIENT, BOX, METHOD} if name in CONTAINER_METHODS else set()
            elif mark == METHOD:
                found |= {CLIENT} if name in self.program.catalog.making_methods() else set()
            elif mark not in (CLIENT, PROXY) and not mark.startswith("module:"):
                found |= self._made(mark)
        return frozenset(found)

    def _own_result(self, module: Module, call: record.Call, name: str) -> set[str]:
        """What the program's own functions of this name return."""
        found: set[str] = set()
        owner = call.callee.value if isinstance(call.callee, record.Attribute) else None
        family = self._receiver(module, call.scope, owner) if owner is not None else ""
        if family:
            return set(self._results.get((family, name), ()))
        if owner is not None and name in EVERYDAY:
            return found
        if owner is not None and name:
            found |= self._results.get(("*", name), set())
        return found

    def _made_by_class(self, name: str) -> set[str]:
        """The client that an object of one of the program's own subclasses is."""
        found: set[str] = set()
        for original in self.program.index.originals(name) if name else ():
            for mark in self._bases.get(original, ()):
                is_symbol = not mark.startswith("module:") and mark not in (CLIENT, METHOD, BOX, PROXY)
                found |= self._made(mark) if is_symbol else {mark}
        return found

    def _handed_on(self, module: Module, call: record.Call) -> Marks:
        found = self._any((argument.value for argument in call.arguments), module, call.scope)
        found |= {mark.removeprefix(CALLED) for mark in found}
        for mark in tuple(found):
            if not mark.startswith("module:") and mark not in (CLIENT, METHOD, BOX, PROXY):
                found |= self._made(mark)
        return found | {METHOD} if CLIENT in found else found

    def _made(self, symbol: str) -> Marks:
        catalog = self.program.catalog
        is_client = isinstance(catalog.entry(symbol), Client) or catalog.made_by(symbol) is not None
        entry = catalog.entry(symbol)
        if isinstance(entry, Client) and entry.site == "any-attribute":
            return frozenset({PROXY})
        return frozenset({CLIENT}) if is_client else NOTHING

    def _annotated(self, annotation: Expression | None, module: Module, scope: int) -> Marks:
        """What an annotation's classes may be objects of."""
        if annotation is None:
            return NOTHING
        found: set[str] = set()
        pending = [annotation]
        while pending:
            part = pending.pop()
            if isinstance(part, record.Subscript):
                pending += [part.value, part.index]
            elif isinstance(part, record.Sequence):
                pending += part.items
            elif isinstance(part, record.Operation):
                pending += [part.left, part.right]
            else:
                for mark in self.of(part, module, scope):
                    found |= self._made(mark) if mark not in (METHOD, BOX) else {mark}
        is_box = isinstance(annotation, record.Subscript) and last_name(annotation.value) not in TRANSPARENT
        return frozenset(found | {BOX}) if found and is_box else frozenset(found)

    # --- imports ---------------------------------------------------------------------------------

    def _imported(self, imported: record.Imported, module: Module) -> Marks:
        index = self.program.modules
        stem = index.relative(imported, module) if imported.level else index.locate(imported.module, module)
        if stem is None:
            return self._symbol(
                f"{imported.module}.{imported.member}" if imported.member else imported.module
            )
        if not imported.member:
            return frozenset({f"module:{stem}"})
        return frozenset(self._member(f"module:{stem}", imported.member))

    def _member(self, mark: str, name: str) -> set[str]:
        stem = mark.removeprefix("module:")
        owner = self.program.modules.at(stem)
        found: set[str] = set()
        if owner is not None and owner.is_target:
            found |= self._name(record.Name(name), owner, 0) | self._re_exported(owner, name)
        if self.program.modules.at(f"{stem}/{name}") or self.program.modules.is_folder(f"{stem}/{name}"):
            found.add(f"module:{stem}/{name}")
        return found

    def _re_exported(self, owner: Module, name: str) -> Marks:
        """A name that a module imports itself, read at its source: the module may not have been visited."""
        if (owner, name) in self._open:
            return NOTHING
        self._open.add((owner, name))
        try:
            scope = owner.facts.scopes[0]
            values = [scope.bindings[number].value for number in scope.final.get(name, ())]
            imports = [value for value in values if isinstance(value, record.Imported)]
            return frozenset(mark for value in imports for mark in self._imported(value, owner))
        finally:
            self._open.discard((owner, name))
