"""Reading statements: one walk over a module that follows bindings through its branches and loops."""

from __future__ import annotations

import ast
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

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
            ast.If: self._if,
            ast.For: self._for,
            ast.AsyncFor: self._for,
            ast.While: self._while,
            ast.Try: self._try,
            ast.With: self._with,
            ast.AsyncWith: self._with,
            ast.FunctionDef: self._function,
            ast.AsyncFunctionDef: self._function,
            ast.ClassDef: self._class,
            ast.Match: self._match,
            ast.Expr: self._expression,
            ast.Assign: self._assign,
            ast.AnnAssign: self._annotated_assign,
            ast.AugAssign: self._augmented_assign,
            ast.Return: self._return,
            ast.Raise: self._raise,
            ast.Delete: self._delete,
            ast.Assert: self._assert,
            ast.Break: self._break,
            ast.Continue: self._continue,
            **DeclarationReader(builder).readers,
        }
        if sys.version_info >= (3, 11):
            self._readers[ast.TryStar] = self._try

    def read_all(self, statements: Iterable[ast.stmt]) -> None:
        """Read statements in order."""
        readers, go_to = self._readers, self.builder.go_to
        for statement in statements:
            go_to(_first_line(statement))
            reader = readers.get(type(statement))
            if reader:
                reader(statement)

    def _read(self, node: ast.expr | None) -> Expression:
        return self.expressions.read(node)

    # --- simple statements -----------------------------------------------------------------------

    def _expression(self, node: ast.Expr) -> None:
        value = self._read(node.value)
        if isinstance(node.value, ast.Call) and self._ends_program(
            self.builder.calls[getattr(value, "call", 0)].callee
        ):
            self.builder.frame.environment = None

    def _ends_program(self, callee: Expression) -> bool:
        name = getattr(callee, "name", "")
        owner = getattr(getattr(callee, "value", None), "name", "")
        return (f"{owner}.{name}" if owner else name) in _TERMINAL_CALLS

    def _assign(self, node: ast.Assign) -> None:
        value = self._read(node.value)
        for target in node.targets:
            self.expressions.bind_target(target, value)

    def _annotated_assign(self, node: ast.AnnAssign) -> None:
        annotation = self.expressions.annotation(node.annotation)
        if node.value is not None:
            self.expressions.bind_target(node.target, self._read(node.value), annotation)
        elif isinstance(node.target, ast.Attribute):
            self.builder.write(self._read(node.target.value), node.target.attr, OPAQUE, annotation)
        elif isinstance(node.target, ast.Name):
            self.builder.bind(node.target.id, OPAQUE, annotation)

    def _augmented_assign(self, node: ast.AugAssign) -> None:
        operator = OPERATORS.get(type(node.op), "")
        before = self._read(node.target)
        added = self._read(node.value)
        value = Operation(operator, before, added) if operator else OPAQUE
        self.expressions.bind_target(node.target, value)

    def _return(self, node: ast.Return) -> None:
        value = self._read(node.value)
        frame = self.builder.frame
        if frame.function >= 0 and node.value is not None:
            self.builder.functions[frame.function].returns.append((value, self.builder.region))
        self.builder.leave("return")

    def _raise(self, node: ast.Raise) -> None:
        raised = self._read(node.exc) if node.exc else None
        self.builder.leave("raise", raised)

    def _assert(self, node: ast.Assert) -> None:
        test = self._read(node.test)
        self._read(node.msg)
        self.builder.narrow(narrowings(test, True, self.builder.calls))

    def _delete(self, node: ast.Delete) -> None:
        only = node.targets[0]
        targets = only.elts if isinstance(only, ast.Tuple) else node.targets
        for target in targets:
            read = self._read(target)
            if isinstance(read, Subscript) and isinstance(target, ast.Subscript):
                deleted = Updated(read.value, "delete", read.index, OPAQUE)
                self.expressions.update(target.value, read.value, deleted)

    def _break(self, _: ast.Break) -> None:
        frame = self.builder.frame
        if frame.loops:
            frame.loops[-1].breaks.append(frame.environment)
        self.builder.leave("break")

    def _continue(self, _: ast.Continue) -> None:
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

    def _if(self, node: ast.If) -> None:
        test = self._read(node.test)
        frame = self.builder.frame
        before, otherwise = frame.environment, frame.copy()
        before = None if before is None else dict(before)
        yes = self._branch(test, True, lambda: self.read_all(node.body))
        frame.environment = otherwise
        no = self._branch(test, False, lambda: self.read_all(node.orelse))
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

    def _match(self, node: ast.Match) -> None:
        self._read(node.subject)
        frame = self.builder.frame
        before = frame.copy()
        ends: list[Environment | None] = [before]
        for case in node.cases:
            self.builder.go_to(case.pattern.lineno)
            frame.environment = None if before is None else dict(before)
            for name in captured(case.pattern):
                self.builder.bind(name, OPAQUE)
            test = self._read(case.guard)
            with self.builder.in_region("if", test if case.guard else OPAQUE):
                self.read_all(case.body)
            ends.append(frame.environment)
        frame.environment = join(ends)

    # --- loops -----------------------------------------------------------------------------------

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        iterated = self._read(node.iter)
        with self.builder.in_region("for", iterated):
            loop = self._open_loop(runs=has_items(iterated))
            self.expressions.bind_target(node.target, Element(iterated))
            self.read_all(node.body)
        self._close_loop(loop, node.orelse)

    def _while(self, node: ast.While) -> None:
        loop = self._open_loop()
        test = self._read(node.test)
        with self.builder.in_region("while", test):
            self.builder.narrow(narrowings(test, True, self.builder.calls))
            self.read_all(node.body)
        loop.is_endless = isinstance(test, Constant) and bool(test.value)
        self._close_loop(loop, node.orelse)

    def _open_loop(self, *, runs: bool = False) -> Loop:
        loop = Loop(self.builder.frame.copy() or {}, runs)
        self.builder.frame.loops.append(loop)
        return loop

    def _close_loop(self, loop: Loop, orelse: list[ast.stmt]) -> None:
        frame = self.builder.frame
        frame.loops.pop()
        frame.environment = loop.close(frame.environment)
        self.read_all(orelse)
        frame.environment = join([frame.environment, *loop.breaks])

    # --- try and with ----------------------------------------------------------------------------

    def _try(self, node: ast.Try) -> None:
        frame = self.builder.frame
        before = frame.copy()
        first = len(self.builder.scopes[frame.scope].bindings)
        with self.builder.in_region("try"):
            self.read_all(node.body)
        interrupted = self._interrupted(before, first)
        finished, ends = frame.environment, []
        for handler in node.handlers:
            frame.environment = None if interrupted is None else dict(interrupted)
            self._handler(handler)
            ends.append(frame.environment)
        frame.environment = finished
        if node.orelse:
            self._go_before(node.orelse)
            with self.builder.in_region("else"):
                self.read_all(node.orelse)
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

    def _go_before(self, body: list[ast.stmt]) -> None:
        """Go to the header of a block, which has no place of its own in the tree."""
        first = body[0]
        self.builder.go_before(_first_line(first), first.col_offset)

    def _handler(self, handler: ast.ExceptHandler) -> None:
        self.builder.go_to(handler.lineno)
        caught = self._read(handler.type)
        with self.builder.in_region("except", caught):
            if handler.name:
                self.builder.bind(handler.name, OPAQUE)
            self.read_all(handler.body)

    def _finally(self, body: list[ast.stmt], interrupted: Environment | None) -> None:
        frame = self.builder.frame
        self._go_before(body)
        finished = frame.environment
        frame.environment = join([finished, interrupted])
        with self.builder.in_region("finally"):
            self.read_all(body)
        if finished is None:  # nothing went through: the block runs, but what follows it does not
            frame.environment = None

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        kind: RegionKind = "async-with" if isinstance(node, ast.AsyncWith) else "with"
        with ExitStack() as regions:
            for item in node.items:
                value = self._read(item.context_expr)
                regions.enter_context(self.builder.in_region(kind, value))
                if item.optional_vars:
                    self.expressions.bind_target(item.optional_vars, Entered(value))
            self.read_all(node.body)

    # --- functions and classes -------------------------------------------------------------------

    def _decorators(self, decorators: Iterable[ast.expr]) -> list[Expression]:
        found = []
        for decorator in decorators:
            self.builder.go_to(decorator.lineno)
            found.append(self._read(decorator))
        return found

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        builder = self.builder
        decorators = self._decorators(node.decorator_list)
        builder.go_to(node.lineno)
        parameters = self.expressions.parameters(node.args)
        annotation = self.expressions.annotation(node.returns)
        in_class = builder.frame.klass >= 0
        receiver = parameters[0].name if in_class and parameters else ""
        frame = self.expressions.open_function(node.name, parameters, receiver)
        function = builder.functions[frame.function]
        function.decorators, function.annotation = tuple(decorators), annotation
        function.is_async = isinstance(node, ast.AsyncFunctionDef)
        builder.bind(node.name, FunctionValue(frame.function))
        with builder.in_scope(frame), builder.in_region("function"):
            self.expressions.define_parameters(parameters)
            self.read_all(node.body)

    def _class(self, node: ast.ClassDef) -> None:
        builder = self.builder
        decorators = self._decorators(node.decorator_list)
        builder.go_to(node.lineno)
        bases = [self._read(base) for base in node.bases if not isinstance(base, ast.Starred)]
        keywords = [(item.arg, self._read(item.value)) for item in node.keywords if item.arg]
        frame = Frame(builder.add_scope("class", node.name, builder.frame.scope))
        frame.klass = len(builder.classes)
        builder.classes.append(
            Class(
                node.name,
                frame.scope,
                builder.frame.scope,
                builder.line,
                tuple(bases),
                tuple(keywords),
                tuple(decorators),
            )
        )  # fmt: skip
        with builder.in_scope(frame):
            self.read_all(node.body)
        builder.bind(node.name, ClassValue(frame.klass))


def _first_line(statement: ast.stmt) -> int:
    """The physical line that a statement begins on, decorators included."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return decorators[0].lineno if decorators else statement.lineno
