"""Modules of the program: their names, their source roots, and what an import refers to."""

from __future__ import annotations

import functools
import posixpath
import re
from typing import TYPE_CHECKING

from servicelint.program.linking.reads import Reads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from servicelint.facts.record import Imported, ModuleFacts

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Module:
    """One file of the program. ``path`` has forward slashes; ``name`` is dotted, from its source root.

    ``show`` makes the path that findings give. Only a target is checked and counts as a caller; other files
    only define what it imports. Text and facts are read when they are asked for, and ``reads`` is told.
    """

    reads = Reads()
    """What is being answered; a program gives its modules its own."""

    def __init__(
        self,
        path: str,
        root: str,
        read: Callable[[], str],
        extract: Callable[[str, str], ModuleFacts],
        show: Callable[[str], str] = str,
        *,
        is_target: bool = True,
    ) -> None:
        self.path = path
        self.root = root
        self._show = show
        self.is_target = is_target
        self._read = read
        self._extract = extract
        self.folder = posixpath.dirname(path)
        self.name = dotted_name(path, root)

    def __repr__(self) -> str:
        return f"Module({self.path!r})"

    @functools.cached_property
    def shown(self) -> str:
        """Its path as findings give it."""
        return self._show(self.path)

    @property
    def source(self) -> str:
        """Its text."""
        self.reads.current.leaves.add(self)
        return self.text

    @property
    def is_parsed(self) -> bool:
        """Whether its facts have been asked for."""
        return "_facts" in self.__dict__

    @property
    def facts(self) -> ModuleFacts:
        """What it says."""
        self.reads.current.leaves.add(self)
        return self._facts

    @property
    def lines(self) -> list[str]:
        """The physical lines of its source, with their ends."""
        self.reads.current.leaves.add(self)
        return self._lines

    @functools.cached_property
    def text(self) -> str:
        """Its text, for questions on the words of all modules: these note what they ask instead."""
        return self._read()

    @functools.cached_property
    def _lines(self) -> list[str]:
        return split_lines(self.text)

    @functools.cached_property
    def _facts(self) -> ModuleFacts:
        return self._extract(self.path, self.text)


def split_lines(source: str) -> list[str]:
    """Physical lines as Python counts them: ended by ``\\n``, ``\\r\\n`` or ``\\r``, and by nothing else."""
    return _LINE.findall(source)


def dotted_name(path: str, root: str) -> str:
    """The module name of a file below a source root; "" for the root's own ``__init__``."""
    relative = path[len(root) :].lstrip("/") if root else path
    stem = relative.removesuffix(".pyi").removesuffix(".py")
    parts = stem.split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


class ModuleIndex:
    """All modules of a program, found by the names under which they can be imported.

    ``roots`` are all source roots, ``search_roots`` those that every file may look into.

    One file can have a name for each source root above it: a monorepo may hold two packages called
    ``app``. An import takes the one whose root is nearest to the importing file.
    """

    def __init__(self, modules: Iterable[Module], roots: Iterable[str]) -> None:
        self.modules = list(modules)
        self._by_path = {module.path: module for module in self.modules}
        own = {module.folder for module in self.modules}
        self._folders = {folder for start in own for folder in _ancestors(start)}
        self.search_roots = frozenset(roots)
        self.roots = self.search_roots | {module.root for module in self.modules}

    @functools.cached_property
    def numbers(self) -> dict[Module, int]:
        """The places of the modules in ``modules``."""
        return {module: number for number, module in enumerate(self.modules)}

    def at(self, stem: str) -> Module | None:
        """The module whose file is ``stem`` with ``.py`` or ``/__init__.py`` after it."""
        for ending in ("/__init__.py", ".py", ".pyi", "/__init__.pyi"):
            module = self._by_path.get(
                f"{stem}{ending}".lstrip("/") if not stem.startswith("/") else f"{stem}{ending}"
            )
            if module:
                return module
        return None

    def is_folder(self, folder: str) -> bool:
        """Whether some module lies in or below ``folder``."""
        return folder in self._folders

    def locate(self, name: str, importer: Module) -> str | None:
        """The path, without ending, of the module or namespace package ``name`` as ``importer`` sees it."""
        relative = name.replace(".", "/")
        first = name.partition(".")[0]
        for root in self._roots_for(importer.root, importer.folder):
            head = posixpath.join(root, first)
            if self.at(head) or self.is_folder(head):
                return posixpath.join(root, relative)
        return None

    @functools.lru_cache(maxsize=4096)  # noqa: B019 - an index lives as long as its program
    def _roots_for(self, root: str, folder: str) -> tuple[str, ...]:
        """Source roots in the order in which a file looks into them: its own first, then the nearest."""

        def distance(other: str) -> tuple[bool, int, str]:
            return (
                other != root,
                -len(
                    posixpath.commonpath([other or ".", folder or "."]) if _same_kind(other, folder) else ""
                ),
                other,
            )

        return tuple(sorted(self.roots, key=distance))

    def relative(self, imported: Imported, importer: Module) -> str:
        """The path, without ending, that a relative import starts from."""
        folder = importer.folder
        for _ in range(imported.level - 1):
            folder = posixpath.dirname(folder)
        return posixpath.join(folder, imported.module.replace(".", "/")) if imported.module else folder


def _same_kind(one: str, other: str) -> bool:
    return one.startswith("/") == other.startswith("/")


def _ancestors(folder: str) -> Iterable[str]:
    while folder and folder != "/":
        yield folder
        folder = posixpath.dirname(folder)
