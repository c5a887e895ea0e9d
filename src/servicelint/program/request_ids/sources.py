"""What stands behind the names, attributes and calls of an expression: further expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.program.evaluation.values import CallRef, ClassRef, FunctionRef, Instance, Partial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.facts import record
    from servicelint.facts.record import Expression
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program


class Sources:
    """Tells, without evaluating it, what an expression was made from."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def bindings(self, name: record.Name, module: Module, scope: int) -> Iterator[tuple[Expression, int]]:
        """What a name is bound to, each with its scope."""
        scopes = module.facts.scopes
        if name.definitions:
            yield from ((scopes[scope].bindings[number].value, scope) for number in name.definitions)
            return
        number = scope
        while number >= 0:
            values = [binding.value for binding in scopes[number].bindings if binding.name == name.name]
            if values:
                yield from ((value, number) for value in values)
                return
            number = scopes[number].parent

    def functions(self, ref: CallRef) -> Iterator[FunctionRef]:
        """The program's functions that a call means."""
        frame = self.program.frame_of_call(ref)
        values = self.program.evaluator.typed(ref.call.callee, frame)
        for value in self.program.evaluator.typed_all(values):
            each = value.function if isinstance(value, Partial) else value
            if isinstance(each, FunctionRef):
                yield each

    def writes(
        self, attribute: record.Attribute, module: Module, scope: int
    ) -> Iterator[tuple[Expression, Module, int]]:
        """What an attribute of one of the program's own objects is assigned; what a property returns."""
        classes = self.program.attributes.classes
        for klass in self._classes(attribute.value, module, scope):
            for each in classes.order(klass):
                if not isinstance(each, ClassRef):
                    continue
                for write in (*classes.own_writes(each, attribute.name),):
                    yield write.value, each.module, write.scope
                body = classes.record_of(each).scope
                for binding in each.module.facts.scopes[body].bindings:
                    if binding.name == attribute.name:
                        yield binding.value, each.module, body

    def _classes(self, owner: Expression, module: Module, scope: int) -> Iterator[ClassRef]:
        number = self.program.attributes.classes.receiver_class(module, scope, owner)
        if number >= 0:
            yield ClassRef(module, number)
            return
        frame = self.program.root_frame(module, scope)
        values = self.program.evaluator.typed(owner, frame)
        for value in self.program.evaluator.typed_all(values):
            of = value.of if isinstance(value, Instance) else value
            if isinstance(of, ClassRef):
                yield of
