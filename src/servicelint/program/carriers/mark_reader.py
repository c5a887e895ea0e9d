"""Reading marks: what an expression may be, by the marks known so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicelint.catalog.guards import Breaker
from servicelint.catalog.loader import STUB as STUB_CLASS
from servicelint.catalog.messaging import QueueClient, TaskDecorator
from servicelint.catalog.model import Client
from servicelint.catalog.retries import Retry
from servicelint.facts import record
from servicelint.program.carriers.declared import classes_of, is_open
from servicelint.program.carriers.marks import (
    BOX,
    CALLED,
    CLIENT,
    ENTERING,
    EVERYDAY,
    HANDING_ON,
    KEEPING_IN,
    METHOD,
    NOTHING,
    OF_CONTAINERS,
    PROXY,
    REMOTE,
    STUB,
    TAKING_OUT,
    Marks,
    boxed,
    is_symbol,
    lead,
    returned,
    taken_out,
)
from servicelint.program.evaluation.attributes import PROXYING
from servicelint.program.evaluation.values import ClassRef
from servicelint.program.grpc.stub_names import may_name_stub
from servicelint.program.linking.index import last_name
from servicelint.program.linking.re_exports import modules_behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from servicelint.facts.record import Expression
    from servicelint.program.carriers.marks import FunctionKey, Marked
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program


class MarkReader:
    """Holds what is marked, and reads expressions by it."""

    def __init__(self, program: Program, marked: Marked) -> None:
        self.program = program
        self.marked = marked
        self._prefixes = program.catalog.prefixes
        self._methods = program.catalog.method_names()
        self._holding = program.catalog.holding_attributes
        self._task_decorators = program.catalog.task_decorators
        self._open: set[tuple[Module, str]] = set()
        self._scope_names: dict[tuple[Module, int], frozenset[str]] = {}
        self._readers: dict[type, Callable[[Any, Module, int], Marks]] = {
            record.Name: self._name,
            record.Attribute: self._attribute,
            record.CallValue: lambda e, module, _: self._result(module, module.facts.calls[e.call]),
            record.Subscript: lambda e, module, scope: taken_out(self.of(e.value, module, scope)),
            record.Element: lambda e, module, scope: taken_out(self.of(e.value, module, scope)),
            record.Item: self._item,
            record.Operation: lambda e, module, scope: self._any((e.left, e.right), module, scope),
            record.Choice: lambda e, module, scope: self._any(e.operands, module, scope),
            record.Conditional: lambda e, module, scope: self._any((e.body, e.orelse), module, scope),
            record.Awaited: lambda e, module, scope: self.of(e.value, module, scope),
            record.Entered: self._entered,
            record.Unpacked: lambda e, module, scope: self.of(e.value, module, scope),
            record.Updated: self._updated,
            record.Narrowed: lambda e, module, scope: self.of(e.value, module, scope),
            record.Collected: lambda e, module, scope: boxed(self.of(e.element, module, scope)),
            record.Sequence: lambda e, module, scope: boxed(self._any(e.items, module, scope)),
            record.Mapping: lambda e, module, scope: boxed(self._any([v for _, v in e.items], module, scope)),
            record.Imported: lambda e, module, _: self.imported(e, module),
            record.FunctionValue: lambda e, module, _: self._function_marks(e, module),
            record.ClassValue: lambda e, module, _: self._class(module, e.klass),
        }

    def of(self, expression: Expression, module: Module, scope: int) -> Marks:
        """What an expression may be."""
        reader = self._readers.get(type(expression))
        return reader(expression, module, scope) if reader else NOTHING

    def _owners(
        self, expression: Expression, module: Module, scope: int
    ) -> tuple[tuple[ClassRef, ...], bool]:
        """The program's classes that an expression is an object of, by what is declared.

        The truth value tells whether it may be something else that can't be told.
        """
        if isinstance(expression, record.Name):
            klass = self.program.attributes.classes.receiver_class(module, scope, expression)
            if klass >= 0:
                return (ClassRef(module, klass),), False
        evaluator = self.program.evaluator
        values = evaluator.typed_all(evaluator.typed(expression, self.program.root_frame(module, scope)))
        owners = dict.fromkeys(owner for value in values for owner in classes_of(value))
        return tuple(owners), is_open(values)

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
                return frozenset(self.marked.slots[module, number, name.name])
            number = here.parent
        return self._from_stars(name.name, module)

    def _from_stars(self, name: str, module: Module) -> Marks:
        """A name that only ``from … import *`` can bring; two modules may import all of each other."""
        stars = module.facts.scopes[0].stars
        if not stars or (module, f"*{name}") in self._open:
            return NOTHING
        self._open.add((module, f"*{name}"))
        try:
            members = [record.Imported(star.module, name, star.level) for star in stars]
            return frozenset(mark for member in members for mark in self.imported(member, module))
        finally:
            self._open.discard((module, f"*{name}"))

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
        return self._own_attribute(attribute, module, scope) | self.attribute_of(base, attribute.name)

    def attribute_of(self, base: Marks, name: str) -> Marks:
        """What an attribute of something marked may be."""
        found: set[str] = set()
        for mark in base:
            if mark in (PROXY, REMOTE):
                found.add(REMOTE)
            elif mark == CLIENT and name in self._methods:
                found.add(METHOD)
            elif mark == STUB or (mark == CLIENT and name in self._holding):
                found.add(CLIENT)  # a remote method is a client itself: ``stub.Get.future(…)``
            elif mark in (CLIENT, METHOD) or mark.startswith((CALLED, BOX)):
                continue
            elif mark.startswith("module:"):
                found |= self._member(mark, name)
            else:
                found |= self._symbol(f"{mark}.{name}")
        return frozenset(found)

    def _own_attribute(self, attribute: record.Attribute, module: Module, scope: int) -> Marks:
        """What is marked of an attribute of the program's own objects."""
        name = attribute.name
        holders, loose = self.marked.attributes.get(name), self.marked.loose.get(name, set())
        proxies = self.marked.attributes.get(PROXYING)
        if not holders and not loose and not proxies:
            return NOTHING
        owners, is_unknown = self._owners(attribute.value, module, scope)
        found: set[str] = set()
        for klass, marks in (holders or {}).items():
            if is_unknown or any(self._are_kin(klass, owner) for owner in owners):
                found |= marks
        for klass, marks in (proxies or {}).items():
            if any(self._are_kin(klass, owner) for owner in owners):
                found |= {mark.removeprefix(CALLED) for mark in marks if mark.startswith(CALLED)}
        if is_unknown and name in EVERYDAY:
            found = {mark for mark in found if not mark.startswith(CALLED)}
        return frozenset(found | loose if owners or is_unknown else found)

    def _are_kin(self, one: ClassRef, other: ClassRef) -> bool:
        classes = self.program.attributes.classes
        return one in classes.order(other) or other in classes.order(one)

    def _class(self, module: Module, number: int) -> Marks:
        """A class, by its bases and its name."""
        name = f"{module.name}.{module.facts.classes[number].name}"
        own = frozenset({name}) if self.program.catalog.stub(name) else NOTHING
        return own | frozenset(self.marked.bases.get(ClassRef(module, number), ()))

    def _callable(self, function: FunctionKey) -> Marks:
        """A function, by what it returns."""
        return returned(self.marked.returned.get(function, ()))

    def _function_marks(self, value: record.FunctionValue, module: Module) -> Marks:
        """A function by what it returns, and a task by what its decorator makes of it."""
        function = module.facts.functions[value.function]
        made = self._callable((module, value.function))
        return made | {CLIENT} if self._is_task(function, module) else made

    def _is_task(self, function: record.Function, module: Module) -> bool:
        for decorator in function.decorators:
            named = decorator
            if isinstance(decorator, record.CallValue):
                named = module.facts.calls[decorator.call].callee
            spoken = self.program.index.of(module).spoken(last_name(named)) & self._task_decorators
            if spoken and any(
                self._makes_tasks(mark) for mark in self.of(named, module, function.outer_scope)
            ):
                return True
        return False

    def _makes_tasks(self, mark: str) -> bool:
        return mark == METHOD or (
            is_symbol(mark) and isinstance(self.program.catalog.entry(mark), TaskDecorator)
        )

    def _symbol(self, name: str) -> Marks:
        is_stub = name not in self._prefixes and self.program.catalog.names_stubs(name)
        return frozenset({name}) if is_stub or name in self._prefixes else NOTHING

    def _entered(self, entered: record.Entered, module: Module, scope: int) -> Marks:
        """What ``with value as x`` binds: the value, or what a method of its class returns."""
        found = set(self.of(entered.value, module, scope))
        holders = [each for name in ENTERING for each in self.marked.attributes.get(name, {}).items()]
        owners = self._owners(entered.value, module, scope)[0] if holders else ()
        for klass, marks in holders:
            if any(self._are_kin(klass, owner) for owner in owners):
                found |= {mark.removeprefix(CALLED) for mark in marks if mark.startswith(CALLED)}
        return frozenset(found)

    def _item(self, item: record.Item, module: Module, scope: int) -> Marks:
        if isinstance(item.value, record.Sequence) and item.index < len(item.value.items):
            return self.of(item.value.items[item.index], module, scope)
        return taken_out(self.of(item.value, module, scope))

    def _updated(self, updated: record.Updated, module: Module, scope: int) -> Marks:
        """What an object is after a change in place: a container may hold more."""
        before = self.of(updated.previous, module, scope)
        if updated.operation == "item":
            return before | boxed(self.of(updated.value, module, scope))
        if not isinstance(updated.value, record.CallValue) or updated.operation == "attribute":
            return before
        arguments = [argument.value for argument in module.facts.calls[updated.value.call].arguments]
        given = self._any(arguments, module, scope)
        return before | (boxed(given) if updated.operation == "setdefault" else given)

    def _result(self, module: Module, call: record.Call) -> Marks:
        """What calling something may return."""
        name = last_name(call.callee)
        found: Marks = NOTHING
        if HANDING_ON & self.program.index.of(module).spoken(name):
            found |= self._handed_on(module, call)
        if may_name_stub(module, call.callee) and lead(
            self._any([argument.value for argument in call.arguments], module, call.scope)
        ):
            found |= {STUB}
        if name == "super":
            found |= self._name(record.Name("self"), module, call.scope)
        if isinstance(call.callee, record.Attribute) and name in OF_CONTAINERS:
            found |= self._out_of_container(name, self.of(call.callee.value, module, call.scope))
        marks = self.of(call.callee, module, call.scope)
        if CLIENT in marks and not isinstance(call.callee, record.Attribute):
            found |= self._handed_on(module, call)  # a decorator gives back what it is given, tried again
        return found | self.called(marks, name)

    def called(self, callee: Marks, name: str) -> Marks:
        """What calling something marked may return; ``name`` is its last one."""
        found: set[str] = set()
        for mark in callee:
            if mark.startswith(CALLED):
                found.add(mark.removeprefix(CALLED))
            elif mark == METHOD:
                found |= {CLIENT} if name in self.program.catalog.making_methods() else set()
            elif is_symbol(mark):
                found |= self.made(mark)
        return frozenset(found)

    def _out_of_container(self, method: str, marks: Marks) -> Marks:
        """What a container's method returns."""
        if method in TAKING_OUT:
            return taken_out(marks)
        held = frozenset(mark for mark in marks if mark.startswith(BOX))
        return held if method in KEEPING_IN else boxed(held)

    def _made_by_class(self, klass: ClassRef) -> Marks:
        """The client that an object of one of the program's own subclasses is."""
        found: Marks = NOTHING
        for mark in self.marked.bases.get(klass, ()):
            found |= self.made(mark) if is_symbol(mark) else {mark}
        return found

    def _handed_on(self, module: Module, call: record.Call) -> Marks:
        found = self._any((argument.value for argument in call.arguments), module, call.scope)
        if last_name(call.callee) == "getattr" and len(call.arguments) > 1:
            found |= self._named(module, call)
        found |= {mark.removeprefix(CALLED) for mark in found} | taken_out(found)
        for mark in tuple(found):
            if is_symbol(mark):
                found |= self.made(mark)
        return found | {METHOD} | ({CLIENT} if STUB in found else set()) if {CLIENT, STUB} & found else found

    def _named(self, module: Module, call: record.Call) -> Marks:
        """``getattr(shop_pb2_grpc, "OrdersStub")``; a name that can't be told may be a stub's."""
        owner, name = call.arguments[0].value, call.arguments[1].value
        word = name.value if isinstance(name, record.Constant) and isinstance(name.value, str) else STUB_CLASS
        return self._attribute(record.Attribute(owner, word), module, call.scope)

    def made(self, symbol: str) -> Marks:
        """What calling a symbol of a library gives."""
        catalog = self.program.catalog
        entry = catalog.entry(symbol)
        is_client = isinstance(entry, Client | Breaker | Retry | QueueClient) or catalog.is_factory(symbol)
        if isinstance(entry, Client) and entry.site == "any-attribute":
            return frozenset({PROXY})
        if catalog.stub(symbol):
            return frozenset({STUB})
        return frozenset({CLIENT}) if is_client else NOTHING

    # --- imports ---------------------------------------------------------------------------------

    def imported(self, imported: record.Imported, module: Module) -> Marks:
        """What an import brings into a module."""
        stem = self._stem(imported, module)
        if stem is None:
            return self._symbol(
                f"{imported.module}.{imported.member}" if imported.member else imported.module
            )
        if not imported.member:
            return frozenset({f"module:{stem}"})
        return frozenset(self._member(f"module:{stem}", imported.member))

    def is_own(self, imported: record.Imported, module: Module) -> bool:
        """Whether what an import brings is of the program."""
        return self._stem(imported, module) is not None

    def _stem(self, imported: record.Imported, module: Module) -> str | None:
        """The path, without ending, of the module or folder that an import is from; None if it is foreign."""
        index = self.program.modules
        if imported.level:
            return index.relative(imported, module)
        stem = index.locate(imported.module, module)
        return stem if stem and (index.at(stem) or index.is_folder(stem)) else None

    def _member(self, mark: str, name: str) -> set[str]:
        stem = mark.removeprefix("module:")
        owner = self.program.modules.at(stem)
        found: set[str] = set()
        if owner is not None and owner in self.marked.visited:
            found |= self._name(record.Name(name), owner, 0) | self._re_exported(owner, name)
        elif owner is not None:
            found |= {f"module:{stem}" for stem in modules_behind(self.program, owner, name)}
            found |= self.marked.brought.get((owner, name), set())
        if self.program.catalog.stub(f"{stem}.{name}"):
            found.add(f"{stem}.{name}")
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
            return frozenset(mark for value in imports for mark in self.imported(value, owner))
        finally:
            self._open.discard((owner, name))
