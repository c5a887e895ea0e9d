"""Names as they stand in the source: dotted ones, and those that a pattern captures."""

from __future__ import annotations

import libcst as cst


def dotted(node: cst.CSTNode) -> str:
    """The text of a dotted name."""
    if isinstance(node, cst.Attribute):
        return f"{dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""


def captured(pattern: cst.CSTNode) -> list[str]:
    """The names that a match pattern binds."""
    names = []
    if isinstance(pattern, cst.MatchAs | cst.MatchStar) and pattern.name:
        names.append(pattern.name.value)
    if isinstance(pattern, cst.MatchMapping) and pattern.rest:
        names.append(pattern.rest.value)
    for child in pattern.children:
        names += captured(child)
    return names
