"""The catalog's libraries, by how their facts are proven."""

from __future__ import annotations

from servicelint.catalog.loader import shipped_libraries

HTTP = tuple(library for library in shipped_libraries() if library.protocol == "http")
"""Proven with a witness in the library's place of sending, and against peers that speak HTTP."""

GRPC = tuple(library for library in shipped_libraries() if library.protocol == "grpc")
"""Proven against a real gRPC server, in ``tests/catalog/remote_calls``."""
