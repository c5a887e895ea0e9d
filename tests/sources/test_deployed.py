"""What compose files and Kubernetes manifests say of services."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from servicelint.sources.cache import Cache
from servicelint.sources.manifests import reading
from servicelint.sources.manifests.reading import read_manifests
from tests.fixtures.projects import FIXTURES

if TYPE_CHECKING:
    from pathlib import Path

COMPOSE = """
services:
  orders:
    build: ./services/orders
    command: uvicorn app.main:app --port 8000
    hostname: orders.internal
    environment:
      - USERS_URL=http://users:8001
      - EMPTY
    networks:
      default:
        aliases: [orders-api]
  users:
    build: {context: services/users, dockerfile: Dockerfile}
    entrypoint: ["python", "-m", "app"]
    environment: {LIMIT: 3, NOTHING: null}
  database: {image: "postgres:17"}
  broken: 3
"""

KUBERNETES = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: billing-v2}
spec:
  template:
    metadata: {labels: {app: billing, tier: api}}
    spec:
      containers:
        - name: billing
          command: ["python", "-m"]
          args: ["shop.billing"]
          env:
            - {name: ORDERS_URL, value: "http://orders.shop.svc:8000"}
            - {name: SECRET, valueFrom: {secretKeyRef: {name: x, key: y}}}
---
apiVersion: v1
kind: Service
metadata: {name: billing, namespace: shop}
spec: {selector: {app: billing}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  jobTemplate:
    spec: {template: {metadata: {labels: {app: billing}}, spec: {containers: [{args: [shop.nightly]}]}}}
---
just text
---
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


@pytest.mark.parametrize(
    "name", ["compose.yaml", "docker-compose.yml", "compose.override.yaml", "docker-compose-dev.yml"]
)
def test_compose(name: str, tmp_path: Path) -> None:
    write(tmp_path / "deploy" / name, COMPOSE)
    found = read_manifests(tmp_path).deployed
    assert set(found) == {"orders", "users", "database"}
    orders, users = found["orders"], found["users"]
    assert orders.hosts == {"orders", "orders.internal", "orders-api"}
    assert (orders.folder, users.folder) == ("deploy/services/orders", "deploy/services/users")
    assert orders.commands == [["uvicorn", "app.main:app", "--port", "8000"]]
    assert users.commands == [["python", "-m", "app"]]
    assert (orders.environment, users.environment) == ({"USERS_URL": "http://users:8001"}, {"LIMIT": "3"})


def test_kubernetes_with_several_documents(tmp_path: Path) -> None:
    write(tmp_path / "k8s" / "billing.yaml", KUBERNETES)
    [billing] = read_manifests(tmp_path).deployed.values()
    assert billing.hosts == {"billing", "billing.shop", "billing.shop.svc", "billing.shop.svc.cluster.local"}
    assert billing.commands == [["python", "-m", "shop.billing"], ["shop.nightly"]]
    assert billing.environment == {"ORDERS_URL": "http://orders.shop.svc:8000"}


def test_workloads_of_other_names_than_their_services(tmp_path: Path) -> None:
    write(tmp_path / "k8s.yaml", KUBERNETES.replace("selector: {app: billing}", "selector: {tier: api}"))
    found = read_manifests(tmp_path).deployed
    assert set(found) == {"billing", "nightly"}
    billing, nightly = found["billing"], found["nightly"]
    assert (billing.called({"billing-v2"}), billing.called({"billing", "billing-v2"})) == (
        "billing-v2",
        "billing",
    )
    assert (billing.called(()), nightly.hosts, nightly.commands) == ("billing", set(), [["shop.nightly"]])


def test_both_tell_of_one_service(tmp_path: Path) -> None:
    write(tmp_path / "compose.yaml", "services: {billing: {build: .}}")
    write(tmp_path / "billing.yaml", KUBERNETES)
    [billing] = read_manifests(tmp_path).deployed.values()
    assert billing.files == ["billing.yaml", "compose.yaml"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('apiVersion: v1\nmetadata: {{ include "x" . }}\n  name: {{ .Values.name }}\n', "a template (Helm)"),
        ("apiVersion: [1\n", "not YAML"),
        ("services: !!python/object/apply:os.system ['true']\n", "not YAML"),
    ],
)
def test_what_is_left_out_is_noted(text: str, reason: str, tmp_path: Path) -> None:
    write(tmp_path / "chart" / "compose.yaml", text)
    found = read_manifests(tmp_path)
    assert found.deployed == {}
    [note] = found.notes
    assert note.startswith("chart/compose.yaml: left out, ")
    assert reason in note


@pytest.mark.parametrize(
    "text",
    ["", "services:", "services: []", "services: {a: {networks: 3, build: 3, command: 3, environment: 3}}",
     "apiVersion: v1\nkind: Service\nmetadata: {name: 3}",
     "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [3]}",
     "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: 3}", "- apiVersion: 1"],
)  # fmt: skip
def test_odd_manifests_are_no_trouble(text: str, tmp_path: Path) -> None:
    write(tmp_path / "compose.yaml", text)
    assert read_manifests(tmp_path).notes == []


def test_the_shop() -> None:
    found = read_manifests(FIXTURES / "shop")
    assert {"gateway", "users", "orders", "database", "broker"} <= set(found.deployed)
    assert found.deployed["orders"].commands[0] == ["python", "-m", "shop.orders"]
    assert found.notes == []


def test_manifests_are_read_again_only_when_one_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tree"
    (folder / "deploy").mkdir(parents=True)
    compose = folder / "deploy" / "compose.yaml"

    def found() -> set[str]:
        with contextlib.closing(Cache(tmp_path / "cache")) as cache:
            return set(read_manifests(folder, cache).deployed)

    compose.write_text("services: {users: {}}")
    assert found() == {"users"}
    with monkeypatch.context() as patched:
        patched.setattr(reading, "_read", None)  # it is not read again
        assert found() == {"users"}
    compose.write_text("services: {order: {}}")  # of the same length
    assert found() == {"order"}
    (folder / "compose.yaml").write_text("services: {mail: {}}")
    assert found() == {"order", "mail"}
    compose.unlink()
    assert found() == {"mail"}
