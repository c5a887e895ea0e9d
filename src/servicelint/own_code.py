"""What tells one state of our own code, and of the parser that it rests on, from another."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from servicelint import registry

if TYPE_CHECKING:
    from collections.abc import Iterable

_known: list[str] = []


def code_version() -> str:
    """What changes when this code, or the parser, may say something else of the same files."""
    if not _known:
        digest = hashlib.blake2b(digest_size=8)
        for path in _own_code():
            digest.update(path.read_bytes())
        _known.append(f"{_parser_version()} {digest.hexdigest()}")
    return _known[0]


def trust(version: str) -> None:
    """Take this for the version, as :func:`code_version` told it while all of :func:`own_files` stood so."""
    _known[:] = [version]


def own_files() -> list[Path]:
    """What has to stand as it did for the same answers: our own code, and where packages are installed."""
    installed = [Path(path) for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    return [*_own_code(), *installed]


def holds_some(paths: Iterable[bytes]) -> bool:
    """Whether some of these files are our own: where servicelint checks itself."""
    folders = tuple(os.fsencode(folder) + b"/" for folder in _folders())
    return any(path.startswith(folders) for path in paths)


def _own_code() -> list[Path]:
    paths = (path for folder in _folders() for path in sorted(folder.rglob("*")))
    return [path for path in paths if path.suffix in (".py", ".toml")]


def _folders() -> tuple[Path, ...]:
    return Path(__file__).parent, *registry.folders()


def _parser_version() -> str:
    """The installed version of libcst, by the name of its metadata's folder where it has one."""
    spec = importlib.util.find_spec("libcst")
    beside = Path(spec.origin).parent.parent if spec and spec.origin else None
    named = sorted(folder.name for folder in beside.glob("libcst-*.dist-info")) if beside else []
    if len(named) == 1:
        return named[0]
    from importlib import metadata  # brings a parser of mails

    return metadata.version("libcst")
