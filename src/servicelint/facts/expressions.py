"""Reading expressions: from libcst nodes to the record's reduced ones, noting every call on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from servicelint.facts.annotations import read_annotation
from servicelint.facts.environment import Frame
from servicelint.facts.literals import LONGEST_TEXT, OPERATORS, SINGLETONS, floating, integer, part_of, string
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

_FIELDS = (cst.FormattedStringExpression, cst.TemplatedStringExpression)


class ExpressionReader:
    """Turns expression nodes into records, in source order."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self._readers: dict[type, Callable[[Any], Expression]] = {
            cst.Name: self._name,
            cst.Attribute: self._attribute,
            cst.Call: self._call,
            cst.Integer: integer,
            cst.Float: floating,
            cst.SimpleString: string,
            cst.ConcatenatedString: self._concatenated,
            cst.FormattedString: self._formatted,
            cst.TemplatedString: self._formatted,
            cst.Subscript: self._subscript,
            cst.BinaryOperation: self._binary,
            cst.BooleanOperation: self._boolean,
            cst.UnaryOperation: self._unary,
            cst.Comparison: self._comparison,
            cst.IfExp: self._conditional,
            cst.Lambda: self._lambda,
            cst.Await: self._await,
            cst.Dict: self._dict,
            cst.Tuple: self._tuple,
            cst.List: self._list,
            cst.Set: self._set,
            cst.ListComp: self._list_comprehension,
            cst.SetComp: self._set_comprehension,
            cst.GeneratorExp: self._generator,
            cst.DictComp: self._dict_comprehension,
            cst.NamedExpr: self._named,
            cst.Yield: self._yield,
        }

    def read(self, node: cst.CSTNode | None) -> Expression:
        """The record of an expression; every call in it is noted."""
        reader = self._readers.get(type(node))
        return reader(node) if reader else OPAQUE

    def annotation(self, node: cst.Annotation | None) -> Expression | None:
        """An annotation; one given as text is read as code, its names looked up when asked for."""
        return None if node is None else read_annotation(node.annotation, self.read)

    def _name(self, node: cst.Name) -> Expression:
        return SINGLETONS.get(node.value) or self.builder.read(node.value)

    def _concatenated(self, node: cst.ConcatenatedString) -> Expression:
        parts: list[Expression] = []
        rest: cst.BaseExpression = node
        while isinstance(rest, cst.ConcatenatedString):
            parts.append(self.read(rest.left))
            rest = rest.right
        parts.append(self.read(rest))
        if all(isinstance(part, Constant) for part in parts):
            whole = "".join(str(part.value) for part in parts if isinstance(part, Constant))
            return Constant(whole) if len(whole) <= LONGEST_TEXT else OPAQUE
        return Text(tuple(parts))

    def _formatted(self, node: cst.FormattedString | cst.TemplatedString) -> Expression:
        parts: list[Expression] = []
        for part in node.parts:
            if isinstance(part, cst.FormattedStringText | cst.TemplatedStringText):
                parts.append(Constant(part.value[:LONGEST_TEXT]))
            elif isinstance(part, _FIELDS):
                parts.append(self.read(part.expression))
                for nested in part.format_spec or ():
                    if isinstance(nested, _FIELDS):
                        self.read(nested.expression)
        return Text(tuple(parts))

    # --- compound expressions --------------------------------------------------------------------

    def _attribute(self, node: cst.Attribute) -> Expression:
        if isinstance(node.value, cst.Name):
            known = self.builder.read(f"{node.value.value}.{node.attr.value}")
            if known.definitions:
                return known
        return Attribute(self._owner(node.value), node.attr.value)

    def _owner(self, node: cst.BaseExpression) -> Expression:
        """What has an attribute or item: as it is named, not what is known of it."""
        if isinstance(node, cst.Attribute):
            return Attribute(self._owner(node.value), node.attr.value)
        return self.read(node)

    def _subscript(self, node: cst.Subscript) -> Expression:
        value = self._owner(node.value)
        indices = [self._index(element.slice) for element in node.slice]
        return Subscript(value, indices[0] if len(indices) == 1 else Sequence("tuple", tuple(indices)))

    def _index(self, node: cst.BaseSlice) -> Expression:
        if isinstance(node, cst.Index):
            return self.read(node.value)
        if isinstance(node, cst.Slice):
            for part in (node.lower, node.upper, node.step):
                self.read(part)
        return OPAQUE

    def _binary(self, node: cst.BinaryOperation) -> Expression:
        # a long sum is as deep as it is long: read it without recursion
        rights: list[tuple[str, cst.BaseExpression]] = []
        left: cst.BaseExpression = node
        while isinstance(left, cst.BinaryOperation):
            rights.append((OPERATORS.get(type(left.operator), ""), left.right))
            left = left.left
        value = self.read(left)
        for operator, right in reversed(rights):
            read = self.read(right)
            value = Operation(operator, value, read) if operator else OPAQUE
        return value

    def _boolean(self, node: cst.BooleanOperation) -> Expression:
        # ``a or b or c`` is right in the record's order, however the parser nests it
        operands = [self.read(node.left), self.read(node.right)]
        operator = "or" if isinstance(node.operator, cst.Or) else "and"
        first = operands[0]
        if isinstance(first, Choice) and first.operator == operator:
            operands[:1] = first.operands
        return Choice("or" if operator == "or" else "and", tuple(operands))

    def _unary(self, node: cst.UnaryOperation) -> Expression:
        value = self.read(node.expression)
        if isinstance(node.operator, cst.Not):
            return Negation(value)
        number = value.value if isinstance(value, Constant) else None
        if isinstance(node.operator, cst.Minus) and isinstance(number, int | float):
            return Constant(-number)
        return OPAQUE

    def _comparison(self, node: cst.Comparison) -> Expression:
        left = self.read(node.left)
        rights = [self.read(target.comparator) for target in node.comparisons]
        operator = OPERATORS.get(type(node.comparisons[0].operator), "")
        return Comparison(operator, left, rights[0]) if len(rights) == 1 and operator else OPAQUE

    def _conditional(self, node: cst.IfExp) -> Expression:
        # ``if`` comes second in the source, but is what the other two depend on
        test = self.read(node.test)
        return Conditional(test, self._arm(test, True, node.body), self._arm(test, False, node.orelse))

    def _arm(self, test: Expression, outcome: bool, node: cst.BaseExpression) -> Expression:
        frame = self.builder.frame
        before = frame.copy()
        with self.builder.in_region("if", test, outcome):
            self.builder.narrow(narrowings(test, outcome, self.builder.calls))
            value = self.read(node)
        frame.environment = before
        return value

    def _await(self, node: cst.Await) -> Expression:
        value = self.read(node.expression)
        if isinstance(value, CallValue):
            self.builder.calls[value.call].is_awaited = True
        return Awaited(value)

    def _yield(self, node: cst.Yield) -> Expression:
        delegated = isinstance(node.value, cst.From)
        value = self.read(node.value.item if isinstance(node.value, cst.From) else node.value)
        if self.builder.frame.function >= 0:
            function = self.builder.functions[self.builder.frame.function]
            function.is_generator = True
            function.yields.append(Element(value) if delegated else value)
        return OPAQUE

    def _named(self, node: cst.NamedExpr) -> Expression:
        value = self.read(node.value)
        if isinstance(node.target, cst.Name):
            self.bind(node.target.value, value)
        return value

    def bind(self, name: str, value: Expression, annotation: Expression | None = None) -> None:
        """Bind a name to a value; a call remembers which binding keeps its result."""
        number = self.builder.bind(name, value, annotation)
        inner = value.value if isinstance(value, Awaited) else value
        if isinstance(inner, CallValue):
            self.builder.calls[inner.call].bound_to = number

    # --- displays --------------------------------------------------------------------------------

    def _dict(self, node: cst.Dict) -> Expression:
        items: list[tuple[Expression | None, Expression]] = []
        for element in node.elements:
            key = self.read(element.key) if isinstance(element, cst.DictElement) else None
            items.append((key, self.read(element.value)))
        return Mapping(tuple(items))

    def _tuple(self, node: cst.Tuple) -> Expression:
        return Sequence("tuple", self._elements(node.elements))

    def _list(self, node: cst.List) -> Expression:
        return Sequence("list", self._elements(node.elements))

    def _set(self, node: cst.Set) -> Expression:
        return Sequence("set", self._elements(node.elements))

    def _elements(self, elements: Any) -> tuple[Expression, ...]:
        return tuple(self._element(element) for element in elements)

    def _element(self, element: cst.Element | cst.StarredElement) -> Expression:
        value = self.read(element.value)
        return Unpacked(value) if isinstance(element, cst.StarredElement) else value

    # --- comprehensions --------------------------------------------------------------------------

    def _list_comprehension(self, node: cst.ListComp) -> Expression:
        return Collected("list", self._comprehended(node.for_in, node.elt))

    def _set_comprehension(self, node: cst.SetComp) -> Expression:
        return Collected("set", self._comprehended(node.for_in, node.elt))

    def _generator(self, node: cst.GeneratorExp) -> Expression:
        return Collected("generator", self._comprehended(node.for_in, node.elt))

    def _dict_comprehension(self, node: cst.DictComp) -> Expression:
        return Collected("dict", self._comprehended(node.for_in, node.value, node.key))

    def _comprehended(self, clause: cst.CompFor, *elements: cst.BaseExpression) -> Expression:
        """Read a comprehension; its variables are gone after it."""
        frame = self.builder.frame
        outer = frame.copy()
        iterated = self.read(clause.iter)
        with self.builder.in_region("for", iterated):
            self.bind_target(clause.target, Element(iterated))
            for condition in clause.ifs:
                self.read(condition.test)
            if clause.inner_for_in:
                value = self._comprehended(clause.inner_for_in, *elements)
            else:
                value, *_ = [self.read(element) for element in elements]
        frame.environment = outer
        return value

    def bind_target(
        self, target: cst.CSTNode, value: Expression, annotation: Expression | None = None
    ) -> None:
        """Bind whatever an assignment, a loop or a with-item binds."""
        if isinstance(target, cst.Name):
            self.bind(target.value, value, annotation)
        elif isinstance(target, cst.Attribute):
            self._bind_attribute(target, value, annotation)
        elif isinstance(target, cst.Subscript):
            self._bind_item(target, value)
        elif isinstance(target, cst.Tuple | cst.List):
            for index, element in enumerate(target.elements):
                self.bind_target(element.value, part_of(value, index))

    def _bind_attribute(
        self, target: cst.Attribute, value: Expression, annotation: Expression | None
    ) -> None:
        owner = self._owner(target.value)
        name = target.attr.value
        self.builder.write(owner, name, value, annotation)
        self._update(target.value, owner, Updated(owner, "attribute", Constant(name), value))
        if isinstance(target.value, cst.Name):
            self.builder.assign_path(f"{target.value.value}.{name}", value)

    def _bind_item(self, target: cst.Subscript, value: Expression) -> None:
        read = self._subscript(target)
        if not isinstance(read, Subscript):
            return
        is_path = isinstance(read.value, Attribute | Subscript | CallValue)
        if is_path or not getattr(read.value, "definitions", True):
            self.builder.write(read.value, "[]", Mapping(((read.index, value),)))
        self._update(target.value, read.value, Updated(read.value, "item", read.index, value))

    def _update(self, node: cst.BaseExpression, owner: Expression, update: Updated) -> None:
        """A local whose object changed in place is a new definition of it."""
        if not isinstance(owner, Name) or not owner.definitions or not isinstance(node, cst.Name):
            return
        if node.value != self.builder.frame.receiver:
            self.builder.bind(node.value, update)

    # --- calls and lambdas -----------------------------------------------------------------------

    def _call(self, node: cst.Call) -> Expression:
        index = self.builder.reserve_call(node)
        callee = self.read(node.func)
        arguments = [self._argument(argument, index) for argument in node.args]
        self.builder.complete_call(index, callee, arguments)
        result = CallValue(index)
        self._note_change(node, callee, arguments, result)
        self.builder.forget_changed(callee, arguments)
        return result

    def _argument(self, node: cst.Arg, holder: int) -> Argument:
        value = self.read(node.value)
        if isinstance(value, CallValue):
            self.builder.calls[value.call].holder = holder
        return Argument(value, node.keyword.value if node.keyword else "", len(node.star))

    def _note_change(
        self, node: cst.Call, callee: Expression, arguments: list[Argument], result: CallValue
    ) -> None:
        """Note calls that change an object: ``kwargs.setdefault(…)``, ``session.mount(…)``, ``setattr``."""
        if isinstance(callee, Attribute) and callee.name in MUTATORS and isinstance(node.func, cst.Attribute):
            is_own = isinstance(callee.value, Name) and callee.value.name == self.builder.frame.receiver
            if isinstance(callee.value, Attribute) or is_own:
                self.builder.write(callee.value, f"{callee.name}()", result)
            self._update(node.func.value, callee.value, Updated(callee.value, callee.name, OPAQUE, result))
        elif isinstance(callee, Name) and callee.name == "setattr" and len(arguments) == 3:
            name = arguments[1].value
            if isinstance(name, Constant) and isinstance(name.value, str):
                owner, value = arguments[0].value, arguments[2].value
                self.builder.write(owner, name.value, value)
                self._update(node.args[0].value, owner, Updated(owner, "attribute", name, value))

    def _lambda(self, node: cst.Lambda) -> Expression:
        parameters = self.parameters(node.params)
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

    def parameters(self, node: cst.Parameters) -> list[Parameter]:
        """A function's parameters in order, their defaults read in the enclosing scope."""
        found = [self._parameter(param, "positional-only") for param in node.posonly_params]
        found += [self._parameter(param, "positional") for param in node.params]
        if isinstance(node.star_arg, cst.Param):
            found.append(self._parameter(node.star_arg, "star"))
        found += [self._parameter(param, "keyword") for param in node.kwonly_params]
        if node.star_kwarg:
            found.append(self._parameter(node.star_kwarg, "double-star"))
        return found

    def _parameter(self, node: cst.Param, kind: Any) -> Parameter:
        default = self.read(node.default) if node.default is not None else None
        return Parameter(node.name.value, kind, default, self.annotation(node.annotation))
