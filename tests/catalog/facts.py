"""The facts that a catalog states, one by one, and each of them changed once.

A fact is a field of a record that its data file fills in, or a name under which an entry stands. It is known
by its path from the library down: ``clients`` / ``requests.Session`` / ``methods`` / ``0`` / ``url``.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import structs

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]
NAME = "its name"
"""The last part of a path that means the name itself under which something stands."""

ALIEN = "collections.servicelint"


def facts_of(value: Any, path: Path = ()) -> Iterator[Path]:
    """The facts that a record states, and those of the records in it."""
    for step, each, is_named in _parts(value):
        if is_named:
            yield (*path, step, NAME)
        yield from facts_of(each, (*path, step))
    if not _is_composed(value):
        yield path


def changed_facts(value: Any, other: Any, path: Path = ()) -> Iterator[Path]:
    """The facts of a record that another one states otherwise."""
    if not _is_composed(value) or type(value) is not type(other):
        if value != other:
            yield path if not _is_composed(value) else (*path, "")
        return
    others = {step: each for step, each, _ in _parts(other, every=True)}
    for step, each, is_named in _parts(value):
        if step in others:
            yield from changed_facts(each, others[step], (*path, step))
        elif is_named and len(others) == len(list(_parts(value))):
            yield (*path, step, NAME)


def each_changed(value: Any) -> Iterator[tuple[Path, Any]]:
    """A record with each fact of it changed once, and the path of that fact."""
    if isinstance(value, msgspec.Struct):
        for step, each, _ in _parts(value):
            for path, mutant in _changed_part(value, str(step), each):
                yield (step, *path), structs.replace(value, **{str(step): mutant})
    elif isinstance(value, dict):
        for step, each in value.items():
            yield (step, NAME), {(ALIEN if name == step else name): part for name, part in value.items()}
            for path, mutant in each_changed(each):
                yield (step, *path), {**value, step: mutant}
    elif _is_composed(value):
        for step, each in enumerate(value):
            for path, mutant in each_changed(each):
                yield (step, *path), (*value[:step], mutant, *value[step + 1 :])
    else:
        yield (), _otherwise(value)


def _changed_part(record: msgspec.Struct, field: str, value: Any) -> Iterator[tuple[Path, Any]]:
    choices = _choices(type(record)).get(field, ())
    if choices:
        yield (), next(each for each in choices if each != value)
    else:
        yield from each_changed(value)


@functools.cache
def _choices(record: type[msgspec.Struct]) -> dict[str, tuple[Any, ...]]:
    """The values that the fields of a record may have, where these are few."""
    hints = get_type_hints(record)
    return {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}


def _otherwise(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return (ALIEN, *value[1:]) if isinstance(value, tuple) else ALIEN


def _is_composed(value: Any) -> bool:
    """Whether a value is made of records."""
    if isinstance(value, tuple):
        return bool(value) and isinstance(value[0], msgspec.Struct)
    return isinstance(value, msgspec.Struct | dict)


def _parts(value: Any, *, every: bool = False) -> Iterator[tuple[str | int, Any, bool]]:
    """The parts of a value, by their steps; whether the step is a name that the data file chose.

    Of a record these are the fields that are filled in; or ``every`` one.
    """
    if isinstance(value, msgspec.Struct):
        for field in structs.fields(value):
            found = getattr(value, field.name)
            if every or not _is_left_out(field, found):
                yield field.name, found, False
    elif isinstance(value, dict):
        yield from ((name, each, True) for name, each in value.items())
    elif _is_composed(value):
        yield from ((number, each, False) for number, each in enumerate(value))


def _is_left_out(field: structs.FieldInfo, value: Any) -> bool:
    """Whether a field has the value that it has if nothing is said."""
    if field.default_factory is not msgspec.NODEFAULT:
        return bool(value == field.default_factory())
    return field.default is not msgspec.NODEFAULT and bool(value == field.default)
