"""Imports by call: ``importlib.import_module("a.b")`` and ``__import__("a.b")``, under any name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.facts.imports import ImportFact
from servicelint.facts.positions import call_span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from servicelint.facts.record import Call, Expression, ModuleFacts

_IMPORTERS = frozenset(
    {"importlib.import_module", "importlib.__import__", "__import__", "builtins.__import__"}
)
_OWN_PACKAGE = frozenset({"__package__", "__name__"})
_DEEPEST_ALIAS = 8


def dynamic_imports(facts: ModuleFacts, lines: Sequence[str]) -> list[ImportFact]:
    """The modules that calls import by a literal name. ``lines`` are the source's, with their ends."""
    return [
        fact
        for call in facts.calls
        if _symbol(call.callee, call.scope, facts) in _IMPORTERS
        for fact in _imported(call, facts, lines)
    ]


def _imported(call: Call, facts: ModuleFacts, lines: Sequence[str]) -> Iterator[ImportFact]:
    name = _text(_argument(call, 0, "name"), call.scope, facts)
    if not name or not all(part.isidentifier() for part in name.strip(".").split(".")):
        return
    module = name.lstrip(".")
    level = len(name) - len(module)
    if level:
        package = _argument(call, 1, "package")
        if not (isinstance(package, record.Name) and package.name in _OWN_PACKAGE):
            above = (_text(package, call.scope, facts) or "").split(".")
            module = ".".join([*above[: len(above) - level + 1], module])
            level = 0
    span = call_span(lines, call)
    start = sum(map(len, lines[: span.line - 1])) + span.column - 1
    end = sum(map(len, lines[: span.end_line - 1])) + span.end_column - 1
    for member in _members(call, facts) or [""]:
        yield ImportFact(module, member, level, "", start, start, end, way="call")


def _members(call: Call, facts: ModuleFacts) -> list[str]:
    """What ``__import__`` is asked to take from the module."""
    names = _argument(call, 3, "fromlist")
    if not isinstance(names, record.Sequence):
        return []
    return [text for text in (_text(item, call.scope, facts) for item in names.items) if text]


def _argument(call: Call, position: int, keyword: str) -> Expression | None:
    for number, argument in enumerate(call.arguments):
        if not argument.stars and (
            argument.keyword == keyword or (not argument.keyword and number == position)
        ):
            return argument.value
    return None


def _text(expression: Expression | None, scope: int, facts: ModuleFacts) -> str | None:
    """The text that an expression is, if it is a literal or a name for one."""
    if isinstance(expression, record.Constant):
        return expression.value if isinstance(expression.value, str) else None
    if isinstance(expression, record.Text):
        parts = [_text(part, scope, facts) for part in expression.parts]
        return None if None in parts else "".join(part for part in parts if part)
    if isinstance(expression, record.Name):
        values = [value for value, _ in _values(expression, scope, facts)]
        return _text(values[0], scope, facts) if len(values) == 1 and values[0] != expression else None
    return None


def _symbol(expression: Expression, scope: int, facts: ModuleFacts, depth: int = 0) -> str:
    """The dotted name of an imported thing or builtin that an expression stands for, or ""."""
    if depth > _DEEPEST_ALIAS:
        return ""
    if isinstance(expression, record.Imported):
        return ".".join(part for part in (expression.module, expression.member) if part)
    if isinstance(expression, record.Attribute):
        owner = _symbol(expression.value, scope, facts, depth + 1)
        return f"{owner}.{expression.name}" if owner else ""
    if not isinstance(expression, record.Name):
        return ""
    values = _values(expression, scope, facts)
    if not values:
        return expression.name
    symbols = {_symbol(value, where, facts, depth + 1) for value, where in values}
    return next((symbol for symbol in symbols if symbol in _IMPORTERS), "") or min(symbols)


def _values(name: record.Name, scope: int, facts: ModuleFacts) -> list[tuple[Expression, int]]:
    """What a name may hold, each with the scope it was bound in; nothing for a builtin."""
    if name.definitions:
        bindings = facts.scopes[scope].bindings
        return [(bindings[number].value, scope) for number in name.definitions]
    while scope >= 0:
        here = facts.scopes[scope]
        if name.name in here.final:
            return [(here.bindings[number].value, scope) for number in here.final[name.name]]
        scope = here.parent
    return []
