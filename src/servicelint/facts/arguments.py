"""The arguments of a call, as they stand in the source."""

from __future__ import annotations

import ast


def arguments_of(node: ast.Call) -> list[ast.expr | ast.keyword]:
    """The arguments of a call in source order: ``*a`` may come after ``b=c``."""
    if node.keywords and any(isinstance(each, ast.Starred) for each in node.args):
        return sorted([*node.args, *node.keywords], key=lambda each: (each.lineno, each.col_offset))
    return [*node.args, *node.keywords]
