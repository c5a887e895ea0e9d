"""Brokers for fixtures: each message goes on to an HTTP peer, to the path of its queue, with its headers.

Celery and kombu really publish, to kombu's broker in memory; its last step is what is recorded. Of pika,
which has no such broker, the connection is replaced; properties are its own.
"""

from __future__ import annotations

import urllib.request
from typing import Any


def record(peer: str) -> None:
    """Record what is published in this process from now on."""
    try:
        import pika
        from kombu.transport import virtual
    except ModuleNotFoundError:
        return
    virtual.Channel.basic_publish = lambda _, message, exchange, routing_key, **__: _send(
        peer, routing_key, message["headers"], message["properties"].get("correlation_id")
    )

    class Connection:
        """Stands for pika's."""

        def __init__(self, parameters: pika.URLParameters) -> None:
            self.parameters = parameters

        def channel(self) -> Any:
            return self

        def basic_publish(
            self, exchange: str, routing_key: str, body: bytes, properties: Any = None, **_: Any
        ) -> None:
            given = properties or pika.BasicProperties()
            _send(peer, routing_key, given.headers or {}, given.correlation_id)

    pika.BlockingConnection = Connection


def _send(peer: str, queue: str, headers: dict[str, Any], correlation_id: str | None) -> None:
    values = [str(value) for value in (*headers.values(), correlation_id) if value]
    given = {f"X-Value-{number}": value for number, value in enumerate(values)}
    request = urllib.request.Request(f"{peer}/{queue}", headers=given)
    urllib.request.urlopen(request, timeout=20).close()
