"""The catalog's libraries as they hold for the installed versions, by how their facts are proven."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import os
from importlib import metadata
from typing import TYPE_CHECKING

from msgspec import structs

from servicelint.catalog.shipped import conditions_held, shipped_libraries

if TYPE_CHECKING:
    from servicelint.catalog.model import Client, Library


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


CHOSEN = os.environ.get("SERVICELINT_LIBRARIES", "").split()
"""The libraries to prove; all if none is named."""


def is_here(library: Library) -> bool:
    """Whether a library is to be proven in this environment."""
    is_isolated = library.library in ISOLATED
    if CHOSEN:
        return library.library in CHOSEN
    return not is_isolated or importlib.util.find_spec(library.library) is not None


def handful(library: Library) -> Library:
    """The library with few entries: its first function, its first client of either kind, one method."""
    of_kind = {client.blocking: name for name, client in reversed(library.clients.items())}
    return structs.replace(
        library,
        senders=dict(itertools.islice(library.senders.items(), 1)),
        clients={name: _with_one_method(library.clients[name]) for name in of_kind.values()},
        scopes=dict(itertools.islice(library.scopes.items(), 1)),
    )


def _with_one_method(client: Client) -> Client:
    """The client with the one name of the one method that stands for it."""
    sending = [structs.replace(each, names=each.names[:1]) for each in client.methods if each.sends]
    return structs.replace(client, methods=tuple(sending[:1]))


HTTP = tuple(
    handful(library) if "SERVICELINT_HANDFUL" in os.environ else library
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
