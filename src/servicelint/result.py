"""What a run found, in the shape that hosts and reports use and the cache keeps."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from servicelint.boundaries.uses import Uses
from servicelint.finding import Finding, UnknownCall  # noqa: TC001 - msgspec reads the annotations

if TYPE_CHECKING:
    from collections.abc import Collection


class Result(msgspec.Struct):
    """What a run found: findings in order, by file how many call sites ended in which state.

    ``uses`` are the calls between declared services; ``skipped_manifests`` name the files that may say
    something of a mesh and are templates; ``unknown`` are the call sites whose bound can't be told, in order.
    """

    findings: list[Finding] = msgspec.field(default_factory=list)
    sites_by_file: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    files: int = 0
    tracebacks: list[str] = msgspec.field(default_factory=list)
    uses: Uses = msgspec.field(default_factory=Uses)
    skipped_manifests: list[str] = msgspec.field(default_factory=list)
    unknown: list[UnknownCall] = msgspec.field(default_factory=list)

    @property
    def sites(self) -> Counter[str]:
        """How many call sites ended in which state."""
        total: Counter[str] = Counter()
        for counts in self.sites_by_file.values():
            total.update(counts)
        return total

    def of(self, shown: Collection[str]) -> Result:
        """What was found in some files, by their shown paths."""
        findings = [each for each in self.findings if each.place.path in shown]
        sites = {path: counts for path, counts in self.sites_by_file.items() if path in shown}
        unknown = [each for each in self.unknown if each.place.path in shown]
        return replace(self, findings=findings, sites_by_file=sites, files=len(shown), unknown=unknown)
