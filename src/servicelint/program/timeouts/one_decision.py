"""One parameter that decides in several ways, ``(3, limit) if limit else None``, is one decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from servicelint.program.evaluation.values import MISSING, ParameterSymbol, Value, Values
from servicelint.program.timeouts.verdicts import Forwarded, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable


def put_together(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts, those that rest on the same parameter as one."""
    found: list[Verdict] = []
    for verdict in verdicts:
        at = next((n for n, each in enumerate(found) if _is_same(each, verdict)), None)
        if at is None:
            found.append(verdict)
        else:
            found[at] = _both(found[at], verdict)  # type: ignore[arg-type]
    return found


def is_excluded(value: object, symbol: ParameterSymbol) -> bool:
    """Whether the function replaces this value of its parameter before it uses it."""
    if value == MISSING:
        return "missing" in symbol.excluded
    literal = getattr(value, "value", value)
    if literal is None:
        return "none" in symbol.excluded or "false" in symbol.excluded
    return "false" in symbol.excluded and literal in (0, False, "")


def less(value: Value, excluded: frozenset[str]) -> Value:
    """What a caller hands on itself, less what the function replaces."""
    if isinstance(value, ParameterSymbol):
        return replace(value, excluded=value.excluded | excluded)
    return value


def _is_same(one: Verdict, other: Verdict) -> bool:
    """Whether two verdicts rest on one parameter, whatever is left of it in each."""
    if not isinstance(one, Forwarded) or not isinstance(other, Forwarded):
        return False
    return replace(one.symbol, excluded=frozenset()) == replace(other.symbol, excluded=frozenset())


def _both(one: Forwarded, other: Forwarded) -> Forwarded:
    """Each is asked about what is left for it of what a caller gives."""

    def judge(values: Values) -> list[Verdict]:
        found: list[Verdict] = []
        for each in (one, other):
            left = [
                less(value, each.symbol.excluded) for value in values if not is_excluded(value, each.symbol)
            ]
            found += each.judge(tuple(left)) if left else []
        return found

    excluded = one.symbol.excluded & other.symbol.excluded
    instead = tuple(dict.fromkeys((*one.instead, *other.instead)))
    return Forwarded(replace(one.symbol, excluded=excluded), judge, one.steps or other.steps, instead)
