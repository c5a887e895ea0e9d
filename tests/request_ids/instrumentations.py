"""Real instrumentations at work: which of a service's clients carry the id of the request it answers.

``python -m tests.request_ids.instrumentations CASE HTTP_PEER RPC_PEER`` starts a service with one of
:data:`CASES` switched on, sends it a request with an id, and lets each of :data:`CLIENTS` call the peer.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import importlib
import os
import socket
import sys
import threading
import urllib.request
from typing import TYPE_CHECKING, Any

from tests.request_ids.serve import serve_aiohttp, serve_asgi, serve_grpc, serve_tornado, serve_wsgi

if TYPE_CHECKING:
    from collections.abc import Callable

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
TRACE_CONFIGS: list[Any] = []
"""What a case has the client of aiohttp made with."""
INTERCEPTORS: list[Any] = []
SERVER_INTERCEPTORS: list[Any] = []
"""The same for the channel of gRPC, and for the server."""
INBOUND = {
    "traceparent": f"00-{ID}-{SPAN}-01",
    "sentry-trace": f"{ID}-{SPAN}-1",
    "X-INSTANA-T": ID[16:],
    "X-INSTANA-S": SPAN,
    "X-Request-ID": ID,
    "Correlation-ID": ID,
}

# --- clients -----------------------------------------------------------------------------------------


def by_requests(peer: str) -> None:
    import requests

    requests.get(f"{peer}/requests", timeout=5)


def by_httpx(peer: str) -> None:
    import httpx

    httpx.get(f"{peer}/httpx", timeout=5)


def by_urllib3(peer: str) -> None:
    import urllib3

    urllib3.PoolManager().request("GET", f"{peer}/urllib3", timeout=5)


def by_urllib_request(peer: str) -> None:
    urllib.request.urlopen(f"{peer}/urllib.request", timeout=5).read()


def by_http_client(peer: str) -> None:
    connection = http.client.HTTPConnection(peer.removeprefix("http://"), timeout=5)
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
        intercepted(channel).unary_unary("/peer.Peer/grpc")(b"", timeout=5)  # the peer only records


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
        message = connection.SimpleQueue("celery").get(timeout=5)
    seen = {f"x-{number}": str(value) for number, value in enumerate(message.headers.values()) if value}
    seen["x-correlation"] = str(message.properties.get("correlation_id"))
    _plain("/celery", peer, {name: value.replace("\n", " ") for name, value in seen.items()})


def by_boto3(peer: str) -> None:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "eu-west-1"}
    queues = boto3.client("sqs", endpoint_url=f"{peer}/boto3", **keys)
    with contextlib.suppress(BotoCoreError, ClientError):  # the peer's answer is none of SQS
        queues.send_message(QueueUrl=f"{peer}/boto3", MessageBody="hello")


def by_thread(peer: str) -> None:
    """Another thread sends by requests."""
    import requests

    thread = threading.Thread(target=lambda: requests.get(f"{peer}/thread", timeout=5))
    thread.start()
    thread.join()


CLIENTS: dict[str, Callable[[str], None]] = {
    "requests": by_requests, "httpx": by_httpx, "urllib3": by_urllib3, "urllib.request": by_urllib_request,
    "http.client": by_http_client, "aiohttp": by_aiohttp, "tornado": by_tornado, "celery": by_celery,
    "boto3": by_boto3, "grpc": by_grpc, "thread": by_thread,
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


def _plain(path: str, peer: str, headers: dict[str, str]) -> bytes:
    """A request that nothing instruments."""
    host, _, port = peer.removeprefix("http://").partition(":")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection((host, int(port)), 20) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n".encode()
        )
        return b"".join(iter(lambda: connection.recv(65536), b""))


# --- services ----------------------------------------------------------------------------------------


def flask_app(work: Callable[[], None]) -> Any:
    from flask import Flask

    app = Flask("service")
    app.add_url_rule("/", view_func=lambda: (work(), "ok")[1])
    return app


def fastapi_app(work: Callable[[], None]) -> Any:
    from fastapi import FastAPI

    app = FastAPI()

    def handle() -> str:
        work()
        return "ok"

    app.get("/")(handle)
    return app


def starlette_app(work: Callable[[], None]) -> Any:
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    def handle(_: Any) -> PlainTextResponse:
        work()
        return PlainTextResponse("ok")

    return Starlette(routes=[Route("/", handle)])


def falcon_app(work: Callable[[], None]) -> Any:
    import falcon

    class Resource:
        def on_get(self, *_: Any) -> None:
            work()

    app = falcon.App()
    app.add_route("/", Resource())
    return app


def pyramid_app(work: Callable[[], None]) -> Any:
    from pyramid.config import Configurator
    from pyramid.response import Response

    def handle(_: Any) -> Response:
        work()
        return Response("ok")

    with Configurator() as config:
        config.add_route("home", "/")
        config.add_view(handle, route_name="home")
        return config.make_wsgi_app()


def django_app(work: Callable[[], None]) -> Any:
    import types

    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path

    urls = sys.modules["urls"] = types.ModuleType("urls")
    urls.urlpatterns = [path("", lambda _: (work(), HttpResponse("ok"))[1])]
    if not settings.configured:
        configure_django()
    django.setup()
    return get_wsgi_application()


def configure_django(*middleware: str) -> None:
    from django.conf import settings

    settings.configure(
        ROOT_URLCONF="urls", ALLOWED_HOSTS=["*"], SECRET_KEY="none", MIDDLEWARE=list(middleware),
        INSTALLED_APPS=["django_guid"] if middleware else [],
    )  # fmt: skip


def aiohttp_app(work: Callable[[], None]) -> Any:
    from aiohttp import web

    async def handle(_: Any) -> web.Response:
        await asyncio.to_thread(work)
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_get("/", handle)
    return app


def tornado_app(work: Callable[[], None]) -> Any:
    from tornado.web import Application, RequestHandler

    class Handler(RequestHandler):
        async def get(self) -> None:
            await asyncio.to_thread(work)
            self.write("ok")

    return Application([("/", Handler)])


def grpc_app(work: Callable[[], None]) -> Any:
    """A server that answers any method."""
    from concurrent.futures import ThreadPoolExecutor

    import grpc

    class Service(grpc.GenericRpcHandler):
        def service(self, _: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(lambda *_: (work(), b"ok")[1])

    return grpc.server(ThreadPoolExecutor(1), handlers=[Service()], interceptors=SERVER_INTERCEPTORS)


SERVERS: dict[str, Callable[[Any, socket.socket], None]] = {
    "flask": serve_wsgi, "django": serve_wsgi, "falcon": serve_wsgi, "pyramid": serve_wsgi,
    "fastapi": serve_asgi, "starlette": serve_asgi, "aiohttp": serve_aiohttp, "tornado": serve_tornado,
    "grpc": serve_grpc,
}  # fmt: skip

# --- cases -------------------------------------------------------------------------------------------


def switched_on(name: str, method: str = "instrument", **options: Any) -> None:
    """Call a method of an OpenTelemetry instrumentor."""
    module, _, klass = f"opentelemetry.instrumentation.{name}".rpartition(".")
    getattr(getattr(importlib.import_module(module), klass)(), method)(**options)


def tracing() -> None:
    """The provider that OpenTelemetry needs, or nothing is sampled."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    trace.set_tracer_provider(TracerProvider())


def main(case: str, peer: str, rpc_peer: str) -> None:
    """Run one case."""
    from tests.request_ids.instrumentation_cases import CASES

    framework, before, after, *_ = CASES[case]
    before()

    def work() -> None:
        for name, client in CLIENTS.items():
            client(rpc_peer if name == "grpc" else peer)
        print("keeps" if ID in str(CASES[case].kept()) else "", flush=True)

    app = after(globals()[f"{framework}_app"](work))
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    threading.Thread(target=_serve, args=(SERVERS[framework], app, listener), daemon=True).start()
    head = _called(address) if framework == "grpc" else _asked(address)
    print("answers" if ID in head else "", flush=True)
    os._exit(0)  # agents have threads that wait for a server of theirs


def _asked(address: str) -> str:
    """Send a service its request; gives the head of the answer."""
    answer = _plain("/", address, INBOUND)
    assert b" 200 " in answer.partition(b"\r\n")[0], answer
    return answer.partition(b"\r\n\r\n")[0].decode("latin-1")


def _called(address: str) -> str:
    """The same for a service of gRPC; gives what comes with the answer."""
    import grpc

    metadata = [(name.lower(), value) for name, value in INBOUND.items()]
    with grpc.insecure_channel(address) as channel:
        _, call = channel.unary_unary("/service.Service/Work").with_call(
            b"", metadata=metadata, timeout=60, wait_for_ready=True
        )
    return str((call.initial_metadata(), call.trailing_metadata()))


def _serve(serve: Callable[[Any, socket.socket], None], app: Any, listener: socket.socket) -> None:
    asyncio.set_event_loop(asyncio.new_event_loop())
    serve(app, listener)


if __name__ == "__main__":
    # as the module that the cases import, and whose lists of hooks they fill
    importlib.import_module("tests.request_ids.instrumentations").main(*sys.argv[1:])
