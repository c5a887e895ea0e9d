"""Clients of libraries, each of which calls a peer once, at the path, method, queue or topic of its name."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import socket
import threading
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


TRACE_CONFIGS: list[Any] = []
"""What a case has the client of aiohttp made with."""
INTERCEPTORS: list[Any] = []
"""The same for the channel of gRPC."""


def by_requests(peer: str) -> None:
    import requests

    requests.get(f"{peer}/requests", timeout=60)


def by_httpx(peer: str) -> None:
    import httpx

    httpx.get(f"{peer}/httpx", timeout=60)


def by_urllib3(peer: str) -> None:
    import urllib3

    urllib3.PoolManager().request("GET", f"{peer}/urllib3", timeout=60)


def by_urllib_request(peer: str) -> None:
    urllib.request.urlopen(f"{peer}/urllib.request", timeout=60).read()


def by_http_client(peer: str) -> None:
    connection = http.client.HTTPConnection(peer.removeprefix("http://"), timeout=60)
    connection.request("GET", "/http.client")
    connection.getresponse().read()


def by_aiohttp(peer: str) -> None:
    import aiohttp

    async def ask() -> None:
        async with (
            aiohttp.ClientSession(trace_configs=[*TRACE_CONFIGS]) as session,
            session.get(f"{peer}/aiohttp"),
        ):
            pass

    _awaited(ask)


def by_tornado(peer: str) -> None:
    from tornado.httpclient import AsyncHTTPClient

    async def ask() -> None:
        await AsyncHTTPClient(force_instance=True).fetch(f"{peer}/tornado")

    _awaited(ask)


def by_grpc(peer: str) -> None:
    import grpc

    with contextlib.suppress(grpc.RpcError), grpc.insecure_channel(peer) as channel:
        intercepted(channel).unary_unary("/peer.Peer/grpc")(b"", timeout=60)  # the peer only records


def intercepted(channel: Any) -> Any:
    """The channel with the case's interceptors around it: OpenTelemetry's fit a function of its own."""
    if not INTERCEPTORS:
        return channel
    from opentelemetry.instrumentation.grpc.grpcext import intercept_channel

    return intercept_channel(channel, *INTERCEPTORS)


def by_celery(peer: str) -> None:
    """The message goes to a broker in memory; its headers go on to the peer."""
    from celery import Celery

    app = Celery(broker="memory://")

    @app.task(name="work")
    def work() -> None: ...

    work.apply_async()
    with app.connection() as connection:
        message = connection.SimpleQueue("celery").get(timeout=60)
    seen = {f"x-{number}": str(value) for number, value in enumerate(message.headers.values()) if value}
    seen["x-correlation"] = str(message.properties.get("correlation_id"))
    plain("/celery", peer, {name: value.replace("\n", " ") for name, value in seen.items()})


def by_boto3(peer: str) -> None:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "eu-west-1"}
    queues = boto3.client("sqs", endpoint_url=f"{peer}/boto3", **keys)
    with contextlib.suppress(BotoCoreError, ClientError):  # the peer's answer is none of SQS
        queues.send_message(QueueUrl=f"{peer}/boto3", MessageBody="hello")


def by_pika(_: str) -> None:
    import pika

    with pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_PEER"])) as connection:
        connection.channel().basic_publish("", "pika", b"{}")


def by_aio_pika(_: str) -> None:
    import aio_pika

    async def ask() -> None:
        async with await aio_pika.connect(os.environ["AMQP_PEER"]) as connection:
            channel = await connection.channel()
            await channel.default_exchange.publish(aio_pika.Message(b"{}"), "aio_pika")

    _awaited(ask)


def by_kombu(_: str) -> None:
    from kombu import Connection

    with Connection(os.environ["AMQP_PEER"]) as connection, connection.Producer() as producer:
        producer.publish({}, routing_key="kombu")


def by_kafka(_: str) -> None:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=os.environ["KAFKA_PEER"], api_version=(0, 11))
    producer.send("kafka", b"{}").get(20)


def by_confluent_kafka(_: str) -> None:
    import confluent_kafka

    producer = confluent_kafka.Producer({"bootstrap.servers": os.environ["KAFKA_PEER"], "log_level": 0})
    producer.produce("confluent_kafka", b"{}")
    producer.flush(20)


def by_aiokafka(_: str) -> None:
    from aiokafka import AIOKafkaProducer

    async def ask() -> None:
        async with AIOKafkaProducer(bootstrap_servers=os.environ["KAFKA_PEER"]) as producer:
            await producer.send_and_wait("aiokafka", b"{}")

    _awaited(ask)


def by_thread(peer: str) -> None:
    """Another thread sends by requests."""
    import requests

    thread = threading.Thread(target=lambda: requests.get(f"{peer}/thread", timeout=60))
    thread.start()
    thread.join()


CLIENTS: dict[str, Callable[[str], None]] = {
    "requests": by_requests, "httpx": by_httpx, "urllib3": by_urllib3, "urllib.request": by_urllib_request,
    "http.client": by_http_client, "aiohttp": by_aiohttp, "tornado": by_tornado, "celery": by_celery,
    "boto3": by_boto3, "grpc": by_grpc, "pika": by_pika, "aio_pika": by_aio_pika, "kombu": by_kombu,
    "kafka": by_kafka, "confluent_kafka": by_confluent_kafka, "aiokafka": by_aiokafka, "thread": by_thread,
}  # fmt: skip
"""By the catalog's name of the library."""


def _awaited(ask: Callable[[], Any]) -> None:
    """Run a coroutine here, or in another thread with this context if a loop runs already."""
    import contextvars

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(ask())
        return
    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: context.run(asyncio.run, ask()))
    thread.start()
    thread.join()


def plain(path: str, peer: str, headers: dict[str, str]) -> bytes:
    """A request that nothing instruments."""
    host, _, port = peer.removeprefix("http://").partition(":")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection((host, int(port)), 150) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n".encode()
        )
        return b"".join(iter(lambda: connection.recv(65536), b""))
