"""libcst's expressions and patterns as nodes of :mod:`ast`, each with its place."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import libcst as cst

from servicelint.facts.logical_lines import physical_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_OPERATORS: dict[type, type[ast.AST]] = {
    cst.Add: ast.Add, cst.Subtract: ast.Sub, cst.Multiply: ast.Mult, cst.Divide: ast.Div,
    cst.FloorDivide: ast.FloorDiv, cst.Modulo: ast.Mod, cst.Power: ast.Pow, cst.BitOr: ast.BitOr,
    cst.BitAnd: ast.BitAnd, cst.BitXor: ast.BitXor, cst.LeftShift: ast.LShift, cst.RightShift: ast.RShift,
    cst.MatrixMultiply: ast.MatMult,
    cst.AddAssign: ast.Add, cst.SubtractAssign: ast.Sub, cst.MultiplyAssign: ast.Mult,
    cst.DivideAssign: ast.Div, cst.FloorDivideAssign: ast.FloorDiv, cst.ModuloAssign: ast.Mod,
    cst.PowerAssign: ast.Pow, cst.BitOrAssign: ast.BitOr, cst.BitAndAssign: ast.BitAnd,
    cst.BitXorAssign: ast.BitXor, cst.LeftShiftAssign: ast.LShift, cst.RightShiftAssign: ast.RShift,
    cst.MatrixMultiplyAssign: ast.MatMult,
    cst.Equal: ast.Eq, cst.NotEqual: ast.NotEq, cst.LessThan: ast.Lt, cst.LessThanEqual: ast.LtE,
    cst.GreaterThan: ast.Gt, cst.GreaterThanEqual: ast.GtE, cst.Is: ast.Is, cst.IsNot: ast.IsNot,
    cst.In: ast.In, cst.NotIn: ast.NotIn,
    cst.Not: ast.Not, cst.Minus: ast.USub, cst.Plus: ast.UAdd, cst.BitInvert: ast.Invert,
    cst.Or: ast.Or, cst.And: ast.And,
}  # fmt: skip
_SINGLETONS = {"None": None, "True": True, "False": False}
_TEXTS = (cst.FormattedStringText, cst.TemplatedStringText)

Node = TypeVar("Node", bound=ast.AST)


class Span(NamedTuple):
    """Where a node stands, as ``ast`` has it: lines from 1, columns from 0, in bytes of UTF-8."""

    lineno: int
    col_offset: int
    end_lineno: int
    end_col_offset: int


def at(node: Node, span: Span) -> Node:
    """A node at its place."""
    for name, value in zip(span._fields, span, strict=True):
        setattr(node, name, value)
    return node


class ExpressionConverter:
    """Turns libcst's expressions into those of ``ast``; ``positions`` are libcst's, in ``text``."""

    def __init__(self, positions: Mapping[cst.CSTNode, Any], text: str) -> None:
        self._positions = positions
        self._lines = physical_lines(text)
        self._converters: dict[type, Callable[[Any], ast.expr]] = {
            cst.Name: _name,
            cst.Attribute: lambda node: ast.Attribute(self.of(node.value), node.attr.value, ast.Load()),
            cst.Call: self._call,
            cst.Integer: lambda node: ast.Constant(node.evaluated_value),
            cst.Float: lambda node: ast.Constant(node.evaluated_value),
            cst.Imaginary: lambda node: ast.Constant(node.evaluated_value),
            cst.Ellipsis: lambda _: ast.Constant(...),
            cst.SimpleString: lambda node: ast.Constant(node.evaluated_value),
            cst.ConcatenatedString: self._concatenated,
            cst.FormattedString: lambda node: _joined(self._parts(node)),
            cst.TemplatedString: lambda node: _joined(self._parts(node)),
            cst.Subscript: self._subscript,
            cst.BinaryOperation: self._binary,
            cst.BooleanOperation: self._boolean,
            cst.UnaryOperation: lambda node: ast.UnaryOp(
                self.operator(node.operator), self.of(node.expression)
            ),
            cst.Comparison: self._comparison,
            cst.IfExp: lambda node: ast.IfExp(self.of(node.test), self.of(node.body), self.of(node.orelse)),
            cst.Lambda: lambda node: ast.Lambda(self.parameters(node.params), self.of(node.body)),
            cst.Await: lambda node: ast.Await(self.of(node.expression)),
            cst.Dict: self._dict,
            cst.Tuple: lambda node: ast.Tuple(self._elements(node.elements), ast.Load()),
            cst.List: lambda node: ast.List(self._elements(node.elements), ast.Load()),
            cst.Set: lambda node: ast.Set(self._elements(node.elements)),
            cst.ListComp: lambda node: ast.ListComp(self.of(node.elt), self._clauses(node.for_in)),
            cst.SetComp: lambda node: ast.SetComp(self.of(node.elt), self._clauses(node.for_in)),
            cst.GeneratorExp: lambda node: ast.GeneratorExp(self.of(node.elt), self._clauses(node.for_in)),
            cst.DictComp: lambda node: ast.DictComp(
                self.of(node.key), self.of(node.value), self._clauses(node.for_in)
            ),
            cst.NamedExpr: lambda node: ast.NamedExpr(self.of(node.target), self.of(node.value)),
            cst.Yield: self._yield,
            cst.StarredElement: lambda node: ast.Starred(self.of(node.value), ast.Load()),
            cst.Element: lambda node: self.of(node.value),
        }

    def of(self, node: cst.CSTNode | None) -> Any:
        """An expression, or nothing."""
        return None if node is None else at(self._converters[type(node)](node), self.span(node))

    def span(self, node: cst.CSTNode) -> Span:
        """Where a node stands."""
        place = self._positions[node]
        start, end = place.start, place.end
        return Span(start.line, self._bytes(start), end.line, self._bytes(end))

    def _bytes(self, place: Any) -> int:
        if place.line > len(self._lines):
            return int(place.column)
        return len(self._lines[place.line - 1][: place.column].encode("utf-8", "surrogatepass"))

    def operator(self, node: cst.CSTNode) -> Any:
        """An operator."""
        return _OPERATORS[type(node)]()

    # --- calls and parameters --------------------------------------------------------------------

    def _call(self, node: cst.Call) -> ast.Call:
        given = [self.argument(each) for each in node.args]
        return ast.Call(
            self.of(node.func),
            [each for each in given if not isinstance(each, ast.keyword)],
            [each for each in given if isinstance(each, ast.keyword)],
        )

    def argument(self, node: cst.Arg) -> ast.expr | ast.keyword:
        """An argument of a call, or a base of a class."""
        value = self.of(node.value)
        if node.keyword or node.star == "**":
            return at(ast.keyword(node.keyword.value if node.keyword else None, value), self.span(node))
        return at(ast.Starred(value, ast.Load()), self.span(node)) if node.star else value

    def parameters(self, node: cst.Parameters) -> ast.arguments:
        """The parameters of a function."""
        positional = (*node.posonly_params, *node.params)
        star = node.star_arg if isinstance(node.star_arg, cst.Param) else None
        return ast.arguments(
            [self._parameter(each) for each in node.posonly_params],
            [self._parameter(each) for each in node.params],
            self._parameter(star) if star else None,
            [self._parameter(each) for each in node.kwonly_params],
            [self.of(each.default) for each in node.kwonly_params],
            self._parameter(node.star_kwarg) if node.star_kwarg else None,
            [self.of(each.default) for each in positional if each.default],
        )

    def _parameter(self, node: cst.Param) -> ast.arg:
        annotation = self.of(node.annotation.annotation if node.annotation else None)
        return at(ast.arg(node.name.value, annotation), self.span(node))

    # --- texts -----------------------------------------------------------------------------------

    def _concatenated(self, node: cst.ConcatenatedString) -> ast.expr:
        parts: list[Any] = []
        rest: cst.BaseExpression = node
        while isinstance(rest, cst.ConcatenatedString):
            parts.append(rest.left)
            rest = rest.right
        parts.append(rest)
        if all(isinstance(part, cst.SimpleString) for part in parts):
            values = [part.evaluated_value for part in parts]
            return ast.Constant(type(values[0])().join(values))
        return _joined([each for part in parts for each in self._parts(part)])

    def _parts(self, node: Any) -> list[ast.expr]:
        """The parts of a text that may have fields in it."""
        if isinstance(node, cst.SimpleString):
            return [ast.Constant(node.evaluated_value)]
        is_raw = "r" in node.start.lower()
        found: list[ast.expr] = []
        for part in node.parts:
            if isinstance(part, _TEXTS):
                found.append(ast.Constant(_cooked(part.value, is_raw=is_raw)))
            else:
                found += self._field(part, is_raw=is_raw)
        return found

    def _field(self, node: Any, *, is_raw: bool) -> list[ast.expr]:
        specification = [
            each
            for part in node.format_spec or ()
            for each in (
                [ast.Constant(_cooked(part.value, is_raw=is_raw))]
                if isinstance(part, _TEXTS)
                else self._field(part, is_raw=is_raw)
            )
        ]
        spec = _joined(specification) if node.format_spec is not None else None
        shows_source = node.equal is not None and spec is None
        conversion = ord(node.conversion or "r") if node.conversion or shows_source else -1
        value = ast.FormattedValue(self.of(node.expression), conversion, spec)
        return [value] if node.equal is None else [ast.Constant(_source(node)), value]

    # --- compound expressions --------------------------------------------------------------------

    def _subscript(self, node: cst.Subscript) -> ast.Subscript:
        indices = [self._index(each.slice) for each in node.slice]
        is_one = len(indices) == 1 and isinstance(node.slice[0].comma, cst.MaybeSentinel)
        is_one = is_one and not isinstance(indices[0], ast.Starred)
        index = indices[0] if is_one else at(ast.Tuple(indices, ast.Load()), self.span(node))
        return ast.Subscript(self.of(node.value), index, ast.Load())

    def _index(self, node: cst.BaseSlice) -> ast.expr:
        if isinstance(node, cst.Slice):
            made = ast.Slice(self.of(node.lower), self.of(node.upper), self.of(node.step))
            return at(made, self.span(node))
        value = self.of(getattr(node, "value", None))
        return ast.Starred(value, ast.Load()) if getattr(node, "star", None) else value

    def _binary(self, node: cst.BinaryOperation) -> ast.expr:
        # a long sum is as deep as it is long
        rights: list[cst.BinaryOperation] = []
        left: cst.BaseExpression = node
        while isinstance(left, cst.BinaryOperation) and (left is node or not left.lpar):
            rights.append(left)
            left = left.left
        value: ast.expr = self.of(left)
        for each in reversed(rights):
            value = ast.BinOp(value, self.operator(each.operator), self.of(each.right))
            value = at(value, self.span(each))
        return value

    def _boolean(self, node: cst.BooleanOperation) -> ast.BoolOp:
        """``a or b or c`` has three operands, however libcst nests it."""
        operands = [
            operand
            for side in (node.left, node.right)
            for operand in (
                self._boolean(side).values
                if isinstance(side, cst.BooleanOperation)
                and not side.lpar
                and type(side.operator) is type(node.operator)
                else [self.of(side)]
            )
        ]
        return ast.BoolOp(self.operator(node.operator), operands)

    def _comparison(self, node: cst.Comparison) -> ast.Compare:
        operators = [self.operator(each.operator) for each in node.comparisons]
        return ast.Compare(
            self.of(node.left), operators, [self.of(each.comparator) for each in node.comparisons]
        )

    def _dict(self, node: cst.Dict) -> ast.Dict:
        keys = [self.of(each.key) if isinstance(each, cst.DictElement) else None for each in node.elements]
        return ast.Dict(keys, [self.of(each.value) for each in node.elements])

    def _elements(self, elements: Sequence[cst.BaseElement]) -> list[ast.expr]:
        return [self.of(element) for element in elements]

    def _clauses(self, clause: cst.CompFor | None) -> list[ast.comprehension]:
        found: list[ast.comprehension] = []
        while clause:
            conditions = [self.of(each.test) for each in clause.ifs]
            is_async = int(clause.asynchronous is not None)
            found.append(
                ast.comprehension(self.of(clause.target), self.of(clause.iter), conditions, is_async)
            )
            clause = clause.inner_for_in
        return found

    def _yield(self, node: cst.Yield) -> ast.expr:
        if isinstance(node.value, cst.From):
            return ast.YieldFrom(self.of(node.value.item))
        return ast.Yield(self.of(node.value))

    def pattern(self, node: cst.CSTNode) -> ast.pattern:
        """A pattern, with the names that it binds: nothing else of it is read."""
        names: list[str] = []
        pending: list[Any] = [node]
        while pending:
            each = pending.pop()
            bound = getattr(each, "name", None) if isinstance(each, cst.MatchAs | cst.MatchStar) else None
            bound = bound or (each.rest if isinstance(each, cst.MatchMapping) else None)
            names += [bound.value] if bound else []
            pending += reversed(each.children)
        span = self.span(node)
        parts: list[ast.pattern] = [at(ast.MatchAs(None, name), span) for name in names]
        return at(ast.MatchSequence(parts), span)


def _name(node: cst.Name) -> ast.expr:
    if node.value in _SINGLETONS:
        return ast.Constant(_SINGLETONS[node.value])
    return ast.Name(node.value, ast.Load())


def _joined(parts: list[ast.expr]) -> ast.JoinedStr:
    """An f-string; texts beside each other are one."""
    found: list[ast.expr] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, ast.Constant) and isinstance(last, ast.Constant):
            last.value = str(last.value) + str(part.value)
        elif not (isinstance(part, ast.Constant) and part.value == ""):
            found.append(part)
    return ast.JoinedStr(found)


def _source(field: Any) -> str:
    """What ``{name = }`` shows before the value."""
    before, equal = field.whitespace_before_expression, field.equal
    code = cst.Module([]).code_for_node
    return "".join(map(code, (before, field.expression, equal)))


def _cooked(raw: str, *, is_raw: bool) -> str:
    """What the literal part of an f-string stands for."""
    text = raw.replace("{{", "{").replace("}}", "}")
    if is_raw or "\\" not in text:
        return text
    quotes = text.replace('"', '\\"') if '\\"' not in text else text
    try:
        return str(ast.literal_eval(f'"""{quotes}"""'))
    except (SyntaxError, ValueError):
        return text
