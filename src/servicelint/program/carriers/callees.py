"""The functions that a call may enter, by what is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.carriers.declared import is_open
from servicelint.program.carriers.marks import EVERYDAY, MOST_NAMESAKES
from servicelint.program.evaluation.parameters import has_receiver
from servicelint.program.evaluation.values import ClassRef, FunctionRef, Instance, Partial, Value
from servicelint.program.linking.reach import FEW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.carriers.marks import FunctionKey
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program


class Callees:
    """Finds functions, each with the number of its parameters that come before the arguments of a call."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def of(self, module: Module, call: record.Call) -> Iterator[tuple[FunctionKey, int]]:
        """The functions that a call may enter."""
        frame = self.program.root_frame(module, call.scope)
        values = self.program.evaluator.typed(call.callee, frame)
        for value in self.program.evaluator.typed_all(values):
            yield from self.behind(value)
        if is_open(values):
            yield from self._namesakes(call.callee)

    def behind(self, value: Value, given: int = 0) -> Iterator[tuple[FunctionKey, int]]:
        """The functions that a value enters when it is called; ``given`` arguments are bound already."""
        if isinstance(value, FunctionRef):
            function = value.module.facts.functions[value.index]
            is_bound = has_receiver(function) and value.receiver is not None
            yield (value.module, value.index), given + is_bound
        elif isinstance(value, ClassRef):
            constructor = self.program.attributes.classes.constructor(value)
            if constructor is not None:
                yield (constructor.module, constructor.index), given + 1
        elif isinstance(value, Partial):
            yield from self.behind(value.function, given + len(value.arguments.positional))
        elif isinstance(value, Instance) and isinstance(value.of, ClassRef):
            for method in self.program.attributes.of(value, "__call__"):
                if isinstance(method, FunctionRef):
                    yield from self.behind(method, given)

    def _namesakes(self, callee: record.Expression) -> Iterator[tuple[FunctionKey, int]]:
        """The methods of this name, if it is a telling one: what they are called on can't be told."""
        if not isinstance(callee, record.Attribute) or callee.name in EVERYDAY:
            return
        modules = self.program.vocabulary.modules_with(callee.name)
        if len(modules) > FEW:
            return
        defining = [module for module in modules if self.program.vocabulary.defines(module, callee.name)]
        if len(defining) > MOST_NAMESAKES:
            return
        names = [(module, self.program.index.of(module)) for module in defining]
        found = [(module, number) for module, each in names for number in each.methods[callee.name]]
        for module, number in found if len(found) <= MOST_NAMESAKES else ():
            yield (module, number), 1
