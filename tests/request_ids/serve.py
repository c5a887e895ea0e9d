"""Serves the application of one fixture with a real server: ``python -m tests.request_ids.serve FILE``.

Prints the port that it listens on, in a line of its own.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

GENERATED = Path(__file__).with_name("generated")
"""What generators write for fixtures."""


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


def serve_grpc(app: Any, listener: socket.socket) -> None:
    """gRPC, which listens by itself."""
    port = listener.getsockname()[1]
    listener.close()
    app.add_insecure_port(f"127.0.0.1:{port}")
    app.start()
    app.wait_for_termination()


def server_for(app: Any) -> Callable[[Any, socket.socket], None]:
    """How an application is served."""
    kind = type(app).__module__.partition(".")[0]
    own = {"aiohttp": serve_aiohttp, "tornado": serve_tornado, "grpc": serve_grpc}
    if kind in ("flask", "falcon", "bottle", "pyramid", "django"):
        return serve_wsgi
    return own.get(kind, serve_asgi)


def application(module: Any) -> Any:
    """The application of a fixture; for Django the one that its settings make."""
    if hasattr(module, "urlpatterns"):
        import django
        from django.core.wsgi import get_wsgi_application

        django.setup()
        return get_wsgi_application()
    app = module.app
    return app() if inspect.isfunction(app) else app


def module_of(file: Path) -> tuple[str, Path]:
    """A file's name as a module, and the folder that it is imported from."""
    name, folder = file.stem, file.parent
    while (folder / "__init__.py").exists():
        name, folder = f"{folder.name}.{name}", folder.parent
    return name, folder


def main(file: str) -> None:
    """Serve the application in ``file`` until the process is ended."""
    name, root = module_of(Path(file))
    sys.path[:0] = [str(root), str(GENERATED)]
    listener = socket.create_server(("127.0.0.1", 0))
    app = application(importlib.import_module(name))
    print(listener.getsockname()[1], flush=True)
    server_for(app)(app, listener)


if __name__ == "__main__":
    main(sys.argv[1])
