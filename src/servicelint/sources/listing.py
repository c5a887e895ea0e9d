"""What a run works out from where files stand, kept for as long as they stand so.

On a large program that takes a third of a second, before anything is asked.
"""

from __future__ import annotations

import contextlib
import functools
import os
from typing import TYPE_CHECKING

import msgspec

from servicelint.sources.standing import MayChange, Standing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servicelint.sources.cache import Cache

MOST_CHANGED = 20
"""Files that may have changed before how the program stands is looked at anew."""


class Listing(msgspec.Struct, array_like=True, dict=True):
    """The files of a run, targets first, each with its source root (by number) and the digest of its content.

    ``further`` are the source roots that every file may look into, ``identity`` is what changes when a
    result may though no file does, ``skipped`` are the manifests that were left out, and ``version`` is that
    of our own code.
    """

    standing: bytes
    files: list[bytes]
    targets: int
    roots: list[bytes]
    root_of: list[int]
    further: list[bytes]
    contents: list[bytes]
    identity: bytes
    skipped: list[str]
    version: str

    @functools.cached_property
    def paths(self) -> list[str]:
        """The files' paths."""
        return [os.fsdecode(path) for path in self.files]

    def rooted(self) -> list[tuple[str, str, bool]]:
        """The path of each file, its source root, and whether it is a target."""
        roots = [os.fsdecode(root) for root in self.roots]
        return [
            (path, roots[number], place < self.targets)
            for place, (path, number) in enumerate(zip(self.paths, self.root_of, strict=True))
        ]


_listing = msgspec.msgpack.Decoder(Listing)


def known(cache: Cache, key: bytes, root: Path) -> tuple[Listing, set[str]] | None:
    """The listing that was kept under a key, if it is still true; and the files whose content has changed."""
    data, stood = cache.get("listing", key), cache.get("standing", os.fsencode(root))
    standing = Standing.unpacked(stood) if stood else None
    if data is None or standing is None:
        return None
    with contextlib.suppress(msgspec.DecodeError):  # damaged: made anew
        listing = _listing.decode(data)
        changed = standing.changed() if listing.standing == standing.digest else None
        if changed is not None and is_some_code(changed) and changed.issubset(listing.files):
            return listing, {os.fsdecode(path) for path in changed}
    return None


def is_some_code(changed: set[bytes]) -> bool:
    """Whether only Python files changed, and few of them."""
    return len(changed) <= MOST_CHANGED and all(path.endswith((b".py", b".pyi")) for path in changed)


def standing_of(
    cache: Cache, root: Path, own: Callable[[], list[Path]], begun: float, may_change: MayChange
) -> Standing | None:
    """How the program below ``root`` stands: as it is kept or, if more has changed than may, looked at now.

    None if something has changed since the run began whose answers are to be kept with it.
    """
    key = os.fsencode(root)
    data = cache.get("standing", key)
    standing = Standing.unpacked(data) if data else None
    if standing is not None and standing.is_as_it_was(may_change):
        return standing
    taken = Standing.taken(root, own(), begun)
    if taken is not None:
        cache.put("standing", key, taken.packed())
    return taken


def keep(cache: Cache, key: bytes, listing: Listing) -> None:
    """Keep what a run worked out."""
    cache.put("listing", key, msgspec.msgpack.encode(listing))
