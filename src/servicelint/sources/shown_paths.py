"""Paths as reports show them."""

from __future__ import annotations

import functools
import os
import posixpath
from pathlib import Path

from servicelint.regex import regex

_UNSHOWABLE = regex("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def shown_path(path: str) -> str:
    """A path as findings give it: from the working directory, with forward slashes.

    What can't be shown in a line of text, such as a line end or a byte that is no UTF-8, is escaped: the
    names of a stranger's files must not write findings of their own.
    """
    relative = posixpath.join(_shown_folder(posixpath.dirname(path)), posixpath.basename(path))
    return _UNSHOWABLE.sub(lambda found: repr(found.group())[1:-1], relative)


@functools.lru_cache(maxsize=8192)
def _shown_folder(folder: str) -> str:
    """A folder from the working directory; "" for that itself. Programs have far fewer folders than files."""
    relative = Path(os.path.relpath(folder)).as_posix()
    return "" if relative == "." else relative
