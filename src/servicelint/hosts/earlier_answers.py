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
    from collections.abc import Sequence

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
        held = hashlib.blake2b(content).digest()
        asked = repr((self._path, held, options, str(Path.cwd()), day, sys.version))
        self._key = hashlib.blake2b(asked.encode("utf-8", "surrogateescape"), digest_size=16).digest()

    def told(self) -> list[Row] | None:
        """What was answered on the same content while all else stood as it does now; None if nothing was."""
        with Cache() as cache:
            kept = cache.get("answer", self._key)
            if kept is None:
                return None
            answer = json.loads(kept)
            known = cache.get("standing", os.fsencode(answer["root"]))
        standing = Standing.unpacked(known) if known else None
        if standing is None or standing.digest.hex() != answer["standing"]:
            return None
        if not standing.is_as_it_was(self._is_own) or any(map(os.path.exists, answer["marks"])):
            return None
        return [(line, column, text) for line, column, text in answer["rows"]]

    def keep(self, rows: Sequence[Row], root: Path, stood: bytes | None = None) -> None:
        """Keep an answer that was found from what stands below ``root``, unless something just changed.

        ``stood`` tells how all but the file itself stood when the answer was asked for, if that is known.
        """
        with Cache() as cache:
            standing = stood or self._standing(cache, root)
            if standing is None:
                return
            marks = [str(folder / ".git") for folder in Path(self._path).parents if root in folder.parents]
            told = {"root": str(root), "standing": standing.hex(), "marks": marks, "rows": rows}
            cache.put("answer", self._key, json.dumps(told).encode())

    def _standing(self, cache: Cache, root: Path) -> bytes | None:
        from servicelint.own_code import own_files
        from servicelint.sources.listing import standing_of

        standing = standing_of(cache, root, own_files, self.begun, self._is_own)
        return standing.digest if standing else None

    def _is_own(self, changed: set[bytes]) -> bool:
        """Whether only the file itself looks otherwise: what it holds is part of the question."""
        return changed <= {os.fsencode(self._path)}


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""
