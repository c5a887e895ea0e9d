"""Files that say how services are started: Dockerfiles, compose files, Procfiles, scripts."""

from __future__ import annotations

import os
from fnmatch import translate
from pathlib import Path
from typing import TYPE_CHECKING

from servicelint.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATTERNS = (
    "Dockerfile*", "*.Dockerfile", "*.dockerfile", "docker-compose*.y*ml", "compose*.y*ml", "Procfile*",
    "*.sh", "supervisord*.conf",
)  # fmt: skip
_IS_ONE = regex("|".join(map(translate, _PATTERNS)))
_LEFT_OUT = frozenset({"node_modules", "venv", "build", "dist", "site-packages", "__pycache__"})

DEEPEST_FOLDER = 3
"""Folders below the root that are looked into."""

LARGEST = 200_000
"""Bytes: what is larger starts nothing."""


def commands(root: Path) -> tuple[tuple[str, str], ...]:
    """The texts of such files under a root, each with its path; unreadable ones are left out."""
    return tuple(sorted(_found(root)))


def _found(root: Path) -> Iterator[tuple[str, str]]:
    depth = len(root.parts)
    for folder, folders, files in os.walk(root):
        is_deepest = len(Path(folder).parts) - depth >= DEEPEST_FOLDER
        folders[:] = [] if is_deepest else [name for name in folders if _is_looked_into(name)]
        for path in (Path(folder, name) for name in files if _IS_ONE.match(name)):
            text = _text(path)
            if text is not None:
                yield path.as_posix(), text


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace") if path.stat().st_size <= LARGEST else None
    except OSError:
        return None


def _is_looked_into(name: str) -> bool:
    return not name.startswith(".") and name not in _LEFT_OUT
