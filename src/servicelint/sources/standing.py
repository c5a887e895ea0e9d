"""How the files of a program stand, kept to see at a glance that nothing has changed since.

An editor asks about a file at each pause, mostly with nothing else changed. To list a large program, and to
work out from what its files hold whether an answer is still true, takes half a second; to look at what was
listed takes a tenth of that. What a run looks at is below the program's root, in the folders above it
(settings), or part of servicelint's own code and of what is installed beside it: all of that is in the list.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
from array import array
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

SETTLED = 2.0
"""Seconds that files must have stood as they do: the coarsest times that file systems keep (FAT)."""

MayChange: TypeAlias = "Callable[[set[bytes]], bool]"
"""Whether an answer holds though files with these paths look otherwise."""

MOST_ROWS = 100_000
"""Files and folders: what has more is no program, or takes too long to look at."""

_NEVER_READ = frozenset({b"node_modules", b"__pycache__", b"site-packages", b"build", b"dist"})
"""Folders that nothing in a run looks into, as are hidden ones."""

_MATTERS = re.compile(
    rb"\.(?:py|pyi|toml|txt|lock|cfg|ya?ml|proto|sh|conf|dockerfile)\Z|Dockerfile|\AProcfile|\Asetup\.",
    re.DOTALL,
)
_SETTINGS = ("servicelint.toml", "pyproject.toml")
_HEADER = struct.Struct("<III")
_NOTHING = (0, 0, 0, 0)


class Standing:
    """What stands where: ``files`` by their looks, ``folders`` by what they hold, ``marks`` by being."""

    def __init__(self, files: list[bytes], folders: list[bytes], marks: list[bytes], looks: bytes) -> None:
        self._files = files
        self._folders = folders
        self._marks = marks
        self._looks = looks

    @classmethod
    def taken(cls, root: Path, own: Iterable[Path], before: float) -> Standing | None:
        """How the program below ``root`` stands; None if any of it has changed shortly before, or later.

        Args:
            root: the program's folder, from which settings are looked for upwards.
            own: files and folders that count beside those of the program.
            before: when the run began that its answers are of, in seconds of the epoch.
        """
        files, folders = [os.fsencode(path) for path in own], []
        for folder, names in _walked(os.fsencode(root)):
            folders.append(folder)
            files += [folder + b"/" + name for name in names]
            if len(files) + len(folders) > MOST_ROWS:
                return None
        above = [root, *root.parents]
        files += [os.fsencode(folder / name) for folder in above for name in _SETTINGS]
        marks = [os.fsencode(folder / ".git") for folder in above]
        made = cls(files, folders, marks, b"")
        looks = made._look()
        made._looks = looks.tobytes()
        times = [*looks[1 : 4 * len(files) : 4], *looks[2 : 4 * len(files) : 4]]
        times += looks[4 * len(files) : 4 * len(files) + len(folders)]
        return made if max(times, default=0) < (before - SETTLED) * 1e9 else None

    @classmethod
    def unpacked(cls, data: bytes) -> Standing | None:
        """What :meth:`packed` wrote; None if it is damaged."""
        try:
            files, folders, marks = _HEADER.unpack_from(data)
            size = (4 * files + folders + marks) * 8
            paths = data[_HEADER.size + size :].split(b"\0")
        except struct.error:
            return None
        if len(paths) != files + folders + marks:
            return None
        looks = data[_HEADER.size : _HEADER.size + size]
        return cls(paths[:files], paths[files : files + folders], paths[files + folders :], looks)

    def packed(self) -> bytes:
        """It as data."""
        counts = len(self._files), len(self._folders), len(self._marks)
        return _HEADER.pack(*counts) + self._looks + b"\0".join([*self._files, *self._folders, *self._marks])

    @property
    def digest(self) -> bytes:
        """What changes when any of it does."""
        return hashlib.blake2b(self.packed(), digest_size=16).digest()

    def is_as_it_was(self, may_change: MayChange) -> bool:
        """Whether all stands as it did, but for files that may have changed."""
        changed = self.changed()
        return changed is not None and may_change(changed)

    def changed(self) -> set[bytes] | None:
        """The paths of the files that look otherwise by now; None if files came or went."""
        looks = self._look()
        if looks.tobytes() == self._looks:
            return set()
        before = array("Q", self._looks)
        files, folders = 4 * len(self._files), 4 * len(self._files) + len(self._folders)
        if looks[folders:] != before[folders:]:
            return None
        pairs = zip(self._folders, looks[files:folders], before[files:folders], strict=True)
        others = [folder for folder, now, then in pairs if now != then]
        if others and not self._hold_the_same(others):
            return None
        differing = [at for at in range(0, files, 4) if looks[at : at + 4] != before[at : at + 4]]
        if any(looks[at + 3] == 0 for at in differing):  # gone, or in a folder that can't be entered
            return None
        return {self._files[at // 4] for at in differing}

    def _look(self) -> array[int]:
        looks: array[int] = array("Q")
        for path in self._files:
            looks.extend(_looks(path))
        looks.extend([_looks(path)[1] for path in self._folders])
        looks.extend(int(os.path.exists(path)) for path in self._marks)
        return looks

    def _hold_the_same(self, folders: list[bytes]) -> bool:
        """Whether folders hold the names that they did: editors put files beside others, then in place."""
        known: dict[bytes, set[bytes]] = {folder: set() for folder in folders}
        numbers = array("Q", self._looks)[3 : 4 * len(self._files) : 4]
        stood = [path for path, number in zip(self._files, numbers, strict=True) if number]
        for path in (*stood, *self._folders):
            folder, _, name = path.rpartition(b"/")
            if folder in known:
                known[folder].add(name)
        return all(_names(folder) == held for folder, held in known.items())


def _looks(path: bytes) -> tuple[int, int, int, int]:
    """Size, times of the last writing and of the last change of the entry, number; nothing if it is gone."""
    try:
        seen = os.stat(path)  # noqa: PTH116 - for every file: no Path is made
    except OSError:
        return _NOTHING
    return seen.st_size, max(0, seen.st_mtime_ns), max(0, seen.st_ctime_ns), seen.st_ino


def _walked(folder: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
    """The folders that may matter, each with the names of the files in it that may."""
    for current, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if _is_entered(name)]
        yield current, [name for name in names if _matters(name)]


def _names(folder: bytes) -> set[bytes] | None:
    """What matters in a folder now; None if it became the root of something else."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return None
    if any(entry.name == b".git" for entry in entries):
        return None
    chosen: dict[bool, Callable[[bytes], bool]] = {True: _is_entered, False: _matters}
    return {entry.name for entry in entries if chosen[entry.is_dir(follow_symlinks=False)](entry.name)}


def _is_entered(name: bytes) -> bool:
    return not name.startswith(b".") and name not in _NEVER_READ


def _matters(name: bytes) -> bool:
    return _MATTERS.search(name) is not None
