"""The YAML documents of a repository that may say something of a mesh.

They are loaded safely, and only where their text names something that is looked for. Helm templates are no
YAML before they are filled in: they are skipped, and named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from servicelint.sources.manifests.mesh import mesh_rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servicelint.program.breakers.mesh import MeshRule

MOST_ENTRIES = 50_000
"""Files and folders that are looked at: a home folder is no repository."""

LARGEST_BYTES = 1_000_000
"""A manifest that people write is smaller; generated ones say nothing of single services."""

_LEFT_OUT = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "build", "dist"})
_TELLING = re.compile(
    rb"outlierDetection|outlier_detection|VirtualService|linkerd\.io/|ServiceProfile|HTTPRoute|"
    rb"consul\.hashicorp\.com"
)
_TEMPLATE = re.compile(rb"\{\{")


@dataclass
class Manifests:
    """What the manifests of a repository say of a mesh, and which could not be read."""

    rules: list[MeshRule] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def manifests(root: Path) -> Manifests:
    """Read the manifests below a folder."""
    found = Manifests()
    for path in files(root):
        text = path.read_bytes()
        shown = path.relative_to(root).as_posix()
        if not _TELLING.search(text):
            continue
        if _TEMPLATE.search(text):
            found.skipped.append(shown)
            continue
        found.rules += [rule for document in _documents(text) for rule in mesh_rules(shown, document)]
    return found


def files(root: Path) -> Iterator[Path]:
    """The YAML files below a folder that may be manifests, in order."""
    pending, looked_at = [root], 0
    while pending and looked_at < MOST_ENTRIES:
        folder = pending.pop()
        try:
            entries = sorted(folder.iterdir())
        except OSError:
            continue
        looked_at += len(entries)
        for entry in entries:
            if entry.is_symlink() or entry.name.startswith("."):
                continue
            if entry.is_dir():
                if entry.name not in _LEFT_OUT:
                    pending.append(entry)
            elif entry.suffix in (".yaml", ".yml") and entry.stat().st_size <= LARGEST_BYTES:
                yield entry


def _documents(text: bytes) -> list[object]:
    """The documents of a file; none of one that is no YAML."""
    import yaml  # only where there is something to read

    try:
        return list(yaml.safe_load_all(text))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError):
        return []
