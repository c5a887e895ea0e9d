"""Modules of the program: their names, their source roots, and what an import refers to."""

from __future__ import annotations

import functools
import posixpath
import re
from typing import TYPE_CHECKING

from servicelint.program.linking.reads import Reads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from servicelint.facts.record import Imported, ModuleFacts

FILES = "files:"
"""The question which files there are."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Module:
    """One file of the program. ``path`` has forward slashes.

    ``read`` and ``extract`` give its text and its facts: they are asked when that is needed, and ``reads`` is
    told. ``show`` makes the path that findings give. Only a target is checked and counts as a caller; other
    files only define what it imports.
    """

    reads = Reads()
    """What is being answered; a program gives its modules its own."""

    def __init__(
        self,
        path: str,
        root: str,
        read: Callable[[str], str],
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

    def __repr__(self) -> str:
        return f"Module({self.path!r})"

    @functools.cached_property
    def folder(self) -> str:
        """The folder that it lies in."""
        return posixpath.dirname(self.path)

    @functools.cached_property
    def name(self) -> str:
        """Its dotted name, from its source root."""
        return dotted_name(self.path, self.root)

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
        return self._read(self.path)

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

    ``roots`` are all source roots, ``search_roots`` those that every file may look into. ``numbered`` are the
    modules by the numbers that they are kept under, where an earlier run has given them some.

    One file can have a name for each source root above it: a monorepo may hold two packages called
    ``app``. An import takes the one whose root is nearest to the importing file. ``libraries`` are the names
    at the top of libraries: what has such a name elsewhere in the program does not hide the library.

    What is asked is noted, for runs that go on after files came or went: ``file:`` with a path, for what lies
    there, and ``head:`` with a name, for the source roots that hold it.
    """

    def __init__(
        self,
        modules: Iterable[Module],
        roots: Iterable[str],
        reads: Reads | None = None,
        numbered: Sequence[Module] = (),
        libraries: frozenset[str] = frozenset(),
    ) -> None:
        self.modules = list(modules)
        self.numbered = numbered or self.modules
        self._reads = reads or Reads()
        self._libraries = libraries
        self.search_roots = frozenset(roots)
        self.roots = self.search_roots | {module.root for module in self.modules}

    @functools.cached_property
    def numbers(self) -> dict[Module, int]:
        """The places of the modules in ``numbered``."""
        return {module: number for number, module in enumerate(self.numbered)}

    @functools.cached_property
    def _folders(self) -> set[str]:
        """All folders that modules lie in, or below."""
        found: set[str] = set()
        for start in {module.folder for module in self.modules}:
            for folder in _ancestors(start):
                if folder in found:
                    break  # so are those above it
                found.add(folder)
        return found

    def at(self, stem: str) -> Module | None:
        """The module whose file is ``stem`` with ``.py`` or ``/__init__.py`` after it."""
        self._reads.note(f"file:{storable(stem)}")
        return self._at(stem)

    def is_folder(self, folder: str) -> bool:
        """Whether some module lies in or below ``folder``."""
        self._reads.note(f"file:{storable(folder)}")
        return folder in self._folders

    def roots_with(self, head: str) -> tuple[str, ...]:
        """The source roots that hold a module or package called ``head``, in a fixed order."""
        self._reads.note(f"head:{storable(head)}")
        return self._roots_with(head)

    def _at(self, stem: str) -> Module | None:
        return self._by_stem.get(stem)

    @functools.cached_property
    def _by_stem(self) -> dict[str, Module]:
        """The modules by their paths without ending; of several the one that Python takes first."""
        found: dict[str, Module] = {}
        for module in self.modules:
            stem, _, ending = module.path.rpartition(".")
            if ending in ("py", "pyi"):
                for each in (stem, "" if stem == "__init__" else stem.removesuffix("/__init__")):
                    if each not in found or _rank(each, module) < _rank(each, found[each]):
                        found[each] = module
        return found

    @functools.lru_cache(maxsize=4096)  # noqa: B019 - an index lives as long as its program
    def _roots_with(self, head: str) -> tuple[str, ...]:
        places = {root: posixpath.join(root, head) for root in sorted(self.roots)}
        return tuple(root for root, place in places.items() if place in self._folders or self._at(place))

    def locate(self, name: str, importer: Module) -> str | None:
        """The path, without ending, of the module or namespace package ``name`` as ``importer`` sees it."""
        head = name.partition(".")[0]
        roots = self.roots_with(head)
        if head in self._libraries:
            roots = tuple(root for root in roots if self._hides_library(root, name, importer))
        if not roots:
            return None
        nearest = self._nearest(roots, importer.root, importer.folder)
        return posixpath.join(nearest, name.replace(".", "/"))

    def _hides_library(self, root: str, name: str, importer: Module) -> bool:
        """Whether ``importer`` finds ``name`` below a source root, though a library is called so.

        It has to look there, and a folder without ``__init__.py`` comes after all installed packages: it only
        adds to them (https://docs.python.org/3/reference/import.html#namespace-packages).
        """
        looks = (
            root == importer.root or root in self.search_roots or f"{importer.folder}/".startswith(f"{root}/")
        )
        if not looks:
            return False
        head, _, rest = name.partition(".")
        if self.at(posixpath.join(root, head)) is not None:
            return True
        stem = posixpath.join(root, name.replace(".", "/"))
        return bool(rest) and (self.at(stem) is not None or self.is_folder(stem))

    @functools.lru_cache(maxsize=4096)  # noqa: B019 - as above
    def _nearest(self, roots: tuple[str, ...], own: str, folder: str) -> str:
        """The first of the roots that a file looks into: its own, then the nearest."""

        def distance(other: str) -> tuple[bool, int, str]:
            common = posixpath.commonpath([other or ".", folder or "."]) if _same_kind(other, folder) else ""
            return other != own, -len(common), other

        return min(roots, key=distance)

    def relative(self, imported: Imported, importer: Module) -> str:
        """The path, without ending, that a relative import starts from."""
        folder = importer.folder
        for _ in range(imported.level - 1):
            folder = posixpath.dirname(folder)
        return posixpath.join(folder, imported.module.replace(".", "/")) if imported.module else folder


def _rank(stem: str, module: Module) -> int:
    """Where a file comes among those that can be imported by one name."""
    ending = f"/{module.path}".removeprefix(f"/{stem}".rstrip("/"))
    return ("/__init__.py", ".py", ".pyi", "/__init__.pyi").index(ending)


def _same_kind(one: str, other: str) -> bool:
    return one.startswith("/") == other.startswith("/")


def _ancestors(folder: str) -> Iterable[str]:
    while folder and folder != "/":
        yield folder
        folder = posixpath.dirname(folder)


def storable(text: str) -> str:
    """A text that can be kept: names of files may hold what is no Unicode."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
