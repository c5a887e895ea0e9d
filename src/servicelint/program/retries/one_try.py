"""How long one try of a call may take, and what it may do in that time: connect, read, follow redirects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.catalog.model import TimeoutClass
from servicelint.program.evaluation.values import (
    MISSING,
    Instance,
    Literal,
    SequenceValue,
    Value,
    Values,
)
from servicelint.program.timeouts.verdicts import Bounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.program import Program
    from servicelint.program.sites import Target

_PARTS = ("connect", "read")
_WHOLE = "total"


class Tries:
    """Reads what single tries take."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def seconds(self, target: Target) -> float | None:
        """How long one may take: connecting and reading where both are given, else the one number."""
        for value in self._given(target):
            if isinstance(value, SequenceValue) and not value.is_open:
                return summed(value.items)
            parts = self._parts(value) if isinstance(value, Instance) else None
            if parts is not None:
                return summed(parts)
        verdict = self.program.bounds.of(target)
        return verdict.seconds if isinstance(verdict, Bounded) else None

    def _given(self, target: Target) -> Values:
        """What is given as the timeout of a call, or else to its client."""
        given = self.program.bounds.given(target)
        constructor = target.client.constructor if target.client else None
        if given != (MISSING,) or constructor is None or target.instance is None:
            return given
        constructions = self.program.bounds.constructions.library_arguments(target.instance)
        return tuple(self._arguments(constructions, constructor.keyword, constructor.position))

    def _arguments(self, made: Iterable[Arguments], keyword: str, position: int | None) -> Iterator[Value]:
        for arguments in made:
            yield from self.program.evaluator.argument(arguments, keyword, position)

    def _parts(self, given: Instance) -> list[Values] | None:
        """The parts of ``Timeout(connect=2, read=7)``; None if one number is for all, or one is left out."""
        entry = self.program.catalog.entry(self.program.clients.name_of(given.of) or "")
        if not isinstance(entry, TimeoutClass) or given.arguments is None:
            return None
        places = {name: number for number, name in enumerate(entry.parameters)}
        argument = self.program.evaluator.argument
        read = {name: argument(given.arguments, name, places.get(name)) for name in (*_PARTS, _WHOLE)}
        if MISSING in read["connect"] or MISSING in read["read"] or read[_WHOLE] != (MISSING,):
            return None
        return [read[name] for name in _PARTS]

    def redirects(self, target: Target) -> int:
        """How many redirects one may follow, each with the whole timeout again; 0 if that is unknown."""
        known = self.program.catalog.library_of(target.entry).redirects
        verdict = self.program.bounds.of(target)
        if not known.most or getattr(verdict, "kind", None) == "total":
            return 0
        if target.name.rpartition(".")[2] in known.spared:
            return 0
        given = self.program.evaluator.argument(target.arguments, known.keyword, None)
        if given == (MISSING,) and target.instance is not None:
            made = self.program.bounds.constructions.library_arguments(target.instance)
            given = tuple(self._arguments(made, known.keyword, None)) or given
        follows = any(known.followed if each == MISSING else each != Literal(False) for each in given)
        return known.most if follows else 0


def summed(parts: Iterable[Values]) -> float | None:
    """The sum of what each part may be at most; None if one can't be told."""
    numbers = [number(part) for part in parts]
    return None if None in numbers else sum(each for each in numbers if each is not None)


def number(values: Values) -> float | None:
    """The largest of some numbers; None if one is something else."""
    numbers = [value.value for value in values if isinstance(value, Literal)]
    known = [each for each in numbers if isinstance(each, int | float)]
    return float(max(known)) if known and len(known) == len(values) else None
