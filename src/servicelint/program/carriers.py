"""Carriers: where clients can be, found by name in one cheap fixpoint before anything is evaluated.

A mark says what something may be: a symbol of a cataloged library (by its dotted name), a client object, one
of its methods, or a container of clients. Marks flow through bindings, attributes (by name), results and
parameters of functions (by name). They say too much rather than too little: whatever has no mark can be no
client, so it need not be evaluated. The program asks in full only about what is marked.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from servicelint.catalog.model import Client
from servicelint.facts import record
from servicelint.program.index import last_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from servicelint.facts.record import Expression, Function
    from servicelint.program.modules import Module
    from servicelint.program.program import Program

Marks = frozenset[str]
NOTHING: Marks = frozenset()
CLIENT, METHOD, BOX, PROXY = "client", "method", "box", "proxy"

CALLED = "()"
"""Before a mark: what calling it gives."""

_HANDING_ON = frozenset({
    "partial", "partialmethod", "getattr", "cast", "copy", "deepcopy", "closing", "aclosing", "nullcontext",
    "next", "iter", "enter_context", "enter_async_context", "wait_for", "create_task", "ensure_future",
    "shield", "lru_cache", "cache", "list", "tuple", "dict", "wraps", "proxy", "sync_to_async", "run",
    "async_to_sync", "Depends", "Security", "Provide", "field", "Field", "reversed", "sorted",
})  # fmt: skip
_CONTAINER_METHODS = frozenset({"get", "pop", "values", "items", "setdefault", "copy", "popleft"})
_ROOTS = frozenset({"Base", "BaseModel", "Model", "Protocol", "Generic", "ABC", "Enum", "Mixin", "Exception"})
_TRANSPARENT = frozenset({"Optional", "Union", "Annotated", "Final", "ClassVar", "Type", "type", "Awaitable"})
_EVERYDAY = frozenset({*dir(str), *dir(dict), *dir(list), *dir(object), "__init__", "read", "write", "open"})
"""Names of methods that nearly always are a builtin type's: a result can't be guessed from them."""

_PROPERTIES = frozenset({"property", "cached_property", "cachedproperty", "hybrid_property", "lazy_property"})


class Carriers:
    """Tells what may be a client, or lead to one."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._prefixes = program.catalog.prefixes()
        self._methods = program.catalog.method_names()
        self._slots: defaultdict[tuple[Module, int, str], set[str]] = defaultdict(set)
        self._families = _families(program)
        # by family of classes and name; those of family "" are anybody's
        self._attributes: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._results: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._returned: defaultdict[int, set[str]] = defaultdict(set)
        self._foreign: defaultdict[str, set[str]] = defaultdict(set)
        self._bases: defaultdict[str, set[str]] = defaultdict(set)
        self._receivers: dict[tuple[Module, int, str], str] = {}
        self._parameters: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
        self._scope_names: dict[tuple[Module, int], frozenset[str]] = {}
        self._changed: set[str] = set()
        self._version = 0
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
            record.FunctionValue: lambda e, module, _: frozenset(
                f"{CALLED}{mark}" for mark in self._returned.get(id(module.facts.functions[e.function]), ())
            ),
            record.ClassValue: lambda e, module, _: frozenset(
                self._bases.get(module.facts.classes[e.klass].name, ())
            ),
        }
        self._spread()

    # --- questions -------------------------------------------------------------------------------

    def of(self, expression: Expression, module: Module, scope: int) -> Marks:
        """What an expression may be."""
        reader = self._readers.get(type(expression))
        return reader(expression, module, scope) if reader else NOTHING

    def may_send(self, module: Module, call: record.Call) -> bool:
        """Whether a call may send a request, or hand on something that does."""
        if _lead(self.of(call.callee, module, call.scope)):
            return True
        name = last_name(call.callee)
        if name != "partial" and name not in self.program.catalog.invokers:
            return False
        return any(_lead(self.of(argument.value, module, call.scope)) for argument in call.arguments)

    def parameter(self, function: Function, name: str) -> bool:
        """Whether a parameter may be, or hold, a client."""
        return bool(self._parameters.get((id(function), name)))

    # --- the fixpoint ----------------------------------------------------------------------------

    def _spread(self) -> None:
        pending = list(self.program.modules.modules)
        words = {module: _words(module) for module in pending if module.is_target}
        pending = [module for module in pending if module.is_target]
        while pending:
            self._changed = set()
            for module in pending:
                self._visit(module)
            pending = [module for module in words if words[module] & self._changed]

    def _add(self, known: set[str], marks: Iterable[str], name: str) -> None:
        if not known.issuperset(marks):
            known.update(marks)
            self._version += 1
            self._changed.add(name)

    def _visit(self, module: Module) -> None:
        """Spread marks through one module until nothing in it changes."""
        facts = module.facts
        while True:
            before = self._version
            for number, scope in enumerate(facts.scopes):
                for binding in scope.bindings:
                    self._bind(module, number, binding)
            for write in facts.writes:
                marks = self.of(write.value, module, write.scope) | self._annotated(
                    write.annotation, module, write.scope
                )
                self._write(module, write, marks)
            for function in facts.functions:
                self._function(module, function)
            for klass in facts.classes:
                bases = self._any(klass.bases, module, klass.outer_scope)
                self._add(self._bases[klass.name], bases, klass.name)
            for call in facts.calls:
                self._call(module, call)
            if self._version == before:
                return

    def _bind(self, module: Module, number: int, binding: record.Binding) -> None:
        scope = module.facts.scopes[number]
        marks = self.of(binding.value, module, number)
        marks |= self._annotated(binding.annotation, module, number)
        if isinstance(binding.value, record.ParameterValue):
            marks |= self._parameter_marks(module, number, binding.value.index)
        owner = 0 if binding.name in scope.globals else number
        if binding.name in scope.nonlocals:
            owner = scope.parent
        self._add(self._slots[module, owner, binding.name], marks, binding.name)
        if scope.kind == "class":
            self._add_attribute(self._family_of_scope(module, number), binding.name, marks)

    def _family_of_scope(self, module: Module, scope: int) -> str:
        """The family of the class whose body is ``scope``."""
        klass = next(klass for klass in module.facts.classes if klass.scope == scope)
        return self._families.get(klass.name, klass.name)

    def _add_attribute(self, family: str, name: str, marks: Iterable[str]) -> None:
        self._add(self._attributes[family, name], marks, name)
        self._add(self._attributes["", name], marks, name)

    def _write(self, module: Module, write: record.AttributeWrite, marks: Marks) -> None:
        name = write.name.rstrip("()[]")
        family = self._receiver(module, write.scope, write.target)
        if family:
            self._add_attribute(family, name, marks)
        else:
            self._add(self._foreign[name], marks, name)
            self._add(self._attributes["", name], marks, name)

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

    def _parameter_marks(self, module: Module, scope: int, index: int) -> Marks:
        number = self.program.function_of_scope(module, scope)
        function = module.facts.functions[number]
        parameter = function.parameters[index]
        marks = frozenset(self._parameters.get((id(function), parameter.name), ()))
        if parameter.default is not None:
            marks |= self.of(parameter.default, module, function.outer_scope)
        if index == 0 and function.klass >= 0:
            klass = module.facts.classes[function.klass]
            marks |= frozenset(self._made_by_class(klass.name))
        return marks

    def _function(self, module: Module, function: Function) -> None:
        found: set[str] = set()
        for value, _ in function.returns:
            found |= self.of(value, module, function.scope)
        for value in function.yields:
            found |= self.of(value, module, function.scope)
        found |= self._annotated(function.annotation, module, function.outer_scope)
        self._add(self._returned[id(function)], found, function.name)
        family = ""
        if function.klass >= 0:
            name = module.facts.classes[function.klass].name
            family = self._families.get(name, name)
            self._add(self._results["*", function.name], found, function.name)
            if any(last_name(decorator) in _PROPERTIES for decorator in function.decorators):
                self._add_attribute(family, function.name, found)
            self._add(self._results[family, function.name], found, function.name)

    def _call(self, module: Module, call: record.Call) -> None:
        """Marked arguments reach the parameters of whatever has the callee's name."""
        name = last_name(call.callee)
        for position, argument in enumerate(call.arguments):
            marks = self.of(argument.value, module, call.scope)
            if all(mark.startswith("module:") for mark in marks):
                continue
            for other in self._called_names(module, call, name):
                for function, offset in self.program.index.functions_named(other):
                    self._reach(function, position + offset, argument, marks)
                for field in self.program.index.fields_of(other):
                    if argument.keyword in ("", field):
                        self._add_attribute(self._families.get(other, other), field, marks)
            self._reach_handed(call, marks)

    def _called_names(self, module: Module, call: record.Call, name: str) -> set[str]:
        """The names of the functions and classes that a call may reach."""
        if name not in ("__init__", "cls"):
            return self.program.index.originals(name) if name else set()
        scope = call.scope
        while scope > 0:
            function = self.program.function_of_scope(module, scope)
            klass = module.facts.functions[function].klass if function >= 0 else -1
            if klass >= 0:
                record_class = module.facts.classes[klass]
                return (
                    {record_class.name} if name == "cls" else {last_name(base) for base in record_class.bases}
                )
            scope = module.facts.scopes[scope].parent
        return set()

    def _reach(self, function: Function, position: int, argument: record.Argument, marks: Marks) -> None:
        for index, parameter in enumerate(function.parameters):
            is_rest = parameter.kind in ("star", "double-star")
            fits = argument.keyword == parameter.name if argument.keyword else index == position
            if (fits and not argument.stars) or is_rest:
                passed = self._boxed(marks) - {CLIENT, METHOD} if is_rest else marks
                self._add(self._parameters[id(function), parameter.name], passed, parameter.name)

    def _reach_handed(self, call: record.Call, marks: Marks) -> None:
        """``executor.submit(fetch, session, url)``: the function handed over gets the other arguments."""
        name = last_name(call.callee)
        if name not in self.program.catalog.invokers and name != "partial":
            return
        for argument in call.arguments:
            for function, _ in self.program.index.functions_named(last_name(argument.value)):
                for parameter in function.parameters:
                    self._add(self._parameters[id(function), parameter.name], marks, parameter.name)

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
            elif mark == BOX and attribute.name in _CONTAINER_METHODS:
                found.add(BOX)
            elif mark in (CLIENT, METHOD, BOX) or mark.startswith(CALLED):
                continue
            elif mark.startswith("module:"):
                found |= self._member(mark, attribute.name)
            else:
                found |= self._symbol(f"{mark}.{attribute.name}")
        return frozenset(found)

    def _symbol(self, name: str) -> Marks:
        return frozenset({name}) if name in self._prefixes else NOTHING

    def _part(self, marks: Marks) -> Marks:
        return marks | {CLIENT, METHOD} if BOX in marks else marks

    def _boxed(self, marks: Marks) -> Marks:
        return marks | {BOX} if _lead(marks) or any(mark.startswith(CALLED) for mark in marks) else NOTHING

    def _result(self, module: Module, call: record.Call) -> Marks:
        """What calling something may return."""
        name = last_name(call.callee)
        found: set[str] = set()
        found |= self._own_result(module, call, name)
        if name in _HANDING_ON:
            found |= self._handed_on(module, call)
        if name == "super":
            found |= self._name(record.Name("self"), module, call.scope)
        for mark in self.of(call.callee, module, call.scope):
            if mark.startswith(CALLED):
                found.add(mark.removeprefix(CALLED))
            elif mark == BOX:
                found |= {CLIENT, BOX, METHOD} if name in _CONTAINER_METHODS else set()
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
        if owner is not None and name in _EVERYDAY:
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
        is_box = isinstance(annotation, record.Subscript) and last_name(annotation.value) not in _TRANSPARENT
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
            found |= self._name(record.Name(name), owner, 0)
        if self.program.modules.at(f"{stem}/{name}") or self.program.modules.is_folder(f"{stem}/{name}"):
            found.add(f"module:{stem}/{name}")
        return found


def _families(program: Program) -> dict[str, str]:
    """By class name, one name for all classes that inherit from one another."""
    parents: dict[str, str] = {}

    def top(name: str) -> str:
        while parents.get(name, name) != name:
            name = parents[name]
        return name

    names = {klass.name for module in program.targets for klass in module.facts.classes}
    for module in program.targets:
        for klass in module.facts.classes:
            for base in klass.bases:
                named = last_name(base.value if isinstance(base, record.Subscript) else base)
                if named in names and named not in _ROOTS:
                    parents[top(klass.name)] = top(named)
    return {name: top(name) for name in names}


def _lead(marks: Marks) -> bool:
    """Whether marks say that something is a client or sends; being a module or making one does not."""
    return any(not mark.startswith(("module:", CALLED)) for mark in marks)


def _words(module: Module) -> set[str]:
    """The names that a module reads, calls or defines: what may make it worth another look."""
    found: set[str] = set()
    for scope in module.facts.scopes:
        for binding in scope.bindings:
            found.add(binding.name)
            if isinstance(binding.value, record.Imported):
                found.add(binding.value.member)
        found.update(["*"] if scope.stars else [])
    facts = module.facts
    found.update(last_name(call.callee) for call in facts.calls)
    found.update(write.name for write in facts.writes)
    pending: list[Any] = [call.callee for call in facts.calls]
    pending += [argument.value for call in facts.calls for argument in call.arguments]
    pending += [binding.value for scope in facts.scopes for binding in scope.bindings]
    pending += [value for function in facts.functions for value, _ in function.returns]
    while pending:
        part = pending.pop()
        if isinstance(part, record.Attribute):
            found.add(part.name)
        if isinstance(part, record.Node):
            pending += [getattr(part, field) for field in part.__struct_fields__ if field != "definitions"]
        elif isinstance(part, list | tuple):
            pending += part
    return found
