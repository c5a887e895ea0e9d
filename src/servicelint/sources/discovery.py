"""Finding the files to check, and those beside them that define what they import."""

from __future__ import annotations

import fnmatch
import functools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

NEVER_READ = frozenset({"node_modules", "__pycache__", "build", "dist", "site-packages", ".eggs"})
"""Folders whose files are not looked into at all, nor are hidden ones and virtual environments."""

LEFT_OUT_FOLDERS = frozenset({"vendor", "vendored", "_vendor", "third_party", "thirdparty", "migrations"})
"""Folders whose files define symbols but are not checked, unless they are named."""

TEST_FOLDERS = frozenset({"test", "tests"})


class Selection(msgspec.Struct):
    """The files of a run: ``targets`` are checked, ``others`` only define symbols. All are absolute.

    ``named`` are the targets that were named themselves, not found in a folder. ``asked`` are the targets
    whose findings are wanted, if not all: the others are checked for what they decide for these. ``is_whole``
    if these are all the files of the program. ``unread`` are the folders that could not be looked into.
    """

    targets: list[Path] = msgspec.field(default_factory=list)
    others: list[Path] = msgspec.field(default_factory=list)
    named: set[Path] = msgspec.field(default_factory=set)
    asked: frozenset[Path] | None = None
    is_whole: bool = True
    unread: list[OSError] = msgspec.field(default_factory=list)


class BadPattern(Exception):
    """A pattern to leave files out by that is none."""


def select(
    paths: Sequence[Path],
    root: Path,
    exclude: Iterable[str] = (),
    *,
    include_tests: bool = False,
    force_exclude: bool = False,
    whole_program: bool = False,
) -> Selection:
    """Choose the files of a run: those under ``paths``, and what else lies under ``root``.

    Files that are named themselves are targets whatever they are called, unless ``force_exclude`` says
    otherwise. A path that does not exist is taken for a file: reading it fails, and the others are checked.
    ``whole_program``: what is checked by default under ``root`` is checked too, for what it decides.

    Raises:
        BadPattern: if one of ``exclude`` is no pattern.
    """
    exclude = tuple(exclude)
    is_excluded = _excluding(exclude, root)
    unread: list[OSError] = []
    files_below = functools.cache(lambda folder: list(_walk(folder, unread)))

    @functools.cache
    def targets_below(folder: Path) -> frozenset[Path]:
        found = (file for file in files_below(folder) if is_target(file, folder, include_tests=include_tests))
        return frozenset(file for file in found if not exclude or not is_excluded(file))

    named: set[Path] = set()
    targets: set[Path] = set()
    for path in paths:
        absolute = _absolute(path)
        if os.path.isdir(absolute):
            targets |= targets_below(absolute)
        elif not force_exclude or not why_left_out(absolute, root, exclude, include_tests=include_tests):
            named.add(absolute)
    asked = frozenset(named | targets)
    chosen = asked | targets_below(root) if whole_program else asked
    others = [file for file in files_below(root) if file not in chosen] if os.path.isdir(root) else []
    narrower = None if asked == chosen else asked
    return Selection(sorted(chosen, key=str), others, named, narrower, unread=unread)


@functools.lru_cache(maxsize=8)
def _excluding(exclude: tuple[str, ...], root: Path) -> Callable[[Path], bool]:
    if not exclude:
        return lambda _: False
    import pathspec  # its start-up time is only for those who need it

    try:
        patterns = pathspec.PathSpec.from_lines("gitignore", exclude)
    except ValueError as error:
        raise BadPattern(f"exclude: {error}") from None
    return lambda file: patterns.match_file(_relative(file, root))


def is_checked(file: Path, root: Path, exclude: Iterable[str] = (), *, include_tests: bool = False) -> bool:
    """Whether :func:`select` would choose a file if ``root``, a folder above it, was named.

    Raises:
        BadPattern: if one of ``exclude`` is no pattern.
    """
    folder = root
    for name in file.relative_to(root).parts[:-1]:
        if not _is_read(str(folder), name):
            return False
        folder /= name
    is_excluded = _excluding(tuple(exclude), root)
    return is_target(file, root, include_tests=include_tests) and not is_excluded(file)


def is_target(file: Path, base: Path, *, include_tests: bool = False) -> bool:
    """Whether a file below a checked folder is checked by default; names above ``base`` don't count."""
    return not why_left_out(file, base, include_tests=include_tests)


def why_left_out(file: Path, base: Path, exclude: Iterable[str] = (), *, include_tests: bool = False) -> str:
    """What kind of file it is that is not checked if ``base``, a folder above it, is named; else "".

    Raises:
        BadPattern: if one of ``exclude`` is no pattern.
    """
    folders = _folders_between(os.path.dirname(file), base)  # noqa: PTH120 - for every file: no new Path
    if not file.name.endswith(".py"):
        return "stubs"
    if _is_generated(file.name):
        return "generated"
    if folders & LEFT_OUT_FOLDERS:
        return "vendored or migrations"
    if not include_tests and (_is_test(file.name) or folders & TEST_FOLDERS):
        return "tests"
    return "excluded" if _excluding(tuple(exclude), base)(file) else ""


@functools.lru_cache(maxsize=4096)
def _folders_between(folder: str, base: Path) -> frozenset[str]:
    """The names of the folders on the way from ``base`` down to ``folder``."""
    return frozenset(Path(os.path.relpath(folder, base)).parts)


def _walk(folder: Path, unread: list[OSError]) -> Iterator[Path]:
    """The Python files in or below a folder, in a fixed order; links to folders are not followed.

    Folders that can't be looked into are added to ``unread``.
    """
    for current, folders, files in os.walk(folder, onerror=unread.append):
        folders[:] = sorted(name for name in folders if _is_read(current, name))
        parent = Path(current)
        yield from (parent / name for name in sorted(files) if name.endswith((".py", ".pyi")))


def _is_read(parent: str, name: str) -> bool:
    if name.startswith(".") or name in NEVER_READ or name.endswith(".egg-info"):
        return False
    return not os.path.exists(f"{parent}/{name}/pyvenv.cfg")


def _any_of(*patterns: str) -> Callable[[str], object]:
    """Whether a name is matched by any of some patterns."""
    return re.compile("|".join(map(fnmatch.translate, patterns))).match


def _relative(file: Path, base: Path) -> str:
    return Path(os.path.relpath(file, base)).as_posix()


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - a link keeps the name it was given by


_is_generated = _any_of("*_pb2.py", "*_pb2_grpc.py")
_is_test = _any_of("test_*.py", "*_test.py", "conftest.py")
