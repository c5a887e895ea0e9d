"""Reading statements: one walk over a module that follows bindings through its branches and loops."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import libcst as cst

from servicelint.facts.declarations import DeclarationReader
from servicelint.facts.environment import Environment, Frame, Loop, join, join_branches
from servicelint.facts.expressions import ExpressionReader
from servicelint.facts.literals import OPERATORS, has_items
from servicelint.facts.names import captured
from servicelint.facts.narrowing import narrowings
from servicelint.facts.record import (
    OPAQUE,
    Class,
    ClassValue,
    Constant,
    Element,
    Entered,
    Expression,
    FunctionValue,
    Name,
    Operation,
    Subscript,
    Updated,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from servicelint.facts.builder import Builder, RegionKind

_TERMINAL_CALLS = frozenset({"sys.exit", "os._exit", "exit", "quit"})


class StatementReader:
    """Walks statements in source order, counting logical lines as it meets them."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.expressions = ExpressionReader(builder)
        self._readers: dict[type, Callable[[Any], None]] = {
            cst.SimpleStatementLine: self._simple_line,
            cst.If: self._if,
            cst.For: self._for,
            cst.While: self._while,
            cst.Try: self._try,
            cst.TryStar: self._try,
            cst.With: self._with,
            cst.FunctionDef: self._function,
            cst.ClassDef: self._class,
            cst.Match: self._match,
            cst.Expr: self._expression,
            cst.Assign: self._assign,
            cst.AnnAssign: self._annotated_assign,
            cst.AugAssign: self._augmented_assign,
            cst.Return: self._return,
            cst.Raise: self._raise,
            cst.Del: self._delete,
            cst.Assert: self._assert,
            cst.Break: self._break,
            cst.Continue: self._continue,
            **DeclarationReader(builder).readers,
        }

    def read_all(self, statements: Iterable[cst.CSTNode]) -> None:
        """Read statements in order."""
        readers = self._readers
        for statement in statements:
            reader = readers.get(type(statement))
            if reader:
                reader(statement)

    def _read(self, node: cst.CSTNode | None) -> Expression:
        return self.expressions.read(node)

    def _suite(self, suite: cst.BaseSuite) -> None:
        """A block; one on its header's line brings no logical line of its own."""
        self.read_all(suite.body)

    def _simple_line(self, node: cst.SimpleStatementLine) -> None:
        self.builder.next_line()
        self.read_all(node.body)

    # --- simple statements -----------------------------------------------------------------------

    def _expression(self, node: cst.Expr) -> None:
        value = self._read(node.value)
        if isinstance(node.value, cst.Call) and self._ends_program(
            self.builder.calls[getattr(value, "call", 0)].callee
        ):
            self.builder.frame.environment = None

    def _ends_program(self, callee: Expression) -> bool:
        name = getattr(callee, "name", "")
        owner = getattr(getattr(callee, "value", None), "name", "")
        return (f"{owner}.{name}" if owner else name) in _TERMINAL_CALLS

    def _assign(self, node: cst.Assign) -> None:
        value = self._read(node.value)
        for target in node.targets:
            self.expressions.bind_target(target.target, value)

    def _annotated_assign(self, node: cst.AnnAssign) -> None:
        annotation = self.expressions.annotation(node.annotation)
        if node.value is not None:
            self.expressions.bind_target(node.target, self._read(node.value), annotation)
        elif isinstance(node.target, cst.Attribute):
            self.builder.write(self._read(node.target.value), node.target.attr.value, OPAQUE, annotation)
        elif isinstance(node.target, cst.Name):
            self.builder.bind(node.target.value, OPAQUE, annotation)

    def _augmented_assign(self, node: cst.AugAssign) -> None:
        operator = OPERATORS.get(type(node.operator), "")
        before = self._read(node.target)
        added = self._read(node.value)
        value = Operation(operator, before, added) if operator else OPAQUE
        self.expressions.bind_target(node.target, value)

    def _return(self, node: cst.Return) -> None:
        value = self._read(node.value)
        frame = self.builder.frame
        if frame.function >= 0 and node.value is not None:
            self.builder.functions[frame.function].returns.append((value, self.builder.region))
        self.builder.leave("return")

    def _raise(self, node: cst.Raise) -> None:
        raised = self._read(node.exc) if node.exc else None
        self.builder.leave("raise", raised)

    def _assert(self, node: cst.Assert) -> None:
        test = self._read(node.test)
        self._read(node.msg)
        self.builder.narrow(narrowings(test, True, self.builder.calls))

    def _delete(self, node: cst.Del) -> None:
        targets = node.target.elements if isinstance(node.target, cst.Tuple) else [node.target]
        for target in targets:
            inner = target.value if isinstance(target, cst.Element) else target
            read = self._read(inner)
            if isinstance(read, Subscript) and isinstance(inner, cst.Subscript):
                self.expressions._update(
                    inner.value, read.value, Updated(read.value, "delete", read.index, OPAQUE)
                )

    def _break(self, _: cst.Break) -> None:
        frame = self.builder.frame
        if frame.loops:
            frame.loops[-1].breaks.append(frame.environment)
        self.builder.leave("break")

    def _continue(self, _: cst.Continue) -> None:
        frame = self.builder.frame
        if frame.loops:
            frame.loops[-1].continues.append(frame.environment)
        self.builder.leave("continue")

    # --- branches --------------------------------------------------------------------------------

    def _branch(
        self, test: Expression, outcome: bool, body: Callable[[], None]
    ) -> tuple[Environment | None, dict[str, int]]:
        with self.builder.in_region("if", test, outcome):
            narrowed = self.builder.narrow(narrowings(test, outcome, self.builder.calls))
            body()
        return self.builder.frame.environment, narrowed

    def _if(self, node: cst.If) -> None:
        self.builder.next_line()
        test = self._read(node.test)
        frame = self.builder.frame
        before, otherwise = frame.environment, frame.copy()
        before = None if before is None else dict(before)
        yes = self._branch(test, True, lambda: self._suite(node.body))
        frame.environment = otherwise
        no = self._branch(test, False, lambda: self._orelse(node.orelse))
        self._mark_untouched(test, before, yes[0], no[0])
        frame.environment = join_branches(before, [yes, no])

    def _mark_untouched(
        self, test: Expression, before: Environment | None, yes: Environment | None, no: Environment | None
    ) -> None:
        """Where one branch binds a name anew, note that the other leaves it: it holds only on that branch."""
        if before is None or yes is None or no is None:
            return
        frame = self.builder.frame
        for outcome, touched, kept in ((False, yes, no), (True, no, yes)):
            names = [n for n, known in before.items() if touched.get(n) != known and kept.get(n) == known]
            frame.environment = kept
            with self.builder.in_region("if", test, outcome):
                for name in names:
                    self.builder.bind(name, Name(name, before[name]))

    def _orelse(self, node: cst.If | cst.Else | None) -> None:
        if isinstance(node, cst.If):
            self._if(node)
        elif node is not None:
            self.builder.next_line()
            self._suite(node.body)

    def _match(self, node: cst.Match) -> None:
        self.builder.next_line()
        self._read(node.subject)
        frame = self.builder.frame
        before = frame.copy()
        ends: list[Environment | None] = [before]
        for case in node.cases:
            self.builder.next_line()
            frame.environment = None if before is None else dict(before)
            for name in captured(case.pattern):
                self.builder.bind(name, OPAQUE)
            test = self._read(case.guard)
            with self.builder.in_region("if", test if case.guard else OPAQUE):
                self._suite(case.body)
            ends.append(frame.environment)
        frame.environment = join(ends)

    # --- loops -----------------------------------------------------------------------------------

    def _for(self, node: cst.For) -> None:
        self.builder.next_line()
        iterated = self._read(node.iter)
        with self.builder.in_region("for", iterated):
            loop = self._open_loop(runs=has_items(iterated))
            self.expressions.bind_target(node.target, Element(iterated))
            self._suite(node.body)
        self._close_loop(loop, node.orelse)

    def _while(self, node: cst.While) -> None:
        self.builder.next_line()
        loop = self._open_loop()
        test = self._read(node.test)
        with self.builder.in_region("while", test):
            self.builder.narrow(narrowings(test, True, self.builder.calls))
            self._suite(node.body)
        loop.is_endless = isinstance(test, Constant) and bool(test.value)
        self._close_loop(loop, node.orelse)

    def _open_loop(self, *, runs: bool = False) -> Loop:
        loop = Loop(self.builder.frame.copy() or {}, runs)
        self.builder.frame.loops.append(loop)
        return loop

    def _close_loop(self, loop: Loop, orelse: cst.Else | None) -> None:
        frame = self.builder.frame
        frame.loops.pop()
        frame.environment = loop.close(frame.environment)
        if orelse is not None:
            self.builder.next_line()
            self._suite(orelse.body)
        frame.environment = join([frame.environment, *loop.breaks])

    # --- try and with ----------------------------------------------------------------------------

    def _try(self, node: cst.Try | cst.TryStar) -> None:
        self.builder.next_line()
        frame = self.builder.frame
        before = frame.copy()
        first = len(self.builder.scopes[frame.scope].bindings)
        with self.builder.in_region("try"):
            self._suite(node.body)
        interrupted = self._interrupted(before, first)
        finished, ends = frame.environment, []
        for handler in node.handlers:
            frame.environment = None if interrupted is None else dict(interrupted)
            self._handler(handler)
            ends.append(frame.environment)
        frame.environment = finished
        if node.orelse:
            self.builder.next_line()
            with self.builder.in_region("else"):
                self._suite(node.orelse.body)
        ends.insert(0, frame.environment)
        frame.environment = join(ends)
        if node.finalbody:
            self._finally(node.finalbody, interrupted)

    def _interrupted(self, before: Environment | None, first: int) -> Environment | None:
        """What may hold when a try block is left in its midst: any of its bindings, or none yet."""
        if before is None:
            return None
        interrupted = dict(before)
        for number, binding in enumerate(
            self.builder.scopes[self.builder.frame.scope].bindings[first:], first
        ):
            interrupted[binding.name] = (*interrupted.get(binding.name, ()), number)
        return interrupted

    def _handler(self, handler: cst.ExceptHandler | cst.ExceptStarHandler) -> None:
        self.builder.next_line()
        caught = self._read(handler.type)
        with self.builder.in_region("except", caught):
            if handler.name and isinstance(handler.name.name, cst.Name):
                self.builder.bind(handler.name.name.value, OPAQUE)
            self._suite(handler.body)

    def _finally(self, node: cst.Finally, interrupted: Environment | None) -> None:
        frame = self.builder.frame
        self.builder.next_line()
        finished = frame.environment
        frame.environment = join([finished, interrupted])
        with self.builder.in_region("finally"):
            self._suite(node.body)
        if finished is None:  # nothing went through: the block runs, but what follows it does not
            frame.environment = None

    def _with(self, node: cst.With) -> None:
        self.builder.next_line()
        kind: RegionKind = "async-with" if node.asynchronous else "with"
        with ExitStack() as regions:
            for item in node.items:
                value = self._read(item.item)
                regions.enter_context(self.builder.in_region(kind, value))
                if item.asname:
                    self.expressions.bind_target(item.asname.name, Entered(value))
            self._suite(node.body)

    # --- functions and classes -------------------------------------------------------------------

    def _decorators(self, decorators: Iterable[cst.Decorator]) -> list[Expression]:
        found = []
        for decorator in decorators:
            self.builder.next_line()
            found.append(self._read(decorator.decorator))
        return found

    def _function(self, node: cst.FunctionDef) -> None:
        builder = self.builder
        decorators = self._decorators(node.decorators)
        builder.next_line()
        parameters = self.expressions.parameters(node.params)
        annotation = self.expressions.annotation(node.returns)
        in_class = builder.frame.klass >= 0
        receiver = parameters[0].name if in_class and parameters else ""
        frame = self.expressions.open_function(node.name.value, parameters, receiver)
        function = builder.functions[frame.function]
        function.decorators, function.annotation = tuple(decorators), annotation
        function.is_async = node.asynchronous is not None
        builder.bind(node.name.value, FunctionValue(frame.function))
        with builder.in_scope(frame), builder.in_region("function"):
            self.expressions.define_parameters(parameters)
            self._suite(node.body)

    def _class(self, node: cst.ClassDef) -> None:
        builder = self.builder
        decorators = self._decorators(node.decorators)
        builder.next_line()
        bases = [self._read(base.value) for base in node.bases if not base.star]
        keywords = [(item.keyword.value, self._read(item.value)) for item in node.keywords if item.keyword]
        frame = Frame(builder.add_scope("class", node.name.value, builder.frame.scope))
        frame.klass = len(builder.classes)
        builder.classes.append(
            Class(
                node.name.value,
                frame.scope,
                builder.frame.scope,
                builder.line,
                tuple(bases),
                tuple(keywords),
                tuple(decorators),
            )
        )  # fmt: skip
        with builder.in_scope(frame):
            self._suite(node.body)
        builder.bind(node.name.value, ClassValue(frame.klass))
