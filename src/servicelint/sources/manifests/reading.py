"""All that the manifests of a repository say, found in one walk and kept until one of them changes.

Helm templates are no YAML before they are filled in: they are left out, and named.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from typing import TYPE_CHECKING

import msgspec

from servicelint.program.linking.modules import storable
from servicelint.sources.manifests.deployed import DeployedServices, may_deploy
from servicelint.sources.manifests.documents import PROTO, documents, files
from servicelint.sources.manifests.mesh import mesh_rules
from servicelint.sources.manifests.operations import IS_SPECIFICATION, operations
from servicelint.sources.manifests.protos import open_streams
from servicelint.sources.manifests.record import Manifests

if TYPE_CHECKING:
    from pathlib import Path

    from servicelint.sources.cache import Cache

_OF_A_MESH = re.compile(
    r"outlierDetection|outlier_detection|virtual_hosts|VirtualService|linkerd\.io/|ServiceProfile|HTTPRoute|GRPCRoute|"
    r"consul\.hashicorp\.com"
)


_kept = msgspec.msgpack.Decoder(Manifests)


def read_manifests(root: Path, cache: Cache | None = None, version: str = "") -> Manifests:
    """What the manifests below a folder say.

    It is kept in the cache for as long as no file is added, removed or written; ``version`` is that of our
    own code.
    """
    listed = list(files(root))
    if cache is None or not listed:
        return _read(root, [path for path, _ in listed])
    told = repr((str(root), version, listed)).encode("utf-8", "surrogateescape")
    key = hashlib.blake2b(told, digest_size=16).digest()
    kept = cache.get("manifests", key)
    if kept is not None:
        with contextlib.suppress(msgspec.DecodeError):  # damaged: made anew
            return _kept.decode(kept)
    found = _read(root, [path for path, _ in listed])
    cache.put("manifests", key, msgspec.msgpack.encode(found))
    return found


def _read(root: Path, paths: list[Path]) -> Manifests:
    found, deployed = Manifests(), DeployedServices()
    for path in paths:
        shown = storable(path.relative_to(root).as_posix())
        try:
            _read_file(path, shown, found, deployed)
        except (OSError, UnicodeDecodeError) as error:
            found.notes.append(f"{shown}: left out, can't be read: {error}")
    found.deployed = deployed.joined()
    return found


def _read_file(path: Path, shown: str, found: Manifests, deployed: DeployedServices) -> None:
    text = path.read_text("utf-8")
    if path.suffix == PROTO:
        found.open_streams += open_streams(text)
        return
    is_of_mesh = _OF_A_MESH.search(text) is not None
    is_specification = IS_SPECIFICATION.search(text) is not None
    if not is_of_mesh and not is_specification and not may_deploy(path.name, text):
        return
    is_template = "{{" in text
    if is_template and is_of_mesh:
        found.skipped.append(shown)
    try:
        read = documents(text)
    except ValueError as error:
        reason = "a template (Helm)" if is_template else f"not YAML: {error}"
        found.notes.append(f"{shown}: left out, {reason}")
        return
    for document in read:
        deployed.read(shown, document)
        if is_specification:
            found.operations += operations(document)
        if is_of_mesh and not is_template:
            found.rules += mesh_rules(shown, document)
