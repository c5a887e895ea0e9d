"""Modules under the names that other modules import them by, read from text: nothing is parsed for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts.record import Imported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program


def modules_behind(
    program: Program, owner: Module, name: str, seen: frozenset[tuple[Module, str]] = frozenset()
) -> Iterator[str]:
    """The paths, without ending, of the modules that import statements of ``owner`` may call ``name``."""
    index = program.modules
    if (owner, name) in seen:
        return
    for symbol in program.vocabulary.brought(owner, name):
        stem = _stem(program, symbol, owner)
        if stem and (index.at(stem) or index.is_folder(stem)):
            yield stem
            continue
        dots = symbol[: len(symbol) - len(symbol.lstrip("."))]
        package, _, member = symbol.removeprefix(dots).rpartition(".")
        stem = _stem(program, f"{dots}{package}", owner)
        further = index.at(stem) if stem else None
        if further is not None:
            yield from modules_behind(program, further, member, seen | {(owner, name)})


def _stem(program: Program, symbol: str, owner: Module) -> str | None:
    """The path, without ending, that a dotted name of an import statement stands for."""
    bare = symbol.lstrip(".")
    level = len(symbol) - len(bare)
    if level:
        return program.modules.relative(Imported(bare, "", level), owner)
    return program.modules.locate(bare, owner) if bare else None
