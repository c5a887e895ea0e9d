"""Circuit breakers of the team's own: classes declared in the settings, or recognised by their shape.

A class has the shape of a breaker if it is called one, counts failures, can be open, and runs what it is
given, can be entered, or tells whether a call may go through.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.values import ClassRef, FunctionRef, Instance, Super, Value
from servicelint.program.linking.reads import Memo
from servicelint.program.linking.wholes import ANY, Packing, Whole, by_number, paths
from servicelint.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from servicelint.program.linking.modules import Module, ModuleIndex
    from servicelint.program.program import Program

_NAME = regex(r"circuit|breaker", re.IGNORECASE)
_FAILURES = regex(r"fail|error_count|errors?$", re.IGNORECASE)
_OPEN = regex(r"(^|_)open(ed)?(_|$)|half_?open|state$|tripped", re.IGNORECASE)
_WORDS = regex(r"class\s+\w*(?:[Bb]reaker|[Cc]ircuit)\w*")
_HOLDING = {"breaker", "_breaker", "circuit_breaker", "_circuit_breaker", "circuit", "_circuit", "cb", "_cb"}
"""Names that are given to what is a breaker, where its class is not named."""

_TELLING = (
    "CircuitBreaker", "Breaker", "circuit_breaker", "half_open", "HALF_OPEN", "failures", "_failures",
    "failure_count", "_failure_count", "fail_count", "_fail_count", "opened_at", "_opened_at",
    "failure_threshold", "_failure_threshold", "fail_max", "max_failures", "recovery_timeout",
    "reset_timeout",
)  # fmt: skip
"""Words of which a file that defines such a class has one."""

_FORMS = regex(
    r"^(__call__|__enter__|__aenter__|call|acall|call_async|execute|run|guard|protect|wrap|decorate|allow\w*|"
    r"can_\w+|is_(open|closed|available|allowed)|before_call|check|record_\w+|on_(success|failure))$"
)


class OwnBreakers:
    """Tells which classes of the program are circuit breakers."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._known: Memo[ClassRef, bool] = Memo(program.reads)
        self._classes = Whole(program.reads, "own breakers", self._find, _told, _packing(program.modules))
        self._users = Whole(
            program.reads, "naming own breakers", self._find_users, paths, by_number(program.modules)
        )
        self.declared: frozenset[str] = frozenset()
        """The dotted names of the classes that the settings declare."""

    def _modules(self) -> list[Module]:
        """The modules that may define one, by their text."""
        names = {name.rpartition(".")[2] for name in self.declared}
        declaring = {module for name in names for module in self.program.vocabulary.modules_with(name)}
        candidates = {module for word in _TELLING for module in self.program.vocabulary.modules_with(word)}
        return [
            module
            for module in self.program.targets
            if module in declaring or (module in candidates and _WORDS.search(module.source))
        ]

    @property
    def classes(self) -> list[ClassRef]:
        """The program's own breakers."""
        return self._classes.answer()

    @property
    def exist(self) -> bool:
        """Whether the program has any."""
        return bool(self._classes.answer(ANY))

    def _find(self) -> list[ClassRef]:
        found = [ClassRef(module, n) for module in self._modules() for n in range(len(module.facts.classes))]
        return [klass for klass in found if self.is_breaker(klass)]

    def may_be_used_in(self, module: Module) -> bool:
        """Whether a module names one of these classes, or something that may be one."""
        return module in self._users.answer(module.path)

    def _find_users(self) -> frozenset[Module]:
        order = self.program.attributes.classes
        names = {order.record_of(klass).name for klass in self.classes}
        words = names | _HOLDING if names else set()
        return frozenset(module for word in words for module in self.program.vocabulary.modules_with(word))

    def is_breaker(self, klass: ClassRef) -> bool:
        """Whether a class is declared to be a breaker, or has the shape of one, or inherits from one."""
        return self._known.answer(klass, lambda: self._is_breaker(klass))

    def _is_breaker(self, klass: ClassRef) -> bool:
        order = self.program.attributes.classes.order(klass)
        own = [each for each in order if isinstance(each, ClassRef)]
        return any(self._is_declared(each) or self._has_shape(each) for each in own)

    def _is_declared(self, klass: ClassRef) -> bool:
        name = self.program.attributes.classes.record_of(klass).name
        return f"{klass.module.name}.{name}" in self.declared

    def _has_shape(self, klass: ClassRef) -> bool:
        described = self.program.attributes.classes.record_of(klass)
        if not _NAME.search(described.name):
            return False
        names = set(self._attributes(klass))
        methods = {
            function.name for function in klass.module.facts.functions if function.klass == klass.index
        }
        counts = any(_FAILURES.search(name) for name in names)
        opens = any(_OPEN.search(name) for name in names | methods)
        return counts and opens and any(_FORMS.search(method) for method in methods)

    def _attributes(self, klass: ClassRef) -> Iterator[str]:
        """The names of what a class keeps: its own variables, and what its methods assign."""
        classes = self.program.attributes.classes
        yield from (binding.name for binding in classes.scope_of(klass).bindings)
        for write in klass.module.facts.writes:
            if classes.receiver_class(klass.module, write.scope, write.target) == klass.index:
                yield write.name

    # --- uses ------------------------------------------------------------------------------------

    def is_one(self, value: Value) -> bool:
        """Whether a value is an object (or method) of a breaker of the program's own."""
        if isinstance(value, Instance | Super):
            return isinstance(value.of, ClassRef) and self.is_breaker(value.of)
        if isinstance(value, FunctionRef):
            function = value.module.facts.functions[value.index]
            return function.klass >= 0 and self.is_breaker(ClassRef(value.module, function.klass))
        return isinstance(value, ClassRef) and self.is_breaker(value)

    def mentions_one(self, expression: record.Expression, module: Module, scope: int) -> bool:
        """Whether an expression is, is taken from, or is made by a breaker of the program's own."""
        if not self.exist:
            return False
        return any(self._is_one(part, module, scope) for part in _owners(expression, module))

    def _is_one(self, expression: record.Expression, module: Module, scope: int) -> bool:
        frame = self.program.root_frame(module, scope)
        evaluator = self.program.evaluator
        values = evaluator.typed_all(evaluator.typed(expression, frame))
        if any(self.is_one(value) for value in values):
            return True
        name = expression.name if isinstance(expression, record.Name | record.Attribute) else ""
        return not any(isinstance(value, FunctionRef) for value in values) and bool(
            re.search(r"breaker", name, re.IGNORECASE)
        )


def _told(classes: Iterable[ClassRef]) -> dict[str, object]:
    """Classes as plain data."""
    told = [(klass.module.path, klass.index) for klass in classes]
    return {"": told, ANY: bool(told)}


def _packing(index: ModuleIndex) -> Packing[list[ClassRef]]:
    """Classes kept by the numbers of their modules, and their own."""
    return Packing(
        lambda classes: [(index.numbers[klass.module], klass.index) for klass in classes],
        lambda pairs: [ClassRef(index.numbered[module], klass) for module, klass in pairs],
    )


def _owners(expression: record.Expression, module: Module) -> Iterator[record.Expression]:
    """An expression, what is called in it, and what that is an attribute of."""
    pending: list[object] = [expression]
    while pending:
        part = pending.pop()
        if isinstance(part, record.CallValue):
            pending.append(module.facts.calls[part.call].callee)
        elif isinstance(part, record.Awaited | record.Attribute | record.Subscript):
            pending.append(part.value)
        if isinstance(part, record.Name | record.Attribute | record.CallValue):
            yield part
