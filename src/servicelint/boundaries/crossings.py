"""Imports that cross from one service into another, and what is to be said of them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from servicelint.boundaries.ownership import Ownership

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator, Mapping

    from servicelint.boundaries.declared import Exemption, Protocol, TypeChecking
    from servicelint.config import Config
    from servicelint.program.linking.import_edges import Import
    from servicelint.program.linking.imports import Imports
    from servicelint.program.linking.modules import Module, ModuleIndex

Breach = Literal["undeclared", "private"]
"""The service does not depend on the other by import; or it does, and the module is not its interface."""


class Crossing(NamedTuple):
    """An import from one service into another that must not be.

    ``is_mild`` if the settings only warn of it. ``note`` adds to the message, after what it says already.
    """

    edge: Import
    source: str
    target: str
    breach: Breach
    is_mild: bool
    note: str


class Boundaries:
    """The declared services of a program and what crosses between them.

    ``today`` is the day on which exceptions end or still count, ``hosts`` are those that manifests name, each
    with what they call its service, ``environments`` the variables that they set, by service.

    Raises:
        ConfigError: as :class:`Ownership` does.
    """

    def __init__(
        self,
        config: Config,
        modules: ModuleIndex,
        imports: Imports,
        today: datetime.date,
        *,
        is_whole: bool = True,
        hosts: Mapping[str, str] | None = None,
        environments: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._config = config
        self._today = today
        self.modules = modules
        self.imports = imports
        self.ownership = Ownership(config, modules, is_whole=is_whole)
        self.hosts = self._hosts(hosts or {})
        self.environments = environments or {}

    @property
    def services(self) -> list[str]:
        """The services by name."""
        return list(self.ownership.services)

    def _hosts(self, deployed: Mapping[str, str]) -> dict[str, str]:
        """The names by which services are called: their own, those of manifests, those declared."""
        services = self.ownership.services
        named = {name: name for name in services}
        named |= {host: name for host, name in deployed.items() if name in services}
        return named | {
            host: name for name, service in services.items() for host in map(str.lower, service.hosts)
        }

    def crossings(self, module: Module) -> list[Crossing]:
        """The imports of a module that must not be: the first of each statement and module imported."""
        service = self.ownership.service_of(module)
        if service is None:
            return []
        found: dict[tuple[int, Module], Crossing] = {}
        for edge in self.imports.of(module):
            other = self.ownership.service_of(edge.target)
            if other is not None and other != service:
                crossing = self._judged(edge, service, other)
                if crossing is not None:
                    found.setdefault((edge.fact.statement, edge.target), crossing)
        return list(found.values())

    def _judged(self, edge: Import, service: str, other: str) -> Crossing | None:
        checking = self.type_checking(service, other) if edge.fact.is_for_types else "deny"
        if self.may_import(service, other):
            if self.ownership.is_interface(edge.target) or self._is_offered(edge, other):
                return None
            breach: Breach = "private"
        else:
            breach = "undeclared"
        exemption = self.exemption(edge)
        if checking == "allow" or (exemption is not None and not exemption.has_expired(self._today)):
            return None
        expired = f"; the exception for it ended on {exemption.until}" if exemption else ""
        note = f"{self._declared_ways(service, other)}{expired}"
        return Crossing(edge, service, other, breach, checking == "warn", note)

    def _is_offered(self, edge: Import, service: str) -> bool:
        """Whether what is imported is a package's own name, behind which a module of the same name stands."""
        targets = self.imports.targets
        packages = map(targets.at, targets.places(edge.fact, edge.importer))
        return edge.fact.member != "" and any(
            package is not None
            and package is not edge.target
            and self.ownership.service_of(package) == service
            and self.ownership.is_interface(package)
            and self.imports.binds(package, edge.fact.member, edge.target)
            for package in packages
        )

    def _declared_ways(self, service: str, other: str) -> str:
        """What a service declares of another instead of imports."""
        protocols = self.declared_protocols(service, other)
        return f", only by {' and '.join(protocols)}" if protocols and "import" not in protocols else ""

    # --- what is declared ------------------------------------------------------------------------

    def declared_protocols(self, service: str, other: str) -> tuple[Protocol, ...]:
        """The ways in which a service depends on another."""
        dependency = self.ownership.services[service].dependency(other)
        return dependency.protocols if dependency else ()

    def may_import(self, service: str, other: str) -> bool:
        """Whether a service depends on another by import."""
        return "import" in self.declared_protocols(service, other)

    def type_checking(self, service: str, other: str) -> TypeChecking:
        """What is said of imports of one service by another that only type checkers run."""
        dependency = self.ownership.services[service].dependency(other)
        return (dependency and dependency.type_checking) or self._config.type_checking

    def exemption(self, edge: Import) -> Exemption | None:
        """The exception that an import falls under; one that still counts before one that has ended."""
        fitting = self._exemptions_of(edge)
        return max(fitting, key=lambda each: not each.has_expired(self._today), default=None)

    def is_exempt(self, edge: Import) -> bool:
        """Whether an exception that still counts lets an import through."""
        return any(not each.has_expired(self._today) for each in self._exemptions_of(edge))

    def _exemptions_of(self, edge: Import) -> Iterator[Exemption]:
        fits = self.ownership.fits
        for each in self._config.exceptions:
            if fits((each.source,), edge.importer) and fits((each.target,), edge.target):
                yield each

    # --- modules of nobody -----------------------------------------------------------------------

    @cached_property
    def unowned(self) -> list[Module]:
        """The modules that belong to no service: those that all share, and those that nobody claims."""
        return [module for module in self.modules.modules if self.ownership.service_of(module) is None]

    def is_claimed(self, module: Module) -> bool:
        """Whether a module belongs to a service or to all."""
        return self.ownership.owner(module) is not None
