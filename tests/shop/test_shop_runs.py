"""The shop is a system that works, and its papers agree with its code."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.shop.shop_services import SHOP, SOURCE, RpcService, Service, running, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

TEAPOTS = {"user_id": 1, "lines": [{"sku": "teapot", "quantity": 2, "unit_price": 1250}]}

MARKER = re.compile(r"# expect: (SVC\d{3})")
MARKED = (ast.Call, ast.ImportFrom, ast.FunctionDef)
README_ROW = re.compile(r"^\| `([\w/]+\.(?:py|toml))` \| (SVC\d{3}) \|", re.MULTILINE)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, httpx.Client]]:
    """A whole shop: users, products, orders and the gateway in front of them."""
    folder = tmp_path_factory.mktemp("shop")
    with (
        running(Service("users", SOURCE, folder)) as [users],
        RpcService("products", SOURCE, folder) as products,
    ):
        behind = {"USERS_URL": _url(users), "PRODUCTS_ADDRESS": products.address()}
        with (
            running(Service("orders", SOURCE, folder, **behind)) as [orders],
            running(Service("gateway", SOURCE, folder, ORDERS_URL=_url(orders), **behind)) as [client],
        ):
            yield {"gateway": client, "orders": orders}


@pytest.fixture
def gateway(shop: dict[str, httpx.Client]) -> httpx.Client:
    """The door to the shop."""
    return shop["gateway"]


def test_all_services_are_well(gateway: httpx.Client) -> None:
    answer = gateway.get("/status")
    assert (answer.status_code, answer.json()) == (200, {"users": True, "orders": True})


def test_an_order_goes_through_the_whole_shop(gateway: httpx.Client) -> None:
    placed = gateway.post("/orders", json=TEAPOTS)
    assert placed.status_code == 201, placed.text
    order = placed.json()
    assert (order["user_id"], order["status"], order["total"]) == (1, "placed", 2500)

    wait_for(lambda: _events(gateway, order["id"])[1:], 5.0, "the order's confirmation")
    assert _events(gateway, order["id"]) == ["placed", "confirmed"]

    confirmed = gateway.get(f"/orders/{order['id']}").json()
    assert confirmed == order | {"status": "confirmed"}
    assert confirmed in gateway.get("/users/1/orders").json()
    assert gateway.get("/users/2/orders").json() == []

    overview = gateway.get("/users/1/overview").json()
    assert overview["user"] == gateway.get("/users/1").json()
    assert overview["user"]["name"] == "Ada Lovelace"
    assert confirmed in overview["orders"]

    assert gateway.get("/reports/turnover").json()["total"] >= 2500
    assert f"{order['id']},1,confirmed,2500" in gateway.get("/reports/orders.csv").text.splitlines()


def test_products_are_shown(shop: dict[str, httpx.Client]) -> None:
    gateway = shop["gateway"]
    teapot = {"sku": "teapot", "name": "Teapot", "unit_price": 1250}
    assert gateway.get("/products/teapot").json() == teapot
    assert gateway.get("/products/samovar").status_code == 404
    assert teapot in gateway.get("/products").json()
    with gateway.stream("GET", "/products/prices") as prices:
        assert json.loads(next(prices.iter_lines())) == {"sku": "cup", "unit_price": 450}
    asked = shop["orders"].get("/prices", params={"sku": ["cup", "samovar", "teapot"]})
    assert asked.json() == {"cup": 450, "teapot": 1250}


def test_nobody_orders_for_a_stranger(gateway: httpx.Client) -> None:
    assert gateway.get("/users/99").status_code == 404
    assert gateway.post("/orders", json=TEAPOTS | {"user_id": 99}).status_code == 422


def test_a_service_that_is_down_is_a_bad_gateway(gateway: httpx.Client) -> None:
    moved = gateway.put("/users/1/address", json={"street": "1 Main St", "postcode": "1000", "city": "Riga"})
    assert (moved.status_code, moved.json()) == (502, {"detail": "service failed"})


def test_the_readme_lists_the_planted_faults() -> None:
    planted = [
        (path.relative_to(SOURCE / "shop").as_posix(), code)
        for path in sorted(SOURCE.rglob("*.py"))
        for code in MARKER.findall(path.read_text("utf-8"))
    ]
    settings = (SHOP / "pyproject.toml").read_text("utf-8")
    planted += [("pyproject.toml", code) for code in MARKER.findall(settings)]
    assert README_ROW.findall((SHOP / "README.md").read_text("utf-8")) == planted
    assert {code for _, code in planted} >= {"SVC101", "SVC102", "SVC103", "SVC104"}


def test_the_generated_code_is_that_of_the_interface(tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools")
    protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{SOURCE}", f"--python_out={tmp_path}"]
    subprocess.run([*protoc, "shop/products/products.proto"], check=True, cwd=SOURCE)
    assert _interface(tmp_path) == _interface(SOURCE)


def test_markers_stand_where_a_call_an_import_or_a_function_starts() -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text("utf-8")
        nodes = ast.walk(ast.parse(text))
        starts = {node.lineno for node in nodes if isinstance(node, MARKED)}
        for number, line in enumerate(text.splitlines(), start=1):
            assert number in starts or not MARKER.search(line), f"{path}:{number}"


def test_manifests_describe_the_services() -> None:
    yaml = pytest.importorskip("yaml")
    composed: dict[str, Any] = yaml.safe_load((SHOP / "compose.yaml").read_text("utf-8"))["services"]
    services = {path.parent.name for path in SOURCE.glob("shop/*/__main__.py")}
    assert composed.keys() == services | {"database", "broker"}
    for name in services:
        manifest = (SHOP / "kubernetes" / f"{name}.yaml").read_text("utf-8")
        deployment, service = yaml.safe_load_all(manifest)
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        assert (deployment["kind"], service["kind"]) == ("Deployment", "Service")
        assert " ".join(container["command"]) == composed[name]["command"] == f"python -m shop.{name}"
        assert {variable["name"] for variable in container["env"]} == composed[name]["environment"].keys()


def _interface(folder: Path) -> bytes:
    """The interface that generated code describes, whatever version it was generated with."""
    text = (folder / "shop" / "products" / "products_pb2.py").read_text("utf-8")
    [literal] = re.findall(r"AddSerializedFile\((b'.*')\)", text)
    return bytes(ast.literal_eval(literal))


def _url(client: httpx.Client) -> str:
    return str(client.base_url).rstrip("/")


def _events(gateway: httpx.Client, order_id: int) -> list[str]:
    return [event["kind"] for event in gateway.get(f"/orders/{order_id}/events").json()]
