"""The planted faults of the family SVC3xx are real: there, and only there, the id does not arrive."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import grpc
import pytest

from tests.catalog.queues.brokers import AmqpBroker
from tests.request_ids.recorder import Recorder
from tests.request_ids.rpc_recorder import RpcRecorder
from tests.shop.shop_services import SOURCE, RpcService, Service, running, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    import httpx

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
    with RpcRecorder() as products, _asking(products, tmp_path) as [gateway, orders]:
        gateway.get("/products/teapot", headers=ASK)
        gateway.get("/products", headers=ASK)
        orders.get("/prices", params={"sku": "teapot"}, headers=ASK)
    ids = {method: ID in values for method, values in products.arrived.items()}
    assert ids == {"Get": True, "List": True, "Price": False}


def test_the_message_of_a_placed_order_has_no_id(tmp_path: Path, peer: Recorder) -> None:
    with AmqpBroker() as broker:
        address = f"amqp://guest:guest@127.0.0.1:{broker.port}/%2F"
        with running(_service("orders", tmp_path, peer.url, BROKER_URL=address)) as [orders]:
            orders.post("/orders", headers=ASK, json=ORDER).raise_for_status()
            [message] = wait_for(lambda: broker.messages, 5.0, "the message")
    assert message.place["routing-key"] == "order.placed"
    assert ID not in (*message.values, message.correlation_id)


def test_products_know_no_id(tmp_path: Path) -> None:
    with RpcService("products", SOURCE, tmp_path) as products:
        channel = grpc.insecure_channel(products.address())
        with channel, pytest.raises(grpc.RpcError):
            channel.unary_unary("/shop.products.Products/Get")(
                b"", metadata=[("x-request-id", ID)], timeout=20
            )
        line = wait_for(lambda: _line(products, "nobody sells"), 5.0, "the line in the log")
    assert ID not in line


def test_what_a_pool_logs_has_no_id(tmp_path: Path) -> None:
    with Recorder(b'{"deliverable": true}') as post:
        users = _service("users", tmp_path, post.url)
        with running(users) as [client]:
            client.put("/users/1/address", headers=ASK, json=ADDRESS).raise_for_status()
            line = wait_for(lambda: _line(users, "user 1 moved"), 5.0, "the line in the log")
    assert ID not in line


def _asking(products: RpcRecorder, folder: Path) -> AbstractContextManager[list[httpx.Client]]:
    behind = {"PRODUCTS_ADDRESS": products.address}
    return running(*(Service(name, SOURCE, folder, **behind) for name in ("gateway", "orders")))


def _line(service: Service, text: str) -> str | None:
    found = re.search(rf"^.*{text}.*$", service.log.read_text("utf-8"), re.MULTILINE)
    return found[0] if found else None


def _service(name: str, folder: Path, peer: str, **settings: str) -> Service:
    names = ("USERS_URL", "ORDERS_URL", "POSTAL_URL", "PAYMENTS_URL", "WAREHOUSE_URL", "CARRIER_URL")
    return Service(name, SOURCE, folder, **dict.fromkeys(names, peer), **settings)
