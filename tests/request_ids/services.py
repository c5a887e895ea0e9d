"""Services of each framework that do some work for what comes in, and how each is asked."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

from tests.request_ids.clients import plain
from tests.request_ids.serve import serve_aiohttp, serve_asgi, serve_tornado, serve_wsgi

if TYPE_CHECKING:
    from collections.abc import Callable

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
INBOUND = {
    "traceparent": f"00-{ID}-{SPAN}-01",
    "sentry-trace": f"{ID}-{SPAN}-1",
    "X-INSTANA-T": ID[16:],
    "X-INSTANA-S": SPAN,
    "X-Request-ID": ID,
    "Correlation-ID": ID,
}
"""An id as it comes in, under all the names that something takes it over by."""

SERVER_INTERCEPTORS: list[Any] = []
"""What a case has the server of gRPC made with."""


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
    """A server that is made with the interceptors of a case."""
    from concurrent.futures import ThreadPoolExecutor

    import grpc

    class Everything(grpc.GenericRpcHandler):  # type: ignore[misc]  # untyped where grpc has no stubs
        def service(self, _: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(lambda *_: (work(), b"")[1])

    return grpc.server(ThreadPoolExecutor(2), handlers=[Everything()], interceptors=SERVER_INTERCEPTORS)


def celery_app(work: Callable[[], None]) -> Any:
    """A worker on a broker in memory."""
    from celery import Celery

    app = Celery("worker", broker="memory://")
    app.conf.task_default_queue = "inbound"
    app.conf.worker_hijack_root_logger = False
    app.task(work, name="handle")
    return app


SERVERS: dict[str, Callable[[Any, socket.socket], None]] = {
    "flask": serve_wsgi, "django": serve_wsgi, "falcon": serve_wsgi, "pyramid": serve_wsgi,
    "fastapi": serve_asgi, "starlette": serve_asgi, "aiohttp": serve_aiohttp, "tornado": serve_tornado,
}  # fmt: skip


def kind_of(framework: str) -> str:
    """The kind of what comes in, as the catalog calls it."""
    return {"grpc": "rpc", "celery": "message"}.get(framework, "request")


def asked(framework: str, app: Any) -> bool:
    """Send a service what it answers, with an id, and wait until it has; gives whether the answer has one."""
    if framework == "grpc":
        return _called(app)
    if framework == "celery":
        return _sent(app)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_serve, args=(SERVERS[framework], app, listener), daemon=True).start()
    answer = plain("/", f"127.0.0.1:{listener.getsockname()[1]}", INBOUND)
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1")
    assert " 200 " in head.partition("\r\n")[0], answer
    return ID in head


def _serve(serve: Callable[[Any, socket.socket], None], app: Any, listener: socket.socket) -> None:
    asyncio.set_event_loop(asyncio.new_event_loop())
    serve(app, listener)


def _called(server: Any) -> bool:
    """By a client of another process: what instruments the service would change the one of this."""
    import subprocess

    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    pairs = [(name.lower(), value) for name, value in INBOUND.items()]
    method = f"grpc.insecure_channel('127.0.0.1:{port}').unary_unary('/a.A/a')"
    call = f"import grpc; {method}(b'', metadata={pairs}, timeout=60)"
    subprocess.run([sys.executable, "-c", call], check=True, timeout=90)
    return False


def _sent(app: Any) -> bool:
    """By hand, for the same reason."""
    from celery.contrib.testing.worker import start_worker

    done = threading.Event()
    task = app.tasks["handle"]
    work = task.run
    task.run = lambda: (work(), done.set())[0]
    told = {"lang": "py", "task": "handle", "id": "1", "root_id": "1", "parent_id": None, "group": None}
    with app.connection() as connection, start_worker(app, perform_ping_check=False, pool="solo"):
        channel = connection.channel()
        message = channel.prepare_message(
            json.dumps([[], {}, {}]), content_type="application/json", content_encoding="utf-8",
            headers={**told, **INBOUND, "CORRELATION_ID": ID},
        )  # fmt: skip
        channel.basic_publish(message, exchange="inbound", routing_key="inbound")
        assert done.wait(60), "the task was not run"
    return False
