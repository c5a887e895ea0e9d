"""What a service mesh does for the calls of a program, as its manifests say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from servicelint.program.timeouts.verdicts import Bounded

if TYPE_CHECKING:
    from collections.abc import Callable

_CLUSTER_SUFFIX = ".svc.cluster.local"
ANY_HOST = "*"
LONGEST_IN_CLUSTER = 2
"""Labels that a name in a cluster has without its suffix: the service's and the namespace's."""


class MeshRule(msgspec.Struct, frozen=True):
    """What a mesh does for the calls to a host: breaks the circuit, ends them after a time, tries them again.

    ``host`` may begin with ``*.``, or be ``*``; ``namespace`` is where a short name is meant. ``source`` says
    which manifest says so, as ``kind name``, and ``path`` where it lies. Times are seconds.
    """

    host: str
    path: str
    source: str
    namespace: str = ""
    breaks: bool = False
    timeout: float | None = None
    retries: int = 0

    def covers(self, host: str) -> bool:
        """Whether a call to ``host`` is meant; ``users``, ``users.shop`` and the full name are the same."""
        own, called = _labels(self.host), _labels(host)
        if self.host == ANY_HOST or own == called:
            return True
        if self.host.startswith("*."):
            return len(called) >= len(own) and called[-len(own) + 1 :] == own[1:]
        shorter, longer = sorted((own, called), key=len)
        if shorter[0] != longer[0] or len(longer) > LONGEST_IN_CLUSTER:
            return False
        implied = {self.namespace} if self.namespace and len(own) == 1 else set()
        return len({labels[1] for labels in (own, called) if len(labels) > 1} | implied) <= 1


def _labels(host: str) -> list[str]:
    """A host's parts without what every name in a cluster ends in."""
    return host.lower().rstrip(".").removesuffix(_CLUSTER_SUFFIX).removesuffix(".svc").split(".")


class Mesh:
    """The rules of a mesh, read when they are first asked for."""

    def __init__(self) -> None:
        self.read: Callable[[], list[MeshRule]] = list
        self._rules: list[MeshRule] | None = None

    @property
    def rules(self) -> list[MeshRule]:
        """All that the manifests of the repository say."""
        if self._rules is None:
            self._rules = self.read()
        return self._rules

    def breaking(self, host: str) -> MeshRule | None:
        """The rule that breaks the circuit to a host, if one does."""
        breaking = (rule for rule in self.rules if rule.breaks and host and rule.covers(host))
        return next(breaking, None)

    def retrying(self, host: str) -> MeshRule | None:
        """The rule that tries calls to a host again, if one does: the one that does so most often."""
        found = [rule for rule in self.rules if rule.retries and host and rule.covers(host)]
        return max(found, key=lambda rule: rule.retries, default=None)

    def on_top(self, host: str) -> str:
        """What messages on retries add: that the mesh tries calls to a host again, too."""
        rule = self.retrying(host)
        return f"; the mesh retries {rule.retries} times on top of this ({rule.source})" if rule else ""

    def bound(self, host: str) -> Bounded | None:
        """What ends calls to a host after a time, if the mesh does."""
        for rule in self.rules if host else ():
            if rule.timeout and rule.covers(host):
                return Bounded(f"the mesh's {rule.source} in {rule.path}", "total", rule.timeout)
        return None
