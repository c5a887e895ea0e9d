"""What a run's answers rest on, as data: by each module and question, whose answers rest on it."""

from __future__ import annotations

from array import array
from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_WORD = 64


class Rests(msgspec.Struct, array_like=True, gc=False):
    """What some answers rest on, each on one module, by the number of which it goes.

    ``users`` are these numbers by what the answers rest on; what ``all`` do stands in ``common``, as bits.
    """

    all: list[int]
    common: bytes
    users: dict[int, bytes]

    def touched(self, bits: int) -> set[int]:
        """The modules whose answers rest on any of these."""
        if bits & int.from_bytes(self.common, "little"):
            return set(self.all)
        return {number for bit in ones(bits) for number in array("I", self.users.get(bit, b""))}


def rests(masks: Mapping[int, int]) -> Rests:
    """What answers rest on, from bits by the number of the answer's module."""
    common = -1 if masks else 0
    for mask in masks.values():
        common &= mask
    users: defaultdict[int, array[int]] = defaultdict(lambda: array("I"))
    for number, mask in masks.items():
        for bit in ones(mask & ~common):
            users[bit].append(number)
    return Rests(list(masks), packed(common), {bit: each.tobytes() for bit, each in users.items()})


def bits_at(places: Iterable[int]) -> int:
    """An integer with a bit at each place; the places are few, the integer is long."""
    numbers = list(places)
    bits = bytearray(max(numbers, default=0) // 8 + 1)
    for number in numbers:
        bits[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(bits, "little")


def ones(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, word by word: an integer of many bits is slow to take apart."""
    words = array("Q", mask.to_bytes((mask.bit_length() + _WORD - 1) // _WORD * 8, "little"))
    for number, word in enumerate(words):
        left = word
        while left:
            lowest = left & -left
            yield number * _WORD + lowest.bit_length() - 1
            left ^= lowest


def packed(mask: int) -> bytes:
    """The bits of an integer."""
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")
