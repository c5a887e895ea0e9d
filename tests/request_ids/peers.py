"""The peers that a fixture's service talks to, each told to it in a variable of its environment."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

from tests.catalog.queues.brokers import AmqpBroker, KafkaCluster, NatsBroker
from tests.request_ids.recorder import Recorder
from tests.request_ids.rpc_recorder import RpcRecorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.catalog.queues.brokers import Message

Arrived = dict[str, list[str]]
"""The values that came with a call or message, by its own name: a path, method, queue, topic or subject."""


class Peer(NamedTuple):
    """A peer that is up."""

    address: str
    arrived: Callable[[], Arrived]


class AwsRecorder(Recorder):
    """SQS, which is spoken to in JSON, and SNS, in forms that are answered in XML."""

    def answer_to(self, path: str, values: list[str], body: bytes) -> bytes:
        if body.startswith(b"{"):
            said = json.loads(body)
            self.arrived[said["QueueUrl"].rpartition("/")[2]] = list(_texts(said))
            return b"{}"
        form = parse_qs(body.decode())
        self.arrived[form["TopicArn"][0].rpartition(":")[2]] = [each[0] for each in form.values()]
        return b"<PublishResponse><PublishResult/></PublishResponse>"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(each)


@contextmanager
def http() -> Iterator[Peer]:
    with Recorder() as peer:
        yield Peer(peer.url, lambda: {path.lstrip("/"): values for path, values in peer.arrived.items()})


@contextmanager
def aws() -> Iterator[Peer]:
    with AwsRecorder() as peer:
        yield Peer(peer.url, lambda: peer.arrived)


@contextmanager
def rpc() -> Iterator[Peer]:
    with RpcRecorder() as peer:
        yield Peer(peer.address, lambda: peer.arrived)


@contextmanager
def amqp() -> Iterator[Peer]:
    with AmqpBroker() as broker:
        address = f"amqp://guest:guest@127.0.0.1:{broker.port}/%2F"
        yield Peer(address, lambda: _by_place(broker.messages, "routing-key"))


@contextmanager
def nats() -> Iterator[Peer]:
    with NatsBroker() as broker:
        yield Peer(f"nats://127.0.0.1:{broker.port}", lambda: _by_place(broker.messages, "subject"))


@contextmanager
def kafka() -> Iterator[Peer]:
    with KafkaCluster() as cluster:

        def arrived() -> Arrived:
            cluster.collect_all(20)
            return _by_place(cluster.messages, "topic")

        yield Peer(cluster.address, arrived)


def _by_place(messages: list[Message], role: str) -> Arrived:
    return {each.place[role]: [*each.values, str(each.correlation_id)] for each in messages}


PEERS = {
    "PEER": http, "RPC_PEER": rpc, "AMQP_PEER": amqp, "NATS_PEER": nats, "KAFKA_PEER": kafka, "AWS_PEER": aws
}  # fmt: skip


@contextmanager
def started(names: Iterable[str]) -> Iterator[dict[str, Peer]]:
    """Some of :data:`PEERS`, by their variables."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(PEERS[name]()) for name in names}


def asked_for(text: str) -> list[str]:
    """The peers that a service asks for in its text; an HTTP one always."""
    return [name for name in PEERS if name == "PEER" or f'os.environ["{name}"]' in text]
