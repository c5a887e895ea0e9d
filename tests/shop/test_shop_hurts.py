"""A planted fault hurts: before a peer that never answers its handler hangs, and its mended twin does not."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.shop.shop_services import SOURCE, Service, SilentPeer, SilentRpcPeer, edited, running, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

# A mended call gives up after 0.3 s; a caller waits this long before it calls the handler hung.
PATIENCE = 1.5

TEAPOT = {"user_id": 1, "lines": [{"sku": "teapot", "quantity": 1, "unit_price": 1250}]}
ADDRESS = {"street": "1 Main St", "postcode": "1000", "city": "Riga"}


@dataclass(frozen=True)
class Fault:
    """A planted fault: how to run into it, what it then waits for, and the edit that mends it."""

    marked: str
    service: str
    request: tuple[str, str]
    waits_for: str
    wrong: str
    right: str
    json: dict[str, str] | None = None
    edited: str = ""
    mended_status: int = 504

    def ask(self, client: httpx.Client) -> httpx.Response:
        """Sends the request, and waits no longer than anybody would."""
        return client.request(*self.request, json=self.json, timeout=PATIENCE)


FAULTS = [
    Fault(
        marked="gateway/routes/users.py",
        service="gateway",
        request=("GET", "/users/1"),
        waits_for="GET /users/1",
        wrong='upstream.users.get(f"{settings.USERS_URL}/users/{user_id}")',
        right='upstream.users.get(f"{settings.USERS_URL}/users/{user_id}", timeout=0.3)',
    ),
    Fault(
        marked="gateway/routes/orders.py",
        service="gateway",
        request=("GET", "/users/1/orders"),
        waits_for="GET /orders?user_id=1",
        wrong='{"user_id": user_id})',
        right='{"user_id": user_id}, timeout=0.3)',
    ),
    Fault(
        marked="gateway/routes/reports.py",
        edited="gateway/upstream.py",
        service="gateway",
        request=("GET", "/reports/orders.csv"),
        waits_for="GET /orders",
        wrong="httpx.Timeout(None, connect=5.0)",
        right="httpx.Timeout(0.3, connect=5.0)",
    ),
    Fault(
        marked="common/health.py",
        service="gateway",
        request=("GET", "/status"),
        waits_for="GET /health",
        wrong='urlopen(f"{base_url}/health")',
        right='urlopen(f"{base_url}/health", timeout=0.3)',
        mended_status=503,
    ),
    Fault(
        marked="users/postal.py",
        service="users",
        request=("PUT", "/users/1/address"),
        json=ADDRESS,
        waits_for="POST /verify",
        wrong="json=address.model_dump())",
        right="json=address.model_dump(), timeout=0.3)",
    ),
    Fault(
        marked="orders/payments.py",
        edited="orders/settings.py",
        service="orders",
        request=("POST", "/orders/1/payment"),
        waits_for="POST /charges",
        wrong="float(_http_timeout) if _http_timeout else None",
        right="float(_http_timeout) if _http_timeout else 0.3",
    ),
    Fault(
        marked="orders/stock.py",
        service="orders",
        request=("GET", "/stock/teapot"),
        waits_for="GET /stock/teapot",
        wrong="timeout=None",
        right="timeout=0.3",
    ),
    Fault(
        marked="orders/shipping.py",
        service="orders",
        request=("GET", "/parcels/7/events"),
        waits_for="GET /parcels/7/events",
        wrong="(CONNECT_TIMEOUT, None)",
        right="(CONNECT_TIMEOUT, 0.3)",
    ),
]


@pytest.fixture(scope="module")
def silence() -> Iterator[SilentPeer]:
    """The peer behind every address that a fault asks."""
    peer = SilentPeer()
    yield peer
    peer.stop()


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory, silence: SilentPeer) -> Iterator[httpx.Client]:
    """A user service that works, behind which the post is silent."""
    with running(_service("users", SOURCE, tmp_path_factory.mktemp("users"), silence)) as [users]:
        yield users


@pytest.fixture(scope="module")
def faulty(
    tmp_path_factory: pytest.TempPathFactory, silence: SilentPeer, users: httpx.Client
) -> Iterator[dict[str, httpx.Client]]:
    """The shop as it is, each service with silence behind it."""
    folder = tmp_path_factory.mktemp("faulty")
    with running(
        _service("gateway", SOURCE, folder, silence),
        _service("orders", SOURCE, folder, silence, users),
    ) as [gateway, orders]:
        _place_order(orders)
        yield {"users": users, "gateway": gateway, "orders": orders}


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.marked) for fault in FAULTS])
def test_fault_hangs_and_its_mended_twin_answers(
    fault: Fault,
    faulty: dict[str, httpx.Client],
    users: httpx.Client,
    silence: SilentPeer,
    tmp_path: Path,
) -> None:
    mended = edited(tmp_path / "mended", fault.edited or fault.marked, fault.wrong, fault.right)
    with running(_service(fault.service, mended, tmp_path, silence, users)) as [twin]:
        silence.asked.clear()
        with pytest.raises(httpx.ReadTimeout):
            fault.ask(faulty[fault.service])
        assert silence.asked == [fault.waits_for]

        if fault.service == "orders":
            _place_order(twin)
        started = time.monotonic()
        answer = fault.ask(twin)
        assert answer.status_code == fault.mended_status, answer.text
        assert 0.3 <= time.monotonic() - started < PATIENCE
        assert set(silence.asked[1:]) == {fault.waits_for}


def test_a_silent_partner_stops_all_confirmations_unless_mended(
    users: httpx.Client, silence: SilentPeer, tmp_path: Path
) -> None:
    mended = edited(
        tmp_path / "mended",
        "orders/webhooks.py",
        '"order_id": order_id})',
        '"order_id": order_id}, timeout=0.3)',
    )
    partner = {"WEBHOOK_URLS": f"{silence.url}/hook"}
    with running(
        _service("orders", SOURCE, tmp_path / "faulty", silence, users, **partner),
        _service("orders", mended, tmp_path, silence, users, **partner),
    ) as [faulty, twin]:
        silence.asked.clear()
        for orders in (faulty, twin):
            _place_order(orders)
            _place_order(orders)
        wait_for(lambda: _status(twin, 2) == "confirmed", PATIENCE, "the second confirmation")
        time.sleep(PATIENCE)
        assert [_status(faulty, 1), _status(faulty, 2)] == ["confirmed", "placed"]
        assert silence.asked == ["POST /hook"] * 3


def test_a_product_service_that_never_answers_hangs_a_page_unless_mended(tmp_path: Path) -> None:
    mended = edited(
        tmp_path / "mended",
        "gateway/routes/products.py",
        "GetRequest(sku=sku))",
        "GetRequest(sku=sku), timeout=0.3)",
    )
    products = SilentRpcPeer()
    behind = {"PRODUCTS_ADDRESS": products.address}
    with running(
        Service("gateway", SOURCE, tmp_path / "faulty", **behind),
        Service("gateway", mended, tmp_path, **behind),
    ) as [faulty, twin]:
        with pytest.raises(httpx.ReadTimeout):
            faulty.get("/products/teapot", timeout=PATIENCE)
        started = time.monotonic()
        assert twin.get("/products/teapot", timeout=PATIENCE).status_code == 504
        assert 0.3 <= time.monotonic() - started < PATIENCE
        assert products.asked == ["/shop.products.Products/Get"] * 2
    products.stop()


def test_an_interceptor_bounds_every_call(tmp_path: Path) -> None:
    """The order service asks for prices over a channel whose calls all have a deadline."""
    brief = edited(
        tmp_path / "brief", "orders/products.py", "DeadlineInterceptor(3.0)", "DeadlineInterceptor(0.3)"
    )
    products = SilentRpcPeer()
    with running(Service("orders", brief, tmp_path, PRODUCTS_ADDRESS=products.address)) as [orders]:
        answer = orders.get("/prices", params={"sku": "teapot"}, timeout=PATIENCE)
        assert (answer.status_code, products.asked) == (504, ["/shop.products.Products/Price"])
    products.stop()


def test_every_fault_that_hangs_is_shown() -> None:
    """But for the timeout that is too long: nobody waits that out here."""
    hangs = re.compile(r"# expect: SVC10[123]")
    marked = {
        path.relative_to(SOURCE / "shop").as_posix()
        for path in SOURCE.rglob("*.py")
        if hangs.search(path.read_text("utf-8"))
    }
    assert marked == {fault.marked for fault in FAULTS} | {"gateway/routes/products.py", "orders/webhooks.py"}


def _service(
    name: str, source: Path, folder: Path, silence: SilentPeer, users: httpx.Client | None = None, **more: str
) -> Service:
    """A service with silence behind it; only the order service's users answer."""
    answering = str(users.base_url).rstrip("/") if users and name == "orders" else silence.url
    settings = {
        "USERS_URL": answering,
        "ORDERS_URL": silence.url,
        "POSTAL_URL": silence.url,
        "PAYMENTS_URL": silence.url,
        "WAREHOUSE_URL": silence.url,
        "CARRIER_URL": silence.url,
    }
    return Service(name, source, folder, **settings, **more)


def _place_order(orders: httpx.Client) -> None:
    orders.post("/orders", json=TEAPOT).raise_for_status()


def _status(orders: httpx.Client, order_id: int) -> str:
    return str(orders.get(f"/orders/{order_id}").json()["status"])
