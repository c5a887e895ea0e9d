"""Which calls publish a message, where it goes and what it carries, as rules can ask of a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicelint.config import Config
from servicelint.program.evaluation.values import MISSING, Literal
from servicelint.run import Run
from servicelint.sources.discovery import select

if TYPE_CHECKING:
    from pathlib import Path

    from servicelint.program.evaluation.values import Values
    from servicelint.program.program import Program
    from servicelint.program.queues import Publication

TASKS = """
from celery import Celery, shared_task
app = Celery("shop", broker="amqp://")
@app.task(bind=True, queue="slow")
def add(self, number): ...
@shared_task
def resize(picture): ...
def plain(number): ...
"""


def program_of(folder: Path, files: dict[str, str]) -> Program:
    for name, text in files.items():
        (folder / name).write_text(text)
    return Run(select([folder], folder), Config(), folder).program


def publications(program: Program) -> list[Publication]:
    return [each for module in program.targets for each in program.publications(module)]


def shown(values: Values) -> object:
    """One value as a test can compare it: a literal's own, "-" for nothing given, "set" for anything else."""
    [value] = values
    if value == MISSING:
        return "-"
    return value.value if isinstance(value, Literal) else "set"


def described(folder: Path, text: str) -> list[tuple[object, ...]]:
    """Name, place and correlation id of each publication of one file."""
    program = program_of(folder, {"sender.py": text})
    return [
        (
            each.name,
            {role: shown(values) for role, values in program.queues.destination(each).items()},
            shown(program.queues.correlation_id(each)),
        )
        for each in publications(program)
    ]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("add.delay(1)", ("celery.Task.delay", {}, "-")),
        ("resize.apply_async((1,), queue='q')", ("celery.Task.apply_async", {"queue": "q"}, "-")),
        ("add.si(1).apply_async(headers={'a': '1'})", ("celery.Signature.apply_async", {}, "-")),
        (
            "app.send_task('tasks.mul', correlation_id='7')",
            ("celery.Celery.send_task", {"task": "tasks.mul"}, "7"),
        ),
    ],
)
def test_celery(tmp_path: Path, call: str, expected: tuple[object, ...]) -> None:
    assert described(tmp_path, f"{TASKS}def send():\n    {call}\n") == [expected]


def test_tasks_of_another_module(tmp_path: Path) -> None:
    sender = "from tasks import add, plain\ndef send():\n    add.delay(1)\n    plain.delay(1)\n"
    program = program_of(tmp_path, {"tasks.py": TASKS, "sender.py": sender})
    [found] = publications(program)
    assert (found.ref.module.path.rpartition("/")[2], found.ref.call.line) == ("sender.py", 3)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("act.send(1)", ("dramatiq.Actor.send", {}, "-")),
        ("act.send_with_options(args=(1,))", ("dramatiq.Actor.send_with_options", {}, "-")),
    ],
)
def test_dramatiq(tmp_path: Path, call: str, expected: tuple[object, ...]) -> None:
    text = f"import dramatiq\n@dramatiq.actor\ndef act(x): ...\ndef send():\n    {call}\n"
    assert described(tmp_path, text) == [expected]


def test_pika_carries_the_id_in_its_properties(tmp_path: Path) -> None:
    text = """
import pika
def send():
    channel = pika.BlockingConnection().channel()
    channel.basic_publish("", "orders", b"x", pika.BasicProperties(correlation_id="7"))
    channel.basic_publish(exchange="events", routing_key="made", body=b"x")
"""
    name = "pika.adapters.blocking_connection.BlockingChannel.basic_publish"
    assert described(tmp_path, text) == [
        (name, {"exchange": "", "routing-key": "orders"}, "7"),
        (name, {"exchange": "events", "routing-key": "made"}, "-"),
    ]


def test_aio_pika_through_awaited_factories_attributes_and_annotations(tmp_path: Path) -> None:
    text = """
import aio_pika
async def send():
    connection = await aio_pika.connect_robust("amqp://")
    async with connection:
        channel = await connection.channel()
        await channel.default_exchange.publish(aio_pika.Message(b"", correlation_id="7"), "orders")
        exchange = await channel.declare_exchange("events")
        await exchange.publish(aio_pika.Message(b""), "made")
class Bus:
    def __init__(self, channel: aio_pika.abc.AbstractChannel):
        self.channel = channel
    async def send(self):
        await self.channel.default_exchange.publish(aio_pika.Message(b"", headers={"a": "1"}), "r")
"""
    assert described(tmp_path, text) == [
        ("aio_pika.Exchange.publish", {"routing-key": "orders"}, "7"),
        ("aio_pika.Exchange.publish", {"exchange": "events", "routing-key": "made"}, "-"),
        ("aio_pika.Exchange.publish", {"routing-key": "r"}, "-"),
    ]


def test_a_client_chosen_by_its_service(tmp_path: Path) -> None:
    text = """
import boto3
def send():
    boto3.client("sqs").send_message(QueueUrl="orders", MessageBody="b", MessageAttributes={"a": {}})
    boto3.client("s3").send_message(QueueUrl="orders", MessageBody="b")
    boto3.Session().client(service_name="sns").publish(TopicArn="events", Message="m")
    boto3.resource("sqs").get_queue_by_name(QueueName="slow").send_message(MessageBody="b")
"""
    assert described(tmp_path, text) == [
        ("botocore.client.SQS.send_message", {"queue": "orders"}, "-"),
        ("botocore.client.SNS.publish", {"topic": "events"}, "-"),
        ("boto3.resources.factory.sqs.Queue.send_message", {"queue": "slow"}, "-"),
    ]


def test_the_place_an_object_was_made_for(tmp_path: Path) -> None:
    text = """
import kombu
def send():
    with kombu.Connection("amqp://") as connection:
        connection.Producer(routing_key="made").publish({}, headers={"a": "1"})
        connection.Producer(routing_key="made").publish({}, routing_key="other")
        connection.SimpleQueue("simple").put({})
"""
    assert described(tmp_path, text) == [
        ("kombu.Producer.publish", {"routing-key": "made"}, "-"),
        ("kombu.Producer.publish", {"routing-key": "other"}, "-"),
        ("kombu.simple.SimpleQueue.put", {"queue": "simple"}, "-"),
    ]


@pytest.mark.parametrize(
    ("made", "call", "place"),
    [
        ("kafka.KafkaProducer()", "send('t', b'', None, [])", {"topic": "t"}),
        ("aiokafka.AIOKafkaProducer()", "send_and_wait('t', headers=[])", {"topic": "t"}),
        ("confluent_kafka.Producer({})", "produce(topic='t', headers=[])", {"topic": "t"}),
    ],
)
def test_kafka(tmp_path: Path, made: str, call: str, place: dict[str, str]) -> None:
    module, _, _ = made.partition(".")
    text = f"import {module}\nproducer = {made}\nasync def send():\n    producer.{call}\n"
    [(_, found, _)] = described(tmp_path, text)
    assert found == place


def test_nats(tmp_path: Path) -> None:
    text = """
import nats
async def send():
    connection = await nats.connect("nats://")
    await connection.publish("orders", b"", headers={"a": "1"})
    await connection.jetstream().publish("events", b"")
"""
    assert described(tmp_path, text) == [
        ("nats.NATS.publish", {"subject": "orders"}, "-"),
        ("nats.js.JetStreamContext.publish", {"subject": "events"}, "-"),
    ]


def test_what_publishes_nothing(tmp_path: Path) -> None:
    text = """
import pika, queue
def send(socket):
    socket.send(b"")
    queue.Queue().put(1)
    pika.BlockingConnection().channel().queue_declare("orders")
    "text".publish("x")
"""
    assert described(tmp_path, text) == []
