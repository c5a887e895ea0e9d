"""The files of a run: found on the disk, or told by a listing that is kept."""

from __future__ import annotations

import datetime
import functools
import hashlib
import os
import time
from typing import TYPE_CHECKING

from servicelint import own_code
from servicelint.keys import digest_of, run_name
from servicelint.sources import listing
from servicelint.sources.listing import Listing, standing_of
from servicelint.sources.roots import SourceRoots, further_roots

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from servicelint.config import Config
    from servicelint.rule import Rule
    from servicelint.sources.cache import Cache
    from servicelint.sources.discovery import Selection
    from servicelint.sources.known_digests import KnownDigests
    from servicelint.sources.reading import Texts
    from servicelint.sources.surroundings import Surroundings

Listed = tuple[Listing, set[str]]
"""A program's listing, and the files whose content it does not tell."""


class ProgramFiles:
    """The files of a run, by path: ``targets`` tells how many of them, from the first, are checked.

    ``listing`` is what is kept of them, if it was taken instead of looking for them.
    """

    def __init__(
        self,
        selection: Selection,
        root: Path,
        config: Config,
        texts: Texts,
        known: KnownDigests,
        listed: Listed | None = None,
    ) -> None:
        self.begun = time.time()
        self.listing = listed[0] if listed else None
        self._selection = selection
        self._root = root
        self._config = config
        self._texts = texts
        self._known_digests = known
        if self.listing is None:
            self.paths = [path.as_posix() for path in (*selection.targets, *selection.others)]
            self.targets = len(selection.targets)
        else:
            self.paths, self.targets = self.listing.paths, self.listing.targets
            told = zip(self.paths, self.listing.contents, strict=True)
            differing = listed[1] if listed else ()
            texts.trust({path: content for path, content in told if path not in differing})

    @functools.cached_property
    def rooted(self) -> list[tuple[str, str, bool]]:
        """The path of each file, its source root, and whether it is a target."""
        if self.listing is not None:
            return self.listing.rooted()
        roots = SourceRoots(self.paths, self._root.as_posix())
        return [(path, roots.of(path), number < self.targets) for number, path in enumerate(self.paths)]

    @functools.cached_property
    def roots(self) -> set[str]:
        """The folders that every file's imports may start from."""
        if self.listing is not None:
            return {os.fsdecode(root) for root in self.listing.further}
        named = {(self._root / folder).resolve().as_posix() for folder in self._config.source_roots}
        return further_roots(self.paths, self._root.as_posix()) | named

    @functools.cached_property
    def contents(self) -> list[bytes]:
        """What changes, for each file, when its content does."""
        digests = [self._texts.digest(path) for path in self.paths]
        self._known_digests.save()
        return digests

    @property
    def told(self) -> list[bytes]:
        """What changes when any of the files does: where they stand, what they hold, which are checked."""
        paths = "\0".join(path for path, _, _ in self.rooted)
        roots = "\0".join(root for _, root, _ in self.rooted)
        contents = hashlib.blake2b(b"".join(self.contents)).digest()
        return [os.fsencode(paths), os.fsencode(roots), contents, b"%d" % self.targets]

    def keep(self, cache: Cache, rules: Iterable[Rule], identity: bytes, beside: Surroundings) -> None:
        """Keep where files stand, and what was worked out from that; not if one has just been written."""
        selection, is_known = self._selection, self.listing is not None
        if is_known or self._texts.has_buffers or selection.named or selection.unread:
            return
        if not selection.is_whole:
            return
        standing = standing_of(cache, self._root, own_code.own_files, self.begun, _may_differ)
        if standing is None:
            return
        roots = {
            root: number for number, root in enumerate(dict.fromkeys(root for _, root, _ in self.rooted))
        }
        kept = Listing(
            standing.digest,
            list(map(os.fsencode, self.paths)),
            self.targets,
            list(map(os.fsencode, roots)),
            [roots[root] for _, root, _ in self.rooted],
            sorted(map(os.fsencode, self.roots)),
            self.contents,
            identity,
            beside.manifests.skipped,
            own_code.code_version(),
        )
        beside.keep(cache, standing.digest)
        listing.keep(cache, _listing_key(self._root, rules, self._config), kept)


def listed(cache: Cache | None, root: Path, rules: Iterable[Rule], config: Config) -> Listed | None:
    """The listing of a program, if the cache has it and it is still true, for :class:`ProgramFiles`."""
    known = listing.known(cache, _listing_key(root, rules, config), root) if cache else None
    if known is None or own_code.holds_some(map(os.fsencode, known[1])):
        return None
    own_code.trust(known[0].version)
    return known


def _may_differ(changed: set[bytes]) -> bool:
    """Whether a listing holds though these files look otherwise: it tells the version of our own code."""
    return listing.is_some_code(changed) and not own_code.holds_some(changed)


def _listing_key(root: Path, rules: Iterable[Rule], config: Config) -> bytes:
    today = datetime.date.today()
    return digest_of(run_name(root, rules), config, [each.has_expired(today) for each in config.exceptions])
