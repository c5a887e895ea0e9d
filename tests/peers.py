"""Peers that misbehave the way broken services do: real sockets on 127.0.0.1, served from threads.

Each peer is a context manager; ``url`` is its address. All of them read whatever comes in and keep
the connection open, so that only the caller's own bound can end a call.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.1
TRICKLE_SECONDS = 0.05
PROMISED_BYTES = 1_000_000
HEADERS = (
    f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {PROMISED_BYTES}\r\n\r\n"
).encode()


class SilentPeer:
    """Accepts connections and never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server((LOOPBACK, 0), backlog=128)
        self._listener.settimeout(POLL_SECONDS)
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.host = f"{LOOPBACK}:{self.port}"
        self.url = f"http://{self.host}/"

    def __enter__(self) -> SilentPeer:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(timeout=5)
        self._listener.close()

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError, socket.timeout):
                connection, _ = self._listener.accept()
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        # The caller may be killed or time out at any moment: a broken connection is the normal end.
        with connection, contextlib.suppress(OSError):
            connection.settimeout(POLL_SECONDS)
            if self._wait_for_request(connection):
                self.answer(connection)
            self._closing.wait()

    def _wait_for_request(self, connection: socket.socket) -> bool:
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError, socket.timeout):
                return bool(connection.recv(65536))
        return False

    def answer(self, connection: socket.socket) -> None:
        """Say nothing at all."""


class HeadersOnlyPeer(SilentPeer):
    """Answers with headers that promise a body, and never sends the body."""

    def answer(self, connection: socket.socket) -> None:
        connection.sendall(HEADERS)


class TricklingPeer(SilentPeer):
    """Answers with headers, then sends one byte of the body at a time for as long as anyone listens."""

    def answer(self, connection: socket.socket) -> None:
        connection.sendall(HEADERS)
        while not self._closing.wait(TRICKLE_SECONDS):
            connection.sendall(b".")
