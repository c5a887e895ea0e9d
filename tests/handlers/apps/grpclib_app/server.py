"""A grpclib service."""

from grpclib.server import Server

from tests.handlers.apps.grpclib_app.orders_grpc import OrdersBase


class Orders(OrdersBase):
    async def Find(self, stream):
        await self._answer(stream)

    async def _answer(self, stream):
        await stream.send_message(b"")


def create_server():
    return Server([Orders()])
