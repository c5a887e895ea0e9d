"""Servers of databases that note what they are told: who connects, to which database, and what is asked.

They speak as much of PostgreSQL's and MySQL's protocols as lets a driver connect and ask once.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING

from tests.peers import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Speak = Callable[[socket.socket, list[bytes]], None]

MOST = 65536
ENCRYPTION_ASKED = (80877103, 80877104)
STATUS = {
    "server_version": "16.0",
    "client_encoding": "UTF8",
    "server_encoding": "UTF8",
    "DateStyle": "ISO",
    "TimeZone": "UTC",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
}
MYSQL_CAN = 0xF7FF  # all of the first sixteen, but not TLS
MYSQL_CAN_TOO = 0x000F  # of the next sixteen: named ways to authenticate


@contextlib.contextmanager
def recording(speak: Speak) -> Iterator[tuple[int, list[bytes]]]:
    """A server on a port of its own, and what it hears."""
    heard: list[bytes] = []
    with socket.create_server((LOOPBACK, 0)) as server:
        threading.Thread(target=_serve, args=(server, speak, heard), daemon=True).start()
        yield server.getsockname()[1], heard
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, speak: Speak, heard: list[bytes]) -> None:
    with contextlib.suppress(OSError):  # it is closed
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_speak, args=(connection, speak, heard), daemon=True).start()


def _speak(connection: socket.socket, speak: Speak, heard: list[bytes]) -> None:
    with connection, contextlib.suppress(OSError, EOFError):
        speak(connection, heard)


def postgres(connection: socket.socket, heard: list[bytes]) -> None:
    """Note the start-up packet and what is asked first; the server then is gone."""
    while True:
        (length,) = struct.unpack("!I", _exactly(connection, 4))
        packet = _exactly(connection, length - 4)
        if struct.unpack("!I", packet[:4])[0] not in ENCRYPTION_ASKED:
            break
        connection.sendall(b"N")
    heard.append(packet[4:])
    states = (_message(b"S", f"{name}\0{value}\0".encode()) for name, value in STATUS.items())
    welcome = _message(b"R", struct.pack("!I", 0)), *states, _message(b"K", bytes(8)), _message(b"Z", b"I")
    connection.sendall(b"".join(welcome))
    heard.append(connection.recv(MOST))


def mysql(connection: socket.socket, heard: list[bytes]) -> None:
    """Greet, and note how the client answers; the server then is gone."""
    greeting = b"".join(
        (
            b"\x0a8.0.30\0",
            struct.pack("<I", 1),
            b"salt-is-",
            b"\0",
            struct.pack("<HBHHB", MYSQL_CAN, 45, 2, MYSQL_CAN_TOO, 21),
            bytes(10),
            b"so-very-salt\0",
            b"mysql_native_password\0",
        )
    )
    connection.sendall(struct.pack("<I", len(greeting))[:3] + b"\0" + greeting)
    heard.append(connection.recv(MOST))


def _message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!I", len(content) + 4) + content


def _exactly(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        part = connection.recv(length - len(received))
        if not part:
            raise EOFError
        received += part
    return received
