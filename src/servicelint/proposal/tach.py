"""Translating tach.toml: its modules become services."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from servicelint.proposal.proposal import Proposal, Proposed, unique_names

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FILE = "tach.toml"
_ROOT = "<root>"
_KEYS = frozenset({
    "modules", "interfaces", "layers", "source_roots", "ignore_type_checking_imports",
    "exact", "forbid_circular_dependencies",  # SVC407 and SVC403 say as much
    "cache", "disable_logging", "respect_gitignore", "rules", "use_regex_matching",
})  # fmt: skip
_INTERFACE_KEYS = frozenset({"expose", "from"})
_MODULE_KEYS = frozenset({"path", "paths", "depends_on", "layer", "utility"})


def translated(root: Path) -> Proposal | None:
    """The proposal that a folder's tach.toml amounts to; None without one."""
    path = root / FILE
    return _Translation(root, tomllib.loads(path.read_text("utf-8"))).proposal if path.is_file() else None


class _Translation:
    def __init__(self, root: Path, settings: Mapping[str, Any]) -> None:
        self.proposal = Proposal(FILE)
        self._roots = [root / each for each in settings.get("source_roots", ["."])]
        if settings.get("ignore_type_checking_imports", True):
            self.proposal.type_checking = "allow"
        modules = [(path, each) for each in settings.get("modules", ()) for path in _paths(each)]
        self._layers = [
            each if isinstance(each, str) else each["name"] for each in settings.get("layers", ())
        ]
        self._layer_of = {path: each.get("layer") for path, each in modules}
        shared = {path for path, each in modules if each.get("utility")}
        self.proposal.shared = sorted(shared)
        self._names = unique_names(path for path, _ in modules if path != _ROOT and path not in shared)
        for path, module in modules:
            self._read(path, module)
        for interface in settings.get("interfaces", ()):
            self._interface(interface)
        for key in sorted(settings.keys() - _KEYS):
            self._note(f"`{key}` is not translated")
        if settings.get("source_roots", ["."]) != ["."]:
            self.proposal.notes.append(
                f"set `source-roots = {settings['source_roots']}` if they are not found"
            )

    def _read(self, path: str, module: Mapping[str, Any]) -> None:
        if path == _ROOT:
            self._note("`<root>` is no service: modules of nobody are reported by SVC404")
            return
        for key in sorted(module.keys() - _MODULE_KEYS):
            self._note(f"{path}: `{key}` is not translated")
        if path not in self._names:
            return
        service = self.proposal.services[self._names[path]] = Proposed([path])
        declared = module.get("depends_on")
        if declared is None and self._layer_of[path] is None:
            self._note(f"{path}: without `depends_on` it may import all others")
            declared = [other for other in self._names if other != path]
        for each in declared or ():
            self._depend(service, path, each)
        for other in self._names:
            if self._is_above(path, other):
                service.depend(self._names[other], "import")

    def _depend(self, service: Proposed, path: str, declared: Any) -> None:
        other = declared if isinstance(declared, str) else declared["path"]
        if not isinstance(declared, str) and declared.get("deprecated"):
            self._note(f"{path}: that its dependency on {other} is deprecated is not kept")
        if other in self._names:
            service.depend(self._names[other], "import")
        elif other not in self.proposal.shared and other != _ROOT:
            self._note(f"{path}: its dependency on {other} is left out, as that is no module of tach's")

    def _is_above(self, path: str, other: str) -> bool:
        """Whether a module stands in a layer above another's."""
        one, two = self._layer_of[path], self._layer_of[other]
        if one not in self._layers or two not in self._layers or path == other:
            return False
        return self._layers.index(one) < self._layers.index(two)

    def _interface(self, interface: Mapping[str, Any]) -> None:
        for path in interface.get("from") or self._names:  # without `from` it is everybody's
            for key in sorted(interface.keys() - _INTERFACE_KEYS):
                self._note(f"the interface of {path}: `{key}` is not translated")
            if path not in self._names:
                self._note(f"the interface of {path} is left out: wildcards are not translated")
                continue
            service = self.proposal.services[self._names[path]]
            exposed = [self._exposed(path, each) for each in interface.get("expose", ())]
            if None in exposed:
                self._note(
                    f"the interface of {path} is left out: {interface['expose']} names more than modules"
                )
            else:
                service.interface = [*(service.interface or ()), *(each for each in exposed if each)]

    def _exposed(self, path: str, pattern: str) -> str | None:
        """The module that a pattern of exposed names means, with all below it; None if it means others."""
        name = f"{path}.{pattern.removesuffix('.*')}"
        stems = [root / name.replace(".", "/") for root in self._roots]
        is_module = any(stem.is_dir() or stem.with_suffix(".py").is_file() for stem in stems)
        return name if is_module and pattern.endswith(".*") else None

    def _note(self, text: str) -> None:
        self.proposal.notes.append(text)


def _paths(module: Mapping[str, Any]) -> Iterable[str]:
    return module.get("paths") or [module.get("path", _ROOT)]
