"""Whether anything but imports binds a name in a file: told by ``ast``, which is quick."""

from __future__ import annotations

import ast

from servicelint.facts.syntax_tree import syntax_tree


def is_only_imported(text: str, name: str) -> bool:
    """Whether nothing but imports binds ``name`` in the file; False if the interpreter can't parse it."""
    tree = syntax_tree(text)
    return tree is not None and not any(_binds(node, name) for node in ast.walk(tree))


def _binds(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id == name and not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.arg):
        return node.arg == name
    if isinstance(node, ast.MatchMapping):
        return node.rest == name
    return name == getattr(node, "name", None) and not isinstance(node, ast.alias)
