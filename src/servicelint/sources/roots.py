"""Where imports start from: a program's root folder and its source roots."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


class SourceRoots:
    """The folders that files' imports start from: above their topmost package, else their own.

    A package in a folder without ``__init__.py`` belongs to the package around that folder
    (``dapr/ext/grpc`` is ``dapr.ext.grpc``, not ``grpc``), unless that is the program's root ``top`` itself.
    Paths have forward slashes.
    """

    def __init__(self, paths: Iterable[str], top: str) -> None:
        inits = ("__init__.py", "__init__.pyi")
        self._packages = {posixpath.dirname(path) for path in paths if posixpath.basename(path) in inits}
        self._top = top
        self._known: dict[str, str] = {}

    def of(self, path: str) -> str:
        """The source root of a file."""
        folder = posixpath.dirname(path)
        known = self._known.get(folder)
        if known is None:
            known = self._known[folder] = self._above(folder)
        return known

    def _above(self, folder: str) -> str:
        while folder in self._packages:
            folder = posixpath.dirname(folder)
            if folder not in self._packages:
                folder = self._package_around(folder) or folder
        return folder

    def _package_around(self, folder: str) -> str | None:
        """The nearest folder above that is a package."""
        while folder != posixpath.dirname(folder):
            folder = posixpath.dirname(folder)
            if folder in self._packages and folder != self._top:
                return folder
        return None


def further_roots(paths: Iterable[str], program_root: str) -> set[str]:
    """Source roots besides those of packages: the program's root, its ``src`` folders and its projects."""
    own = {posixpath.dirname(path) for path in paths}
    folders = {folder for start in own for folder in _between(start, program_root)}
    found = {program_root}
    for folder in folders:
        is_project = any(os.path.isfile(f"{folder}/{name}") for name in _PROJECT_FILES)
        if posixpath.basename(folder) == "src" or is_project:
            found.add(folder)
    return found


def _between(folder: str, top: str) -> Iterable[str]:
    """``folder`` and the folders above it, up to and with ``top``."""
    while folder.startswith(top):
        yield folder
        if folder == top or folder == posixpath.dirname(folder):
            return
        folder = posixpath.dirname(folder)


def common_folder(paths: Iterable[Path]) -> Path:
    """The folder that all paths lie in; the working directory without paths."""
    absolute = [Path(os.path.abspath(path)) for path in paths] or [Path.cwd()]  # noqa: PTH100 - keeps links
    folders = [path if os.path.isdir(path) else path.parent for path in absolute]
    return Path(os.path.commonpath(folders))


def program_root(start: Path) -> Path:
    """The folder whose files make up the program that ``start`` belongs to.

    The nearest folder upwards with ``root = true`` in its settings or a version-control folder; else
    ``start`` itself, or what is above the package that it lies in.
    """
    for folder in (start, *start.parents):
        if is_marked_root(folder):
            return folder
    while os.path.exists(start / "__init__.py"):
        start = start.parent
    return start


def is_everything(folder: Path) -> bool:
    """Whether it is a home folder, or holds one: nobody means all of that."""
    return folder in (Path.home(), *Path.home().parents)


def is_marked_root(folder: Path) -> bool:
    """Whether a folder says that it holds a program: by its settings, or by being version-controlled."""
    from servicelint.config import ConfigError, read_folder

    try:
        config = read_folder(folder)
    except ConfigError:
        config = None  # whoever asks for the settings themselves gets the error
    return (config is not None and config.root) or os.path.exists(folder / ".git")
