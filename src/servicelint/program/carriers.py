"""Carriers: where clients can be, found by name in one cheap fixpoint before anything is evaluated.

A mark says what something may be: a symbol of a cataloged library (by its dotted name), a client object, one
of its methods, or a container of clients. Marks flow through bindings, attributes (by name), results and
parameters of functions (by name). They say too much rather than too little: whatever has no mark can be no
client, so it need not be evaluated. The program asks in full only about what is marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.index import last_name
from servicelint.program.mark_reader import MarkReader
from servicelint.program.marks import (
    CLIENT,
    METHOD,
    PROPERTIES,
    Marks,
    lead,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicelint.facts.record import Function
    from servicelint.program.modules import Module
    from servicelint.program.program import Program


class Carriers(MarkReader):
    """Tells what may be a client, or lead to one."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._changed: set[str] = set()
        self._version = 0
        self._spread()

    # --- questions -------------------------------------------------------------------------------

    def may_send(self, module: Module, call: record.Call) -> bool:
        """Whether a call may send a request, or hand on something that does."""
        if lead(self.of(call.callee, module, call.scope)):
            return True
        name = last_name(call.callee)
        if not self._invokes(name):
            return False
        return any(lead(self.of(argument.value, module, call.scope)) for argument in call.arguments)

    def _invokes(self, name: str) -> bool:
        """Whether something of this name calls, or keeps to call later, what it is given."""
        spoken = self.program.index.spoken(name)
        return "partial" in spoken or any(each in self.program.catalog.invokers for each in spoken)

    def parameter(self, function: Function, name: str) -> bool:
        """Whether a parameter may be, or hold, a client."""
        return bool(self._parameters.get((id(function), name)))

    # --- the fixpoint ----------------------------------------------------------------------------

    def _spread(self) -> None:
        names = {module: words(module) for module in self.program.targets}
        pending = [module for module in names if self._is_seed(module)]
        while pending:
            self._changed = set()
            for module in pending:
                self._visit(module)
            pending = [module for module in names if names[module] & self._changed]

    def _is_seed(self, module: Module) -> bool:
        """Whether a module imports something of a cataloged library: all other marks come from these."""
        for scope in module.facts.scopes:
            imports = [b.value for b in scope.bindings if isinstance(b.value, record.Imported)]
            for imported in (*imports, *scope.stars):
                marks = self._imported(imported, module)
                if imported.member == "*" or any(not mark.startswith("module:") for mark in marks):
                    return True
        return False

    def _add(self, known: set[str], marks: Iterable[str], name: str) -> None:
        if not known.issuperset(marks):
            known.update(marks)
            self._version += 1
            if any(not mark.startswith("module:") for mark in marks):
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
            if any(last_name(decorator) in PROPERTIES for decorator in function.decorators):
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
        if not self._invokes(name):
            return
        for argument in call.arguments:
            for function, _ in self.program.index.functions_named(last_name(argument.value)):
                for parameter in function.parameters:
                    self._add(self._parameters[id(function), parameter.name], marks, parameter.name)
