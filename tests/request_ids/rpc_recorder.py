"""A gRPC peer that answers every call with nothing, and remembers its metadata."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class RpcRecorder(grpc.GenericRpcHandler):  # type: ignore[misc]  # untyped where grpc has no stubs
    """``arrived`` holds the values of the metadata of the last call, by its method's own name."""

    def __init__(self) -> None:
        self.arrived: dict[str, list[str]] = {}
        self._server = grpc.server(ThreadPoolExecutor(2), handlers=[self])
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """Note a call."""
        method = handler_call_details.method.rpartition("/")[2]
        self.arrived[method] = [str(value) for _, value in handler_call_details.invocation_metadata]
        return grpc.unary_unary_rpc_method_handler(lambda *_: b"")

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(None).wait(5)
