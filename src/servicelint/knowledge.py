"""The catalog of a run: what is known of libraries in the versions that the checked project uses."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from servicelint.catalog.loader import Catalog
from servicelint.catalog.shipped import (
    Held,
    conditions_held,
    packed,
    shipped_libraries,
    unpacked,
)
from servicelint.sources.pins import pin_files, pins

if TYPE_CHECKING:
    from pathlib import Path

    from servicelint.catalog.model import Library
    from servicelint.config import Config
    from servicelint.sources.cache import Cache


class Knowledge:
    """The libraries as they are in one project, and what a result has to be kept under for them.

    ``version`` tells the shipped data apart from that of other releases; ``held`` are the conditions that
    hold for the versions that the files below ``root`` pin.
    """

    def __init__(self, root: Path, version: str, cache: Cache | None) -> None:
        self._version = version
        self._cache = cache
        newest = self._libraries(frozenset())
        conditional = {each.distribution for each in newest if each.when}
        self.held: Held = conditions_held(newest, pins(pin_files(root), conditional))
        self.libraries = self._libraries(self.held) if self.held else newest

    def catalog(self, config: Config) -> Catalog:
        """What is known of the libraries, and of the team's own clients."""
        return Catalog(self.libraries, config.clients)

    def _libraries(self, held: Held) -> tuple[Library, ...]:
        """From the cache, which spares reading the data files: that is felt where one file is checked."""
        if self._cache is None:
            return shipped_libraries(held)
        key = f"{self._version} {sorted(held)}".encode()
        known = self._cache.get("catalog", key)
        if known is not None:
            with contextlib.suppress(msgspec.DecodeError):  # damaged: made anew
                return unpacked(known)
        data = packed(held)
        self._cache.put("catalog", key, data)
        return unpacked(data)
