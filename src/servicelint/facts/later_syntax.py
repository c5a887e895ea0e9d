"""Files in a later syntax than the running interpreter's: parsed by libcst, told as the interpreter would.

libcst brings a parser of its own. What it reads is turned into the nodes of :mod:`ast`, so that there is one
reader of facts; a test holds both trees equal wherever the interpreter can parse a file, too.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from servicelint.facts.later_expressions import ExpressionConverter, at
from servicelint.facts.unreadable import UnreadableSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def later_syntax_tree(text: str) -> ast.Module:
    """The tree of a file, as far as facts are read from it.

    Raises:
        UnreadableSource: if libcst (1.9) can't parse it.
    """
    wrapper = MetadataWrapper(lossless_tree(text), unsafe_skip_copy=True)
    converter = StatementConverter(ExpressionConverter(wrapper.resolve(PositionProvider), text))
    return ast.Module(converter.all(wrapper.module.body), [])


def lossless_tree(text: str) -> cst.Module:
    """libcst's own tree.

    Raises:
        UnreadableSource: if libcst can't parse the text.
    """
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        raise _syntax_error(error) from None
    except Exception as error:  # noqa: BLE001
        # libcst reports some refusals (null bytes, odd encodings) as plain exceptions of many kinds
        raise UnreadableSource(1, 1, f"{type(error).__name__}: {error}") from None


def _syntax_error(error: cst.ParserSyntaxError) -> UnreadableSource:
    """libcst's error (1.9) at the place that its text names, without the list of tokens that it hoped for."""
    place = re.search(r"error at (\d+):(\d+)", error.message)
    if place:
        return UnreadableSource(int(place[1]), int(place[2]) + 1, "invalid syntax")
    reason = error.message.partition(": ")[2].strip() or error.message
    return UnreadableSource(error.raw_line, error.raw_column + 1, f"invalid syntax: {reason}")


class StatementConverter:
    """Turns libcst's statements into those of ``ast``."""

    def __init__(self, expressions: ExpressionConverter) -> None:
        self.expressions = expressions
        self._of = expressions.of
        self._converters: dict[type, Callable[[Any], ast.stmt]] = {
            cst.If: self._if,
            cst.For: self._for,
            cst.While: lambda node: ast.While(
                self._of(node.test), self._suite(node.body), self._orelse(node)
            ),
            cst.Try: self._try,
            cst.TryStar: self._try,
            cst.With: self._with,
            cst.FunctionDef: self._function,
            cst.ClassDef: self._class,
            cst.Match: self._match,
            cst.Expr: lambda node: ast.Expr(self._of(node.value)),
            cst.Assign: lambda node: ast.Assign(
                [self._of(each.target) for each in node.targets], self._of(node.value)
            ),
            cst.AnnAssign: lambda node: ast.AnnAssign(
                self._of(node.target),
                self._of(node.annotation.annotation),
                self._of(node.value),
                int(isinstance(node.target, cst.Name) and not node.target.lpar),
            ),
            cst.AugAssign: lambda node: ast.AugAssign(
                self._of(node.target), expressions.operator(node.operator), self._of(node.value)
            ),
            cst.Return: lambda node: ast.Return(self._of(node.value)),
            cst.Raise: lambda node: ast.Raise(
                self._of(node.exc), self._of(node.cause.item if node.cause else None)
            ),
            cst.Del: self._delete,
            cst.Assert: lambda node: ast.Assert(self._of(node.test), self._of(node.msg)),
            cst.Break: lambda _: ast.Break(),
            cst.Continue: lambda _: ast.Continue(),
            cst.Import: lambda node: ast.Import([_alias(each) for each in node.names]),
            cst.ImportFrom: self._import_from,
            cst.Global: lambda node: ast.Global([each.name.value for each in node.names]),
            cst.Nonlocal: lambda node: ast.Nonlocal([each.name.value for each in node.names]),
        }

    def all(self, statements: Iterable[cst.CSTNode]) -> list[ast.stmt]:
        """Statements in order; those of one line stand beside each other."""
        found: list[ast.stmt] = []
        for statement in statements:
            if isinstance(statement, cst.SimpleStatementLine):
                found += self.all(statement.body)
            else:
                convert = self._converters.get(type(statement))
                made = convert(statement) if convert else ast.Pass()  # what says nothing: ``type X = …``
                found.append(at(made, self.expressions.span(statement)))
        return found

    def _suite(self, suite: cst.BaseSuite) -> list[ast.stmt]:
        return self.all(suite.body)

    def _orelse(self, node: cst.If | cst.For | cst.While) -> list[ast.stmt]:
        if isinstance(node.orelse, cst.If):
            return self.all([node.orelse])
        return self._suite(node.orelse.body) if node.orelse else []

    def _if(self, node: cst.If) -> ast.If:
        # a chain of ``elif`` is as deep as it is long
        return ast.If(self._of(node.test), self._suite(node.body), self._orelse(node))

    def _for(self, node: cst.For) -> ast.For | ast.AsyncFor:
        made = ast.AsyncFor if node.asynchronous else ast.For
        return made(self._of(node.target), self._of(node.iter), self._suite(node.body), self._orelse(node))

    def _try(self, node: cst.Try | cst.TryStar) -> ast.Try:
        orelse = self._suite(node.orelse.body) if node.orelse else []
        final = self._suite(node.finalbody.body) if node.finalbody else []
        handlers = [self._handler(each) for each in node.handlers]
        return ast.Try(self._suite(node.body), handlers, orelse, final)

    def _handler(self, node: cst.ExceptHandler | cst.ExceptStarHandler) -> ast.ExceptHandler:
        name = node.name.name.value if node.name and isinstance(node.name.name, cst.Name) else None
        made = ast.ExceptHandler(self._of(node.type), name, self._suite(node.body))
        return at(made, self.expressions.span(node))

    def _with(self, node: cst.With) -> ast.With | ast.AsyncWith:
        items = [
            ast.withitem(self._of(each.item), self._of(each.asname.name if each.asname else None))
            for each in node.items
        ]
        return (ast.AsyncWith if node.asynchronous else ast.With)(items, self._suite(node.body))

    def _match(self, node: cst.Match) -> ast.Match:
        cases = [
            ast.match_case(
                self.expressions.pattern(case.pattern), self._of(case.guard), self._suite(case.body)
            )
            for case in node.cases
        ]
        return ast.Match(self._of(node.subject), cases)

    def _delete(self, node: cst.Del) -> ast.Delete:
        target = node.target
        if isinstance(target, cst.Tuple) and not target.lpar:
            return ast.Delete([self._of(each.value) for each in target.elements])
        return ast.Delete([self._of(target)])

    def _import_from(self, node: cst.ImportFrom) -> ast.ImportFrom:
        names = () if isinstance(node.names, cst.ImportStar) else node.names
        aliases = [_alias(each) for each in names] or [ast.alias("*")]
        return ast.ImportFrom(_dotted(node.module) if node.module else None, aliases, len(node.relative))

    def _function(self, node: cst.FunctionDef) -> ast.FunctionDef | ast.AsyncFunctionDef:
        made = ast.AsyncFunctionDef if node.asynchronous else ast.FunctionDef
        return made(
            node.name.value,
            self.expressions.parameters(node.params),
            self._suite(node.body),
            [self._of(each.decorator) for each in node.decorators],
            self._of(node.returns.annotation if node.returns else None),
            None,
        )

    def _class(self, node: cst.ClassDef) -> ast.ClassDef:
        given = [self.expressions.argument(each) for each in (*node.bases, *node.keywords)]
        return ast.ClassDef(
            node.name.value,
            [each for each in given if not isinstance(each, ast.keyword)],
            [each for each in given if isinstance(each, ast.keyword)],
            self._suite(node.body),
            [self._of(each.decorator) for each in node.decorators],
        )


def _dotted(node: cst.CSTNode) -> str:
    """The text of a dotted name."""
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""


def _alias(node: cst.ImportAlias) -> ast.alias:
    return ast.alias(_dotted(node.name), _dotted(node.asname.name) if node.asname else None)
