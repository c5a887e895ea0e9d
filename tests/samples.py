"""Source to try readers on: a fixed sample of the interpreter's own library."""

from __future__ import annotations

import sysconfig
from pathlib import Path

LIBRARY = Path(sysconfig.get_path("stdlib"))
LARGEST = 60_000
"""Bytes; a test reads many files rather than few large ones."""


def sources(count: int) -> dict[str, str]:
    """About ``count`` readable files of the standard library, spread over it, by their path."""
    paths = [path for path in sorted(LIBRARY.rglob("*.py")) if "site-packages" not in path.parts]
    paths = [path for path in paths if 0 < path.stat().st_size < LARGEST]
    read = {
        path.relative_to(LIBRARY).as_posix(): _text(path) for path in paths[:: max(1, len(paths) // count)]
    }
    return {name: text for name, text in read.items() if text is not None}


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
