"""Carriers: where clients can be, found in one cheap fixpoint before anything is evaluated.

A mark says what something may be: a symbol of a cataloged library (by its dotted name), a client object, one
of its methods, or a container of clients. Marks start in the modules that import such a symbol and flow
through bindings, attributes (of the classes that declarations tell), results and arguments. What they
reach in another module is looked for where :class:`Reach` says it can be used: modules that no mark leads to
are never parsed. Marks say too much rather than too little: whatever has none can be no client, so it need
not be evaluated.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from servicelint.catalog.model import Invoker
from servicelint.facts import record
from servicelint.program.carriers.annotated import annotated
from servicelint.program.carriers.bystanders import Bystanders
from servicelint.program.carriers.callees import Callees
from servicelint.program.carriers.mark_reader import MarkReader
from servicelint.program.carriers.marks import (
    ENTERING,
    REMOTE,
    Marked,
    Marks,
    boxed,
    lead,
    more_than_modules,
    taken_out,
)
from servicelint.program.evaluation.attributes import PROXYING, is_property
from servicelint.program.evaluation.values import ClassRef, FunctionRef
from servicelint.program.handlers.handing_on import arguments_for, callable_position, invoker_of
from servicelint.program.linking.index import last_name
from servicelint.program.linking.reads import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from servicelint.program.carriers.kept_marks import Given
    from servicelint.program.carriers.marks import FunctionKey
    from servicelint.program.linking.earlier import Earlier
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

Answer = TypeVar("Answer")

LOOKED_AT = 32
"""Modules that are looked at before those of them that matter are ordered."""

PARTIAL = Invoker(passes="rest", callable=0)
"""``functools.partial`` hands on as an executor does, only later."""


class Carriers(MarkReader):
    """Tells what may be a client, or lead to one."""

    def __init__(self, program: Program, earlier: Earlier | None = None) -> None:
        super().__init__(program, earlier.marked if earlier else Marked())
        self._version = 0
        self._pending: dict[Module, None] = {}
        self.visits: defaultdict[Module, Node] = defaultdict(Node)
        """By module, what the marks that it gives rest on."""
        self.news: set[Module] = set()
        """The modules of which something may be known that was not in an earlier run."""
        self._retold = set(earlier.retold if earlier else ())
        self._ungiven: set[Given] = set(earlier.ungiven if earlier else ())
        self._receiving = {owner for (owner, _), _ in self.marked.parameters}
        self._bystanders = Bystanders(self)
        self._callees = Callees(program)
        self._tells_all = False
        self._is_fresh = False
        with program.evaluator.declarations_only():
            self._wake(self._resumed(earlier) if earlier else self._seeds())
            self._spread()
        self.news |= {owner for ((owner, _), _), _ in self._ungiven}

    # --- questions -------------------------------------------------------------------------------

    def visited(self, module: Module) -> bool:
        """Whether a mark leads to a module: nothing in any other can be a client."""
        self.program.reads.note(module)
        return module in self.marked.visited

    def may_send(self, module: Module, call: record.Call) -> bool:
        """Whether a call may send a request, or hand on something that does."""
        if not self.visited(module):
            return False
        if lead(self.of(call.callee, module, call.scope)):
            return True
        if not self._invokes(module, last_name(call.callee)):
            return False
        return any(lead(self.of(argument.value, module, call.scope)) for argument in call.arguments)

    def _invokes(self, module: Module, name: str) -> bool:
        """Whether something of this name calls, or keeps to call later, what it is given."""
        spoken = self.program.index.of(module).spoken(name)
        return "partial" in spoken or any(each in self.program.catalog.invokers for each in spoken)

    def parameter(self, function: FunctionRef, name: str) -> bool:
        """Whether a parameter may be, or hold, a client."""
        self.program.reads.note(function.module)
        return bool(self.marked.parameters.get(((function.module, function.index), name)))

    def givers(self, function: FunctionRef, name: str) -> frozenset[Module]:
        """The modules that pass something for a parameter that may be, or hold, a client."""
        self.program.reads.note(function.module)
        return frozenset(self.marked.givers.get(((function.module, function.index), name), ()))

    # --- the fixpoint ----------------------------------------------------------------------------

    def is_seed(self, module: Module) -> bool:
        """Whether a target itself imports a symbol of a cataloged library, or a generated stub."""
        if not module.is_target:
            return False
        endings = [stub.module for stub in self.program.catalog.stubs]
        return self.program.vocabulary.imports(module, self._prefixes, endings)

    def _seeds(self) -> list[Module]:
        vocabulary, catalog = self.program.vocabulary, self.program.catalog
        stubs = [
            module for stub in catalog.stubs for module in vocabulary.modules_importing_from(stub.module)
        ]
        return [*vocabulary.modules_importing(self._prefixes), *stubs]

    def _resumed(self, earlier: Earlier) -> list[Module]:
        """Where to go on from an earlier run: what it saw of what has changed, and new seeds."""
        return [*earlier.visits, *(module for module in earlier.changed if self.is_seed(module))]

    def _spread(self) -> None:
        while self._pending:
            woken, self._pending = list(self._pending), {}
            concerned: list[Module] = []
            self._bystanders.look_soon_at(each for each in woken if self._may_stand_by(each))
            for at in range(0, len(woken), LOOKED_AT):  # the first are parsed while others are looked at
                some = [each for each in woken[at : at + LOOKED_AT] if not self._in(each, self._stands_by)]
                self.program.elsewhere.order(some)
                concerned += some
            for module in concerned:
                self._pending.pop(module, None)
                if module not in self.marked.visited:
                    self.marked.visited.add(module)
                    self.news.add(module)
                self._in(module, self._visit)

    def _in(self, module: Module, look: Callable[[Module], Answer]) -> Answer | None:
        """Look into a module, and note what that rests on; None if it crashes."""
        self._visited = module
        with self.program.reads.apart(self.visits[module]):
            try:
                return look(module)
            except Exception as error:  # noqa: BLE001 - reported at its file; the others go on
                self.program.crashes[module] = error
                return None

    def _may_stand_by(self, module: Module) -> bool:
        return module not in self.marked.visited and module not in self._receiving

    def _stands_by(self, module: Module) -> bool:
        """Whether a module need not be visited; what it imports may be imported from it."""
        if not self._may_stand_by(module):
            return False
        imports = self._bystanders.imports(module)
        if imports is None:
            return False
        self._tells_all = module in self._retold
        for name, marks in imports.items():
            if self._add(self.marked.brought[module, name], marks):
                self._wake(self.program.reach.of_name(module, name))
        self._tells_all = False
        self._retold.discard(module)
        return True

    def _add(self, known: set[str], marks: Iterable[str], *, is_local: bool = False) -> bool:
        """Add marks; tells whether this is news to other modules too.

        In a module that is told again, old marks are news as well: others may use them now that did not.
        """
        fresh = [mark for mark in marks if mark not in known and (is_local or mark != REMOTE)]
        self._is_fresh = bool(fresh)
        if fresh:
            known.update(fresh)
            self._version += 1
            self.news.add(self._visited)
        elif not self._tells_all:
            return False
        return more_than_modules(marks if self._tells_all else fresh)

    def _wake(self, modules: Iterable[Module]) -> None:
        woken = dict.fromkeys(modules)
        if self._is_fresh:
            self.news.update(woken)
        self._pending.update(woken)

    def _visit(self, module: Module) -> None:
        """Spread marks through one module until nothing in it changes."""
        facts = module.facts
        self._tells_all = module in self._retold
        self._retold.discard(module)
        while True:
            before = self._version
            for number, scope in enumerate(facts.scopes):
                for binding in scope.bindings:
                    self._bind(module, number, binding)
            for write in facts.writes:
                self._write(module, write)
            for number in range(len(facts.functions)):
                self._function(module, number)
            for number, klass in enumerate(facts.classes):
                bases = self._any(klass.bases, module, klass.outer_scope)
                self._add(self.marked.bases[ClassRef(module, number)], bases)
            for call in facts.calls:
                self._call(module, call)
            self._tells_all = False
            if self._version == before:
                return

    def _bind(self, module: Module, number: int, binding: record.Binding) -> None:
        scope = module.facts.scopes[number]
        marks = self.of(binding.value, module, number)
        marks |= annotated(self, binding.annotation, module, number)
        if number == 0 and isinstance(binding.value, record.Subscript | record.Operation):
            marks |= annotated(self, binding.value, module, number)  # an alias: Annotated[Client, ...]
        if isinstance(binding.value, record.ParameterValue):
            marks |= self._parameter_marks(module, number, binding.value.index)
        if not marks:
            return
        owner = 0 if binding.name in scope.globals else number
        if binding.name in scope.nonlocals:
            owner = scope.parent
        if (
            self._add(self.marked.slots[module, owner, binding.name], marks, is_local=owner > 0)
            and owner == 0
        ):
            self._wake(self.program.reach.of_name(module, binding.name))
        if scope.kind == "class":
            self._add_attribute(self._class_of_body(module, number), binding.name, marks)

    def _class_of_body(self, module: Module, scope: int) -> ClassRef:
        """The class whose body is ``scope``."""
        classes = module.facts.classes
        return ClassRef(module, next(n for n, klass in enumerate(classes) if klass.scope == scope))

    def _add_attribute(self, klass: ClassRef, name: str, marks: Iterable[str]) -> None:
        if self._add(self.marked.attributes[name][klass], marks):
            self._wake(self.program.reach.of_member(klass, name))
            if name in ENTERING or name == PROXYING:
                named = self.program.attributes.classes.record_of(klass).name
                self._wake(self.program.reach.of_name(klass.module, named))

    def _write(self, module: Module, write: record.AttributeWrite) -> None:
        marks = self.of(write.value, module, write.scope)
        marks |= annotated(self, write.annotation, module, write.scope)
        if not marks:
            return
        name, target = write.name, write.target
        if name == "[]" or name.endswith("()"):  # a change in place of what an attribute holds
            classes = self.program.attributes.classes
            if (
                not isinstance(target, record.Attribute)
                or classes.receiver_class(module, write.scope, target.value) < 0
            ):
                return  # only a class's own methods are followed in what they do to its containers
            name, target = target.name, target.value
        owners, is_unknown = self._owners(target, module, write.scope)
        for klass in owners:
            self._add_attribute(klass, name, marks)
        if is_unknown and self._add(self.marked.loose[name], marks):
            self._wake(self.program.reach.of_attribute(module, name))

    def _parameter_marks(self, module: Module, scope: int, index: int) -> Marks:
        number = self.program.function_of_scope(module, scope)
        function = module.facts.functions[number]
        parameter = function.parameters[index]
        marks = frozenset(self.marked.parameters.get(((module, number), parameter.name), ()))
        if parameter.default is not None:
            marks |= self.of(parameter.default, module, function.outer_scope)
        if index == 0 and function.klass >= 0:
            marks |= self._made_by_class(ClassRef(module, function.klass))
        return marks

    def _function(self, module: Module, number: int) -> None:
        function = module.facts.functions[number]
        found: set[str] = set()
        for value, _ in function.returns:
            found |= self.of(value, module, function.scope)
        for value in function.yields:  # entered as a context manager, or looped over
            marks = self.of(value, module, function.scope)
            found |= marks | boxed(marks)
        found |= annotated(self, function.annotation, module, function.outer_scope)
        if not found:
            return
        self._add(self.marked.returned[module, number], found)
        if function.klass >= 0 and is_property(function):
            self._add_attribute(ClassRef(module, function.klass), function.name, found)

    # --- arguments -------------------------------------------------------------------------------

    def _call(self, module: Module, call: record.Call) -> None:
        """Marked arguments reach the parameters of whatever declarations say is called."""
        marked = list(self._marked_arguments(module, call))
        if not marked:
            return
        for function, offset in self._callees.of(module, call):
            for position, argument, marks in marked:
                self._reach(module, function, position + offset, argument, marks)
        self._fill_fields(module, call, marked)
        self._reach_handed(module, call)

    def _marked_arguments(
        self, module: Module, call: record.Call
    ) -> Iterator[tuple[int, record.Argument, Marks]]:
        for position, argument in enumerate(call.arguments):
            marks = self.of(argument.value, module, call.scope)
            if more_than_modules(marks):
                yield position, argument, marks

    def _reach(
        self,
        giver: Module,
        function: FunctionKey,
        position: int,
        argument: record.Argument,
        marks: Marks,
    ) -> None:
        owner, number = function
        for index, parameter in enumerate(owner.facts.functions[number].parameters):
            is_rest = parameter.kind in ("star", "double-star")
            fits = argument.keyword == parameter.name if argument.keyword else index == position
            if (fits and not argument.stars) or is_rest:
                key = (function, parameter.name)
                self._give(giver, key)
                self._receiving.add(owner)
                if self._add(self.marked.parameters[key], boxed(marks) if is_rest else marks):
                    self._wake([owner])

    def _give(self, giver: Module, key: tuple[FunctionKey, str]) -> None:
        """Note who passes something for a marked parameter."""
        if giver not in self.marked.givers[key]:
            self.marked.givers[key].add(giver)
            if (key, giver) not in self._ungiven:
                self.news.add(key[0][0])
            self._ungiven.discard((key, giver))

    def _fill_fields(
        self, module: Module, call: record.Call, marked: list[tuple[int, record.Argument, Marks]]
    ) -> None:
        """Marked arguments of a record class's construction reach its fields."""
        classes = self.program.attributes.classes
        for value in self.program.evaluator.typed(call.callee, self.program.root_frame(module, call.scope)):
            if not isinstance(value, ClassRef) or not classes.is_record(value):
                continue
            fields = classes.fields(value)
            for position, argument, marks in marked:
                name = argument.keyword or (fields[position] if position < len(fields) else "")
                if name in fields:
                    self._add_attribute(value, name, marks)

    def _reach_handed(self, module: Module, call: record.Call) -> None:
        """``executor.submit(fetch, session, url)``: the function handed over gets the other arguments."""
        handed = self._handed_over(module, call)
        if handed is None:
            return
        callable_, arguments = handed
        frame = self.program.root_frame(module, call.scope)
        for value in self.program.evaluator.typed(callable_, frame):
            for function, offset in self._callees.behind(value):
                for position, argument, marks in arguments:
                    self._reach(module, function, position + offset, argument, marks)

    def _handed_over(
        self, module: Module, call: record.Call
    ) -> tuple[record.Expression, list[tuple[int, record.Argument, Marks]]] | None:
        """What a call hands to be called, and the arguments that it will get, with their marks."""
        spoken = self.program.index.of(module).spoken(last_name(call.callee))
        invoker = PARTIAL if "partial" in spoken else invoker_of(self.program, module, call)
        position = callable_position(invoker, call) if invoker else None
        if invoker is None or position is None:
            return None
        given = arguments_for(invoker, call, position)
        found = [
            (number, argument, self.of(argument.value, module, call.scope))
            for number, argument in enumerate(given)
        ]
        if invoker.passes == "others":  # each call gets one element
            found = [(number, argument, taken_out(marks)) for number, argument, marks in found]
        return call.arguments[position].value, found
