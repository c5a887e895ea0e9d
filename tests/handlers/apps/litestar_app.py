"""Litestar: handlers, a controller, a router, a websocket."""

from litestar import Controller, Litestar, Router, get, post, websocket
from litestar.connection import WebSocket


@get("/health")
async def health() -> str:
    return "ok"


class Orders(Controller):
    path = "/orders"

    @get()
    async def all(self) -> list[str]:
        return []

    @post()
    async def place(self) -> str:
        return self.answer()

    def answer(self) -> str:
        return "ok"


@get("/version", sync_to_thread=False)
def version() -> str:
    return "1"


@websocket("/feed")
async def feed(socket: WebSocket) -> None:
    await socket.accept()


app = Litestar([health, Orders, feed, Router("/admin", route_handlers=[version])])
