"""The messages."""

from google.protobuf.empty_pb2 import Empty

__all__ = ["Empty"]
