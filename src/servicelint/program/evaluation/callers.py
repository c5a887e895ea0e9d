"""Who calls a function: found by name first, then confirmed by evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.program.evaluation.arguments import Arguments, combined, without_first
from servicelint.program.evaluation.parameters import has_receiver
from servicelint.program.evaluation.values import (
    CallRef,
    ClassRef,
    FunctionRef,
    Partial,
    Value,
)
from servicelint.program.linking.reads import Memo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

Owner = FunctionRef | ClassRef

FURTHEST_ALIAS = 2
"""Names given on this often are followed; beyond it, everyday names would lead from anywhere to anywhere."""

_CONSTRUCTORS = ("__init__", "__new__", "__post_init__")


class Callers:
    """The calls of a function or of a record class's constructor, with the arguments they give."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._known: Memo[tuple[object, ...], list[Arguments]] = Memo(program.reads)
        self._open: set[tuple[object, ...]] = set()

    def of(self, owner: Owner, among: frozenset[Module] | None = None) -> list[Arguments]:
        """The arguments of every call in the program (or ``among`` its modules) that can reach ``owner``."""
        key = (type(owner), owner.module, owner.index, among)
        if key in self._open:
            return []
        return self._known.answer(
            key, lambda: self._found(key, owner, among), is_lasting=lambda: not self._open
        )

    def _found(
        self, key: tuple[object, ...], owner: Owner, among: frozenset[Module] | None
    ) -> list[Arguments]:
        self._open.add(key)
        try:
            return list(dict.fromkeys(self._find(owner, among)))
        finally:
            self._open.discard(key)

    def _find(self, owner: Owner, among: frozenset[Module] | None) -> Iterator[Arguments]:
        uses = self.uses(owner, among)
        self.program.elsewhere.order(module for module, _ in uses)
        for module, name in uses:
            for ref in self.program.index.calls(module, name):
                frame = self.program.frame_of_call(ref)
                callees = self.program.evaluator.values(ref.call.callee, frame)
                for callee in self.program.evaluator.expand_all(callees):
                    yield from self._reaching(owner, callee, self.program.calls.written(ref, frame))
            for ref, position in self.program.index.references(module, name):
                yield from self._by_reference(owner, ref, position)

    def uses(self, owner: Owner, among: frozenset[Module] | None = None) -> list[tuple[Module, str]]:
        """The names under which ``owner`` may be called or handed on, each with a module that may do so."""
        vocabulary = self.program.vocabulary
        spelled = self._spellings(owner, among)
        return [(user, name) for user, name in spelled if user.is_parsed or vocabulary.uses(user, name)]

    def _spellings(self, owner: Owner, among: frozenset[Module] | None) -> list[tuple[Module, str]]:
        """The names that a call of ``owner`` can end in, each with a module that holds it."""
        found: dict[tuple[Module, str], None] = {}
        fresh = dict.fromkeys(self._first_spellings(owner))
        for _ in range(FURTHEST_ALIAS + 1):
            fresh = {each: None for each in fresh if among is None or each[0] in among}
            found |= fresh
            self.program.elsewhere.order(user for user, name in fresh if self._may_rename(user, name))
            fresh = {other: None for each in fresh for other in self._renamed(*each) if other not in found}
        return list(found)

    def _first_spellings(self, owner: Owner) -> Iterator[tuple[Module, str]]:
        if isinstance(owner, ClassRef):
            yield from self._class_spellings(owner)
            return
        function = owner.module.facts.functions[owner.index]
        if function.klass < 0:
            users = self.program.reach.of_name(owner.module, function.name)
            yield from ((user, function.name) for user in users)
        elif function.name in _CONSTRUCTORS:
            yield from self._class_spellings(ClassRef(owner.module, function.klass))
        else:
            klass = ClassRef(owner.module, function.klass)
            for each in (klass, *self.program.attributes.classes.below(klass)):
                users = self.program.reach.of_member(each, function.name)
                yield from ((user, function.name) for user in users)

    def _class_spellings(self, klass: ClassRef) -> Iterator[tuple[Module, str]]:
        classes = self.program.attributes.classes
        for each in (klass, *classes.below(klass)):
            name = classes.record_of(each).name
            yield from ((user, name) for user in self.program.reach.of_name(each.module, name))
            yield from ((each.module, name) for name in ("cls", "__init__"))

    def _renamed(self, module: Module, name: str) -> Iterator[tuple[Module, str]]:
        """The further names that a module gives to ``name``, with the modules that may use them."""
        if not self._may_rename(module, name):
            return
        for alias in sorted(self.program.index.aliases(module, name)):
            users = [module]
            if alias.kind == "module":
                users = self.program.reach.of_name(module, alias.name)
            elif alias.kind == "attribute":
                users = self.program.reach.of_attribute(module, alias.name)
            yield from ((user, alias.name) for user in users)

    def _may_rename(self, module: Module, name: str) -> bool:
        return module.is_parsed or self.program.vocabulary.renames(module, name)

    def _reaching(self, owner: Owner, callee: Value, arguments: Arguments) -> Iterator[Arguments]:
        if isinstance(callee, Partial):
            yield from self._reaching(owner, callee.function, combined(callee.arguments, arguments))
        elif isinstance(callee, FunctionRef) and isinstance(owner, FunctionRef):
            if callee.module is owner.module and callee.index == owner.index:
                function = callee.module.facts.functions[callee.index]
                unbound = has_receiver(function) and callee.receiver is None
                yield without_first(arguments) if unbound else arguments
        elif isinstance(callee, ClassRef) and self._constructs(callee, owner):
            yield arguments

    def _constructs(self, klass: ClassRef, owner: Owner) -> bool:
        """Whether building an object of ``klass`` runs ``owner``."""
        classes = self.program.attributes.classes
        if isinstance(owner, ClassRef):
            return owner in classes.order(klass) and classes.is_record(klass)
        return classes.constructor(klass) == FunctionRef(owner.module, owner.index)

    # --- by reference ----------------------------------------------------------------------------

    def _by_reference(self, owner: Owner, ref: CallRef, position: int) -> Iterator[Arguments]:
        handed = self.program.handed_on(ref)
        if handed is None or handed.position != position:
            return
        for callee in self.program.evaluator.expand_all(handed.callables):
            yield from self._reaching(owner, callee, handed.arguments)
