"""Facts as bytes."""

from __future__ import annotations

import msgspec

from servicelint.facts.record import ModuleFacts

_decoder = msgspec.msgpack.Decoder(ModuleFacts)


def encode(facts: ModuleFacts) -> bytes:
    """The facts as MessagePack."""
    return msgspec.msgpack.encode(facts)


def decode(data: bytes) -> ModuleFacts:
    """Facts from :func:`encode`.

    Raises:
        msgspec.DecodeError: if ``data`` is not what ``encode`` wrote.
    """
    return _decoder.decode(data)
