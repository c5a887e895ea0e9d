"""What the generator of grpclib writes for a service."""

import abc

import grpclib.const


class OrdersBase(abc.ABC):
    @abc.abstractmethod
    async def Find(self, stream):
        pass

    def __mapping__(self):
        return {
            "/shop.Orders/Find": grpclib.const.Handler(
                self.Find, grpclib.const.Cardinality.UNARY_UNARY, bytes, bytes
            )
        }
