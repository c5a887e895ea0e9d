"""What the manifests of a mesh say, in every dialect that is read, and what it does to the findings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from servicelint import registry
from servicelint.config import Config
from servicelint.program.breakers.mesh import MeshRule
from servicelint.report.json import json_report
from servicelint.report.text import text_report
from servicelint.run import Run
from servicelint.sources.discovery import select
from servicelint.sources.manifests.mesh import seconds
from servicelint.sources.manifests.reading import read_manifests

if TYPE_CHECKING:
    from pathlib import Path

ISTIO = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: users, namespace: shop}
spec:
  host: users
  trafficPolicy:
    outlierDetection: {consecutive5xxErrors: 5, interval: 10s}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders, namespace: shop}
spec:
  hosts: [orders.shop.svc.cluster.local]
  http:
    - route: [{destination: {host: orders}}]
      timeout: 1m30s
      retries: {attempts: 3, perTryTimeout: 2s}
"""
LINKERD = """\
apiVersion: v1
kind: Service
metadata:
  name: users
  annotations:
    balancer.linkerd.io/failure-accrual: consecutive
    timeout.linkerd.io/request: 500ms
    retry.linkerd.io/http: 5xx
    retry.linkerd.io/limit: "2"
---
apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
metadata: {name: orders.shop.svc.cluster.local}
spec:
  routes:
    - {name: GET, isRetryable: true, timeout: 3s, condition: {method: GET}}
"""
GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: users}
spec:
  parentRefs: [{name: users, kind: Service, group: core, port: 80}]
  rules: [{timeouts: {request: 2s}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: public}
spec:
  parentRefs: [{name: front, kind: Gateway}]
  rules: [{timeouts: {request: 2s}}]
"""
CONSUL = """\
apiVersion: consul.hashicorp.com/v1alpha1
kind: ServiceDefaults
metadata: {name: gateway}
spec:
  upstreamConfig:
    overrides: [{name: users, passiveHealthCheck: {interval: 10s, maxFailures: 5}}]
---
apiVersion: consul.hashicorp.com/v1alpha1
kind: ServiceRouter
metadata: {name: orders}
spec:
  routes: [{destination: {requestTimeout: 4s, numRetries: 2}}]
"""
RESOLVED = """\
apiVersion: consul.hashicorp.com/v1alpha1
kind: ServiceDefaults
metadata: {name: web}
spec: {upstreamConfig: {defaults: {passiveHealthCheck: {interval: 10s, maxFailures: 3}}}}
---
apiVersion: consul.hashicorp.com/v1alpha1
kind: ServiceResolver
metadata: {name: orders}
spec: {requestTimeout: 5s}
"""
NOTED_ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata:
  name: users
  annotations:
    retry.linkerd.io/grpc: unavailable
    retry.linkerd.io/limit: "3"
    timeout.linkerd.io/request: 3s
spec: {parentRefs: [{name: users, kind: Service, group: core, port: 80}]}
"""
LISTED = """\
apiVersion: v1
kind: List
items:
  - kind: DestinationRule
    metadata: {name: users}
    spec: {host: users, subsets: [{name: v1, trafficPolicy: {outlierDetection: {interval: 3s}}}]}
"""
AT_THE_EDGE = """\
kind: VirtualService
metadata: {name: front}
spec: {hosts: [users], gateways: [public], http: [{timeout: 5s}]}
---
kind: VirtualService
metadata: {name: both}
spec: {hosts: [orders], gateways: [public, mesh], http: [{timeout: 5s}]}
---
kind: VirtualService
metadata: {name: broken}
spec: {hosts: orders, http: [{timeout: 5s}]}
"""
ENVOY_ROUTES = """\
static_resources:
  listeners:
    - filter_chains:
        - filters:
            - typed_config:
                route_config:
                  virtual_hosts:
                    - name: orders
                      domains: [orders, "orders:80"]
                      routes:
                        - {match: {prefix: /}, route: {timeout: 4s, retry_policy: {num_retries: 3}}}
                    - name: users
                      domains: [users]
                      routes:
                        - {match: {prefix: /a}, route: {timeout: 4s, retry_policy: {retry_on: 5xx}}}
                        - {match: {prefix: /}, route: {cluster: users}}
"""
ENVOY = """\
static_resources:
  clusters:
    - name: users
      outlier_detection: {consecutive_5xx: 5}
      load_assignment:
        endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: users.internal}}}}]}]
    - name: orders
"""


def rules(folder: Path, text: str) -> list[tuple[str, bool, float | None, int]]:
    (folder / "mesh.yaml").write_text(text)
    return [(rule.host, rule.breaks, rule.timeout, rule.retries) for rule in read_manifests(folder).rules]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ISTIO, [("users", True, None, 0), ("orders.shop.svc.cluster.local", False, 90.0, 3)]),
        (LINKERD, [("users", True, 0.5, 2), ("orders.shop.svc.cluster.local", False, 3.0, 1)]),
        (GATEWAY, [("users", False, 2.0, 0)]),
        (CONSUL, [("users", True, None, 0), ("orders", False, 4.0, 2)]),
        (ENVOY, [("users", True, None, 0), ("users.internal", True, None, 0)]),
        (RESOLVED, [("*", True, None, 0), ("orders", False, 5.0, 0)]),
        (NOTED_ROUTE, [("users", False, 3.0, 3)]),
        (LISTED, [("users", True, None, 0)]),
        (AT_THE_EDGE, [("orders", False, 5.0, 0)]),
        (ENVOY_ROUTES, [("orders", False, 4.0, 3), ("users", False, None, 1)]),
    ],
    ids=["istio", "linkerd", "gateway", "consul", "envoy", "resolver", "route", "list", "edge", "domains"],
)
def test_each_dialect_is_read(
    text: str, expected: list[tuple[str, bool, float | None, int]], tmp_path: Path
) -> None:
    assert rules(tmp_path, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        ISTIO.replace("consecutive5xxErrors: 5", "consecutive5xxErrors: 0"),
        "kind: DestinationRule\nspec: {host: users, trafficPolicy: {}} # outlierDetection\n",
        "kind: DestinationRule\nspec: [outlierDetection]\n",
        "outlierDetection: [",
        "&a [outlierDetection, *a]",
        "!!python/object/apply:os.system [outlierDetection]",
    ],
)
def test_what_is_switched_off_or_broken_breaks_nothing(text: str, tmp_path: Path) -> None:
    assert not any(breaks for _, breaks, _, _ in rules(tmp_path, text))


def test_helm_templates_are_skipped_and_named(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "users.yaml").write_text(
        ISTIO.replace("name: users", "name: {{ .Release.Name }}")
    )
    found = read_manifests(tmp_path)
    assert (found.rules, found.skipped) == ([], ["templates/users.yaml"])


def test_what_is_left_out_is_said_in_the_summary(tmp_path: Path) -> None:
    (tmp_path / "users.yaml").write_text(ISTIO.replace("name: users", "name: {{ .Release.Name }}"))
    (tmp_path / "app.py").write_text("import requests\nrequests.get('http://users', timeout=3)\n")
    result = Run(select([tmp_path], tmp_path), Config(), tmp_path).check([])
    assert list(text_report(result))[-1].endswith("left out, being templates: users.yaml")
    assert json.loads(json_report(result))["summary"]["skipped_manifests"] == ["users.yaml"]


def test_patches_written_into_a_kustomization_are_read(tmp_path: Path) -> None:
    document = ISTIO.split("---", maxsplit=1)[0].strip().replace("\n", "\n      ")
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: [../base]\npatches:\n  - patch: |-\n      {document}\n"
        "  - target: {kind: Service}\n    patch: '[{op: remove, path: /spec}]'\n"
    )
    assert [rule.host for rule in read_manifests(tmp_path).rules] == ["users"]


def test_overlays_are_read_where_they_are_plain(tmp_path: Path) -> None:
    overlay = tmp_path / "overlays" / "production"
    overlay.mkdir(parents=True)
    (overlay / "kustomization.yaml").write_text("resources: [../../base]\npatches: [{path: users.yaml}]\n")
    (overlay / "users.yaml").write_text(ISTIO)
    assert [rule.path for rule in read_manifests(tmp_path).rules] == ["overlays/production/users.yaml"] * 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1m30s", 90.0), ("250ms", 0.25), ("1.5h", 5400.0), (3, 3.0), ("soon", None), ("5", None), (True, None)],
)
def test_durations(text: object, expected: float | None) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("rule", "host", "is_meant"),
    [
        ("users", "users", True),
        ("users", "users.shop", True),
        ("users", "users.other", False),
        ("users.shop", "users", True),
        ("users.shop.svc.cluster.local", "users.shop.svc", True),
        ("users", "users.example.com", False),
        ("api.example.com", "api.example.com", True),
        ("api.example.com", "www.example.com", False),
        ("*.example.com", "www.example.com", True),
        ("*.example.com", "example.org", False),
        ("*", "anything", True),
        ("users", "orders", False),
    ],
)
def test_hosts_are_matched_as_in_a_cluster(rule: str, host: str, is_meant: bool) -> None:
    assert MeshRule(rule, "", "", "shop").covers(host) is is_meant


SERVICE = """\
import os
import pybreaker
import requests
from flask import Flask

app = Flask(__name__)
breaker = pybreaker.CircuitBreaker()
USERS = os.environ.get("USERS_URL", "http://users:8001")


@app.route("/users")
def users():
    return requests.get(f"{USERS}/users").json()


@app.route("/orders")
def orders():
    return requests.get("http://orders/orders").json()


@breaker
def other():
    pass
"""


def found(folder: Path) -> set[tuple[int, str]]:
    chosen = [rule for rule in registry.rules().values() if rule.code in ("SVC101", "SVC201")]
    findings = Run(select([folder], folder), Config(), folder).check(chosen).findings
    return {(finding.place.line, finding.code) for finding in findings}


def test_what_the_mesh_guarantees_is_no_finding(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    assert found(tmp_path) == {(13, "SVC101"), (13, "SVC201"), (18, "SVC101"), (18, "SVC201")}
    (tmp_path / "mesh.yaml").write_text(ISTIO)
    assert found(tmp_path) == {(13, "SVC101"), (18, "SVC201")}


RETRIED = """\
import asyncio
import httpx
from tenacity import retry, stop_after_attempt, wait_fixed

client = httpx.AsyncClient(timeout=5)


@retry(stop=stop_after_attempt(3), wait=wait_fixed(1))
async def orders():
    return await client.get("http://orders.shop/orders")


async def page():
    return await asyncio.wait_for(orders(), 10)
"""


def test_what_the_mesh_does_on_top_is_said(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(RETRIED)
    (tmp_path / "mesh.yaml").write_text(ISTIO)
    chosen = [rule for rule in registry.rules().values() if rule.code == "SVC105"]
    [finding] = Run(select([tmp_path], tmp_path), Config(), tmp_path).check(chosen).findings
    assert finding.worst_case_seconds == 17.0
    assert finding.message.endswith("the mesh retries 3 times on top of this (VirtualService orders)")


ENDLESS = """\
import httpx
import time
from tenacity import retry, wait_fixed


@retry(wait=wait_fixed(1))
def orders():
    return httpx.get("http://orders.shop/orders", timeout=3)


def again():
    while True:
        try:
            return httpx.get("http://orders.shop/orders", timeout=3)
        except httpx.TransportError:
            time.sleep(1)


@retry(wait=wait_fixed(1))
def users():
    return httpx.get("http://users.shop/users", timeout=3)
"""


def test_endless_retries_say_so_too(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(ENDLESS)
    (tmp_path / "mesh.yaml").write_text(ISTIO)
    chosen = [rule for rule in registry.rules().values() if rule.code == "SVC204"]
    findings = Run(select([tmp_path], tmp_path), Config(), tmp_path).check(chosen).findings
    ending = "; the mesh retries 3 times on top of this (VirtualService orders)"
    assert {each.place.line: each.message.endswith(ending) for each in findings} == {
        6: True,
        12: True,
        19: False,
    }
