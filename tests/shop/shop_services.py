"""Starts and stops services of fixtures/shop, and peers that never answer."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import grpc
import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

T = TypeVar("T")

SHOP = Path(__file__).parents[2] / "fixtures" / "shop"
SOURCE = SHOP / "src"

STARTS_WITHIN = 20.0

_LISTENING = re.compile(r"running on (http://127\.0\.0\.1:\d+)", re.IGNORECASE)
_SERVING = re.compile(r"running on (127\.0\.0\.1:\d+)")


class Service:
    """One service of the shop in a process of its own, on a loopback port that the system chose."""

    def __init__(self, name: str, source: Path, folder: Path, **settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"shop.{name}"],
                cwd=folder,
                env=_environment(source, folder / f"{name}.db") | settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ready(self) -> httpx.Client:
        """Waits until the service is up; gives a client that speaks to it."""
        url = self._address(_LISTENING)
        client = httpx.Client(base_url=url, timeout=5.0, trust_env=False)
        client.get("/health").raise_for_status()
        return client

    def stop(self) -> None:
        """Ends the process, whatever it hangs on."""
        self._process.kill()
        self._process.wait(timeout=10)

    def _address(self, pattern: re.Pattern[str]) -> str:
        return wait_for(lambda: self._said(pattern), STARTS_WITHIN, f"the address of {self.name}")

    def _said(self, pattern: re.Pattern[str]) -> str | None:
        said = self.log.read_text("utf-8", errors="replace")
        if self._process.poll() is not None:
            raise AssertionError(f"{self.name} ended with status {self._process.returncode}:\n{said}")
        found = pattern.search(said)
        return found[1] if found else None


class RpcService(Service):
    """A service that speaks gRPC; runs as a context."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def address(self) -> str:
        """Waits until the service is up; gives its host and port."""
        return self._address(_SERVING)


class SilentRpcPeer(grpc.GenericRpcHandler):
    """A gRPC server that accepts every call and answers none. It remembers the methods that were called."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._stopping = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(8), handlers=[self])
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """What answers a call."""
        self.asked.append(handler_call_details.method)
        return grpc.unary_unary_rpc_method_handler(lambda _request, _context: self._stopping.wait())

    def stop(self) -> None:
        """Hangs up on everybody."""
        self._stopping.set()
        self._server.stop(None).wait(5)


class SilentPeer:
    """A server that accepts, reads and never answers. It remembers the first line of each request."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._selector = selectors.DefaultSelector()
        listener = socket.create_server(("127.0.0.1", 0))
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="silent peer", daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def stop(self) -> None:
        """Hangs up on everybody."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            for key, _ in self._selector.select(timeout=0.1):
                key.data(key.fileobj)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        self._selector.register(connection, selectors.EVENT_READ, self._read)

    def _read(self, connection: socket.socket) -> None:
        try:
            said = connection.recv(65536)
        except OSError:
            said = b""
        if not said:
            self._selector.unregister(connection)
            connection.close()
            return
        line = said.split(b"\r\n", 1)[0].decode("latin-1")
        if line.endswith(" HTTP/1.1"):
            self.asked.append(line.removesuffix(" HTTP/1.1"))


@contextlib.contextmanager
def running(*services: Service) -> Iterator[list[httpx.Client]]:
    """The clients of these services, once all are up; stops them all at the end."""
    with contextlib.ExitStack() as cleanup:
        for service in services:
            cleanup.callback(service.stop)
        clients = [service.ready() for service in services]
        for client in clients:
            cleanup.callback(client.close)
        yield clients


def edited(folder: Path, file: str, before: str, after: str) -> Path:
    """A copy of the shop's code with one edit in it."""
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    replace_once(folder / "shop" / file, before, after)
    return folder


def replace_once(path: Path, before: str, after: str) -> None:
    """Changes the one place in a file where a text stands."""
    text = path.read_text("utf-8")
    assert text.count(before) == 1, f"{before} is not once in {path.name}"
    path.write_text(text.replace(before, after), "utf-8")


def wait_for(look: Callable[[], T | None], seconds: float, what: str) -> T:
    """Looks again and again until there is something to see."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = look()
        if seen:
            return seen
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def _environment(source: Path, database: Path) -> dict[str, str]:
    """Ours without proxies, with the shop on the path and nowhere outside this machine to go."""
    nowhere = "http://127.0.0.1:9"
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    kept.pop("HTTP_TIMEOUT", None)
    return kept | {
        "PYTHONPATH": str(source),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "HOST": "127.0.0.1",
        "PORT": "0",
        "DATABASE_URL": f"sqlite:///{database}",
        "PRODUCTS_ADDRESS": "127.0.0.1:9",
        "USERS_URL": nowhere,
        "ORDERS_URL": nowhere,
        "POSTAL_URL": nowhere,
        "AVATARS_URL": nowhere,
        "PAYMENTS_URL": nowhere,
        "WAREHOUSE_URL": nowhere,
        "CARRIER_URL": nowhere,
    }
