"""What a service mesh guarantees, read from the manifests of a repository.

Known are Istio (DestinationRule, VirtualService), Linkerd (annotations of a Service, ServiceProfile), the
Gateway API's HTTPRoute and GRPCRoute, Consul (ServiceDefaults, ServiceRouter, ServiceResolver) and Envoy's
static configuration. All times are seconds.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from servicelint.program.breakers.mesh import ANY_HOST, MeshRule
from servicelint.sources.manifests.documents import documents

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s|us|µs|ns)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_COUNTS = (
    "consecutive5xxErrors", "consecutiveGatewayErrors", "consecutiveErrors", "consecutiveLocalOriginFailures",
)  # fmt: skip


def seconds(duration: object) -> float | None:
    """A duration as Kubernetes and Envoy write it (``1m30s``, ``250ms``); None if it is none."""
    if isinstance(duration, int | float) and not isinstance(duration, bool):
        return float(duration)
    parts = _DURATION.findall(duration) if isinstance(duration, str) else []
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def mesh_rules(path: str, document: object) -> Iterator[MeshRule]:
    """What one YAML document says of a mesh."""
    if not isinstance(document, Mapping):
        return
    if "static_resources" in document:
        yield from _envoy(path, document)
        return
    if "patches" in document or "patchesStrategicMerge" in document:
        for patch in _inline(document):
            yield from mesh_rules(path, patch)
    if document.get("kind") == "List":
        for item in _items(document, "items"):
            yield from mesh_rules(path, item)
    reader = _READERS.get(str(document.get("kind")))
    if reader is not None:
        yield from reader(path, document)


def _inline(kustomization: Mapping[str, Any]) -> Iterator[object]:
    """The patches that a kustomization writes out itself, those that are documents of their own."""
    merged = kustomization.get("patchesStrategicMerge")
    texts = [each.get("patch") for each in _items(kustomization, "patches")]
    texts += merged if isinstance(merged, list) else []
    for text in texts:
        if isinstance(text, str) and "kind:" in text:
            with contextlib.suppress(ValueError):
                yield from documents(text)


# --- one kind each -------------------------------------------------------------------------------


def _destination_rule(path: str, document: Mapping[str, Any]) -> Iterator[MeshRule]:
    spec = _at(document, "spec")
    policies = [_at(spec, "trafficPolicy"), *(_at(each, "trafficPolicy") for each in _items(spec, "subsets"))]
    policies += [port for policy in policies for port in _items(policy, "portLevelSettings")]
    if any(_detects(_at(policy, "outlierDetection")) for policy in policies):
        yield _rule(path, document, spec.get("host"), breaks=True)


def _detects(outliers: Mapping[str, Any]) -> bool:
    """Whether outlier detection is on: by its own default, unless each count is put to zero."""
    counts = [outliers[name] for name in _COUNTS if name in outliers]
    return bool(outliers) and (not counts or any(count != 0 for count in counts))


def _virtual_service(path: str, document: Mapping[str, Any]) -> Iterator[MeshRule]:
    """What holds for calls inside of the mesh: not what is only bound to gateways at its edge."""
    spec = _at(document, "spec")
    gateways = _texts(spec, "gateways")
    if gateways and "mesh" not in gateways:
        return
    routes = _items(spec, "http")
    timeout = _longest([seconds(route.get("timeout")) for route in routes])
    retries = max((_whole(_at(route, "retries").get("attempts")) for route in routes), default=0)
    for host in _texts(spec, "hosts"):
        yield _rule(path, document, host, timeout=timeout, retries=retries)


def _service(path: str, document: Mapping[str, Any]) -> Iterator[MeshRule]:
    """Linkerd's annotations of a Service."""
    notes = _at(_at(document, "metadata"), "annotations")
    breaks = notes.get("balancer.linkerd.io/failure-accrual") == "consecutive"
    timeout, retries = _noted_timeout(notes), _noted_retries(notes)
    if breaks or timeout or retries:
        name = _at(document, "metadata").get("name")
        yield _rule(path, document, name, breaks=breaks, timeout=timeout, retries=retries)


def _noted_timeout(notes: Mapping[str, Any]) -> float | None:
    """The timeout that Linkerd's annotations of a Service or route set."""
    request, response = (notes.get(f"timeout.linkerd.io/{each}") for each in ("request", "response"))
    return seconds(request) or seconds(response)


def _noted_retries(notes: Mapping[str, Any]) -> int:
    """The retries that they set: one, if they give no limit."""
    retries = notes.get("retry.linkerd.io/http") or notes.get("retry.linkerd.io/grpc")
    return _whole(notes.get("retry.linkerd.io/limit", 1)) if retries else 0


def _service_profile(path: str, document: Mapping[str, Any]) -> Iterator[MeshRule]:
    routes = _items(_at(document, "spec"), "routes")
    timeout = _longest([seconds(route.get("timeout")) for route in routes])
    retries = int(any(route.get("isRetryable") for route in routes))
    if timeout or retries:
        name = _at(document, "metadata").get("name")
        yield _rule(path, document, name, timeout=timeout, retries=retries)


def _route(path: str, document: Mapping[str, Any]) -> Iterator[MeshRule]:
    """An HTTPRoute or GRPCRoute that is attached to a Service: the mesh's, not a gateway's."""
    spec, notes = _at(document, "spec"), _at(_at(document, "metadata"), "annotations")
    rules = _items(spec, "rules")
    limits = [_at(rule, "timeouts") for rule in rules]
    timeout = _noted_timeout(notes) or _longest(
        [seconds(each.get("request")) or seconds(each.get("backendRequest")) for each in limits]
    )
    retries = max((_whole(_at(rule, "retry").get("attempts")) for rule in rules), default=0)
    for parent in _items(spec, "parentRefs"):
        if parent.get("kind") == "Service":
            most = max(retries, _noted_retries(notes))
            yield _rule(path, document, parent.get("name"), timeout=timeout, retries=most)


def _service_defaults(path: str, document: Mapping[str, Any]) -> Iterator[MeshRule]:
    """Consul: passive health checks of what a service calls."""
    upstreams = _at(_at(document, "spec"), "upstreamConfig")
    if _at(upstreams, "defaults").get("passiveHealthCheck"):
        yield _rule(path, document, ANY_HOST, breaks=True)
    for each in _items(upstreams, "overrides"):
        if each.get("passiveHealthCheck"):
            yield _rule(path, document, each.get("name"), breaks=True)


def _service_router(path: str, document: Mapping[str, Any]) -> Iterator[MeshRule]:
    destinations = [_at(route, "destination") for route in _items(_at(document, "spec"), "routes")]
    timeout = _longest([seconds(each.get("requestTimeout")) for each in destinations])
    retries = max((_whole(each.get("numRetries")) for each in destinations), default=0)
    yield _rule(path, document, _at(document, "metadata").get("name"), timeout=timeout, retries=retries)


def _service_resolver(path: str, document: Mapping[str, Any]) -> Iterator[MeshRule]:
    timeout = seconds(_at(document, "spec").get("requestTimeout"))
    if timeout:
        yield _rule(path, document, _at(document, "metadata").get("name"), timeout=timeout)


def _envoy(path: str, document: Mapping[str, Any]) -> Iterator[MeshRule]:
    """Envoy's own configuration: clusters with outlier detection, by their addresses, and routes."""
    resources = _at(document, "static_resources")
    for cluster in _items(resources, "clusters"):
        if not isinstance(cluster.get("outlier_detection"), Mapping):
            continue
        for host in (cluster.get("name"), *_addresses(cluster.get("load_assignment"))):
            if isinstance(host, str):
                yield MeshRule(host, path, f"cluster {cluster.get('name')}", breaks=True)
    for listener in _items(resources, "listeners"):
        for chain in _items(listener, "filter_chains"):
            for each in _items(chain, "filters"):
                hosts = _at(_at(each, "typed_config"), "route_config")
                for virtual in _items(hosts, "virtual_hosts"):
                    yield from _virtual_host(path, virtual)


def _virtual_host(path: str, virtual: Mapping[str, Any]) -> Iterator[MeshRule]:
    """What Envoy's routes for some domains say; the ports that domains may end in say nothing."""
    routes = [_at(each, "route") for each in _items(virtual, "routes")]
    timeout = _longest([seconds(route.get("timeout")) for route in routes])
    retries = max((_retries(route) for route in routes), default=0)
    for domain in dict.fromkeys(each.partition(":")[0] for each in _texts(virtual, "domains")):
        yield MeshRule(domain, path, f"virtual host {virtual.get('name')}", timeout=timeout, retries=retries)


def _retries(route: Mapping[str, Any]) -> int:
    """How often Envoy tries again on a route: once, if its policy does not say."""
    policy = _at(route, "retry_policy")
    return _whole(policy.get("num_retries", 1)) if policy else 0


def _addresses(assignment: object) -> Iterator[str]:
    """The hosts that a cluster leads to."""
    groups = _items(assignment, "endpoints") if isinstance(assignment, Mapping) else []
    for endpoint in (each for group in groups for each in _items(group, "lb_endpoints")):
        address = _at(_at(_at(endpoint, "endpoint"), "address"), "socket_address").get("address")
        if isinstance(address, str):
            yield address


_READERS = {
    "DestinationRule": _destination_rule,
    "VirtualService": _virtual_service,
    "Service": _service,
    "ServiceProfile": _service_profile,
    "HTTPRoute": _route,
    "GRPCRoute": _route,
    "ServiceDefaults": _service_defaults,
    "ServiceRouter": _service_router,
    "ServiceResolver": _service_resolver,
}

# --- reading what may be anything ----------------------------------------------------------------


def _rule(path: str, document: Mapping[str, Any], host: object, **said: Any) -> MeshRule:
    metadata = _at(document, "metadata")
    source = f"{document.get('kind')} {metadata.get('name')}"
    return MeshRule(str(host or ""), path, source, str(metadata.get("namespace") or ""), **said)


def _at(part: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A mapping under a name; an empty one if there is none."""
    found = part.get(name)
    return found if isinstance(found, Mapping) else {}


def _items(part: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The mappings in a list under a name."""
    found = part.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _texts(part: Mapping[str, Any], name: str) -> list[str]:
    """The texts in a list under a name."""
    found = part.get(name)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _longest(times: list[float | None]) -> float | None:
    """The time that holds for every route: the longest, if each has one."""
    known = [time for time in times if time]
    return max(known) if known and len(known) == len(times) else None


def _whole(number: object) -> int:
    text = str(number)
    return int(text) if text.isdigit() else 0
