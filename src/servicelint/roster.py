"""The files of a kept run beside those of a run that goes on from it: what came, went and changed."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, TypeAlias

from servicelint.program.linking.modules import FILES, Module, ModuleIndex, storable
from servicelint.reader import empty_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

File: TypeAlias = tuple[bytes, bytes, bool]
"""The path of a file, its source root, and whether it is a target."""


def filed(module: Module) -> File:
    """What a kept run knows a module by."""
    return _bytes(module.path), _bytes(module.root), module.is_target


class Roster:
    """The modules of both runs. ``numbered`` are those of the kept one: for one gone stands an empty file.

    ``numbers`` are those of all modules: what has come since has the numbers from ``free`` on.
    """

    def __init__(self, files: Sequence[File], modules: Sequence[Module], free: int) -> None:
        now = {filed(module): module for module in modules}
        self.modules = modules
        self.numbered = [now.pop(file) if file in now else _gone(*file) for file in files]
        self.added = list(now.values())
        self.removed = sorted(set(self.numbered) - set(modules), key=self.numbered.index)
        self.numbers = {module: number for number, module in enumerate(self.numbered)}
        self.numbers |= {module: free + number for number, module in enumerate(self.added)}

    def changed(self, before: Sequence[bytes], now: Mapping[Module, bytes]) -> list[Module]:
        """The modules whose contents differ: those that came and went among them."""
        differing = [
            module
            for module, content in zip(self.numbered, before, strict=True)
            if now.get(module) != content
        ]
        return [*differing, *self.added]

    def questions(self, roots: Iterable[str]) -> Iterator[str]:
        """The questions on files that are answered otherwise now.

        ``roots`` are the source roots that every file may look into.
        """
        if not self.added and not self.removed:
            return
        before, after = ModuleIndex(self.numbered, roots), ModuleIndex(self.modules, roots)
        yield FILES
        for stem in {stem for module in (*self.added, *self.removed) for stem in _stems(module.path)}:
            if (before.at(stem), before.is_folder(stem)) != (after.at(stem), after.is_folder(stem)):
                yield f"file:{storable(stem)}"
        for head in self._heads(before.roots, after.roots):
            if before.roots_with(head) != after.roots_with(head):
                yield f"head:{storable(head)}"

    def _heads(self, before: frozenset[str], after: frozenset[str]) -> set[str]:
        """The names at the top of source roots that there may be, or not, since files came and went."""
        moved, other = [*self.added, *self.removed], before ^ after
        found = {head for module in moved for head in _heads(module.path, before | after)}
        if other:
            found.update(head for module in self.numbers for head in _heads(module.path, other))
        return found


def _gone(path: bytes, root: bytes, is_target: bool) -> Module:
    return Module(_text(path), _text(root), lambda _: "", lambda _, __: empty_facts(), is_target=is_target)


def _stems(path: str) -> Iterator[str]:
    """The paths, without ending, at which one file makes a difference: its own, and its folders."""
    yield posixpath.splitext(path)[0]
    while path != posixpath.dirname(path):
        path = posixpath.dirname(path)
        yield path


def _heads(path: str, roots: Iterable[str]) -> Iterator[str]:
    """The first names of imports from some source roots that may mean a file, or a folder around it."""
    for root in roots:
        start = root.rstrip("/") + "/"
        if path.startswith(start):
            yield posixpath.splitext(path[len(start) :].partition("/")[0])[0]


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
