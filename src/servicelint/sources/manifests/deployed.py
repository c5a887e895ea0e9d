"""What compose files and Kubernetes manifests deploy: services, their hosts, what they run."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from servicelint.sources.manifests.record import Deployed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_COMPOSE = re.compile(r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml\Z")
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "Pod"})


def may_deploy(name: str, text: str) -> bool:
    """Whether a file may deploy something, by its name and its words."""
    return "apiVersion:" in text or (_COMPOSE.match(name) is not None and "services" in text)


class DeployedServices:
    """The services that manifests deploy, by name; ``joined`` once all are read."""

    def __init__(self) -> None:
        self._found: dict[str, Deployed] = {}
        self._selectors: list[tuple[dict[str, Any], Deployed]] = []
        self._workloads: list[tuple[dict[str, Any], Deployed]] = []
        self._settings: dict[str, dict[str, str]] = {}

    def read(self, file: str, document: Any) -> None:
        """Take in one document of a file."""
        if not isinstance(document, dict):
            return
        if _COMPOSE.match(file.rpartition("/")[2]) and isinstance(document.get("services"), dict):
            _read_compose(document["services"], file, self)
        elif isinstance(document.get("apiVersion"), str) and isinstance(document.get("metadata"), dict):
            if document.get("kind") == "ConfigMap":
                self._settings[str(document["metadata"].get("name"))] = _environment(document.get("data"))
            else:
                _read_kubernetes(document, file, self, self._selectors, self._workloads)

    def service(self, name: str, file: str) -> Deployed:
        """The service called so, which a file speaks of."""
        found = self._found.setdefault(name, Deployed(name))
        if file not in found.files:
            found.files.append(file)
        return found

    def joined(self) -> dict[str, Deployed]:
        """All of them, each with what its workloads run, and the variables that ConfigMaps hold for it."""
        for _, workload in self._workloads:
            for name in workload.config_maps:
                workload.environment = self._settings.get(name, {}) | workload.environment
        _join(self._selectors, self._workloads)
        selected = {name for service in self._found.values() for name in service.workloads}
        for _, workload in self._workloads:
            if workload.name not in selected:
                self._found.setdefault(workload.name, workload)
        return self._found


# --- compose -------------------------------------------------------------------------------------


def _read_compose(services: Mapping[Any, Any], file: str, manifests: DeployedServices) -> None:
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
    manifests: DeployedServices,
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
                workload.config_maps += _config_maps(container.get("envFrom"))
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


def _config_maps(value: Any) -> list[str]:
    """The ConfigMaps all of whose entries become variables."""
    entries = (
        [each.get("configMapRef") for each in value if isinstance(each, dict)]
        if isinstance(value, list)
        else []
    )
    return [str(each["name"]) for each in entries if isinstance(each, dict) and "name" in each]


def _join(
    selectors: Iterable[tuple[dict[str, Any], Deployed]], workloads: Iterable[tuple[dict[str, Any], Deployed]]
) -> None:
    """Tell each Kubernetes service what the workloads that it selects run."""
    joined: defaultdict[str, list[Deployed]] = defaultdict(list)
    for labels, workload in workloads:
        for selector, service in selectors:
            if selector and selector.items() <= labels.items() and workload not in joined[service.name]:
                joined[service.name].append(workload)
                service.workloads.append(workload.name)
                service.commands += [each for each in workload.commands if each not in service.commands]
                service.environment |= workload.environment
                service.files += [each for each in workload.files if each not in service.files]
