"""How a client was built: what its constructor got, through those of the program's subclasses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.program.evaluation.arguments import without_first
from servicelint.program.evaluation.values import (
    CallRef,
    ClassRef,
    External,
    ExternalMethod,
    FunctionRef,
    Instance,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.program import Program


class Constructions:
    """Follows a construction to the library's own constructor."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def library_arguments(self, instance: Instance) -> list[Arguments]:
        """What the library's constructor is given; [] where that can't be told."""
        if not isinstance(instance.of, ClassRef):
            return [instance.arguments] if instance.arguments is not None else []
        constructor = self.program.attributes.classes.constructor(instance.of)
        if constructor is None:
            return [instance.arguments] if instance.arguments is not None else []
        return [
            arguments
            for called, arguments in self._chain(constructor, instance, instance.arguments, ())
            if isinstance(called, ExternalMethod)
        ]

    def arguments_for(self, method: FunctionRef, instance: Instance) -> Arguments | None:
        """What one ``__init__`` of the program gets when ``instance`` is built."""
        if not isinstance(instance.of, ClassRef):
            return None
        constructor = self.program.attributes.classes.constructor(instance.of)
        if constructor is None:
            return None
        for called, arguments in self._chain(constructor, instance, instance.arguments, ()):
            if isinstance(called, FunctionRef) and (called.module, called.index) == (
                method.module,
                method.index,
            ):
                return arguments
        return None

    def _chain(
        self,
        constructor: FunctionRef,
        instance: Instance,
        arguments: Arguments | None,
        seen: tuple[FunctionRef, ...],
    ) -> Iterator[tuple[FunctionRef | ExternalMethod, Arguments]]:
        """The constructors that a construction runs, outermost first, with what each is given."""
        if constructor in seen:
            return
        bound = FunctionRef(constructor.module, constructor.index, instance)
        frame = self.program.call_frame(bound, arguments)
        for number, call in enumerate(constructor.module.facts.calls):
            if call.scope != frame.scope or getattr(call.callee, "name", "") != "__init__":
                continue
            ref = CallRef(constructor.module, number)
            given = self.program.calls.written(ref, frame)
            for callee in self.program.evaluator.values(call.callee, frame):
                if isinstance(callee, ExternalMethod):
                    yield callee, given
                elif isinstance(callee, External):  # ``Client.__init__(self, …)``
                    yield ExternalMethod(instance, "__init__"), without_first(given)
                elif isinstance(callee, FunctionRef):
                    passed = given if callee.receiver is not None else without_first(given)
                    yield callee, passed
                    inner = FunctionRef(callee.module, callee.index)
                    yield from self._chain(inner, instance, passed, (*seen, constructor))
