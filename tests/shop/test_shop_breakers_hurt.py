"""A planted fault in a breaker or retry hurts while its peer is down, and no longer once it is mended.

Each of three services runs twice: as it is, and with all of these faults mended. Times are a fiftieth of
what they are in the shop, in both, so that nobody waits long.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest

from servicelint import registry
from servicelint.config import read_folder
from servicelint.run import Run
from servicelint.sources.discovery import select
from tests.peers import REQUEST_BYTES, SilentPeer
from tests.shop.shop_services import SHOP, Service, replace_once, running

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

REQUESTS = 8
THRESHOLD = 5
PATIENCE = 1.5
CODES = ("SVC105", "SVC201", "SVC202", "SVC203", "SVC204", "SVC205", "SVC206", "SVC207")
TEAPOT = {"user_id": 1, "lines": [{"sku": "teapot", "quantity": 1, "unit_price": 1250}]}
ERROR = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BREAKER = "pybreaker.CircuitBreaker(fail_max=5, reset_timeout=30)"

Edit = tuple[str, str, str]

HASTE: list[Edit] = [
    ("common/health.py", '/health")', '/health", timeout=0.1)'),
    ("users/settings.py", "avatar_timeout: float = 2.0", "avatar_timeout: float = 0.1"),
    ("orders/stock.py", "timeout=5.0", "timeout=0.1"),
    ("orders/pickup.py", "DEPOT_TIMEOUT = 10.0", "DEPOT_TIMEOUT = 0.2"),
    ("orders/pickup.py", "wait_fixed(2.0)", "wait_fixed(0.04)"),
]


@dataclass(frozen=True, eq=False)
class Fault:
    """A planted fault, the request that runs into it, and the edits that mend it."""

    code: str
    file: str
    service: str
    request: tuple[str, str]
    peer_hears: str
    mends: list[tuple[str, str]] = field(default_factory=list)

    def ask(self, client: httpx.Client) -> int:
        """Sends the request, and waits no longer than anybody would; 0 if there is no answer by then."""
        try:
            return client.request(*self.request, timeout=PATIENCE).status_code
        except httpx.ReadTimeout:
            return 0


STATUS = Fault(
    "SVC201", "common/health.py", "gateway", ("GET", "/status"), "GET /health",
    [("from urllib.request import urlopen\n",
      f"from urllib.request import urlopen\n\nimport pybreaker\n\n_breaker = {BREAKER}\n"),
     ('with urlopen(', 'with _breaker.calling(), urlopen('),
     ("except OSError", "except (OSError, pybreaker.CircuitBreakerError)")],
)  # fmt: skip
AVATARS = Fault(
    "SVC201", "users/avatars.py", "users", ("GET", "/users/1/avatar"), "GET /",
    [("def avatar_of", f"_breaker = {BREAKER}\n\n\n@_breaker\ndef avatar_of"),
     ("from shop.users.settings", "import pybreaker\n\nfrom shop.users.settings")],
)  # fmt: skip
POSTCODES = Fault(
    "SVC202", "users/postal.py", "users", ("GET", "/postcodes/1000"), "GET /postcodes/1000",
    [(f"        breaker = {BREAKER}  # expect: SVC202\n        answer = breaker.call(",
      "        answer = self._breaker.call("),
     ("        self._base_url = base_url\n",
      f"        self._base_url = base_url\n        self._breaker = {BREAKER}\n")],
)  # fmt: skip
REFUNDS = Fault(
    "SVC203", "orders/payments.py", "orders", ("DELETE", "/orders/1/payment"), "POST /refunds",
    [("exclude=[httpx.HTTPError]", "exclude=[httpx.HTTPStatusError]")],
)  # fmt: skip
LABELS = Fault(
    "SVC207", "orders/shipping.py", "orders", ("GET", "/orders/1/label?postcode=1000"), "POST /labels",
    [("    answer = _print_label(order_id, postcode)\n    answer.raise_for_status()\n    return answer.",
      "    return _print_label(order_id, postcode)."),
     ("    return _carrier.post(", "    answer = _carrier.post("),
     ("        timeout=(CONNECT_TIMEOUT, 20),\n    )\n",
      "        timeout=(CONNECT_TIMEOUT, 20),\n    )\n    answer.raise_for_status()\n    return answer\n")],
)  # fmt: skip
DEPOTS = Fault(
    "SVC204", "orders/pickup.py", "orders", ("GET", "/depots?postcode=1000"), "GET /depots?near=1000",
    [("@retry(wait=", "@retry(reraise=True, stop=stop_after_attempt(2), wait=")],
)  # fmt: skip
HOURS = Fault(
    "SVC205", "orders/pickup.py", "orders", ("GET", "/depots/7/hours"), "GET /depots/7/hours",
    [("wait=wait_fixed(0.5), reraise", "wait=wait_fixed(0.5), retry=_if_it_fails, reraise")],
)  # fmt: skip
CAPACITY = Fault(
    "SVC105", "orders/pickup.py", "orders", ("GET", "/depots/7/capacity"), "GET /depots/7/capacity",
    [("stop_after_attempt(3)", "stop_after_attempt(1)")],
)  # fmt: skip
RESERVATIONS = Fault(
    "SVC206", "orders/stock.py", "orders", ("POST", "/stock/teapot/reservations?quantity=1"),
    "POST /stock/teapot/reservations",
    [("import httpx\n", "import uuid\n\nimport httpx\n"),
     ("    @retry(\n", "    def reserve(self, sku: str, quantity: int) -> str:\n"
      "        return self._reserve(sku, quantity, str(uuid.uuid4()))\n\n    @retry(\n"),
     ("    def reserve(self, sku: str, quantity: int) -> str:\n        \"\"\"",
      "    def _reserve(self, sku: str, quantity: int, key: str) -> str:\n        \"\"\""),
     ('json={"quantity": quantity}', 'headers={"Idempotency-Key": key}, json={"quantity": quantity}')],
)  # fmt: skip

FAULTS = [STATUS, AVATARS, POSTCODES, REFUNDS, DEPOTS, HOURS, CAPACITY, LABELS, RESERVATIONS]
LEFT_ALONE = {AVATARS: 503, POSTCODES: 503, REFUNDS: 503, LABELS: 503}
"""What is only asked a few times once it is mended, and what the service then answers."""


class Town(SilentPeer):
    """All that lies outside of the shop, on a bad day: it hangs up, prints no labels, or says nothing."""

    hangs_up = re.compile(rb"(GET /depots\?|GET /depots/7/hours|POST /refunds|GET /postcodes)")

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            request = connection.recv(REQUEST_BYTES)
            self.heard.append(request)
            if request.startswith(b"POST /labels"):
                connection.sendall(ERROR)
            elif not self.hangs_up.match(request):
                while connection.recv(REQUEST_BYTES):
                    pass

    def asked(self, start: str) -> list[bytes]:
        """The requests that begin so."""
        return [request for request in list(self.heard) if request.startswith(start.encode())]


@dataclass(frozen=True)
class Shop:
    """A running shop, and the town around it."""

    clients: dict[str, httpx.Client]
    town: Town

    def met(self, fault: Fault) -> tuple[list[int], float]:
        """What so many requests are answered, and how long the last one takes in seconds."""
        answers = [fault.ask(self.clients[fault.service]) for _ in range(REQUESTS - 1)]
        started = time.monotonic()
        answers.append(fault.ask(self.clients[fault.service]))
        return answers, time.monotonic() - started


def copied(folder: Path, edits: list[Edit]) -> Path:
    """A copy of the shop with its papers, with so many edits in it."""
    shutil.copytree(SHOP, folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for file, before, after in edits:
        replace_once(folder / "src" / "shop" / file, before, after)
    return folder


def mends(faults: list[Fault]) -> list[Edit]:
    """The edits that mend some faults."""
    return [(fault.file, before, after) for fault in faults for before, after in fault.mends]


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Shop]:
    """The three services of a copy of the shop, with a town around them."""
    with Town() as town:
        url = town.url.rstrip("/")
        nowhere = {f"{name}_URL": url for name in ("POSTAL", "AVATARS", "PAYMENTS", "WAREHOUSE", "CARRIER")}
        source = folder / "src"
        with running(Service("users", source, folder / "users", **nowhere)) as [users]:
            behind = nowhere | {"USERS_URL": str(users.base_url).rstrip("/")}
            with running(
                Service("orders", source, folder / "orders", **behind),
                Service("gateway", source, folder / "gateway", USERS_URL=url, ORDERS_URL=url),
            ) as [orders, gateway]:
                orders.post("/orders", json=TEAPOT).raise_for_status()
                yield Shop({"users": users, "orders": orders, "gateway": gateway}, town)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop as it is."""
    with opened(copied(tmp_path_factory.mktemp("faulty") / "shop", HASTE)) as shop:
        yield shop


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop with all faults mended."""
    with opened(copied(tmp_path_factory.mktemp("twin") / "shop", mends(FAULTS) + HASTE)) as shop:
        yield shop


@pytest.mark.parametrize("fault", LEFT_ALONE, ids=lambda fault: fault.code)
def test_a_peer_that_is_down_is_asked_for_ever_and_left_alone_once_mended(
    fault: Fault, faulty: Shop, twin: Shop
) -> None:
    answers, _ = faulty.met(fault)
    assert set(answers) <= {502, 504}, "the handler fails with its peer"
    assert len(faulty.town.asked(fault.peer_hears)) == REQUESTS
    answers, _ = twin.met(fault)
    assert answers[THRESHOLD:] == [LEFT_ALONE[fault]] * (REQUESTS - THRESHOLD)
    assert len(twin.town.asked(fault.peer_hears)) == THRESHOLD


def test_the_status_page_asks_a_silent_service_each_time_unless_it_has_a_breaker(
    faulty: Shop, twin: Shop
) -> None:
    answers, _ = faulty.met(STATUS)
    assert answers == [503] * REQUESTS
    assert len(faulty.town.asked(STATUS.peer_hears)) == 2 * REQUESTS
    assert twin.met(STATUS)[0] == answers
    assert len(twin.town.asked(STATUS.peer_hears)) == THRESHOLD


def test_an_endless_retry_never_answers_and_its_mended_twin_does(faulty: Shop, twin: Shop) -> None:
    assert DEPOTS.ask(faulty.clients["orders"]) == 0
    assert DEPOTS.ask(twin.clients["orders"]) == 502
    assert len(twin.town.asked(DEPOTS.peer_hears)) == 2


def test_a_retry_waits_for_an_open_breaker_and_its_mended_twin_answers_at_once(
    faulty: Shop, twin: Shop
) -> None:
    waits = 3 * 0.5
    for shop, is_mended in ((faulty, False), (twin, True)):
        hours = shop.clients["orders"]
        for _ in range(2):
            hours.get("/depots/7/hours", timeout=10)
        asked = len(shop.town.asked(HOURS.peer_hears))
        started = time.monotonic()
        assert hours.get("/depots/7/hours", timeout=10).status_code == 503
        assert (time.monotonic() - started < waits) is is_mended
        assert len(shop.town.asked(HOURS.peer_hears)) == asked == THRESHOLD


def test_retries_take_as_long_as_the_arithmetic_says(faulty: Shop, twin: Shop) -> None:
    worst, budget = 34 / 50, 25 / 50
    for shop, least, tries in ((faulty, worst, 3), (twin, 10 / 50, 1)):
        started = time.monotonic()
        assert shop.clients["orders"].get("/depots/7/capacity", timeout=10).status_code == 504
        assert time.monotonic() - started >= least
        assert len(shop.town.asked(CAPACITY.peer_hears)) == tries
    assert worst > budget


def test_a_reservation_arrives_three_times_and_the_warehouse_can_tell_once_it_is_mended(
    faulty: Shop, twin: Shop
) -> None:
    keys = []
    for shop in (faulty, twin):
        assert RESERVATIONS.ask(shop.clients["orders"]) == 504
        heard = shop.town.asked(RESERVATIONS.peer_hears)
        assert len(heard) == 3
        keys.append({line for each in heard for line in each.splitlines() if b"idempotency" in line.lower()})
    assert [len(each) for each in keys] == [0, 1]


# --- and the rules say so ------------------------------------------------------------------------


def found(folder: Path) -> list[tuple[str, str]]:
    """What the rules on breakers and retries say of a copy of the shop: files and codes."""
    rules = [rule for rule in registry.rules().values() if rule.code in CODES]
    findings = Run(select([folder], folder), read_folder(folder), folder).check(rules).findings
    return [(finding.place.path.partition("src/shop/")[2], finding.code) for finding in findings]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.code}-{fault.file}")
def test_each_fault_is_found_where_only_it_is_left(fault: Fault, tmp_path: Path) -> None:
    others = [each for each in FAULTS if each is not fault]
    assert found(copied(tmp_path / "one", mends(others))) == [(fault.file, fault.code)]


def test_nothing_is_found_once_all_are_mended(tmp_path: Path) -> None:
    assert found(copied(tmp_path / "mended", mends(FAULTS))) == []


def test_every_planted_fault_of_these_rules_is_shown() -> None:
    marker = re.compile(r"# expect: (SVC\d{3})")
    marked = [
        (path.relative_to(SHOP / "src" / "shop").as_posix(), code)
        for path in sorted(SHOP.rglob("*.py"))
        for code in marker.findall(path.read_text("utf-8"))
        if code in CODES
    ]
    assert sorted(marked) == sorted((fault.file, fault.code) for fault in FAULTS) == sorted(found(SHOP))
