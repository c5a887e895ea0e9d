"""What an expression is: evaluation of the record's expressions to abstract values.

Every question is answered lazily and remembered in its frame. A question that comes back to itself
(recursion, import cycles) contributes nothing to its own answer; only answers that do not rest on such a
cut are remembered, so that they do not depend on who asked first.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from typing import Literal as OneOf

from servicelint.facts import record
from servicelint.program.evaluation.arguments import Given, or_else
from servicelint.program.evaluation.conditions import Conditions
from servicelint.program.evaluation.containers import Containers
from servicelint.program.evaluation.operations import computed
from servicelint.program.evaluation.values import (
    MISSING,
    UNKNOWN,
    CallRef,
    ClassRef,
    ContextManager,
    FunctionRef,
    Instance,
    Literal,
    Origin,
    ParameterSymbol,
    SequenceValue,
    Value,
    Values,
    merge,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.program import Program

Depth = OneOf["full", "typed", "shallow"]
_DEPTHS: dict[Depth, int] = {"full": 0, "typed": 1, "shallow": 2}

MOST_ALTERNATIVES = 32
"""A value with more possibilities than this is not known well enough to be worth following."""

DEEPEST = 250
"""Evaluations within one another; what lies deeper is unknown."""

MOST_STEPS = 4_000
"""Evaluations one question may take: hostile or generated code must not hold up a run."""


_EXHAUSTED = (0, 0)
"""Marks an answer that rests on a question given up for its depth or length."""


class Evaluator:
    """Evaluates expressions in frames."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.conditions = Conditions(self)
        self.containers = Containers(self)
        self._open: set[tuple[int, int]] = set()
        self._cut: set[tuple[int, int]] = set()
        self._provisional: dict[tuple[int, int], Values] = {}
        self._steps = 0
        self._depth: Depth = "full"
        self._handlers: dict[type, Callable[[Any, Frame], Values]] = {
            record.Opaque: lambda _, __: (UNKNOWN,),
            record.Constant: lambda expression, _: (Literal(expression.value),),
            record.Name: self._name,
            record.Attribute: self._attribute,
            record.CallValue: self._call,
            record.Subscript: self.containers.subscript,
            record.Operation: self._operation,
            record.Choice: self._choice,
            record.Conditional: self._conditional,
            record.Awaited: lambda expression, frame: self.values(expression.value, frame),
            record.Mapping: self.containers.mapping,
            record.Sequence: self.containers.sequence,
            record.FunctionValue: self._function,
            record.ClassValue: lambda expression, frame: (ClassRef(frame.module, expression.klass),),
            record.Imported: lambda expression, frame: self.program.names.imported(expression, frame.module),
            record.Text: self._text,
            record.Comparison: self.conditions.as_values,
            record.Negation: self.conditions.as_values,
            record.Element: self.containers.element,
            record.Item: self.containers.unpacked,
            record.Entered: self._entered,
            record.ParameterValue: self._parameter,
            record.Updated: self._updated,
            record.Narrowed: self._narrowed,
            record.Collected: self.containers.collected,
        }

    def values(self, expression: record.Expression, frame: Frame) -> Values:
        """Everything ``expression`` can be in ``frame``; () where it can't be reached."""
        number = id(expression) << 2 | _DEPTHS[self._depth]
        self.program.reads.rest_on(frame.node_of(number))
        known = frame.memo.get(number)
        if known is not None:
            return known
        key = (number, id(frame))
        if key in self._open:
            self._cut.add(key)
            return ()
        if key in self._provisional:
            return self._provisional[key]
        return self._evaluate(expression, frame, key)

    def _evaluate(self, expression: record.Expression, frame: Frame, key: tuple[int, int]) -> Values:
        if not self._open:
            self._steps = 0
        self._steps += 1
        if self._steps > MOST_STEPS or len(self._open) > DEEPEST:
            self._cut.add(_EXHAUSTED)
            return (UNKNOWN,)
        self._open.add(key)
        try:
            with self.program.reads.within(frame.node_of(key[0])):
                found = self._handlers[type(expression)](expression, frame)
        finally:
            self._open.discard(key)
        if len(found) > MOST_ALTERNATIVES:
            found = (UNKNOWN,)
        self._cut.discard(key)
        if not self._open:  # the question is answered: what was given up on the way counts no more
            self._cut.clear()
        if self._cut:
            self._provisional[key] = found
        else:
            self._provisional.clear()
            frame.memo[key[0]] = found
        return found

    def shallow(self, expression: record.Expression, frame: Frame) -> Values:
        """Everything an expression can be without following calls of the program's functions or parameters.

        Enough for settings and flags, which is what tests are about; following more would make each branch
        of each function a question on the whole program.
        """
        with self._at("shallow"):
            return self.values(expression, frame)

    def typed(self, expression: record.Expression, frame: Frame) -> Values:
        """Everything an expression can be by what is declared: whoever calls, with whatever arguments.

        Parameters are what their annotations say, calls of the program's functions what they are annotated
        with or return by the same reading.
        """
        with self.declarations_only():
            return self.values(expression, frame)

    def declarations_only(self) -> AbstractContextManager[None]:
        """Within it, all questions are answered by what is declared, as by :meth:`typed`."""
        return self._at("typed")

    @contextmanager
    def _at(self, depth: Depth) -> Iterator[None]:
        before, self._depth = self._depth, depth
        try:
            yield
        finally:
            self._depth = before

    @property
    def is_shallow(self) -> bool:
        """Whether neither functions nor parameters are followed now."""
        return self._depth == "shallow"

    @property
    def is_typed(self) -> bool:
        """Whether only declarations count now, not particular callers."""
        return self._depth == "typed"

    def given(self, given: Given) -> Values:
        """What an argument is."""
        if given.expression is None or given.frame is None:
            return given.values
        return self.values(given.expression, given.frame)

    # --- names -----------------------------------------------------------------------------------

    def _name(self, expression: record.Name, frame: Frame) -> Values:
        if not expression.definitions:
            return self.program.names.free(expression.name, frame)
        return self.bindings(frame, expression.definitions)

    def bindings(self, frame: Frame, numbers: Iterable[int]) -> Values:
        """What the numbered bindings of the frame's scope hold, those ruled out by their branch left out."""
        return merge(*(self.binding(frame, number) for number in numbers))

    def binding(self, frame: Frame, number: int) -> Values:
        """What one binding of the frame's scope holds."""
        binding = frame.module.facts.scopes[frame.scope].bindings[number]
        if self.conditions.ruled_out(binding.region, frame):
            return ()
        meant = self.conditions.meant_in(binding.value, binding.region, frame)
        found = meant or self.conditions.meant_before(number, frame) or self.values(binding.value, frame)
        if binding.annotation is not None:
            found = self.program.types.refine(found, binding.annotation, frame)
        if frame.module.facts.scopes[frame.scope].kind == "function":
            return found
        return tuple(_with_origin(value, Origin(frame.module, binding.line, binding.name)) for value in found)

    def _parameter(self, expression: record.ParameterValue, frame: Frame) -> Values:
        return self.program.parameters.values(frame, expression.index)

    def _attribute(self, expression: record.Attribute, frame: Frame) -> Values:
        owners = self.values(expression.value, frame)
        return merge(*(self.program.attributes.of(owner, expression.name) for owner in owners))

    def _function(self, expression: record.FunctionValue, frame: Frame) -> Values:
        is_concrete = frame.arguments is not None or frame.receiver is not None or frame.closure is not None
        return (FunctionRef(frame.module, expression.function, None, frame if is_concrete else None),)

    # --- calls and containers --------------------------------------------------------------------

    def _call(self, expression: record.CallValue, frame: Frame) -> Values:
        return self.program.calls.results(CallRef(frame.module, expression.call), frame)

    def _entered(self, expression: record.Entered, frame: Frame) -> Values:
        return merge(
            *(self.entered(value) for value in self.expand_all(self.values(expression.value, frame)))
        )

    def entered(self, value: Value) -> Values:
        """What ``with value as x`` binds to ``x``."""
        if isinstance(value, ContextManager):
            return value.entered
        if isinstance(value, Instance) and isinstance(value.of, ClassRef):
            for name in ("__aenter__", "__enter__"):
                found = self.program.calls.method(value, name)
                if found != (UNKNOWN,):
                    return found
        return (value,)

    # --- operators -------------------------------------------------------------------------------

    def _operation(self, expression: record.Operation, frame: Frame) -> Values:
        lefts, rights = self.values(expression.left, frame), self.values(expression.right, frame)
        return merge(*((computed(expression.operator, left, right),) for left in lefts for right in rights))

    def _choice(self, expression: record.Choice, frame: Frame) -> Values:
        chosen: list[Values] = []
        for operand in expression.operands[:-1]:
            values = self.values(operand, frame)
            wanted = expression.operator == "or"
            chosen.append(self.conditions.narrowed_to(values, "true", wanted))
            if values and all(self.conditions.truth(value) is wanted for value in values):
                return merge(*chosen)
        return merge(*chosen, self.values(expression.operands[-1], frame))

    def _conditional(self, expression: record.Conditional, frame: Frame) -> Values:
        outcome = self.conditions.decide(expression.test, frame)
        found: Values = ()
        for branch, is_taken in ((expression.body, True), (expression.orelse, False)):
            if outcome is None:
                meant = self.conditions.meant(branch, expression.test, is_taken, frame)
                found = merge(found, meant or self.values(branch, frame))
            elif outcome is is_taken:
                found = self.values(branch, frame)
        return found

    def _text(self, expression: record.Text, frame: Frame) -> Values:
        whole = ""
        for part in expression.parts:
            values = self.values(part, frame)
            if len(values) != 1 or not isinstance(values[0], Literal) or not isinstance(values[0].value, str):
                return (UNKNOWN,)
            whole += values[0].value
        return (Literal(whole),)

    # --- changes and tests -----------------------------------------------------------------------

    def _updated(self, expression: record.Updated, frame: Frame) -> Values:
        previous = self.values(expression.previous, frame)
        return merge(*(self.program.changes.after(value, expression, frame) for value in previous))

    def _narrowed(self, expression: record.Narrowed, frame: Frame) -> Values:
        return self.conditions.narrowed(expression, frame)

    # --- symbols ---------------------------------------------------------------------------------

    def expand_all(self, values: Values) -> Values:
        """The values, with parameters replaced by what their callers and annotations say."""
        if not any(isinstance(value, ParameterSymbol) for value in values):
            return values
        return merge(*(self.program.parameters.expand(value) for value in values))

    def typed_all(self, values: Values) -> Values:
        """The values, with parameters replaced by what is declared of them."""
        with self.declarations_only():
            return self.expand_all(values)

    def argument(self, arguments: Arguments, keyword: str, position: int | None) -> Values:
        """What a call gives for a parameter; MISSING is among it if it may give nothing."""
        if keyword and keyword in arguments.keywords:
            return self.given(arguments.keywords[keyword])
        if position is not None and position < len(arguments.positional):
            return self.given(arguments.positional[position])
        found: Values = (MISSING,)
        if position is not None and arguments.stars:
            rank = Literal(position - len(arguments.positional))
            found = merge(*(self._from_star(value, rank) for value in self.given(arguments.stars[0])))
        if keyword:
            for mapping in arguments.mappings:
                spread = merge(*(self.containers.lookup_in(value, keyword) for value in self.given(mapping)))
                found = or_else(spread, found) if spread else found
        return found

    def _from_star(self, value: Value, rank: Literal) -> Values:
        if isinstance(value, SequenceValue) and isinstance(rank.value, int):
            if not value.is_open:
                return value.items[rank.value] if rank.value < len(value.items) else (MISSING,)
            return (MISSING,)  # further positional arguments are seldom a timeout: they are not guessed
        if isinstance(value, ParameterSymbol) and self.program.parameters.is_star(value):
            return (ParameterSymbol(value.owner, value.index, value.name, str(rank.value)),)
        return (MISSING,)


def _with_origin(value: Value, origin: Origin) -> Value:
    """A literal remembers the module or class variable that it first stands in."""
    if isinstance(value, Literal) and value.origin is None:
        return Literal(value.value, origin, value.assumed)
    return value
