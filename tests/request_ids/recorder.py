"""A peer that answers every request and remembers its headers; it stands for a proxy, too."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class Recorder:
    """``arrived`` holds the values of all headers of the last request, by its path without query.

    ``bodies`` holds what it brought, ``answer`` is what all requests are answered.
    """

    def __init__(self, answer: bytes = b"ok") -> None:
        self.answer = answer
        self.arrived: dict[str, list[str]] = {}
        self.bodies: dict[str, bytes] = {}
        answer_to = self.answer_to

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = answer_to(urlsplit(self.path).path, list(self.headers.values()), body)
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def answer_to(self, path: str, values: list[str], body: bytes) -> bytes:
        """Note a request; gives its answer."""
        self.arrived[path] = values
        self.bodies[path] = body
        return self.answer

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
