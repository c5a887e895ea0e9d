"""The planted faults of the family SVC3xx are real: there, and only there, the id does not arrive."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
import pytest

from tests.request_ids.recorder import Recorder
from tests.shop.shop_services import SOURCE, Service, running, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
ASK = {"X-Request-ID": ID, "Connection": "close"}  # an answer of 500 closes it anyway
ADDRESS = {"street": "1 Main St", "postcode": "1000", "city": "Riga"}
ORDER = {"user_id": 1, "lines": [{"sku": "teapot", "quantity": 1, "unit_price": 1250}]}

ARRIVES = {
    "gateway": {
        ("GET", "/users/1"): "/users/1",
        ("PUT", "/users/1/address"): "/users/1/address",
        ("GET", "/users/7/overview"): "/users/7",
        ("POST", "/orders"): "/orders",
        ("GET", "/orders/1"): "/orders/1",
        ("GET", "/reports/turnover"): "/orders",
        ("GET", "/reports/orders.csv"): "/orders",
    },
    "orders": {
        ("POST", "/orders"): "/users/1",
        ("POST", "/orders/1/payment"): "/charges",
        ("DELETE", "/orders/1/payment"): "/refunds",
        ("GET", "/quotes?postcode=1000&grams=50"): "/quotes",
        ("GET", "/parcels/7/events"): "/parcels/7/events",
        ("GET", "/stock/teapot"): "/stock/teapot",
        ("POST", "/stock/teapot/reservations?quantity=1"): "/stock/teapot/reservations",
    },
    "users": {
        ("PUT", "/users/1/address"): "/verify",
        ("GET", "/postcodes/1000"): "/postcodes/1000",
    },
}
"""By service, the requests and the path that each of them asks of another service, with the id."""

LOST = {
    "gateway": {("GET", "/status"): "/health", ("GET", "/orders/1/events"): "/orders/1/events"},
    "orders": {("GET", "/orders/1/label?postcode=1000"): "/labels"},
    "users": {},
}
"""The same where a fault is planted: SVC301, SVC301 and SVC305."""

BODIES = {("PUT", "/users/1/address"): ADDRESS, ("POST", "/orders"): ORDER}


class RpcRecorder(grpc.GenericRpcHandler):
    """A gRPC server that answers nothing useful, and remembers each call's metadata."""

    def __init__(self) -> None:
        self.arrived: dict[str, dict[str, str]] = {}
        self._server = grpc.server(ThreadPoolExecutor(2), handlers=[self])
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> None:
        """Notes a call; there is no such method."""
        method = handler_call_details.method.rpartition("/")[2]
        self.arrived[method] = dict(handler_call_details.invocation_metadata)

    def stop(self) -> None:
        """Hangs up on everybody."""
        self._server.stop(None).wait(5)


@pytest.fixture(scope="module")
def peer() -> Iterator[Recorder]:
    """What is behind every address."""
    with Recorder() as recorder:
        yield recorder


@pytest.mark.parametrize("name", ARRIVES)
def test_the_id_arrives_but_where_a_fault_is_planted(name: str, peer: Recorder, tmp_path: Path) -> None:
    with running(_service(name, tmp_path, peer.url)) as [service]:
        if name == "orders":
            service.post("/orders", json=ORDER).raise_for_status()
        for requests, has_id in ((ARRIVES[name], True), (LOST[name], False)):
            for (method, path), asked in requests.items():
                peer.arrived.clear()
                answer = service.request(method, path, headers=ASK, json=BODIES.get((method, path)))
                assert (ID in peer.arrived[asked]) is has_id, path
                assert answer.status_code == 500 or answer.headers["X-Request-ID"] == ID


def test_the_id_is_in_the_metadata_of_the_gateway_only(tmp_path: Path) -> None:
    products = RpcRecorder()
    behind = {"PRODUCTS_ADDRESS": products.address}
    with running(
        Service("gateway", SOURCE, tmp_path, **behind), Service("orders", SOURCE, tmp_path, **behind)
    ) as [gateway, orders]:
        gateway.get("/products/teapot", headers=ASK)
        gateway.get("/products", headers=ASK)
        orders.get("/prices", params={"sku": "teapot"}, headers=ASK)
    products.stop()
    ids = {method: metadata.get("x-request-id") for method, metadata in products.arrived.items()}
    assert ids == {"Get": ID, "List": ID, "Price": None}


def test_what_a_pool_logs_has_no_id(tmp_path: Path) -> None:
    with Recorder(b'{"deliverable": true}') as post:
        users = _service("users", tmp_path, post.url)
        with running(users) as [client]:
            client.put("/users/1/address", headers=ASK, json=ADDRESS).raise_for_status()
            line = wait_for(lambda: _line(users, "user 1 moved"), 5.0, "the line in the log")
    assert ID not in line


def _line(service: Service, text: str) -> str | None:
    found = re.search(rf"^.*{text}.*$", service.log.read_text("utf-8"), re.MULTILINE)
    return found[0] if found else None


def _service(name: str, folder: Path, peer: str) -> Service:
    names = ("USERS_URL", "ORDERS_URL", "POSTAL_URL", "PAYMENTS_URL", "WAREHOUSE_URL", "CARRIER_URL")
    return Service(name, SOURCE, folder, **dict.fromkeys(names, peer))
