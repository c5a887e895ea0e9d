"""The interpreter's own parser: quick, but it knows neither blanks and comments nor a later syntax."""

from __future__ import annotations

import ast
import warnings


def syntax_tree(text: str) -> ast.Module | None:
    """The tree of a file; None if this interpreter can't parse it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on the checked code: that is another tool's business
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def literal_value(text: str) -> object:
    """What a literal stands for.

    Raises:
        SyntaxError, ValueError: if it is none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.literal_eval(text)
