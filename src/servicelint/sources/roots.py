"""Where imports start from: a program's root folder and its source roots."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


def source_root(path: str, packages: set[str], top: str) -> str:
    """The folder that a file's imports start from: above its topmost package, else its own.

    ``packages`` are the folders with an ``__init__.py``. A package in a folder without one belongs to the
    package around that folder (``dapr/ext/grpc`` is ``dapr.ext.grpc``, not ``grpc``), unless that is the
    program's root ``top`` itself. Paths have forward slashes.
    """
    folder = posixpath.dirname(path)
    while folder in packages:
        folder = posixpath.dirname(folder)
        if folder not in packages:
            folder = _package_around(folder, packages - {top}) or folder
    return folder


def _package_around(folder: str, packages: set[str]) -> str | None:
    """The nearest folder above that is a package."""
    while folder != posixpath.dirname(folder):
        folder = posixpath.dirname(folder)
        if folder in packages:
            return folder
    return None


def package_folders(paths: Iterable[str]) -> set[str]:
    """The folders with an ``__init__.py`` among ``paths``."""
    return {
        posixpath.dirname(path)
        for path in paths
        if posixpath.basename(path) in ("__init__.py", "__init__.pyi")
    }


def further_roots(paths: Iterable[str], program_root: str) -> set[str]:
    """Source roots besides those of packages: the program's root, its ``src`` folders and its projects."""
    folders = {folder for path in paths for folder in _between(posixpath.dirname(path), program_root)}
    found = {program_root}
    for folder in folders:
        is_project = any(Path(folder, name).is_file() for name in _PROJECT_FILES)
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
    folders = [path if path.is_dir() else path.parent for path in absolute]
    return Path(os.path.commonpath(folders))


def program_root(start: Path) -> Path:
    """The folder whose files make up the program that ``start`` belongs to.

    The nearest folder upwards with ``root = true`` in its settings or a version-control folder; else
    ``start`` itself, or what is above the package that it lies in.
    """
    from servicelint.config import ConfigError, read_folder

    for folder in (start, *start.parents):
        try:
            config = read_folder(folder)
        except ConfigError:
            config = None  # whoever asks for the settings themselves gets the error
        if (config is not None and config.root) or (folder / ".git").exists():
            return folder
    while (start / "__init__.py").exists():
        start = start.parent
    return start
