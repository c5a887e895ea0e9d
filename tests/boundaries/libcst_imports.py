"""The imports of a file as libcst's tree tells them: what the scanner is held against."""

from __future__ import annotations

from typing import NamedTuple

import libcst as cst
import libcst.matchers as m
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper


class Read(NamedTuple):
    """One imported name; ``place`` is the text from the name's first character on, cut after it."""

    module: str
    member: str
    level: int
    bound: str
    place: int
    is_for_types: bool


def libcst_imports(text: str) -> list[Read]:
    """Every imported name in source order, with its offset in the text."""
    wrapper = MetadataWrapper(cst.parse_module(text.encode()), unsafe_skip_copy=True)
    collector = _Collector()
    wrapper.visit(collector)
    data = text.encode()
    return [read._replace(place=len(data[: read.place].decode())) for read in collector.found]


class _Collector(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (ByteSpanPositionProvider,)

    def __init__(self) -> None:
        self.found: list[Read] = []
        self.names = {"TYPE_CHECKING"}
        self.guards: list[bool] = [False]

    def visit_Import(self, node: cst.Import) -> None:  # noqa: N802 - libcst's name
        for alias in node.names:
            name = _dotted(alias.name)
            self._add(alias, name, "", 0, name.partition(".")[0])

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:  # noqa: N802 - libcst's name
        module = _dotted(node.module) if node.module else ""
        level = len(node.relative)
        if isinstance(node.names, cst.ImportStar):
            place = self.get_metadata(ByteSpanPositionProvider, node.names).start
            self.found.append(Read(module, "*", level, "*", place, self.guards[-1]))
            return
        for alias in node.names:
            name = _dotted(alias.name)
            self._add(alias, module, name, level, name)
            if name == "TYPE_CHECKING" and alias.asname:
                self.names.add(alias.evaluated_alias or "")

    def _add(self, alias: cst.ImportAlias, module: str, member: str, level: int, name: str) -> None:
        place = self.get_metadata(ByteSpanPositionProvider, alias.name).start
        bound = alias.evaluated_alias or name
        self.found.append(Read(module, member, level, bound, place, self.guards[-1]))

    def visit_If(self, node: cst.If) -> bool:  # noqa: N802 - libcst's name
        outside = self.guards[-1]
        outcome = self._outcome(node.test)
        self.guards.append(outside or outcome is True)
        node.body.visit(self)
        self.guards[-1] = outside or outcome is False
        if node.orelse:
            node.orelse.visit(self)
        self.guards.pop()
        return False

    def _outcome(self, test: cst.BaseExpression) -> bool | None:
        if m.matches(test, m.UnaryOperation(operator=m.Not())):
            inner = self._outcome(cst.ensure_type(test, cst.UnaryOperation).expression)
            return None if inner is None else not inner
        if isinstance(test, cst.BooleanOperation):
            sides = [self._outcome(test.left), self._outcome(test.right)]
            decisive = isinstance(test.operator, cst.And)
            if decisive in sides:
                return decisive
            return (not decisive) if set(sides) == {not decisive} else None
        name = test.attr if isinstance(test, cst.Attribute) else test
        return True if isinstance(name, cst.Name) and name.value in self.names else None


def _dotted(node: cst.BaseExpression) -> str:
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    return cst.ensure_type(node, cst.Name).value
