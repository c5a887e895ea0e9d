"""Reading expressions: from syntax trees to the record's reduced ones, noting every call on the way."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any, Literal

from servicelint.facts.annotations import read_annotation
from servicelint.facts.arguments import arguments_of
from servicelint.facts.environment import Frame
from servicelint.facts.literals import LONGEST_TEXT, OPERATORS, constant, part_of, text_of
from servicelint.facts.narrowing import narrowings
from servicelint.facts.record import (
    MUTATORS,
    OPAQUE,
    Argument,
    Attribute,
    Awaited,
    CallValue,
    Choice,
    Collected,
    Comparison,
    Conditional,
    Constant,
    Element,
    Expression,
    Function,
    FunctionValue,
    Mapping,
    Name,
    Negation,
    Operation,
    Parameter,
    ParameterValue,
    Sequence,
    Subscript,
    Text,
    Unpacked,
    Updated,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicelint.facts.builder import Builder


class ExpressionReader:
    """Turns expression nodes into records, in source order."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self._readers: dict[type, Callable[[Any], Expression]] = {
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.Call: self._call,
            ast.Constant: constant,
            ast.JoinedStr: self._formatted,
            ast.Subscript: self._subscript,
            ast.BinOp: self._binary,
            ast.BoolOp: self._boolean,
            ast.UnaryOp: self._unary,
            ast.Compare: self._comparison,
            ast.IfExp: self._conditional,
            ast.Lambda: self._lambda,
            ast.Await: self._await,
            ast.Dict: self._dict,
            ast.Tuple: self._tuple,
            ast.List: self._list,
            ast.Set: self._set,
            ast.ListComp: self._list_comprehension,
            ast.SetComp: self._set_comprehension,
            ast.GeneratorExp: self._generator,
            ast.DictComp: self._dict_comprehension,
            ast.NamedExpr: self._named,
            ast.Yield: self._yield,
            ast.YieldFrom: self._yield_from,
            ast.Slice: self._slice,
            ast.Starred: self._starred,
        }
        if sys.version_info >= (3, 14):
            self._readers[ast.TemplateStr] = self._formatted

    def read(self, node: ast.AST | None) -> Expression:
        """The record of an expression; every call in it is noted."""
        reader = self._readers.get(type(node))
        return reader(node) if reader else OPAQUE

    def annotation(self, node: ast.expr | None) -> Expression | None:
        """An annotation; one given as text is read as code, its names looked up when asked for."""
        return None if node is None else read_annotation(node, self.read)

    def _name(self, node: ast.Name) -> Expression:
        return self.builder.read(node.id)

    def _formatted(self, node: Any) -> Expression:
        """An f-string, or a template string of Python 3.14."""
        parts: list[Expression] = []
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts.append(text_of(str(part.value)[:LONGEST_TEXT]))
            else:
                parts.append(self.read(part.value))
                for nested in part.format_spec.values if part.format_spec else ():
                    self.read(getattr(nested, "value", None))
        return Text(tuple(parts))

    # --- compound expressions --------------------------------------------------------------------

    def _attribute(self, node: ast.Attribute) -> Expression:
        if isinstance(node.value, ast.Name) and self.builder.frame.has_paths:
            known = self.builder.known_path(f"{node.value.id}.{node.attr}")
            if known is not None:
                return known
        return Attribute(self._owner(node.value), node.attr)

    def _owner(self, node: ast.expr) -> Expression:
        """What has an attribute or item: as it is named, not what is known of it."""
        if isinstance(node, ast.Attribute):
            return Attribute(self._owner(node.value), node.attr)
        return self.read(node)

    def _subscript(self, node: ast.Subscript) -> Subscript:
        return Subscript(self._owner(node.value), self.read(node.slice))

    def _slice(self, node: ast.Slice) -> Expression:
        for part in (node.lower, node.upper, node.step):
            self.read(part)
        return OPAQUE

    def _binary(self, node: ast.BinOp) -> Expression:
        # a long sum is as deep as it is long: read it without recursion
        rights: list[tuple[str, ast.expr]] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp):
            rights.append((OPERATORS.get(type(left.op), ""), left.right))
            left = left.left
        value = self.read(left)
        for operator, right in reversed(rights):
            read = self.read(right)
            value = Operation(operator, value, read) if operator else OPAQUE
        return value

    def _boolean(self, node: ast.BoolOp) -> Expression:
        operands = [self.read(value) for value in node.values]
        operator: Literal["or", "and"] = "or" if isinstance(node.op, ast.Or) else "and"
        first = operands[0]
        if isinstance(first, Choice) and first.operator == operator:  # (a or b) or c
            operands[:1] = first.operands
        return Choice(operator, tuple(operands))

    def _unary(self, node: ast.UnaryOp) -> Expression:
        value = self.read(node.operand)
        if isinstance(node.op, ast.Not):
            return Negation(value)
        number = value.value if isinstance(value, Constant) else None
        if isinstance(node.op, ast.USub) and isinstance(number, int | float):
            return Constant(-number)
        return OPAQUE

    def _comparison(self, node: ast.Compare) -> Expression:
        left = self.read(node.left)
        rights = [self.read(comparator) for comparator in node.comparators]
        operator = OPERATORS.get(type(node.ops[0]), "")
        return Comparison(operator, left, rights[0]) if len(rights) == 1 and operator else OPAQUE

    def _conditional(self, node: ast.IfExp) -> Expression:
        # ``if`` comes second in the source, but is what the other two depend on
        test = self.read(node.test)
        return Conditional(test, self._arm(test, True, node.body), self._arm(test, False, node.orelse))

    def _arm(self, test: Expression, outcome: bool, node: ast.expr) -> Expression:
        frame = self.builder.frame
        before = frame.copy()
        with self.builder.in_region("if", test, outcome):
            self.builder.narrow(narrowings(test, outcome, self.builder.calls))
            value = self.read(node)
        frame.environment = before
        return value

    def _await(self, node: ast.Await) -> Expression:
        value = self.read(node.value)
        if isinstance(value, CallValue):
            self.builder.calls[value.call].is_awaited = True
        return Awaited(value)

    def _yield(self, node: ast.Yield) -> Expression:
        return self._yielded(self.read(node.value))

    def _yield_from(self, node: ast.YieldFrom) -> Expression:
        return self._yielded(Element(self.read(node.value)))

    def _yielded(self, value: Expression) -> Expression:
        if self.builder.frame.function >= 0:
            function = self.builder.functions[self.builder.frame.function]
            function.is_generator = True
            function.yields.append(value)
        return OPAQUE

    def _named(self, node: ast.NamedExpr) -> Expression:
        value = self.read(node.value)
        self.bind(node.target.id, value)
        return value

    def bind(self, name: str, value: Expression, annotation: Expression | None = None) -> None:
        """Bind a name to a value; a call remembers which binding keeps its result."""
        number = self.builder.bind(name, value, annotation)
        inner = value.value if isinstance(value, Awaited) else value
        if isinstance(inner, CallValue):
            self.builder.calls[inner.call].bound_to = number

    # --- displays --------------------------------------------------------------------------------

    def _dict(self, node: ast.Dict) -> Expression:
        items: list[tuple[Expression | None, Expression]] = []
        for key, value in zip(node.keys, node.values, strict=True):
            read = None if key is None else self.read(key)
            items.append((read, self.read(value)))
        return Mapping(tuple(items))

    def _tuple(self, node: ast.Tuple) -> Expression:
        return Sequence("tuple", self._elements(node.elts))

    def _list(self, node: ast.List) -> Expression:
        return Sequence("list", self._elements(node.elts))

    def _set(self, node: ast.Set) -> Expression:
        return Sequence("set", self._elements(node.elts))

    def _elements(self, elements: list[ast.expr]) -> tuple[Expression, ...]:
        return tuple([self.read(element) for element in elements])

    def _starred(self, node: ast.Starred) -> Expression:
        return Unpacked(self.read(node.value))

    # --- comprehensions --------------------------------------------------------------------------

    def _list_comprehension(self, node: ast.ListComp) -> Expression:
        return Collected("list", self._comprehended(node.generators, node.elt))

    def _set_comprehension(self, node: ast.SetComp) -> Expression:
        return Collected("set", self._comprehended(node.generators, node.elt))

    def _generator(self, node: ast.GeneratorExp) -> Expression:
        return Collected("generator", self._comprehended(node.generators, node.elt))

    def _dict_comprehension(self, node: ast.DictComp) -> Expression:
        return Collected("dict", self._comprehended(node.generators, node.value, node.key))

    def _comprehended(self, clauses: list[ast.comprehension], *elements: ast.expr) -> Expression:
        """Read a comprehension; its variables are gone after it."""
        clause, *inner = clauses
        frame = self.builder.frame
        outer = frame.copy()
        iterated = self.read(clause.iter)
        with self.builder.in_region("for", iterated):
            self.bind_target(clause.target, Element(iterated))
            for condition in clause.ifs:
                self.read(condition)
            if inner:
                value = self._comprehended(inner, *elements)
            else:
                value, *_ = [self.read(element) for element in elements]
        frame.environment = outer
        return value

    def bind_target(self, target: ast.expr, value: Expression, annotation: Expression | None = None) -> None:
        """Bind whatever an assignment, a loop or a with-item binds."""
        if isinstance(target, ast.Name):
            self.bind(target.id, value, annotation)
        elif isinstance(target, ast.Attribute):
            self._bind_attribute(target, value, annotation)
        elif isinstance(target, ast.Subscript):
            self._bind_item(target, value)
        elif isinstance(target, ast.Starred):
            self.bind_target(target.value, value)
        elif isinstance(target, ast.Tuple | ast.List):
            for index, element in enumerate(target.elts):
                self.bind_target(element, part_of(value, index))

    def _bind_attribute(
        self, target: ast.Attribute, value: Expression, annotation: Expression | None
    ) -> None:
        owner = self._owner(target.value)
        name = target.attr
        self.builder.write(owner, name, value, annotation)
        self.update(target.value, owner, Updated(owner, "attribute", Constant(name), value))
        if isinstance(target.value, ast.Name):
            self.builder.assign_path(f"{target.value.id}.{name}", value)

    def _bind_item(self, target: ast.Subscript, value: Expression) -> None:
        read = self._subscript(target)
        is_path = isinstance(read.value, Attribute | Subscript | CallValue)
        if is_path or not getattr(read.value, "definitions", True):
            self.builder.write(read.value, "[]", Mapping(((read.index, value),)))
        self.update(target.value, read.value, Updated(read.value, "item", read.index, value))

    def update(self, node: ast.expr, owner: Expression, update: Updated) -> None:
        """A local whose object changed in place is a new definition of it."""
        if not isinstance(owner, Name) or not owner.definitions or not isinstance(node, ast.Name):
            return
        if node.id != self.builder.frame.receiver:
            self.builder.bind(node.id, update)

    # --- calls and lambdas -----------------------------------------------------------------------

    def _call(self, node: ast.Call) -> Expression:
        index = self.builder.reserve_call(node)
        callee = self.read(node.func)
        given = arguments_of(node)
        arguments = [self._argument(argument, index) for argument in given]
        self.builder.complete_call(index, callee, arguments)
        result = CallValue(index)
        self._note_change(node.func, given, callee, arguments, result)
        self.builder.forget_changed(callee, arguments)
        return result

    def _argument(self, node: ast.expr | ast.keyword, holder: int) -> Argument:
        value = self.read(node.value if isinstance(node, ast.keyword | ast.Starred) else node)
        if isinstance(value, CallValue):
            self.builder.calls[value.call].holder = holder
        if isinstance(node, ast.keyword):
            return Argument(value, node.arg) if node.arg else Argument(value, "", 2)
        return Argument(value, "", 1 if isinstance(node, ast.Starred) else 0)

    def _note_change(
        self,
        func: ast.expr,
        given: list[ast.expr | ast.keyword],
        callee: Expression,
        arguments: list[Argument],
        result: CallValue,
    ) -> None:
        """Note calls that change an object: ``kwargs.setdefault(…)``, ``session.mount(…)``, ``setattr``."""
        if isinstance(callee, Attribute) and callee.name in MUTATORS and isinstance(func, ast.Attribute):
            is_own = isinstance(callee.value, Name) and callee.value.name == self.builder.frame.receiver
            if isinstance(callee.value, Attribute) or is_own:
                self.builder.write(callee.value, f"{callee.name}()", result)
            self.update(func.value, callee.value, Updated(callee.value, callee.name, OPAQUE, result))
        elif isinstance(callee, Name) and callee.name == "setattr" and len(arguments) == 3:
            name = arguments[1].value
            if isinstance(name, Constant) and isinstance(name.value, str):
                owner, value = arguments[0].value, arguments[2].value
                self.builder.write(owner, name.value, value)
                changed = given[0]
                if isinstance(changed, ast.expr):
                    self.update(changed, owner, Updated(owner, "attribute", name, value))

    def _lambda(self, node: ast.Lambda) -> Expression:
        parameters = self.parameters(node.args)
        function = self.open_function("<lambda>", parameters, receiver="")
        with self.builder.in_scope(function), self.builder.in_region("function"):
            self.define_parameters(parameters)
            self.builder.functions[function.function].returns.append(
                (self.read(node.body), self.builder.region)
            )
        return FunctionValue(function.function)

    def open_function(self, name: str, parameters: list[Parameter], receiver: str) -> Frame:
        """A new function and the frame to walk its body in."""
        builder = self.builder
        frame = Frame(builder.add_scope("function", name, builder.frame.scope), receiver)
        frame.function = len(builder.functions)
        builder.functions.append(
            Function(
                name, frame.scope, builder.frame.scope, builder.frame.klass, builder.line, builder.region,
                tuple(parameters), (), [], [], None, is_async=False, is_generator=False,
            )
        )  # fmt: skip
        return frame

    def define_parameters(self, parameters: list[Parameter]) -> None:
        """Bind a function's parameters in its own scope."""
        for index, parameter in enumerate(parameters):
            self.builder.bind(parameter.name, ParameterValue(index), parameter.annotation)

    def parameters(self, node: ast.arguments) -> list[Parameter]:
        """A function's parameters in order, their defaults read in the enclosing scope."""
        positional = [*node.posonlyargs, *node.args]
        defaults = [None] * (len(positional) - len(node.defaults)) + node.defaults
        only = len(node.posonlyargs)
        found = [
            self._parameter(each, "positional-only" if number < only else "positional", default)
            for number, (each, default) in enumerate(zip(positional, defaults, strict=True))
        ]
        if node.vararg:
            found.append(self._parameter(node.vararg, "star"))
        pairs = zip(node.kwonlyargs, node.kw_defaults, strict=True)
        found += [self._parameter(each, "keyword", default) for each, default in pairs]
        if node.kwarg:
            found.append(self._parameter(node.kwarg, "double-star"))
        return found

    def _parameter(self, node: ast.arg, kind: Any, default: ast.expr | None = None) -> Parameter:
        read = None if default is None else self.read(default)
        return Parameter(node.arg, kind, read, self.annotation(node.annotation))
