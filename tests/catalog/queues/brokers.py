"""Brokers that a proof needs: small servers on the loopback interface that note what is published to them.

They speak as much of AMQP 0-9-1 and of the NATS protocol as it takes to publish one message.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.peers import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECEIVED_BYTES = 65536
AMQP_GREETING_BYTES = 8
NATS_INFO = {"server_id": "x", "version": "2.10.0", "headers": True, "max_payload": 1 << 20, "proto": 1}


class Message(NamedTuple):
    """A message that arrived: the names of its place by role, its headers' names, its correlation id."""

    place: dict[str, str]
    headers: set[str]
    correlation_id: str | None = None


class Broker:
    """A server for any number of connections, each in a thread of its own. Use it as a context manager."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Broker:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self.talk(connection)

    def talk(self, connection: socket.socket) -> None:
        """Serve one connection."""
        raise NotImplementedError


def _incoming(connection: socket.socket) -> Iterator[bytes]:
    while received := connection.recv(RECEIVED_BYTES):
        yield received


class AmqpBroker(Broker):
    """Speaks AMQP through pamqp's frames."""

    def talk(self, connection: socket.socket) -> None:
        from pamqp import commands, frame

        buffer = b""
        while len(buffer) < AMQP_GREETING_BYTES:
            buffer += connection.recv(AMQP_GREETING_BYTES - len(buffer))
        start = commands.Connection.Start(server_properties={"capabilities": {"publisher_confirms": True}})
        connection.sendall(frame.marshal(start, 0))
        buffer, published, tags = b"", None, 0
        for received in _incoming(connection):
            buffer += received
            while buffer:
                used, channel, parsed = frame.unmarshal(buffer)
                if not used:
                    break
                buffer = buffer[used:]
                if parsed.name == "Basic.Publish":
                    published = parsed
                elif parsed.name == "ContentHeader":
                    self._note(published, parsed.properties)
                    tags += 1
                    connection.sendall(frame.marshal(commands.Basic.Ack(delivery_tag=tags), channel))
                elif (answer := _amqp_answer(parsed, commands)) is not None:  # some are empty, so false
                    connection.sendall(frame.marshal(answer, channel))

    def _note(self, published: Any, properties: Any) -> None:
        place = {"exchange": published.exchange, "routing-key": published.routing_key}
        self.messages.append(Message(place, set(properties.headers or {}), properties.correlation_id))


def _amqp_answer(request: Any, commands: Any) -> Any:
    """What a broker answers to a method, None if nothing."""
    answers: dict[str, Callable[[], Any]] = {
        "Connection.StartOk": lambda: commands.Connection.Tune(10, 131072, 0),
        "Connection.Open": commands.Connection.OpenOk,
        "Connection.Close": commands.Connection.CloseOk,
        "Channel.Open": commands.Channel.OpenOk,
        "Channel.Close": commands.Channel.CloseOk,
        "Confirm.Select": commands.Confirm.SelectOk,
        "Exchange.Declare": commands.Exchange.DeclareOk,
        "Queue.Declare": lambda: commands.Queue.DeclareOk(request.queue or "made", 0, 0),
    }
    make = answers.get(request.name)
    return make() if make else None


class NatsBroker(Broker):
    """Speaks the NATS text protocol; answers requests, so that JetStream sees its acknowledgement."""

    def talk(self, connection: socket.socket) -> None:
        connection.sendall(b"INFO " + json.dumps(NATS_INFO).encode() + b"\r\n")
        inboxes: dict[str, str] = {}
        buffer = b""
        for received in _incoming(connection):
            buffer += received
            while b"\r\n" in buffer:
                line, _, rest = buffer.partition(b"\r\n")
                words = line.decode().split()
                size = int(words[-1]) if words[0] in ("PUB", "HPUB") else -2
                if len(rest) < size + 2:
                    break
                payload, buffer = rest[: max(size, 0)], rest[size + 2 :]
                if words[0] == "PING":
                    connection.sendall(b"PONG\r\n")
                elif words[0] == "SUB":
                    inboxes[words[1]] = words[-1]
                elif size >= 0:
                    self._published(connection, words, payload, inboxes)

    def _published(
        self, connection: socket.socket, words: list[str], payload: bytes, inboxes: dict[str, str]
    ) -> None:
        sizes = 2 if words[0] == "HPUB" else 1
        lines = payload[: int(words[-2])].decode().splitlines()[1:] if sizes == 2 else []
        headers = {line.partition(":")[0] for line in lines if line}
        self.messages.append(Message({"subject": words[1]}, headers))
        reply = words[2] if len(words) > 2 + sizes else ""
        for pattern, number in inboxes.items():
            if reply.startswith(pattern.rstrip("*")):
                body = b'{"stream":"s","seq":1}'
                connection.sendall(
                    b"MSG %s %s %d\r\n%s\r\n" % (reply.encode(), number.encode(), len(body), body)
                )
