"""How to publish with each library: the one place where the proofs of queues know the libraries by hand.

A stage is an asynchronous context manager that yields the objects to publish with, by the catalog's names of
their classes, and the list in which every message that arrives is noted.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from tests.catalog.calls import resolve
from tests.catalog.queues.brokers import AmqpBroker, KafkaCluster, Message, NatsBroker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

HEADER = "x-request-id"
BODY = b"{}"
ATTRIBUTE = {"DataType": "String", "StringValue": "7"}


class Stage(NamedTuple):
    """What a library's calls are made on, and the messages that have arrived."""

    objects: dict[str, Any]
    messages: list[Message]
    collect: Callable[[], None] = lambda: None


@asynccontextmanager
async def pika() -> AsyncIterator[Stage]:
    """A blocking connection, and one on this event loop, to a broker of AMQP."""
    library = resolve("pika")
    with AmqpBroker() as broker:
        parameters = library.ConnectionParameters(port=broker.port)
        blocking = library.BlockingConnection(parameters)
        opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        connection = resolve("pika.adapters.asyncio_connection.AsyncioConnection")(
            parameters, on_open_callback=lambda made: made.channel(on_open_callback=opened.set_result)
        )
        objects = {
            "pika.BlockingConnection": blocking,
            "pika.adapters.blocking_connection.BlockingChannel": blocking.channel(),
            "pika.connection.Connection": connection,
            "pika.channel.Channel": await asyncio.wait_for(opened, 5),
        }
        yield Stage(objects, broker.messages)
        blocking.close()
        connection.close()


@asynccontextmanager
async def aio_pika() -> AsyncIterator[Stage]:
    """A connection to a broker of AMQP."""
    with AmqpBroker() as broker:
        connection = await resolve("aio_pika.connect")(port=broker.port)
        async with connection:
            channel = await connection.channel()
            objects = {
                "aio_pika.Connection": connection,
                "aio_pika.Channel": channel,
                "aio_pika.Exchange": channel.default_exchange,
                "aio_pika.Queue": await channel.declare_queue("q"),
            }
            yield Stage(objects, broker.messages)


@contextlib.contextmanager
def _in_memory(messages: list[Message]) -> Any:
    """Note what kombu publishes through its transport in memory."""

    def publish(_channel: Any, message: dict[str, Any], exchange: str, routing_key: str, **_: Any) -> None:
        headers, properties = message["headers"], message["properties"]
        place = {
            "exchange": exchange, "routing-key": routing_key, "queue": routing_key,
            "task": headers.get("task", ""),
        }  # fmt: skip
        names = set(headers) | {name for name in properties if name == BOGUS}
        messages.append(Message(place, names, properties.get("correlation_id")))

    with mock.patch("kombu.transport.virtual.base.Channel.basic_publish", publish):
        yield


@asynccontextmanager
async def kombu() -> AsyncIterator[Stage]:
    """A connection in memory."""
    messages: list[Message] = []
    with _in_memory(messages), resolve("kombu.Connection")("memory://") as connection:
        objects = {
            "kombu.Connection": connection,
            "kombu.Producer": connection.Producer(),
            "kombu.simple.SimpleQueue": connection.SimpleQueue("simple"),
        }
        yield Stage(objects, messages)


@asynccontextmanager
async def celery() -> AsyncIterator[Stage]:
    """An application with a task, on a broker in memory."""
    messages: list[Message] = []
    with _in_memory(messages):
        app = resolve("celery.Celery")("proof", broker="memory://", set_as_current=True)
        task = app.task(nothing, name="proof.task")
        objects = {"celery.Celery": app, "celery.Task": task, "celery.Signature": task.s()}
        yield Stage(objects, messages)


def nothing() -> None:
    """What a task does."""


@asynccontextmanager
async def dramatiq() -> AsyncIterator[Stage]:
    """A broker in memory with one actor."""
    library = resolve("dramatiq")
    broker = resolve("dramatiq.brokers.stub.StubBroker")()
    library.set_broker(broker)
    actor = library.actor(nothing, broker=broker)
    messages: list[Message] = []

    def collect() -> None:
        queue = broker.queues[actor.queue_name]
        while not queue.empty():
            message = library.Message.decode(queue.get())
            messages.append(Message({"queue": message.queue_name}, set(message.options)))

    yield Stage({"dramatiq.Actor": actor, "dramatiq.Broker": broker}, messages, collect)


@asynccontextmanager
async def kafka() -> AsyncIterator[Stage]:
    """A producer whose accumulator is a witness, which sees each message at once."""
    messages: list[Message] = []

    def append(partition: Any, _time: Any, _key: Any, _value: Any, headers: Any, *_: Any, **__: Any) -> None:
        messages.append(Message({"topic": partition.topic}, {name for name, _ in headers}))
        raise PublishedError

    producer = resolve("kafka.KafkaProducer")(bootstrap_servers="127.0.0.1:1", api_version=(2, 6))
    with (
        mock.patch.object(producer, "_wait_on_metadata", return_value={0}),
        mock.patch.object(producer, "_partition", return_value=0),
        mock.patch.object(producer._accumulator, "append", append),
    ):
        yield Stage({"kafka.KafkaProducer": producer}, messages)
    producer.close(timeout=0)


class PublishedError(Exception):
    """Ends a call at the witness, in place of publishing."""


@asynccontextmanager
async def confluent_kafka() -> AsyncIterator[Stage]:
    """Producers on the library's own cluster in memory."""
    with KafkaCluster() as cluster:
        settings = {"bootstrap.servers": cluster.address, "log_level": 0}
        plain = resolve("confluent_kafka.Producer")(settings)
        serializing = resolve("confluent_kafka.SerializingProducer")(settings)

        def flush_and_collect() -> None:
            plain.flush(5)
            serializing.flush(5)
            cluster.collect()

        objects = {"confluent_kafka.Producer": plain, "confluent_kafka.SerializingProducer": serializing}
        yield Stage(objects, cluster.messages, flush_and_collect)


@asynccontextmanager
async def aiokafka() -> AsyncIterator[Stage]:
    """A producer on librdkafka's cluster in memory."""
    with KafkaCluster() as cluster:
        producer = resolve("aiokafka.AIOKafkaProducer")(bootstrap_servers=cluster.address)
        await producer.start()
        yield Stage({"aiokafka.AIOKafkaProducer": producer}, cluster.messages, cluster.collect)
        await producer.stop()


@asynccontextmanager
async def nats() -> AsyncIterator[Stage]:
    """A connection to a NATS server."""
    with NatsBroker() as broker:
        connection = await resolve("nats.connect")(f"nats://127.0.0.1:{broker.port}")
        objects = {"nats.NATS": connection, "nats.js.JetStreamContext": connection.jetstream()}
        yield Stage(objects, broker.messages)
        await connection.close()


@asynccontextmanager
async def boto3() -> AsyncIterator[Stage]:
    """Clients whose requests are noted when their parameters have been found valid, and not sent."""
    messages: list[Message] = []
    keys = {"region_name": "eu-central-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    session = resolve("boto3.Session")(**keys)

    def reached(params: dict[str, Any], model: Any, **_: Any) -> None:
        messages.append(_aws_message(given[-1]))
        raise PublishedError

    given: list[dict[str, Any]] = []
    session.events.register("before-parameter-build", lambda params, **_: given.append(params))
    session.events.register("before-call", reached)
    sqs, sns = session.resource("sqs"), session.resource("sns")
    objects = {
        "boto3.Session": session,
        "botocore.client.SQS": session.client("sqs"),
        "botocore.client.SNS": session.client("sns"),
        "boto3.resources.factory.sqs.ServiceResource": sqs,
        "boto3.resources.factory.sqs.Queue": sqs.Queue("https://queue"),
        "boto3.resources.factory.sns.ServiceResource": sns,
        "boto3.resources.factory.sns.Topic": sns.Topic("arn:topic"),
    }
    yield Stage(objects, messages)


def _aws_message(params: dict[str, Any]) -> Message:
    entries = params.get("Entries") or params.get("PublishBatchRequestEntries") or [params]
    attributes = {name for entry in entries for name in entry.get("MessageAttributes", ())}
    place = {"queue": params.get("QueueUrl", ""), "topic": params.get("TopicArn", "")}
    return Message(place, attributes)


STAGES: dict[str, Callable[[], Any]] = {
    "aio_pika": aio_pika,
    "aiokafka": aiokafka,
    "boto3": boto3,
    "celery": celery,
    "confluent_kafka": confluent_kafka,
    "dramatiq": dramatiq,
    "kafka": kafka,
    "kombu": kombu,
    "nats": nats,
    "pika": pika,
}

BOGUS = "servicelint_bogus"
_RECORD = {"topic": "place", "value": BODY}
_ORDERS = {"exchange": "", "routing_key": "orders", "body": BODY}


def required(name: str) -> dict[str, Any]:
    """The arguments without which a method publishes nothing, by keyword."""
    return {
        "aio_pika.Exchange.publish": {"message": envelope("aio_pika"), "routing_key": "orders"},
        "aiokafka.AIOKafkaProducer.send": _RECORD,
        "aiokafka.AIOKafkaProducer.send_and_wait": _RECORD,
        "boto3.resources.factory.sns.Topic.publish": {"Message": "{}"},
        "boto3.resources.factory.sqs.Queue.send_message": {"MessageBody": "{}"},
        "boto3.resources.factory.sqs.Queue.send_messages": {"Entries": [{"Id": "1", "MessageBody": "{}"}]},
        "botocore.client.SNS.publish": {"TopicArn": "arn:topic", "Message": "{}"},
        "botocore.client.SNS.publish_batch": {
            "TopicArn": "arn:topic", "PublishBatchRequestEntries": [{"Id": "1", "Message": "{}"}]
        },
        "botocore.client.SQS.send_message": {"QueueUrl": "https://queue", "MessageBody": "{}"},
        "botocore.client.SQS.send_message_batch": {
            "QueueUrl": "https://queue", "Entries": [{"Id": "1", "MessageBody": "{}"}]
        },
        "celery.Celery.send_task": {"name": "proof.task"},
        "confluent_kafka.Producer.produce": _RECORD,
        "confluent_kafka.SerializingProducer.produce": _RECORD,
        "dramatiq.Broker.enqueue": {"message": envelope("dramatiq")},
        "kafka.KafkaProducer.send": _RECORD,
        "kombu.Producer.publish": {"body": {}},
        "kombu.simple.SimpleQueue.put": {"message": {}},
        "nats.NATS.publish": {"subject": "orders"},
        "nats.NATS.request": {"subject": "orders"},
        "nats.js.JetStreamContext.publish": {"subject": "orders"},
        "nats.js.JetStreamContext.publish_async": {"subject": "orders"},
        "pika.adapters.blocking_connection.BlockingChannel.basic_publish": _ORDERS,
        "pika.channel.Channel.basic_publish": _ORDERS,
    }.get(name, {})  # fmt: skip


def envelope(library: str, **carried: Any) -> Any:
    """A message object that carries something."""
    if library == "aio_pika":
        return resolve("aio_pika.Message")(BODY, **carried)
    if library == "dramatiq":
        carried = {"options": {}, **carried}
        return resolve("dramatiq.Message")("default", "nothing", (), {}, **carried)
    return resolve("pika.BasicProperties")(**carried)


def headers_for(library: str) -> Any:
    """Headers with one name among them, in the form that the library takes."""
    if library == "boto3":
        return {HEADER: ATTRIBUTE}
    if library in ("aiokafka", "confluent_kafka", "kafka"):
        return [(HEADER, b"7")]
    return {HEADER: "7"}


# Written in C: it has no signature.
PARAMETERS = {
    "confluent_kafka.Producer.produce": [
        "topic", "value", "key", "partition", "callback", "on_delivery", "timestamp", "headers"
    ],
}  # fmt: skip
DEFAULTS = {"partition": -1, "timestamp": 0}
