"""The client of a service: every method takes and gives nothing."""

from google.protobuf.empty_pb2 import Empty


class StockStub:
    """Has a method for each that the fixtures call."""

    def __init__(self, channel):
        for name in ("Bare", "Other", "Intercepted", "Helped", "Place", "Cancel", "Find"):
            method = channel.unary_unary(
                f"/shop.Stock/{name}",
                request_serializer=Empty.SerializeToString,
                response_deserializer=Empty.FromString,
            )
            setattr(self, name, method)
