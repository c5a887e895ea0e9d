"""The same package as servicelint, grimp, import-linter and tach see it."""

from __future__ import annotations

import datetime
import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from servicelint.boundaries.chains import Chains
from servicelint.boundaries.crossings import Boundaries
from servicelint.boundaries.declared import Service
from servicelint.config import Config
from servicelint.program.linking.import_edges import spot
from servicelint.program.linking.imports import Imports
from servicelint.run import Run
from servicelint.sources.discovery import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator

    import grimp

    from servicelint.program.linking.import_edges import Import
    from servicelint.program.linking.modules import Module

Edges = dict[tuple[str, str], set[int]]
"""By importing and imported module, the lines."""


class Contract(NamedTuple):
    """Services, each a subpackage, and which may import which."""

    services: tuple[str, ...]
    allowed: frozenset[tuple[str, str]]

    def is_forbidden(self, source: str, target: str) -> bool:
        """Whether a service must not import another."""
        return source != target and (source, target) not in self.allowed

    def config(self) -> Config:
        """The contract as our settings."""
        services = {
            name: Service(
                modules=(name,),
                depends_on={other: "import" for other in self.services if (name, other) in self.allowed},
            )
            for name in self.services
        }
        return Config(services=services)


class Package:
    """One package in a folder, read by each tool once."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        files = sorted((folder / name).rglob("*.py"))
        self.selection = Selection([file for file in files if self._is_in_packages(file)])

    def _is_in_packages(self, file: Path) -> bool:
        """Whether each folder above a file is a package, and its name can be one: grimp sees no others."""
        if "." in file.stem:
            return False
        folders = file.relative_to(self.folder).parents
        return all((self.folder / each / "__init__.py").exists() for each in list(folders)[:-1])

    def run(self, config: Config) -> Run:
        """A run of ours on it."""
        return Run(self.selection, config, self.folder)

    def our_edges(self) -> Edges:
        """The edges that we see in statements."""
        modules = self.run(Config()).program.modules
        imports = Imports(modules)
        found: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        for module in modules.modules:
            for edge in imports.statements(module):
                found[module.name, edge.target.name].add(edge.line)
        return dict(found)

    def graph(self) -> grimp.ImportGraph:
        """What grimp sees."""
        import grimp

        with on_path(self.folder):
            return grimp.build_graph(self.name, cache_dir=None)

    def grimps_edges(self) -> Edges:
        """The edges that grimp sees, but for modules that import themselves."""
        graph = self.graph()
        found: Edges = {}
        for importer in graph.modules:
            for imported in graph.find_modules_directly_imported_by(importer) - {importer}:
                details = graph.get_import_details(importer=importer, imported=imported)
                found[importer, imported] = {detail["line_number"] for detail in details}
        return found

    def random_contract(self, seed: int, most: int = 200) -> Contract:
        """Subpackages and modules, none within another, a tenth of the pairs allowed."""
        chance = random.Random(seed)
        names = sorted(self._dotted(path) for path in self.selection.targets)
        likely = [name for name in names if 1 <= name.count(".") <= 2]
        chance.shuffle(likely)
        chosen: list[str] = []
        for name in likely:
            if not any(
                f"{name}.".startswith(f"{other}.") or f"{other}.".startswith(f"{name}.") for other in chosen
            ):
                chosen.append(name)
        services = tuple(sorted(chosen[:most]))
        pairs = [(a, b) for a in services for b in services if a != b]
        return Contract(services, frozenset(chance.sample(pairs, len(pairs) // 10)))

    def _dotted(self, path: Path) -> str:
        parts = path.relative_to(self.folder).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@contextmanager
def on_path(folder: Path) -> Iterator[None]:
    """The folder in front of where modules are looked for."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


# --- verdicts ------------------------------------------------------------------------------------


class Statements(Imports):
    """Import statements only: what grimp and tach see."""

    def of(self, module: Module) -> list[Import]:
        """The imports by statements."""
        return self.statements(module)


def our_boundaries(package: Package, contract: Contract) -> Boundaries:
    """The contract on the package, as ours."""
    modules = package.run(Config()).program.modules
    return Boundaries(contract.config(), modules, Statements(modules), datetime.date.max)


def our_crossings(bounds: Boundaries) -> Edges:
    """The imports that SVC401 speaks of."""
    found: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for module in bounds.modules.modules:
        for crossing in bounds.crossings(module):
            found[module.name, crossing.edge.target.name].add(crossing.edge.line)
    return dict(found)


def our_places(bounds: Boundaries, folder: Path) -> set[Violation]:
    """The same by file, line of the statement, and services."""
    return {
        Violation(os.path.relpath(m.path, folder), each.edge.line, each.source, each.target)
        for m in bounds.modules.modules
        for each in bounds.crossings(m)
    }


def our_chained_pairs(bounds: Boundaries) -> set[tuple[str, str]]:
    """The services between which SVC401 or SVC408 finds something."""
    chains = Chains(bounds)
    direct = {(each.source, each.target) for m in bounds.modules.modules for each in bounds.crossings(m)}
    return direct | {(each.source, each.target) for m in bounds.modules.modules for each in chains.of(m)}


def top_of(contract: Contract) -> str:
    """The package that a contract is about."""
    return contract.services[0].partition(".")[0]


def grimps_direct(graph: grimp.ImportGraph, contract: Contract) -> Edges:
    """What import-linter's forbidden contracts without indirect imports report."""
    from importlinter.configuration import configure
    from importlinter.contracts.forbidden import ForbiddenContract

    configure()
    found: Edges = {}
    for source in contract.services:
        forbidden = [other for other in contract.services if contract.is_forbidden(source, other)]
        if not forbidden:
            continue
        options = {
            "source_modules": [source],
            "forbidden_modules": forbidden,
            "allow_indirect_imports": "true",
        }
        check = ForbiddenContract(source, {"root_packages": [top_of(contract)]}, options).check(
            graph, verbose=False
        )
        for data in check.metadata["invalid_chains"]:
            for [link] in data["chains"]:
                found[link["importer"], link["imported"]] = set(link["line_numbers"])
    return found


def independent_pairs(graph: grimp.ImportGraph, contract: Contract) -> set[tuple[str, str]]:
    """The services between which import-linter's independence contract finds chains."""
    from importlinter.contracts.independence import IndependenceContract

    options = {"modules": list(contract.services)}
    check = IndependenceContract("independent", {"root_packages": [top_of(contract)]}, options).check(
        graph, verbose=False
    )
    return {(data["downstream_module"], data["upstream_module"]) for data in check.metadata["invalid_chains"]}


def layered(services: tuple[str, ...]) -> Contract:
    """Services in layers, the first on top: each may import those below it."""
    allowed = {(a, b) for i, a in enumerate(services) for b in services[i + 1 :]}
    return Contract(services, frozenset(allowed))


def layer_pairs(graph: grimp.ImportGraph, contract: Contract) -> set[tuple[str, str]]:
    """The pairs that import-linter's layers contract finds broken."""
    from importlinter.contracts.layers import LayersContract

    options = {"layers": list(contract.services)}
    session = {"root_packages": [top_of(contract)]}
    check = LayersContract("layers", session, options).check(graph, verbose=False)
    return {(data["importer"], data["imported"]) for data in check.metadata["invalid_dependencies"]}


class Violation(NamedTuple):
    """An import between services that must not be."""

    path: str
    line: int
    source: str
    target: str


def tachs_places(package: Package, contract: Contract, folder: Path) -> set[Violation]:
    """What tach reports, each at the line of its statement: it reports each name in a statement by itself.

    Its settings are written to ``folder``, which holds a copy of the package.
    """
    lines = ['source_roots = ["."]', "exclude = []", "respect_gitignore = false"]
    lines += ["ignore_type_checking_imports = false"]
    for name in contract.services:
        allowed = [other for other in contract.services if (name, other) in contract.allowed]
        lines += ["[[modules]]", f'path = "{name}"', f"depends_on = {json.dumps(allowed)}"]
    (folder / "tach.toml").write_text("\n".join(lines), "utf-8")
    done = subprocess.run(
        [Path(sys.executable).with_name("tach"), "check", "--dependencies", "--output", "json"],
        cwd=folder, capture_output=True, check=False, encoding="utf-8",
    )  # fmt: skip
    statements = _statements(package)
    found = set()
    for each in msgspec.json.decode(done.stdout):
        located = each.get("Located", {})
        code = located.get("details", {}).get("Code", {}).get("UndeclaredDependency", {})
        services = code.get("usage_module"), code.get("definition_module")
        if set(services) <= set(contract.services):
            place = located["file_path"], located["line_number"]
            found.add(Violation(place[0], statements.get(place, place[1]), *services))
    return found


def _statements(package: Package) -> dict[tuple[str, int], int]:
    """By file and line of an imported name, the line of its statement."""
    modules = package.run(Config()).program.modules
    imports = Imports(modules)
    return {
        (os.path.relpath(module.path, package.folder), spot(module, edge.fact).line): edge.line
        for module in modules.modules
        for edge in imports.statements(module)
    }
