"""Peers that misbehave the way broken services do: real sockets on 127.0.0.1, served from threads.

Each peer is a context manager; ``url`` is its address. All of them but one read what comes in and keep the
connection open, so that only the caller's own bound can end a call.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.2
TRICKLE_SECONDS = 0.05
JOIN_SECONDS = 5
REQUEST_BYTES = 65536
MOST_WAITING = 20
STATUS = b"HTTP/1.1 200 OK\r\n"
HEADERS = STATUS + b"Content-Type: text/event-stream\r\nContent-Length: 1000000\r\n\r\n"


class SilentPeer:
    """Accepts connections and never answers. ``heard`` holds the first bytes of every request."""

    backlog = 512
    """How many connections may wait to be accepted."""

    def __init__(self) -> None:
        self._listener = socket.create_server((LOOPBACK, 0), backlog=self.backlog)
        self._listener.settimeout(POLL_SECONDS)
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []
        self.heard: list[bytes] = []
        self.port: int = self._listener.getsockname()[1]
        self.host = f"{LOOPBACK}:{self.port}"
        self.url = f"http://{self.host}/"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        for thread in self._threads[:1]:  # the one that accepts
            thread.join(JOIN_SECONDS)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads from it
        for thread in self._threads:
            thread.join(JOIN_SECONDS)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(socket.timeout):
                connection, _ = self._listener.accept()
                connection.settimeout(None)
                self._connections.append(connection)
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        # The caller times out or is killed at any moment: a broken connection is the normal end.
        with connection, contextlib.suppress(OSError):
            request = connection.recv(REQUEST_BYTES)
            if request:
                self.heard.append(request)
                self.answer(connection)
            while connection.recv(REQUEST_BYTES):
                pass

    def trickle(self, connection: socket.socket) -> None:
        """Send one byte at a time for as long as the caller listens."""
        while not self._closing.wait(TRICKLE_SECONDS):
            connection.sendall(b".")

    def answer(self, connection: socket.socket) -> None:
        """Say nothing at all."""


class HeadersOnlyPeer(SilentPeer):
    """Answers with headers that promise a body, and never sends the body."""

    def answer(self, connection: socket.socket) -> None:
        connection.sendall(HEADERS)


class TricklingPeer(SilentPeer):
    """Answers with headers, then sends the body one byte at a time, without end."""

    def answer(self, connection: socket.socket) -> None:
        connection.sendall(HEADERS)
        self.trickle(connection)


class TricklingHeadersPeer(SilentPeer):
    """Sends a header one byte at a time, without end: for calls that expect no body."""

    def answer(self, connection: socket.socket) -> None:
        connection.sendall(STATUS + b"X-Slow: ")
        self.trickle(connection)


class UnacceptingPeer(SilentPeer):
    """Listens and accepts nobody: a connection is asked for again and again, as with a host that is down.

    Linux drops what asks for a connection while the listener's queue is full, whatever
    ``tcp_abort_on_overflow`` says (that is about the last step of a connection, which is never reached).
    The caller's kernel asks again for about two minutes (``tcp_syn_retries``).

    Raises:
        RuntimeError: if the system takes on connections without end.
    """

    backlog = 0

    def __enter__(self) -> Self:
        for _ in range(MOST_WAITING):
            waiting = socket.socket()
            waiting.settimeout(POLL_SECONDS)
            self._connections.append(waiting)
            try:
                waiting.connect((LOOPBACK, self.port))
            except TimeoutError:  # socket.timeout is another name of it from Python 3.10 on
                return self
        raise RuntimeError("the queue of a listener has no end on this system")
