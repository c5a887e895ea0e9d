"""Finding a repository's services: what manifests run, folders of their own, who imports and calls whom."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from servicelint.boundaries.declared import Service
from servicelint.boundaries.ownership import Ownership
from servicelint.config import Config, Origin
from servicelint.program.linking.imports import Imports
from servicelint.proposal.proposal import Proposal, Proposed
from servicelint.run import Run
from servicelint.sources.discovery import select
from servicelint.sources.manifests.reading import read_manifests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from servicelint.program.linking.modules import Module, ModuleIndex
    from servicelint.sources.manifests.record import Deployed

_PROJECTS = ("pyproject.toml", "setup.py", "setup.cfg")
_URL = re.compile(r"\b(?P<scheme>https?|grpcs?)://(?:[^/@\s\"']*@)?(?P<host>[\w.-]+)")
_ADDRESS = re.compile(r"(?P<host>[\w.-]+):\d{2,5}\Z")
_PROGRAM = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+")
_MANY = 2
"""Services that import a project for it to be taken for a library that they share."""


def discovered(root: Path) -> Proposal:
    """What is proposed for the program in a folder."""
    modules = Run(select([root], root), Config(), root).program.modules
    return Discovery(root, modules, Imports(modules)).proposal


class Discovery:
    """Proposes services for the modules of a program.

    Args:
        root: the folder of the program.
        modules: all its modules; those that are checked may belong to services.
        imports: who imports whom.
    """

    def __init__(self, root: Path, modules: ModuleIndex, imports: Imports) -> None:
        self._root = root
        self._index = modules
        self._modules = [module for module in modules.modules if module.is_target]
        self._imports = imports
        manifests = read_manifests(root)
        self._deployed = {name: each for name, each in manifests.deployed.items() if each.hosts}
        self.proposal = Proposal("what lies in this repository", notes=list(manifests.notes))
        self._owners: dict[Module, str] = {}
        self._find_services()
        self._claim_modules()
        self._find_shared()
        self._find_imports()
        self._find_calls()

    # --- services --------------------------------------------------------------------------------

    def _find_services(self) -> None:
        for deployed in self._deployed.values():
            modules = self._modules_of(deployed)
            if modules:
                reason = f"deployed by {', '.join(deployed.files)}"
                self.proposal.services[deployed.name] = Proposed(modules, hosts=deployed.hosts, reason=reason)
        taken = {pattern for service in self.proposal.services.values() for pattern in service.modules}
        for folder, reason in self._own_folders():
            pattern = f"{folder}/"
            if not any(
                pattern.startswith(other) or other.startswith(pattern) for other in taken if "/" in other
            ):
                name = PurePosixPath(folder).name
                name = folder.replace("/", "-") if name in self.proposal.services else name
                self.proposal.services[name] = Proposed([pattern], reason=reason)
                taken.add(pattern)

    def _modules_of(self, deployed: Deployed) -> list[str]:
        """Patterns of what a service runs: what it alone is built from, or packages that its commands name.

        Of several that are built from one folder, and name no packages, the first has it.
        """
        has_python = deployed.folder != "" and any(True for _ in self._below(deployed.folder))
        sharing = [other.name for other in self._deployed.values() if other.folder == deployed.folder]
        if has_python and sharing == [deployed.name]:
            return [f"{deployed.folder}/"]
        others = {
            name for other in self._deployed.values() if other is not deployed for name in _programs(other)
        }
        packages = [self._package(name, others) for name in _programs(deployed)]
        found = [package for package in dict.fromkeys(packages) if package]
        if found:
            return found
        if has_python and sharing[0] != deployed.name:
            self.proposal.notes.append(f"{deployed.name} is built from the folder of {sharing[0]}: left out")
        return [f"{deployed.folder}/"] if has_python and sharing[0] == deployed.name else []

    def _package(self, name: str, others: Iterable[str]) -> str:
        """The one topmost package of a module that none of the others lies in; "" if there is none."""
        counts = Counter(module.name for module in self._modules)
        names = {each for each, count in counts.items() if count == 1}
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            package = ".".join(parts[:count])
            is_shared = any(f"{other}.".startswith(f"{package}.") for other in others)
            if package in names and not is_shared:
                return package
        return ""

    def _own_folders(self) -> Iterator[tuple[str, str]]:
        """Folders below the root with Python in them and a Dockerfile or project file of their own."""
        folders = {
            parent
            for module in self._modules
            for parent in PurePosixPath(self._relative(module)).parents
            if parent != PurePosixPath()
        }
        for folder in sorted(folders, key=lambda each: (len(each.parts), each)):
            is_package = (self._root / folder / "__init__.py").is_file()  # its setup.py is a module
            for name in ("Dockerfile", *_PROJECTS):
                if (self._root / folder / name).is_file() and not (is_package and name == "setup.py"):
                    yield folder.as_posix(), f"{folder} has a {name}"
                    break

    def _below(self, folder: str) -> Iterator[Module]:
        return (module for module in self._modules if self._relative(module).startswith(f"{folder}/"))

    def _relative(self, module: Module) -> str:
        return module.path.removeprefix(f"{self._root.as_posix()}/")

    # --- what crosses ----------------------------------------------------------------------------

    def _claim_modules(self) -> None:
        """Find out what belongs to each service, as the proposed settings would have it."""
        services = {
            name: Service(modules=tuple(each.modules)) for name, each in self.proposal.services.items()
        }
        config = msgspec.structs.replace(
            Config(services=services), origin=Origin("", "", self._root.as_posix())
        )
        ownership = Ownership(config, self._index, is_whole=False)
        self._owners = {
            module: owner for module in self._modules if (owner := ownership.service_of(module)) is not None
        }
        self._owner_of = ownership.service_of

    def _find_shared(self) -> None:
        """Projects without a Dockerfile that several services import are libraries."""
        importers: dict[str, set[str]] = {}
        for module, owner in self._owners.items():
            for edge in self._imports.of(module):
                other = self._owners.get(edge.target)
                if other and other != owner:
                    importers.setdefault(other, set()).add(owner)
        for name, users in importers.items():
            service = self.proposal.services[name]
            if len(users) >= _MANY and not service.hosts and "Dockerfile" not in service.reason:
                self.proposal.shared += service.modules
                del self.proposal.services[name]
        self.proposal.shared += self._shared_packages()
        self._owners = {
            module: owner for module, owner in self._owners.items() if owner in self.proposal.services
        }

    def _shared_packages(self) -> list[str]:
        """The packages of nobody that several services import."""
        users: dict[str, set[str]] = {}
        for module, owner in self._owners.items():
            for edge in self._imports.of(module):
                if edge.target not in self._owners and edge.target.is_target:
                    users.setdefault(self._sibling(edge.target, module), set()).add(owner)
        return sorted(name for name, owners in users.items() if len(owners) >= _MANY and name)

    def _sibling(self, module: Module, importer: Module) -> str:
        """The name of a module up to where it departs from its importer's; "" if it is above that."""
        one, two = module.name.split("."), importer.name.split(".")
        common = next(
            (n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two))
        )
        return ".".join(one[: common + 1]) if common < len(one) else ""

    def _find_imports(self) -> None:
        """The imports between services, those of generated code too, which is not checked itself."""
        counts: Counter[tuple[str, str]] = Counter()
        for module, owner in self._owners.items():
            for edge in self._imports.of(module):
                other = self._owner_of(edge.target)
                if other in self.proposal.services and other != owner:
                    counts[owner, other] += 1
        for (owner, other), count in sorted(counts.items()):
            self.proposal.services[owner].depend(other, "import")
            self.proposal.notes.append(f"{owner} imports {other} today ({count}): keep or cut it")

    def _find_calls(self) -> None:
        """Addresses of other services in what a service's code and environment say."""
        hosts = {name: name for name in self.proposal.services}
        hosts |= {host: name for name, each in self.proposal.services.items() for host in each.hosts}
        for owner in self.proposal.services:
            deployed = self._deployed.get(owner)
            for value in deployed.environment.values() if deployed else ():
                self._add_calls(owner, value, hosts)
                self._add_bare(owner, value, hosts)
        for module, owner in self._owners.items():
            self._add_calls(owner, module.text, hosts)

    def _add_calls(self, owner: str, text: str, hosts: Mapping[str, str]) -> None:
        for found in _URL.finditer(text):
            other = hosts.get(found["host"], owner)
            if other != owner:
                protocol = "grpc" if found["scheme"].startswith("grpc") else "http"
                self.proposal.services[owner].depend(other, protocol)

    def _add_bare(self, owner: str, address: str, hosts: Mapping[str, str]) -> None:
        """An address without a scheme: HTTP clients are given URLs, gRPC channels are not."""
        found = _ADDRESS.match(address)
        other = hosts.get(found["host"], owner) if found else owner
        if other != owner:
            self.proposal.services[owner].depend(other, "grpc")
            self.proposal.notes.append(
                f"{owner} is given the address {address} without a scheme: taken for gRPC"
            )


def _programs(deployed: Deployed) -> list[str]:
    """The dotted names in the commands of a service: ``shop.users`` of ``python -m shop.users``."""
    return [
        found.group()
        for command in deployed.commands
        for word in command
        for found in [_PROGRAM.match(word)]
        if found and not word.endswith(".py")
    ]
