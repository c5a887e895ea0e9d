"""The server's side of a service."""

import grpc
from google.protobuf.empty_pb2 import Empty


class OrdersServicer:
    """What a server implements."""


def add_OrdersServicer_to_server(servicer, server):  # noqa: N802 - the generator's names
    """Register an implementation."""
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            getattr(servicer, name),
            request_deserializer=Empty.FromString,
            response_serializer=Empty.SerializeToString,
        )
        for name in ("Place", "Cancel", "Find")
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Orders", handlers),))
