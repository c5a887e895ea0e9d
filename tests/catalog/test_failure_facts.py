"""What an answer with an error status leads to is as the catalog says, and each fact on failures matters.

The facts are changed once each, and a proof notices. ``test_failures.py`` shows what a dead peer raises.
"""

from __future__ import annotations

import asyncio
import http.client
import sys
import threading
import urllib.request
import xmlrpc.client
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from servicelint.catalog.shipped import shipped_libraries
from tests.catalog.calls import resolve
from tests.catalog.test_failures import OWN_CLASSES_BEFORE
from tests.peers import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.catalog.failures import Failures

aiohttp = pytest.importorskip("aiohttp")
httpx = pytest.importorskip("httpx")
httpx2 = pytest.importorskip("httpx2")
requests = pytest.importorskip("requests")
urllib3 = pytest.importorskip("urllib3")
pytestmark = pytest.mark.libraries

FAILURES = {library.library: library.failures for library in shipped_libraries()}
SECONDS = 20
ALIEN = "collections.OrderedDict"


class Answering(BaseHTTPRequestHandler):
    """Answers with the status that its path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def peer() -> Iterator[str]:
    with ThreadingHTTPServer((LOOPBACK, 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}/"
        server.shutdown()


def aiohttp_get(url: str, **keywords: Any) -> Any:
    async def get() -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, timeout=SECONDS, **keywords) as answer,
        ):
            return answer

    return asyncio.run(get())


def http_client_get(url: str) -> Any:
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=SECONDS)
    connection.request("GET", url[url.rindex("/") :])
    return connection.getresponse()


CALLS: dict[str, Callable[..., Any]] = {
    "aiohttp": aiohttp_get,
    "http.client": http_client_get,
    "httpx": lambda url: httpx.get(url, timeout=SECONDS),
    "httpx2": lambda url: httpx2.get(url, timeout=SECONDS),
    "requests": lambda url: requests.get(url, timeout=SECONDS),
    "urllib.request": lambda url: urllib.request.urlopen(url, timeout=SECONDS),
    "urllib3": lambda url: urllib3.PoolManager().request("GET", url, timeout=SECONDS, retries=False),
    "xmlrpc.client": lambda url: xmlrpc.client.ServerProxy(url).method(),
}
# A remote method's status is no answer's: it is raised, as test_remote_beliefs.py shows.
WITHOUT_STATUS_CODES = {"grpc", "grpclib"}


# --- proofs ---------------------------------------------------------------------------------------


def statuses(failures: Failures, library: str, peer: str) -> Iterator[str]:
    """An error status is returned or raised, and code notices it by what is named."""
    if not failures.status or library in WITHOUT_STATUS_CODES:
        return
    try:
        bad = CALLS[library](f"{peer}500")
    except Exception as error:  # noqa: BLE001 - which one is the library's own
        if failures.status != "raised":
            yield f"500 raises {error!r}"
        return
    if failures.status != "returned":
        yield "500 is returned"
    good = CALLS[library](f"{peer}200")
    yield from (f"{each} tells nothing" for each in failures.checks if not _tells(each, good, bad))


def _tells(check: str, good: Any, bad: Any) -> bool:
    """Whether an attribute or a method tells an answer with an error status from another."""
    found = getattr(bad, check)
    if not callable(found):
        return bool(found != getattr(good, check))
    getattr(good, check)()
    try:
        found()
    except Exception:  # noqa: BLE001 - which one is the library's own
        return True
    return False


def status_keyword(failures: Failures, library: str, peer: str) -> Iterator[str]:
    """Under the keyword an error status is raised."""
    if failures.status_keyword:
        try:
            CALLS[library](f"{peer}500", **{failures.status_keyword: True})
        except aiohttp.ClientResponseError:
            return
        yield f"{failures.status_keyword} raises nothing"


def exceptions(failures: Failures, library: str, peer: str) -> Iterator[str]:
    """Exceptions exist and inherit as is said, and other names mean the same."""
    for name, bases in failures.bases.items():
        yield from (f"{name} is no {base}" for base in bases if not issubclass(resolve(name), resolve(base)))
    for alias, name in failures.aliases.items():
        if sys.version_info >= OWN_CLASSES_BEFORE.get(alias, (3,)) and resolve(alias) is not resolve(name):
            yield f"{alias} is not {name}"
    for name in (*failures.raised, *failures.awaited):
        if not issubclass(resolve(name), Exception):
            yield f"{name} can't be raised"


PROOFS = (statuses, status_keyword, exceptions)


# --- each fact changed once -----------------------------------------------------------------------


def mutations(failures: Failures) -> Iterator[tuple[str, Failures]]:
    """The facts, each changed once."""
    for field in ("raised", "awaited", "checks"):
        for number, name in enumerate(getattr(failures, field)):
            names = list(getattr(failures, field))
            names[number] = ALIEN
            yield f"{field} {name}", structs.replace(failures, **{field: tuple(names)})
    for name in failures.bases:
        yield f"base of {name}", structs.replace(failures, bases={**failures.bases, name: (ALIEN,)})
    for alias in failures.aliases:
        yield f"alias {alias}", structs.replace(failures, aliases={**failures.aliases, alias: ALIEN})
    if failures.status:
        other = "raised" if failures.status == "returned" else "returned"
        yield f"status {other}", structs.replace(failures, status=other)
    if failures.status_keyword:
        yield "status_keyword", structs.replace(failures, status_keyword="servicelint_keyword")


LIBRARIES = [name for name, failures in FAILURES.items() if any(mutations(failures))]


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.__name__)
@pytest.mark.parametrize("library", LIBRARIES)
def test_failures_are_as_the_catalog_says(library: str, proof: Callable[..., Any], peer: str) -> None:
    assert list(proof(FAILURES[library], library, peer)) == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_each_changed_fact_is_noticed(library: str, peer: str) -> None:
    unnoticed = [
        what
        for what, mutant in mutations(FAILURES[library])
        if library not in WITHOUT_STATUS_CODES or not what.startswith("status ")
        if not any(_complains(proof, mutant, library, peer) for proof in PROOFS)
    ]
    assert unnoticed == []


def _complains(proof: Callable[..., Any], mutant: Failures, library: str, peer: str) -> bool:
    try:
        return next(proof(mutant, library, peer), None) is not None
    except Exception:  # noqa: BLE001 - a fact so wrong that the proof breaks over it is noticed too
        return True
