"""Translating import-linter's contracts: what they forbid becomes what services may do."""

from __future__ import annotations

import configparser
import re
import sys
from typing import TYPE_CHECKING, Any

from servicelint.proposal.proposal import Exempted, Proposal, Proposed, unique_names

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FILES = (".importlinter", "pyproject.toml", "setup.cfg")
_CONTRACT = "importlinter:contract:"
_KEYS = frozenset({
    "id", "name", "type", "source_modules", "forbidden_modules", "modules", "layers", "containers",
    "ignore_imports", "exhaustive", "as_packages", "unmatched_ignore_imports_alerting",
})  # fmt: skip


def translated(root: Path) -> Proposal | None:
    """The proposal that import-linter's settings in a folder amount to; None without any."""
    for name in FILES:
        path = root / name
        if path.is_file():
            found = _toml(path) if name.endswith(".toml") else _ini(path)
            if found is not None:
                return _Translation(name, *found).proposal
    return None


def _toml(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    tool = tomllib.loads(path.read_text("utf-8")).get("tool", {})
    options = tool.get("importlinter")
    return None if options is None else (options, list(options.get("contracts", ())))


def _ini(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text("utf-8"), str(path))
    except configparser.Error as error:
        raise ValueError(str(error).replace("\n", " ")) from None
    if "importlinter" not in parser:
        return None
    contracts = [
        {"id": name.removeprefix(_CONTRACT), **parser[name]} for name in parser if name.startswith(_CONTRACT)
    ]
    return dict(parser["importlinter"]), contracts


class _Translation:
    """One set of contracts. What is not forbidden between their modules is allowed."""

    def __init__(self, file: str, options: Mapping[str, Any], contracts: Iterable[Mapping[str, Any]]) -> None:
        self.proposal = Proposal(file)
        self._modules: dict[str, None] = {}
        self._forbidden: set[tuple[str, str]] = set()
        self._roots = [*_lines(options.get("root_packages")), *_lines(options.get("root_package"))]
        if str(options.get("exclude_type_checking_imports", "")).lower() == "true":
            self.proposal.type_checking = "allow"
        for contract in contracts:
            self._read(contract)
        self._propose()

    def _read(self, contract: Mapping[str, Any]) -> None:
        name = contract.get("name") or contract.get("id") or "a contract"
        readers = {
            "independence": self._independence,
            "layers": self._layers,
            "forbidden": self._forbidden_ones,
        }
        reader = readers.get(str(contract.get("type")))
        if reader is None:
            self._note(f"{name}: contracts of the type {contract.get('type')!r} can't be translated")
            return
        reader(contract, str(name))
        for key in sorted(contract.keys() - _KEYS):
            self._note(f"{name}: `{key}` is not translated")
        for ignored in _lines(contract.get("ignore_imports")):
            source, _, target = (part.strip() for part in ignored.partition("->"))
            self.proposal.exceptions.append(Exempted(source, target, f"ignored by import-linter: {name}"))

    def _independence(self, contract: Mapping[str, Any], name: str) -> None:
        modules = self._own(_lines(contract.get("modules")), name)
        self._forbidden |= {(a, b) for a in modules for b in modules if a != b}

    def _layers(self, contract: Mapping[str, Any], name: str) -> None:
        for container in _lines(contract.get("containers")) or [""]:
            above: list[str] = []
            for layer in _lines(contract.get("layers")):
                siblings = [part.strip().strip("()") for part in re.split(r"[|:]", layer)]
                here = self._own([f"{container}.{each}" if container else each for each in siblings], name)
                self._forbidden |= {(lower, upper) for lower in here for upper in above}
                if "|" in layer:
                    self._forbidden |= {(a, b) for a in here for b in here if a != b}
                above += here
        if str(contract.get("exhaustive", "")).lower() == "true":
            self._note(f"{name}: `exhaustive` is the rule SVC404, to be selected by its code")

    def _forbidden_ones(self, contract: Mapping[str, Any], name: str) -> None:
        sources = self._own(_lines(contract.get("source_modules")), name)
        targets = self._own(_lines(contract.get("forbidden_modules")), name)
        self._forbidden |= {(a, b) for a in sources for b in targets if a != b}
        if str(contract.get("as_packages", "true")).lower() == "false":
            self._note(f"{name}: `as_packages = false` is not kept: a service is a package with all below it")

    def _own(self, modules: Iterable[str], name: str) -> list[str]:
        """The modules of the program; wildcards and other packages are left out with a note."""
        found = []
        for module in modules:
            if "*" in module:
                self._note(f"{name}: {module} is left out; a service named with `*` can stand for many")
            elif self._roots and module.partition(".")[0] not in self._roots:
                self._note(f"{name}: {module} is left out, as it is not part of the program")
            else:
                found.append(module)
        self._modules |= dict.fromkeys(found)
        return found

    def _propose(self) -> None:
        names = unique_names(self._modules)
        for module, name in names.items():
            service = self.proposal.services[name] = Proposed([module])
            for other in names:
                if other != module and (module, other) not in self._forbidden:
                    service.depend(names[other], "import")

    def _note(self, text: str) -> None:
        self.proposal.notes.append(text)


def _lines(value: Any) -> list[str]:
    if isinstance(value, str):
        return [
            line.strip() for line in value.splitlines() if line.strip() and not line.strip().startswith("#")
        ]
    return [str(each) for each in value or ()]
