"""What compose files and Kubernetes manifests deploy: services, their hosts, what they run.

The files are not trusted: they are loaded safely, and those that are broken or templates (Helm) are left out
with a note.
"""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servicelint.sources.manifests.documents import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_COMPOSE = re.compile(r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml\Z")
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "Pod"})


@dataclass
class Deployed:
    """One service as manifests deploy it.

    ``folder`` is what it is built from, relative to the root, or "". ``commands`` are split into words,
    ``environment`` holds what is set literally. ``files`` are those that speak of it.
    """

    name: str
    hosts: set[str] = field(default_factory=set)
    folder: str = ""
    commands: list[list[str]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    has_build: bool = False


@dataclass
class Manifests:
    """The services by name, and notes on the files that were left out."""

    deployed: dict[str, Deployed] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def service(self, name: str, file: str) -> Deployed:
        """The service called so, which a file speaks of."""
        found = self.deployed.setdefault(name, Deployed(name))
        if file not in found.files:
            found.files.append(file)
        return found


def read_manifests(root: Path) -> Manifests:
    """What the manifests below a folder deploy."""
    manifests = Manifests()
    selectors: list[tuple[dict[str, Any], Deployed]] = []
    workloads: list[tuple[dict[str, Any], Deployed]] = []
    for path in files(root):
        shown = path.relative_to(root).as_posix()
        for document in _documents(path, shown, manifests.notes):
            if _COMPOSE.match(path.name) and isinstance(document.get("services"), dict):
                _read_compose(document["services"], shown, manifests)
            elif isinstance(document.get("apiVersion"), str) and isinstance(document.get("metadata"), dict):
                _read_kubernetes(document, shown, manifests, selectors, workloads)
    _join(selectors, workloads)
    return manifests


def _documents(path: Path, shown: str, notes: list[str]) -> list[dict[str, Any]]:
    """The mappings among the documents of a file."""
    import yaml

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        notes.append(f"{shown}: left out, can't be read: {error}")
        return []
    if "services:" not in text and "apiVersion:" not in text:
        return []
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return [each for each in yaml.load_all(text, loader) if isinstance(each, dict)]
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = "a template (Helm)" if "{{" in text else f"not YAML: {str(error).splitlines()[0]}"
        notes.append(f"{shown}: left out, {reason}")
        return []


# --- compose -------------------------------------------------------------------------------------


def _read_compose(services: Mapping[Any, Any], file: str, manifests: Manifests) -> None:
    for name, described in services.items():
        if not isinstance(described, dict):
            continue
        service = manifests.service(str(name), file)
        service.hosts |= {
            str(name),
            *_texts(described.get("container_name")),
            *_texts(described.get("hostname")),
        }
        networks = described.get("networks")
        for network in networks.values() if isinstance(networks, dict) else ():
            service.hosts |= set(_texts(network.get("aliases") if isinstance(network, dict) else None))
        build = described.get("build")
        if build is not None:
            service.has_build = True
            context = build.get("context", ".") if isinstance(build, dict) else build
            service.folder = _joined(file.rpartition("/")[0], str(context))
        for key in ("entrypoint", "command"):
            service.commands += _commands(described.get(key))
        service.environment |= _environment(described.get("environment"))


def _joined(folder: str, relative: str) -> str:
    parts = [part for part in f"{folder}/{relative}".split("/") if part not in ("", ".")]
    found: list[str] = []
    for part in parts:
        if part == ".." and found:
            found.pop()
        elif part != "..":
            found.append(part)
    return "/".join(found)


def _commands(value: Any) -> list[list[str]]:
    if isinstance(value, list):
        return [[str(word) for word in value]]
    if isinstance(value, str):
        try:
            return [shlex.split(value)]
        except ValueError:
            return [value.split()]
    return []


def _environment(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {str(key): str(each) for key, each in value.items() if each is not None}
    pairs = [str(each).partition("=") for each in value] if isinstance(value, list) else []
    return {key: each for key, found, each in pairs if found}


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


# --- Kubernetes ----------------------------------------------------------------------------------


def _read_kubernetes(
    document: Mapping[str, Any],
    file: str,
    manifests: Manifests,
    selectors: list[tuple[dict[str, Any], Deployed]],
    workloads: list[tuple[dict[str, Any], Deployed]],
) -> None:
    kind, metadata, spec = document.get("kind"), document["metadata"], document.get("spec")
    name = metadata.get("name")
    if not isinstance(name, str) or not isinstance(spec, dict):
        return
    if kind == "Service":
        service = manifests.service(name, file)
        service.hosts |= _hosts(name, metadata.get("namespace"))
        if isinstance(spec.get("selector"), dict):
            selectors.append((spec["selector"], service))
    elif kind in _WORKLOADS:
        workload = Deployed(name, files=[file])
        labels: dict[str, Any] = {}
        for pod in _pods(document):
            labels |= _labels(pod)
            for container in _containers(pod):
                workload.commands += _commands(
                    [*_listed(container, "command"), *_listed(container, "args")] or None
                )
                workload.environment |= _literal_environment(container.get("env"))
        workloads.append((labels, workload))


def _hosts(name: str, namespace: Any) -> set[str]:
    found = {name}
    if isinstance(namespace, str):
        found |= {f"{name}.{namespace}{ending}" for ending in ("", ".svc", ".svc.cluster.local")}
    return found


def _pods(value: Any) -> Iterator[dict[str, Any]]:
    """The mappings in a workload whose ``spec`` has containers."""
    if not isinstance(value, dict):
        return
    spec = value.get("spec")
    if isinstance(spec, dict):
        if isinstance(spec.get("containers"), list):
            yield value
        for key in ("template", "jobTemplate"):
            yield from _pods(spec.get(key))


def _labels(pod: Mapping[str, Any]) -> dict[str, Any]:
    metadata = pod.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return labels if isinstance(labels, dict) else {}


def _containers(pod: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (each for each in pod["spec"]["containers"] if isinstance(each, dict))


def _listed(container: Mapping[str, Any], key: str) -> list[str]:
    value = container.get(key)
    return [str(word) for word in value] if isinstance(value, list) else []


def _literal_environment(value: Any) -> dict[str, str]:
    entries = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return {str(each.get("name")): str(each["value"]) for each in entries if "value" in each}


def _join(
    selectors: Iterable[tuple[dict[str, Any], Deployed]], workloads: Iterable[tuple[dict[str, Any], Deployed]]
) -> None:
    """Tell each Kubernetes service what the workloads that it selects run."""
    joined: defaultdict[str, list[Deployed]] = defaultdict(list)
    for labels, workload in workloads:
        for selector, service in selectors:
            if selector and selector.items() <= labels.items() and workload not in joined[service.name]:
                joined[service.name].append(workload)
                service.commands += [each for each in workload.commands if each not in service.commands]
                service.environment |= workload.environment
                service.files += [each for each in workload.files if each not in service.files]
