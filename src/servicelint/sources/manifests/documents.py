"""The YAML files of a repository that may be manifests, the documents in them, and `.proto` files.

They are not trusted: they are loaded safely, and nothing of a tree is followed that leads out of it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from yaml.events import Event

MOST_ENTRIES = 50_000
"""Files and folders that are looked at: a home folder is no repository."""

LARGEST_BYTES = 1_000_000
"""A manifest that people write is smaller; generated ones say nothing of single services."""

DEEPEST = 100
"""Levels of nesting; people write ten. PyYAML's C loader overflows the stack (100,000 did, under 6.0)."""

MOST_NODES = 2_000_000
"""What a file may hold with its aliases followed: more than one of the largest size holds by itself."""

PROTO = ".proto"

_LEFT_OUT = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "build", "dist"})


class Stamp(NamedTuple):
    """What changes when a file does: its size, the times (ns) of its content and its entry, its number."""

    size: int
    modified: int
    changed: int
    number: int


def files(root: Path) -> Iterator[tuple[Path, Stamp]]:
    """The YAML files below a folder that may be manifests, and `.proto` files, in order."""
    pending, looked_at = [str(root)], 0
    while pending and looked_at < MOST_ENTRIES:
        try:
            with os.scandir(pending.pop()) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError:
            continue
        looked_at += len(entries)
        for entry in entries:
            if entry.name.startswith(".") or entry.is_symlink():
                continue
            if entry.is_dir():
                if entry.name not in _LEFT_OUT:
                    pending.append(entry.path)
            elif entry.name.endswith((".yaml", ".yml", PROTO)):
                with contextlib.suppress(OSError):  # gone by now
                    found = entry.stat()
                    if found.st_size <= LARGEST_BYTES:
                        times = found.st_mtime_ns, found.st_ctime_ns
                        yield Path(entry.path), Stamp(found.st_size, *times, found.st_ino)


def documents(text: str) -> list[object]:
    """The documents of a file.

    Raises:
        ValueError: if it is no YAML, or more than people write; the message says in one line why.
    """
    import yaml  # only where there is something to read

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _measure(yaml.parse(text, loader))
        return list(yaml.load_all(text, loader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(str(error).splitlines()[0] if str(error) else type(error).__name__) from None


def _measure(events: Iterable[Event]) -> None:
    """Refuse what would overflow the stack when it is loaded, or is too large once aliases are followed.

    Raises:
        ValueError: if it does.
    """
    sizes: dict[str | None, int] = {}  # of what anchors name
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    for event in events:
        kind, anchor = type(event).__name__, getattr(event, "anchor", None)
        if kind in ("SequenceStartEvent", "MappingStartEvent"):
            open_nodes.append((anchor, total))
            sizes.pop(anchor, None)
            if len(open_nodes) > DEEPEST:
                raise ValueError(f"nested more than {DEEPEST} deep")
        total += sizes.get(anchor, 1 if anchor is None else MOST_NODES) if kind == "AliasEvent" else 1
        if kind == "ScalarEvent" and anchor is not None:
            sizes[anchor] = 1
        if kind in ("SequenceEndEvent", "MappingEndEvent"):
            named, before = open_nodes.pop()
            sizes[named] = total - before
        if total > MOST_NODES:
            raise ValueError("its aliases stand for too much")
