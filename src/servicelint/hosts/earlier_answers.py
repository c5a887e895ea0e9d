"""What was answered before on a file, told again at a glance if nothing has changed: for editors.

Nothing is imported here that links programs, reads settings or decodes facts: that alone takes longer.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from servicelint.sources.cache import Cache
from servicelint.sources.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = tuple[int, int, str]
"""Line, column from 0, code with message."""


class EarlierAnswers:
    """The answers on one file, with what it holds now.

    ``options`` are those of the host that change an answer; settings in files are looked at.
    """

    def __init__(self, path: str, text: str | None, options: Sequence[object]) -> None:
        self.begun = time.time()
        self._path = os.path.abspath(path)  # noqa: PTH100 - a link keeps the name it was given by
        content = _content(self._path) if text is None else text.encode("utf-8", "surrogatepass")
        day = int(self.begun) // 86_400  # exceptions in settings can end
        asked = repr((self._path, hashlib.blake2b(content).digest(), options, os.getcwd(), day, sys.version))  # noqa: PTH109
        self._key = hashlib.blake2b(asked.encode("utf-8", "surrogateescape"), digest_size=16).digest()

    def told(self) -> list[Row] | None:
        """What was answered on the same content while all else stood as it does now; None if nothing was."""
        with Cache() as cache:
            kept = cache.get("answer", self._key)
            if kept is None:
                return None
            answer = json.loads(kept)
            known = cache.get("standing", answer["root"].encode("utf-8", "surrogateescape"))
        standing = Standing.unpacked(known) if known else None
        if standing is None or standing.digest.hex() != answer["standing"]:
            return None
        changed = standing.changed()
        if (
            changed is None
            or changed - {os.fsencode(self._path)}
            or any(map(os.path.exists, answer["marks"]))
        ):
            return None
        return [(line, column, text) for line, column, text in answer["rows"]]

    def keep(self, rows: Sequence[Row], root: Path) -> None:
        """Keep an answer that was found from what stands below ``root``; not if something has just changed."""
        with Cache() as cache:
            key = os.fsencode(root)
            standing = self._still_true(cache.get("standing", key))
            if standing is None:
                standing = Standing.taken(root, root, list(_own()), self.begun)
                if standing is None:
                    return
                cache.put("standing", key, standing.packed())
            marks = [str(folder / ".git") for folder in Path(self._path).parents if root in folder.parents]
            told = {"root": str(root), "standing": standing.digest.hex(), "marks": marks, "rows": rows}
            cache.put("answer", self._key, json.dumps(told).encode())

    def _still_true(self, known: bytes | None) -> Standing | None:
        standing = Standing.unpacked(known) if known else None
        changed = standing.changed() if standing else None
        return None if changed is None or changed - {os.fsencode(self._path)} else standing


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _own() -> Iterator[Path]:
    """Our own code, and the folders that packages are installed in."""
    from servicelint import registry

    for folder in (Path(__file__).parents[1], *registry.folders()):
        yield from (path for path in folder.rglob("*") if path.suffix in (".py", ".toml"))
    yield from (Path(folder) for folder in sys.path if folder.endswith(("site-packages", "dist-packages")))
