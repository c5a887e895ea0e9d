"""A servicer, blocking."""

from concurrent.futures import ThreadPoolExecutor

import grpc

from tests.handlers.apps.grpc_app import orders_pb2_grpc


class Orders(orders_pb2_grpc.OrdersServicer):
    def Find(self, request, context):
        return self._answer(request)

    def Watch(self, request, context):
        yield self._answer(request)

    def _answer(self, request):
        return request


def create_server():
    server = grpc.server(ThreadPoolExecutor(1))
    orders_pb2_grpc.add_OrdersServicer_to_server(Orders(), server)
    return server
