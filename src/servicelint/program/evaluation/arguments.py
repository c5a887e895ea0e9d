"""The arguments of a call, looked up the way Python binds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from servicelint.program.evaluation.values import MISSING, CallRef, Values, merge

if TYPE_CHECKING:
    from servicelint.facts.record import Expression
    from servicelint.program.evaluation.frames import Frame


class Given(NamedTuple):
    """One argument: an expression in its frame, or values that are known already."""

    expression: Expression | None
    frame: Frame | None
    values: Values = ()


class Arguments:
    """Positional and keyword arguments, ``*`` and ``**`` ones kept apart; evaluated when asked for.

    ``call`` is where they stand. Arguments with the same call and frame are equal.
    """

    __slots__ = ("call", "depth", "frame", "key", "keywords", "mappings", "positional", "stars")

    def __init__(
        self,
        call: CallRef,
        frame: Frame | None,
        positional: tuple[Given, ...] = (),
        keywords: tuple[tuple[str, Given], ...] = (),
        stars: tuple[Given, ...] = (),
        mappings: tuple[Given, ...] = (),
        variant: object = None,
    ) -> None:
        self.call = call
        self.frame = frame
        self.positional = positional
        self.keywords = dict(keywords)
        self.stars = stars
        self.mappings = mappings
        self.depth = frame.depth if frame else 0
        self.key = (call, frame, variant)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Arguments) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def written(call: CallRef, frame: Frame, skip: int = 0) -> Arguments:
    """The arguments of a call as they are written, without the first ``skip`` positional ones."""
    positional: list[Given] = []
    stars: list[Given] = []
    keywords: list[tuple[str, Given]] = []
    mappings: list[Given] = []
    for argument in call.call.arguments:
        given = Given(argument.value, frame)
        if argument.stars == 1:
            stars.append(given)
        elif argument.stars == 2:
            mappings.append(given)
        elif argument.keyword:
            keywords.append((argument.keyword, given))
        elif not stars:
            positional.append(given)
    return Arguments(
        call, frame, tuple(positional[skip:]), tuple(keywords), tuple(stars), tuple(mappings), skip
    )


def passed_for(arguments: Arguments, name: str, position: int | None) -> Given | None:
    """What a call gives for a parameter, by keyword or position."""
    given = arguments.keywords.get(name)
    if given is None and position is not None and 0 <= position < len(arguments.positional):
        return arguments.positional[position]
    return given


def combined(first: Arguments, second: Arguments) -> Arguments:
    """The arguments of a partial's call: those given before, and those given now, which win."""
    merged = Arguments(
        second.call,
        second.frame,
        first.positional + second.positional,
        tuple({**first.keywords, **second.keywords}.items()),
        first.stars + second.stars,
        first.mappings + second.mappings,
        (first.key, second.key),
    )
    merged.depth = max(first.depth, second.depth)
    return merged


def without_first(arguments: Arguments) -> Arguments:
    """The arguments after the first: what a partial keeps, what an unbound method's object is given."""
    rest = Arguments(
        arguments.call,
        arguments.frame,
        arguments.positional[1:],
        tuple(arguments.keywords.items()),
        arguments.stars,
        arguments.mappings,
        (arguments.key, "rest"),
    )
    rest.depth = arguments.depth
    return rest


def or_else(values: Values, otherwise: Values) -> Values:
    """The values, with what holds otherwise in the place of a missing one."""
    if MISSING not in values:
        return values
    return merge(tuple(value for value in values if value != MISSING), otherwise)
