"""Patterns of modules: ``shop.orders``, ``shop.*.api``, ``services/orders/``.

A pattern is a dotted name or, with a slash in it, a path from the folder of the settings. It fits the module
or folder and all that lies below it. ``*`` stands for one name or a part of it, ``**`` for any number of
names; ``shop.orders.__init__`` is the package's own file alone.
"""

from __future__ import annotations

import functools
import posixpath
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from servicelint.program.linking.modules import Module

Parts = tuple[str, ...]

_PACKAGE = "__init__"


class Addresses(NamedTuple):
    """What a module is called: its dotted name from each source root above it, and its path.

    It has no path if it lies outside the folder of the settings.
    """

    names: tuple[Parts, ...]
    paths: tuple[Parts, ...]
    is_package: bool

    @classmethod
    def of(cls, module: Module, roots: Collection[str], folder: str) -> Addresses:
        """The names of a module. ``roots`` are all source roots, ``folder`` is that of the settings."""
        stem = module.path.removesuffix(".pyi").removesuffix(".py")
        is_package = posixpath.basename(stem) == _PACKAGE
        stem = posixpath.dirname(stem) if is_package else stem
        above = {module.root, *(each for each in _ancestors(module.folder) if each in roots)}
        names = {_parts(stem, root) for root in above}
        paths = (_parts(stem, folder),) if _is_below(stem, folder) else ()
        return cls(tuple(names), paths, is_package)


class Pattern(NamedTuple):
    """A pattern, split into the names between its dots or slashes."""

    text: str
    parts: Parts
    is_path: bool
    is_own_file: bool

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """A pattern from the settings."""
        is_path = "/" in text
        separated = posixpath.normpath(text).removesuffix(".py") if is_path else text
        parts = () if separated == "." else tuple(separated.split("/" if is_path else "."))
        is_own_file = parts[-1:] == (_PACKAGE,)
        return cls(text, parts[:-1] if is_own_file else parts, is_path, is_own_file)

    @property
    def is_plain(self) -> bool:
        """Whether it has no wildcard."""
        return "*" not in self.text

    @property
    def has_one_star(self) -> bool:
        """Whether it has a single ``*``, which can stand for the names of many services."""
        return self.text.count("*") == 1

    def distance(self, addresses: Addresses) -> int | None:
        """How loosely it fits a module, or None if it doesn't: the lesser the distance, the closer.

        0 for the very file that is meant, else 1 and the number of names that the module lies below it.
        """
        found = [len(name) - end for name in self._among(addresses) for end in _ends(self.parts, name)]
        if self.is_own_file:
            return 0 if 0 in found and addresses.is_package else None
        return 1 + min(found) if found else None

    def captures(self, addresses: Addresses) -> Iterator[str]:
        """The names that the first ``*`` stands for in a module that fits."""
        star = next(number for number, part in enumerate(self.parts) if "*" in part)
        before, _, after = self.parts[star].partition("*")
        for name in self._among(addresses):
            if next(_ends(self.parts, name), None) is not None:
                yield name[star][len(before) : len(name[star]) - len(after)]

    def _among(self, addresses: Addresses) -> tuple[Parts, ...]:
        return addresses.paths if self.is_path else addresses.names


@functools.cache
def pattern(text: str) -> Pattern:
    """A pattern from the settings, parsed once."""
    return Pattern.parse(text)


def _ends(parts: Parts, name: Parts) -> Iterator[int]:
    """How many names of ``name``, counted from its beginning, ``parts`` can stand for."""
    if not parts:
        yield 0
    elif parts[0] == "**":
        for skipped in range(len(name) + 1):
            yield from (skipped + end for end in _ends(parts[1:], name[skipped:]))
    elif name and (parts[0] == name[0] or ("*" in parts[0] and fnmatchcase(name[0], parts[0]))):
        yield from (1 + end for end in _ends(parts[1:], name[1:]))


def _parts(stem: str, root: str) -> Parts:
    relative = stem[len(root) :].strip("/") if root else stem
    return tuple(relative.split("/")) if relative else ()


def _is_below(stem: str, folder: str) -> bool:
    return not folder or stem == folder or stem.startswith(f"{folder}/")


def _ancestors(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        if folder == posixpath.dirname(folder):
            return
        folder = posixpath.dirname(folder)
