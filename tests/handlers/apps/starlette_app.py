"""Starlette: a table of routes, endpoints, mounts."""

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute


async def health(request):
    return PlainTextResponse("ok")


def version(request):
    return PlainTextResponse("1")


class Orders(HTTPEndpoint):
    async def get(self, request):
        return PlainTextResponse("[]")

    async def post(self, request):
        return self.answer()

    def answer(self):
        return PlainTextResponse("ok")


class Feed(WebSocketEndpoint):
    async def on_receive(self, websocket, data):
        await websocket.send_text(data)


async def chat(websocket):
    await websocket.accept()


admin = [Route("/version", endpoint=version)]
app = Starlette(
    routes=[
        Route("/health", health),
        Route("/orders", Orders),
        WebSocketRoute("/feed", Feed),
        WebSocketRoute("/chat", chat),
        Mount("/admin", routes=admin),
    ]
)
