"""Brokers that a proof needs: small servers on the loopback interface that note what is published to them.

They speak as much of AMQP 0-9-1 and of the NATS protocol as it takes to publish one message. For Kafka it is
the cluster that librdkafka brings for tests.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.peers import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECEIVED_BYTES = 65536
AMQP_GREETING_BYTES = 8
NATS_INFO = {"server_id": "x", "version": "2.10.0", "headers": True, "max_payload": 1 << 20, "proto": 1}


class Message(NamedTuple):
    """A message that arrived: the names of its place by role, its headers' names, its correlation id.

    ``values`` are those of its headers, and with AMQP its body.
    """

    place: dict[str, str]
    headers: set[str]
    correlation_id: str | None = None
    values: tuple[str, ...] = ()


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
        buffer, published, header, body, tags = b"", None, None, b"", 0
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
                    header, body = parsed, b""
                elif parsed.name == "ContentBody":
                    body += parsed.value
                elif (answer := _amqp_answer(parsed, commands)) is not None:  # some are empty, so false
                    connection.sendall(frame.marshal(answer, channel))
                if header is not None and len(body) == header.body_size:
                    self._note(published, header.properties, body)
                    header, tags = None, tags + 1
                    connection.sendall(frame.marshal(commands.Basic.Ack(delivery_tag=tags), channel))

    def _note(self, published: Any, properties: Any, body: bytes) -> None:
        place = {"exchange": published.exchange, "routing-key": published.routing_key}
        headers = properties.headers or {}
        values = (*map(str, headers.values()), body.decode("utf-8", "replace"))
        self.messages.append(Message(place, set(headers), properties.correlation_id, values))


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
        "Basic.Cancel": lambda: commands.Basic.CancelOk(request.consumer_tag),
        "Basic.Consume": lambda: commands.Basic.ConsumeOk(request.consumer_tag or "tag"),
        "Basic.Qos": commands.Basic.QosOk,
        "Queue.Bind": commands.Queue.BindOk,
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
        headers = dict(line.split(": ", 1) for line in lines if line)
        self.messages.append(Message({"subject": words[1]}, set(headers), None, tuple(headers.values())))
        reply = words[2] if len(words) > 2 + sizes else ""
        for pattern, number in inboxes.items():
            if reply.startswith(pattern.rstrip("*")):
                body = b'{"stream":"s","seq":1}'
                connection.sendall(
                    b"MSG %s %s %d\r\n%s\r\n" % (reply.encode(), number.encode(), len(body), body)
                )


class KafkaCluster:
    """The cluster in memory that librdkafka brings. Use it as a context manager.

    ``messages`` are those that :meth:`collect` has read, by their topics.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def __enter__(self) -> KafkaCluster:
        import confluent_kafka

        self._library = confluent_kafka
        settings = {"test.mock.num.brokers": 1, "bootstrap.servers": "unused", "log_level": 0}
        self._owner = confluent_kafka.Producer(settings)
        broker = next(iter(self._owner.list_topics(timeout=5).brokers.values()))
        self.address = f"{broker.host}:{broker.port}"
        self._consumer = confluent_kafka.Consumer({
            "bootstrap.servers": self.address, "group.id": "proof", "auto.offset.reset": "earliest",
            "log_level": 0,
        })  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def collect_all(self, seconds: float) -> None:
        """Read all that the cluster says has arrived; gives up after some seconds."""
        arrived = sum(
            high - low
            for partition in self._partitions()
            for low, high in [self._consumer.get_watermark_offsets(partition, timeout=5)]
        )
        end = time.monotonic() + seconds
        while len(self.messages) < arrived and time.monotonic() < end:
            self.collect()

    def _partitions(self) -> list[Any]:
        known = self._owner.list_topics(timeout=5).topics
        return [self._library.TopicPartition(topic, number, 0) for topic in known for number in range(4)]

    def collect(self) -> None:
        """Read what has arrived so far, unless that takes long."""
        self._owner.flush(5)
        self._consumer.assign(self._partitions())
        self.messages.clear()
        while (message := self._consumer.poll(0.5 if not self.messages else 0.1)) is not None:
            if not message.error():
                headers = dict(message.headers() or ())
                values = tuple(value.decode("utf-8", "replace") for value in headers.values())
                self.messages.append(Message({"topic": message.topic()}, set(headers), None, values))
        self.messages.sort(key=lambda each: each.place["topic"])
