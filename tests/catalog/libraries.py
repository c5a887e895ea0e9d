"""The catalog's libraries as they hold for the installed versions, by how their facts are proven."""

from __future__ import annotations

import contextlib
import importlib.util
from importlib import metadata
from typing import TYPE_CHECKING

from servicelint.catalog.shipped import conditions_held, shipped_libraries

if TYPE_CHECKING:
    from servicelint.catalog.model import Library


def installed_versions() -> dict[str, str]:
    """The installed version of every cataloged distribution, as a specifier."""
    found = {}
    for library in shipped_libraries():
        with contextlib.suppress(metadata.PackageNotFoundError):
            if library.distribution:
                found[library.distribution] = f"=={metadata.version(library.distribution)}"
    return found


LIBRARIES = shipped_libraries(conditions_held(shipped_libraries(), installed_versions()))

ISOLATED = {"niquests": "it brings a urllib3 of its own, under the name of the other"}
"""Libraries that can't be installed beside the others: proven in an environment of their own."""


def is_here(library: Library) -> bool:
    """Whether a library can be proven in this environment."""
    return library.library not in ISOLATED or importlib.util.find_spec(library.library) is not None


HTTP = tuple(
    library
    for library in LIBRARIES
    if library.protocol == "http"
    and is_here(library)
    and (library.clients or library.senders or library.scopes or library.invokers)
)
"""Proven with a witness in the library's place of sending, and against peers that speak HTTP."""

GRPC = tuple(library for library in LIBRARIES if library.protocol == "grpc")
"""Proven against a real gRPC server, in ``tests/catalog/remote_calls``."""

QUEUES = tuple(library for library in LIBRARIES if library.queues)
"""Proven with brokers of the tests' own, in ``tests/catalog/queues``."""
