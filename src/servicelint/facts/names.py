"""Names as they stand in the source: those that a pattern captures."""

from __future__ import annotations

import ast


def captured(pattern: ast.AST) -> list[str]:
    """The names that a match pattern binds."""
    names = []
    if isinstance(pattern, ast.MatchAs | ast.MatchStar) and pattern.name:
        names.append(pattern.name)
    if isinstance(pattern, ast.MatchMapping) and pattern.rest:
        names.append(pattern.rest)
    for child in ast.iter_child_nodes(pattern):
        names += captured(child)
    return names
