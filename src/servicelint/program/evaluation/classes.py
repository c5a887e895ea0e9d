"""Classes: resolution order, fields of record classes, and the attributes that their methods assign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.values import (
    MISSING,
    CallRef,
    ClassRef,
    External,
    FunctionRef,
    Literal,
    Origin,
    Values,
    merge,
)
from servicelint.program.linking.reads import Memo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.facts.record import AttributeWrite, Class, Scope
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

_RECORD_DECORATORS = frozenset(
    {"dataclass", "define", "frozen", "mutable", "attrs", "attr", "s", "attributes"}
)
_RECORD_BASES = frozenset({"BaseModel", "BaseSettings", "NamedTuple", "Struct", "SQLModel"})
_SETTINGS_BASES = frozenset({"BaseSettings"})
_KEYWORD_ONLY_BASES = frozenset({"BaseModel", "BaseSettings", "SQLModel"})
_FIELD_MAKERS = frozenset({"field", "Field", "ib", "attrib"})


MOST_HEIRS = 200
"""A class that more modules name is everybody's base: what one heir does says nothing of the others."""


class Classes:
    """Answers questions on classes of the program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._below: Memo[ClassRef, list[ClassRef]] = Memo(program.reads)
        self._orders: Memo[ClassRef, list[ClassRef | External]] = Memo(program.reads)
        self._ordering: set[ClassRef] = set()
        self._fields: Memo[ClassRef, list[str]] = Memo(program.reads)
        self._writes: dict[Module, dict[tuple[int, str], list[AttributeWrite]]] = {}
        self._nested: dict[Module, dict[tuple[int, str], list[AttributeWrite]]] = {}

    def record_of(self, klass: ClassRef) -> Class:
        """The record of a class."""
        return klass.module.facts.classes[klass.index]

    def scope_of(self, klass: ClassRef) -> Scope:
        """The scope of a class's body."""
        return klass.module.facts.scopes[self.record_of(klass).scope]

    # --- inheritance -----------------------------------------------------------------------------

    def order(self, klass: ClassRef) -> list[ClassRef | External]:
        """The class and its bases, depth first, each once: close enough to the C3 order for look-ups."""
        if klass in self._ordering:  # a class that inherits from itself ends here
            return [klass]
        return self._orders.answer(klass, lambda: self._linearised(klass))

    def _linearised(self, klass: ClassRef) -> list[ClassRef | External]:
        self._ordering.add(klass)
        try:
            return self._with_bases(klass)
        finally:
            self._ordering.discard(klass)

    def _with_bases(self, klass: ClassRef) -> list[ClassRef | External]:
        found: list[ClassRef | External] = [klass]
        frame = self.program.root_frame(klass.module, self.record_of(klass).outer_scope)
        for base in self.record_of(klass).bases:
            for value in self.program.evaluator.typed(base, frame):
                if isinstance(value, ClassRef):
                    found += [other for other in self.order(value) if other not in found]
                elif isinstance(value, External) and value not in found:
                    found.append(value)
        return found

    def below(self, klass: ClassRef) -> list[ClassRef]:
        """The classes that inherit from a class, directly or not."""
        return self._below.answer(klass, lambda: list(self._find_below(klass)))

    def _find_below(self, klass: ClassRef) -> Iterator[ClassRef]:
        seen = {klass}
        pending = [klass]
        while pending:
            above = pending.pop(0)
            name = self.record_of(above).name
            users = self.program.reach.of_name(above.module, name)
            if len(users) > MOST_HEIRS:
                continue
            derives = self.program.vocabulary.derives
            deriving = [module for module in users if module.is_parsed or derives(module, name)]
            self.program.elsewhere.order(deriving)
            for module in deriving:
                for number in self.program.index.subclasses(module, name):
                    below = ClassRef(module, number)
                    if below not in seen and klass in self.order(below)[1:]:
                        seen.add(below)
                        pending.append(below)
                        yield below

    def constructor(self, klass: ClassRef) -> FunctionRef | None:
        """The ``__init__`` that building an object runs, if it is one of the program's."""
        for each in self.order(klass):
            if isinstance(each, External):
                return None
            found = self._own_method(each, "__init__")
            if found is not None:
                return found
        return None

    def method(self, klass: ClassRef, name: str) -> FunctionRef | None:
        """The method of a class, or of the nearest of the program's classes above it that has one."""
        above = (each for each in self.order(klass) if isinstance(each, ClassRef))
        return next((found for each in above if (found := self._own_method(each, name))), None)

    def _own_method(self, klass: ClassRef, name: str) -> FunctionRef | None:
        scope = self.scope_of(klass)
        for number in reversed(scope.final.get(name, [])):
            value = scope.bindings[number].value
            if isinstance(value, record.FunctionValue):
                return FunctionRef(klass.module, value.function)
        return None

    def _base_names(self, klass: ClassRef) -> set[str]:
        names = set()
        for base in self.order(klass):
            names.add(
                base.name.rpartition(".")[2] if isinstance(base, External) else self.record_of(base).name
            )
        return names

    # --- record classes --------------------------------------------------------------------------

    def is_settings(self, klass: ClassRef) -> bool:
        """Whether its fields are read from the environment when it is built."""
        return bool(self._base_names(klass) & _SETTINGS_BASES)

    def is_keyword_only(self, klass: ClassRef) -> bool:
        """Whether its fields can only be given by keyword."""
        return bool(self._base_names(klass) & _KEYWORD_ONLY_BASES)

    def is_record(self, klass: ClassRef) -> bool:
        """Whether its constructor is made from its annotated fields."""
        if "__init__" in self.scope_of(klass).final:
            return False
        return bool(self._base_names(klass) & _RECORD_BASES) or any(
            self._is_decorated(other) for other in self.order(klass) if isinstance(other, ClassRef)
        )

    def _is_decorated(self, klass: ClassRef) -> bool:
        frame_calls = klass.module.facts.calls
        for decorator in self.record_of(klass).decorators:
            named = (
                frame_calls[decorator.call].callee if isinstance(decorator, record.CallValue) else decorator
            )
            if getattr(named, "name", "") in _RECORD_DECORATORS:
                return True
        return False

    def fields(self, klass: ClassRef) -> list[str]:
        """The fields of a record class in the order of its constructor, those of its bases first."""
        return self._fields.answer(klass, lambda: list(self._annotated_names(klass)))

    def _annotated_names(self, klass: ClassRef) -> dict[str, None]:
        bases = [base for base in reversed(self.order(klass)) if isinstance(base, ClassRef)]
        bindings = [binding for base in bases for binding in self.scope_of(base).bindings]
        return {binding.name: None for binding in bindings if binding.annotation is not None}

    def is_field(self, klass: ClassRef, name: str) -> bool:
        """Whether ``name`` is a field that the constructor takes."""
        return self.is_record(klass) and name in self.fields(klass)

    def field_default(self, klass: ClassRef, name: str) -> Values:
        """What a field holds when the constructor is not given it; MISSING if it must be."""
        for base in self.order(klass):
            if isinstance(base, ClassRef):
                found = self._own_default(base, name)
                if found is not None:
                    return found
        return (MISSING,)

    def _own_default(self, klass: ClassRef, name: str) -> Values | None:
        scope = self.scope_of(klass)
        for binding in reversed(scope.bindings):
            if binding.name != name or binding.annotation is None:
                continue
            if isinstance(binding.value, record.Opaque):
                return (MISSING,)
            frame = self.program.root_frame(klass.module, self.record_of(klass).scope)
            if isinstance(binding.value, record.CallValue):
                made = self._made_default(klass, binding.value.call)
                if made is not None:
                    return made
            origin = Origin(klass.module, binding.line, f"{self.record_of(klass).name}.{name}")
            return tuple(
                Literal(value.value, origin=origin) if isinstance(value, Literal) else value
                for value in self.program.evaluator.values(binding.value, frame)
            )
        return None

    def _made_default(self, klass: ClassRef, call: int) -> Values | None:
        """The default in ``field(default=…)``, ``field(default_factory=…)`` or ``Field(…)``."""
        ref = CallRef(klass.module, call)
        name = getattr(ref.call.callee, "name", "")
        if name not in _FIELD_MAKERS:
            return None
        frame = self.program.root_frame(klass.module, self.record_of(klass).scope)
        arguments = self.program.calls.written(ref, frame)
        evaluator = self.program.evaluator
        default = evaluator.argument(arguments, "default", 0 if name == "Field" else None)
        if default != (MISSING,):
            return tuple(value for value in default if value != External("builtins.Ellipsis")) or (MISSING,)
        for keyword in ("default_factory", "factory"):
            factory = evaluator.argument(arguments, keyword, None)
            if factory != (MISSING,):
                return merge(*(self.program.calls.injected(maker, call, frame) for maker in factory))
        return (MISSING,)

    def described(self, order: list[ClassRef | External], name: str) -> Values:
        """The objects that a class-level or ``self.name: T`` annotation names."""
        for klass in order:
            if isinstance(klass, ClassRef):
                found = self._own_description(klass, name)
                if found:
                    return found
        return ()

    def _own_description(self, klass: ClassRef, name: str) -> Values:
        types = self.program.types
        scope = self.scope_of(klass)
        for binding in scope.bindings:
            if binding.name == name and binding.annotation is not None:
                frame = self.program.root_frame(klass.module, self.record_of(klass).scope)
                return types.instances(binding.annotation, frame)
        for write in self.own_writes(klass, name):
            if write.annotation is not None:
                return types.instances(write.annotation, self.program.root_frame(klass.module, write.scope))
        return ()

    # --- attributes that methods assign ----------------------------------------------------------

    def own_writes(self, klass: ClassRef, name: str) -> list[AttributeWrite]:
        """Assignments to ``self.name`` in the methods of a class."""
        return self._index(klass.module)[0].get((klass.index, name), [])

    def nested_writes(self, klass: ClassRef, name: str) -> list[AttributeWrite]:
        """Changes of what ``self.name`` holds, in the methods of a class."""
        return self._index(klass.module)[1].get((klass.index, name), [])

    def _index(self, module: Module) -> tuple[dict[tuple[int, str], list[AttributeWrite]], ...]:
        if module not in self._writes:
            self._writes[module], self._nested[module] = {}, {}
            for write in module.facts.writes:
                self._add(module, write)
        return self._writes[module], self._nested[module]

    def _add(self, module: Module, write: AttributeWrite) -> None:
        target = write.target
        klass = self.receiver_class(module, write.scope, target)
        if klass >= 0:
            self._writes[module].setdefault((klass, write.name), []).append(write)
        elif isinstance(target, record.Attribute):
            klass = self.receiver_class(module, write.scope, target.value)
            if klass >= 0:
                self._nested[module].setdefault((klass, target.name), []).append(write)

    def receiver_class(self, module: Module, scope: int, target: record.Expression) -> int:
        """The class whose method's own object ``target`` names, in ``scope`` or a function in it; or -1."""
        if not isinstance(target, record.Name):
            return -1
        while scope > 0:
            number = self.program.function_of_scope(module, scope)
            if number >= 0:
                function = module.facts.functions[number]
                if function.klass >= 0 and function.parameters and function.parameters[0].name == target.name:
                    return function.klass
            scope = module.facts.scopes[scope].parent
        return -1
