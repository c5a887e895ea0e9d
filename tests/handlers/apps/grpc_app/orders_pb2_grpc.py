"""What the generator of gRPC writes for a service, with plain bytes for messages."""

import grpc


class OrdersServicer:
    def Find(self, request, context):
        raise NotImplementedError

    def Watch(self, request, context):
        raise NotImplementedError


def add_OrdersServicer_to_server(servicer, server):
    handlers = {
        "Find": grpc.unary_unary_rpc_method_handler(servicer.Find),
        "Watch": grpc.unary_stream_rpc_method_handler(servicer.Watch),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Orders", handlers),))
