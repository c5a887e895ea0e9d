"""Which service a module belongs to: what one switches on is no help to the others of a repository.

A service is one that the settings declare. With none declared it is an application object with all that its
module imports, and what imports that module to start it; applications that import one another are one
service. Where there is one application, or none, the program is one service.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from servicelint.program.linking.reads import Memo
from servicelint.program.linking.wholes import Packing, Whole, by_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from servicelint.program.linking.modules import Module, ModuleIndex
    from servicelint.program.program import Program


class Service(msgspec.Struct, frozen=True, eq=False):
    """A service and the modules that it runs: its own, and those that it imports. None stands for all."""

    modules: frozenset[Module] | None = None

    def runs(self, module: Module) -> bool:
        """Whether a module is part of it."""
        return self.modules is None or module in self.modules


WHOLE = Service()
"""The program as one service."""


class Services:
    """Tells the services of a program apart."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._known = Whole(
            program.reads, "services", lambda: list(self._find()), _told, _packing(program.modules)
        )
        self._declared: Memo[str, Service] = Memo(program.reads)

    def of(self, module: Module) -> list[Service]:
        """The services that run a module; the whole program where that can't be told."""
        boundaries = self.program.boundaries
        if boundaries is not None:
            name = boundaries.ownership.service_of(module)
            return [self._declared.answer(name, lambda: self._find_declared(name))] if name else [WHOLE]
        known = self._known.answer(module.path)
        return [service for service in known if service.runs(module)] or [WHOLE]

    def _find_declared(self, name: str) -> Service:
        """A declared service with what it imports, but for the modules of others."""
        assert self.program.boundaries is not None  # noqa: S101 - asked by `of` alone
        owner = self.program.boundaries.ownership.service_of
        own = [module for module in self.program.all_targets() if owner(module) == name]
        return Service(self._imported(own, lambda module: owner(module) in (None, name)))

    def _find(self) -> Iterator[Service]:
        applications = list(dict.fromkeys(ref.module for ref in self.program.handlers.applications()))
        if len(applications) < 2:
            return
        groups: list[tuple[set[Module], set[Module]]] = []
        for application in applications:
            modules = set(self._imported([application, *self._starting(application)]))
            own = {application}
            for group in [each for each in groups if each[0] & modules or application in each[1]]:
                groups.remove(group)
                own |= group[0]
                modules |= group[1]
            groups.append((own, modules))
        if len(groups) > 1:
            yield from (Service(frozenset(modules)) for _, modules in groups)

    def _starting(self, application: Module) -> Iterator[Module]:
        """The modules that import an application's: they start it."""
        imports = self.program.reaching.downstream.imports
        for module in self.program.vocabulary.modules_naming(application.name.rpartition(".")[2]):
            if module is not application and application in imports(module):
                yield module

    def _imported(
        self, beginnings: Iterable[Module], enters: Callable[[Module], bool] = lambda _: True
    ) -> frozenset[Module]:
        """Modules and what they import, and so on."""
        return self.program.reaching.downstream.imported_from(beginnings, enters)


def _packing(index: ModuleIndex) -> Packing[list[Service]]:
    modules = by_number(index)
    return Packing(
        lambda services: [modules.pack(service.modules or frozenset()) for service in services],
        lambda rows: [Service(modules.unpack(numbers)) for numbers in rows],
    )


def _told(services: Iterable[Service]) -> dict[str, object]:
    """Services as plain data, by the paths of the modules that they run."""
    told: defaultdict[str, list[object]] = defaultdict(list)
    for service in services:
        paths = sorted(module.path for module in service.modules or ())
        together = blake2b("\n".join(paths).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
        for path in paths:
            told[path].append(together)
    return dict(told)
