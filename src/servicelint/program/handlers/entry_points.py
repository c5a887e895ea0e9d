"""Handlers: the functions of the program that are run for what comes in.

They are found where frameworks are told of them: by a decorator, by a call that registers (also through the
program's own decorators and helpers), or by the base class. What the catalog says of frameworks is data
(:mod:`servicelint.catalog.inbound`); what code registers is read in
:mod:`servicelint.program.handlers.registrations`.
"""

from __future__ import annotations

import posixpath
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef, ClassRef, External, FunctionRef, merge
from servicelint.program.handlers.handler import Handler, KeptHandlers, told, told_calls
from servicelint.program.handlers.registrations import Registrations
from servicelint.program.linking.reads import Memo
from servicelint.program.linking.wholes import Packing, Parts, Whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from servicelint.catalog.inbound import GeneratedBase, HandlerClass, HandlerKind
    from servicelint.program.evaluation.values import Values
    from servicelint.program.handlers.handler import Found
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program


class Handlers:
    """Finds all handlers of a program, once."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.frameworks = program.catalog.frameworks
        self.registrations = Registrations(program)
        self.operations: Callable[[], Iterable[tuple[str, str]]] = tuple
        """Tells the functions that OpenAPI files name, by dotted names, each with its path."""
        self._modules: Memo[None, list[Module]] = Memo(program.reads)
        self._kept = KeptHandlers(program.modules)
        self._of_modules = Parts(program.reads, "handlers", self._of_module, self._kept.of_module())
        self._known = Whole(program.reads, "handlers", self._collected, told, self._kept.collected())
        numbers: Packing[list[int]] = Packing(list, list)
        self._made_in = Parts(program.reads, "applications", self._made_in_module, numbers)
        self._applications = Whole(
            program.reads, "applications", self._find_applications, told_calls, self._kept.calls()
        )

    def all(self) -> list[Handler]:
        """Every handler, each function once; one that answers by itself before a hook."""
        return list(self._known.answer().values())

    def of(self, function: FunctionRef) -> Handler | None:
        """What a function handles, if it is a handler."""
        return self._known.answer(function.module.path).get((function.module, function.index))

    def applications(self) -> list[CallRef]:
        """The constructions of applications (not of their parts), in the program's order."""
        return self._applications.answer()

    def _find_applications(self) -> list[CallRef]:
        return [CallRef(module, number) for module in self.modules() for number in self._made_in.of(module)]

    def _made_in_module(self, module: Module) -> list[int]:
        calls = enumerate(module.facts.calls)
        return [number for number, call in calls if self.registrations.makes_application(module, call)]

    def modules(self) -> list[Module]:
        """The modules in which handlers can be registered, told by their text."""
        return self._modules.answer(None, self._find_modules)

    def _find_modules(self) -> list[Module]:
        vocabulary = self.program.vocabulary
        found = vocabulary.modules_naming_any(self.frameworks.symbols())
        for name in self.frameworks.method_names():
            found.update(vocabulary.modules_decorating(name))
        for name in self.frameworks.telling_names():
            found.update(vocabulary.modules_with(name))
        self.program.elsewhere.order(found)
        return [module for module in self.program.targets if module in found]

    def _collected(self) -> Found:
        found: Found = {}
        for handler in self._find():
            key = (handler.function.module, handler.function.index)
            before = found.get(key)
            if before is None or (handler.is_entry and not before.is_entry):
                found[key] = handler
        return found

    def _find(self) -> Iterator[Handler]:
        told = [self._of_modules.of(module) for module in self.modules()]
        for registered, _ in told:
            yield from registered
        for _, inherited in told:
            yield from inherited
        yield from self._services()
        yield from self._specified()

    def _of_module(self, module: Module) -> tuple[list[Handler], list[Handler]]:
        """The handlers that a module registers, and those that are so by a base class."""
        return [*self._decorated(module), *self._registered(module)], list(self._inherited(module))

    # --- decorators and calls --------------------------------------------------------------------

    def _decorated(self, module: Module) -> Iterator[Handler]:
        facts = module.facts
        for number, function in enumerate(facts.functions):
            for decorator in function.decorators:
                found = self.registrations.by(decorator, module, function.outer_scope)
                if found is not None:
                    ref = FunctionRef(module, number)
                    route = self.registrations.route(found, decorator, module, function.outer_scope)
                    yield Handler(ref, found.title, found.registration.kind, route)
        for number, klass in enumerate(facts.classes):
            for decorator in klass.decorators:
                found = self.registrations.by(decorator, module, klass.outer_scope)
                if found is not None:
                    methods = (*found.registration.methods, "__call__")
                    route = self.registrations.route(found, decorator, module, klass.outer_scope)
                    kind = found.registration.kind
                    yield from self._of_class(ClassRef(module, number), methods, kind, found.title, route)

    def _registered(self, module: Module) -> Iterator[Handler]:
        for number in range(len(module.facts.calls)):
            for found, route, value in self.registrations.called(CallRef(module, number)):
                kind = found.registration.kind
                if isinstance(value, FunctionRef):
                    yield Handler(FunctionRef(value.module, value.index), found.title, kind, route)
                else:
                    methods = found.registration.methods
                    yield from self._of_class(value, methods, kind, found.title, route)

    # --- classes ---------------------------------------------------------------------------------

    def _of_class(
        self, klass: ClassRef, patterns: Iterable[str], kind: HandlerKind, title: str, route: str = ""
    ) -> Iterator[Handler]:
        """The methods of a class, inherited ones too, whose names fit."""
        wanted = tuple(patterns)
        taken: set[str] = set()
        for each in self.program.attributes.classes.order(klass):
            if not isinstance(each, ClassRef):
                continue
            for name, function in self._methods(each):
                if name not in taken and any(fnmatchcase(name, pattern) for pattern in wanted):
                    taken.add(name)
                    yield Handler(function, title, kind, route)

    def _methods(self, klass: ClassRef) -> Iterator[tuple[str, FunctionRef]]:
        scope = self.program.attributes.classes.scope_of(klass)
        for name, numbers in scope.final.items():
            for number in numbers:
                value = scope.bindings[number].value
                if isinstance(value, record.FunctionValue):
                    yield name, FunctionRef(klass.module, value.function)

    def _inherited(self, module: Module) -> Iterator[Handler]:
        """The handlers in a module's heirs of handler classes, and in the heirs of these."""
        for klass, base, title in self._heirs(module):
            yield from self._of_class(klass, base.methods, base.kind, title)
            yield from self._of_class(klass, base.hooks, "hook", title)

    def _heirs(self, module: Module) -> Iterator[tuple[ClassRef, HandlerClass, str]]:
        """Heirs of handler classes, each with what the catalog says of its nearest base."""
        classes = self.program.attributes.classes
        own = [ClassRef(module, number) for number in range(len(module.facts.classes))]
        for each in dict.fromkeys(heir for klass in own for heir in (klass, *self._below(klass))):
            for base in classes.order(each):
                described = self.frameworks.classes.get(getattr(base, "name", ""))
                if isinstance(base, External) and described is not None:
                    yield each, described, self.frameworks.title(base.name)

    def _below(self, klass: ClassRef) -> list[ClassRef]:
        classes = self.program.attributes.classes
        is_base = any(getattr(base, "name", "") in self.frameworks.classes for base in classes.order(klass))
        return classes.below(klass) if is_base else []

    # --- OpenAPI files -----------------------------------------------------------------------------

    def _specified(self) -> Iterator[Handler]:
        """The functions that OpenAPI files of the repository name as operations."""
        for name, route in self.operations():
            for value in self._named(name):
                if isinstance(value, FunctionRef) and value.module.is_target:
                    yield Handler(FunctionRef(value.module, value.index), "OpenAPI", "request", route)

    def _named(self, name: str) -> Values:
        """What a dotted name stands for, looked for from every source root: a module's name, or a class's."""
        index, names = self.program.modules, self.program.names
        parts = name.split(".")
        for root in index.roots_with(parts[0]):
            for length in range(len(parts) - 1, 0, -1):
                module = index.at(posixpath.join(root, *parts[:length]))
                found = names.in_module(module, parts[length]) if module else None
                if found:
                    for attribute in parts[length + 1 :]:
                        found = merge(*(self.program.attributes.of(value, attribute) for value in found))
                    return found
        return ()

    # --- generated services ----------------------------------------------------------------------

    def _services(self) -> Iterator[Handler]:
        """The public methods of classes that implement a generated service."""
        for pattern in self.frameworks.generated:
            for module in self._speaking_of(pattern):
                for number, klass in enumerate(module.facts.classes):
                    if any(self._is_generated(base, module, klass, pattern) for base in klass.bases):
                        for name, function in self._methods(ClassRef(module, number)):
                            if not name.startswith("_"):
                                yield Handler(function, "gRPC", pattern.kind, name)

    def _speaking_of(self, pattern: GeneratedBase) -> list[Module]:
        """The modules that may derive from a base class of this pattern."""
        vocabulary = self.program.vocabulary
        if pattern.beside and not vocabulary.modules_importing(frozenset(pattern.beside)):
            return []
        speaking = set(vocabulary.modules_deriving(pattern.class_suffix))
        if not pattern.is_telling and pattern.module_suffix:
            speaking &= set(vocabulary.modules_importing_from(pattern.module_suffix))
        return [module for module in self.program.targets if module in speaking]

    def _is_generated(
        self, base: record.Expression, module: Module, klass: record.Class, pattern: GeneratedBase
    ) -> bool:
        if not getattr(base, "name", "").endswith(pattern.class_suffix):
            return False
        frame = self.program.root_frame(module, klass.outer_scope)
        for value in self.program.evaluator.typed(base, frame):
            if isinstance(value, ClassRef):
                order = self.program.attributes.classes.order(value)
                if pattern.base:
                    return External(pattern.base) in order
                return value.module.name.endswith(pattern.module_suffix)
            if isinstance(value, External) and not pattern.base:
                return value.name.rpartition(".")[0].endswith(pattern.module_suffix)
        return False
