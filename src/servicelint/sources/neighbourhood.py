"""The import neighbourhood of a file: what it imports, found without looking through its whole program."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from typing import TYPE_CHECKING

from servicelint.facts import words
from servicelint.facts.unreadable import UnreadableSource
from servicelint.sources.reading import decode_source, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LARGEST = 200
"""Files; what a file imports directly comes first, then what these import, and so on."""

_ENDINGS = (".py", ".pyi")


def neighbourhood(
    file: Path, root: Path, source_roots: Iterable[str] = (), text: str | None = None
) -> list[Path]:
    """The files that ``file`` imports, and those that these import, the nearest :data:`LARGEST`.

    ``root`` is the folder of its program, ``source_roots`` are folders below that imports start from, besides
    those found; ``text`` is the file's content, if that is not what stands on the disk. It may name too many
    files, and names none outside ``root``.
    """
    starts = [root, root / "src", *(root / folder for folder in source_roots)]
    found: dict[Path, None] = dict.fromkeys(_packages(file.parent))
    pending = deque([(file, _text(file) if text is None else text)])
    while pending and len(found) < LARGEST:
        importer, source = pending.popleft()
        for near in _imported(importer, source, starts):
            if near not in found and near != file and near.is_relative_to(root):
                found |= dict.fromkeys((near, *_packages(near.parent)))
                pending.append((near, _text(near)))
    found.pop(file, None)
    return list(found)[:LARGEST]


def _imported(importer: Path, source: str, starts: Iterable[Path]) -> Iterator[Path]:
    """The files that the import statements of a file may mean."""
    own = _source_root(importer.parent)
    for name in sorted(words.imported(source)):
        bases = _above(importer.parent, name) if name.startswith(".") else (own, importer.parent, *starts)
        parts = name.strip(".").removesuffix(".*").split(".")
        for base in dict.fromkeys(bases):
            yield from _modules(base, parts)


def _above(folder: Path, name: str) -> list[Path]:
    """Where a relative import may start: the scan tells ``from . import x`` as ``..x``, with a dot more."""
    dots = len(name) - len(name.lstrip("."))
    chain = [folder, *folder.parents]
    return chain[max(0, dots - 2) : dots]


def _modules(base: Path, parts: list[str]) -> Iterator[Path]:
    """The files along a dotted name: its packages, its module."""
    folder = base
    for part in parts:
        if not part:
            return
        yield from _existing(folder / part)
        folder /= part
        if not os.path.isdir(folder):
            return
        yield from _existing(folder / "__init__")


def _existing(stem: Path) -> list[Path]:
    candidates = [stem.with_name(stem.name + ending) for ending in _ENDINGS]
    return [path for path in candidates if os.path.isfile(path)][:1]


def _packages(folder: Path) -> Iterator[Path]:
    """The ``__init__`` files of a package and those above it."""
    while files := _existing(folder / "__init__"):
        yield from files
        folder = folder.parent


def _source_root(folder: Path) -> Path:
    while _existing(folder / "__init__"):
        folder = folder.parent
    return folder


def _text(path: Path) -> str:
    with contextlib.suppress(UnreadableSource):
        return decode_source(read_bytes(path))
    return ""
