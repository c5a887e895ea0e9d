"""What manifests say, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from servicelint.program.breakers.mesh import MeshRule  # noqa: TC001 - msgspec reads the annotation

if TYPE_CHECKING:
    from collections.abc import Container


class Deployed(msgspec.Struct):
    """One service as manifests deploy it.

    ``folder`` is what it is built from, relative to the root, or "". ``commands`` are split into words,
    ``environment`` holds what is set literally. ``files`` are those that speak of it. ``workloads`` are the
    names of what a Kubernetes service selects; a workload that none selects has no ``hosts``.
    """

    name: str
    hosts: set[str] = msgspec.field(default_factory=set)
    folder: str = ""
    commands: list[list[str]] = msgspec.field(default_factory=list)
    environment: dict[str, str] = msgspec.field(default_factory=dict)
    files: list[str] = msgspec.field(default_factory=list)
    has_build: bool = False
    config_maps: list[str] = msgspec.field(default_factory=list)
    workloads: list[str] = msgspec.field(default_factory=list)

    def called(self, declared: Container[str]) -> str:
        """The name under which it is declared: its own, or else that of a workload."""
        return next((name for name in (self.name, *self.workloads) if name in declared), self.name)


class Manifests(msgspec.Struct):
    """What is deployed, by name, and what a mesh does; ``notes`` name the files that were left out.

    ``skipped`` are those among them that may say something of a mesh. ``open_streams`` are the methods that
    `.proto` files say stay open, as ``Service.Method``; ``operations`` are the functions that OpenAPI files
    name, each with its path.
    """

    deployed: dict[str, Deployed] = msgspec.field(default_factory=dict)
    rules: list[MeshRule] = msgspec.field(default_factory=list)
    skipped: list[str] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    open_streams: list[str] = msgspec.field(default_factory=list)
    operations: list[tuple[str, str]] = msgspec.field(default_factory=list)
