"""Serves the application of one fixture with a real server: ``python -m tests.request_ids.serve FILE``.

Prints the port that it listens on, in a line of its own.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.request_ids import brokers

if TYPE_CHECKING:
    from collections.abc import Callable


def serve_wsgi(app: Any, listener: socket.socket) -> None:
    """Flask, Bottle, Falcon, Pyramid, Django."""
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    server = WSGIServer(listener.getsockname(), WSGIRequestHandler, bind_and_activate=False)
    server.socket = listener
    server.server_name, server.server_port = listener.getsockname()
    server.setup_environ()
    server.set_app(app)
    server.serve_forever()


def serve_asgi(app: Any, listener: socket.socket) -> None:
    """FastAPI, Starlette, Quart, Litestar, Sanic."""
    import uvicorn

    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])


def serve_aiohttp(app: Any, listener: socket.socket) -> None:
    """aiohttp.web."""
    from aiohttp import web

    web.run_app(app, sock=listener, print=None, handle_signals=False)


def serve_tornado(app: Any, listener: socket.socket) -> None:
    """Tornado."""
    from tornado.httpserver import HTTPServer

    async def forever() -> None:
        listener.setblocking(False)
        HTTPServer(app).add_socket(listener)
        await asyncio.Event().wait()

    asyncio.run(forever())


def server_for(app: Any) -> Callable[[Any, socket.socket], None]:
    """How an application is served."""
    kind = type(app).__module__.partition(".")[0]
    if kind in ("aiohttp", "tornado"):
        return serve_aiohttp if kind == "aiohttp" else serve_tornado
    if kind in ("flask", "falcon", "bottle", "pyramid", "django"):
        return serve_wsgi
    return serve_asgi


def application(module: Any) -> Any:
    """The application of a fixture; for Django the one that its settings make."""
    if hasattr(module, "urlpatterns"):
        import django
        from django.core.wsgi import get_wsgi_application

        django.setup()
        return get_wsgi_application()
    app = module.app
    return app() if inspect.isfunction(app) else app


def main(file: str) -> None:
    """Serve the application in ``file`` until the process is ended."""
    path = Path(file)
    sys.path.insert(0, str(path.parent))
    listener = socket.create_server(("127.0.0.1", 0))
    brokers.record(os.environ["PEER"])
    app = application(importlib.import_module(path.stem))
    print(listener.getsockname()[1], flush=True)
    server_for(app)(app, listener)


if __name__ == "__main__":
    main(sys.argv[1])
