"""Answers on the whole program, on which many others rest and which few edits change.

A run keeps them as data: one that goes on from it has those back that rest on nothing which has changed, and
finds the others again.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from servicelint.program.linking.modules import storable
from servicelint.program.linking.reads import Memo, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from servicelint.program.linking.modules import Module, ModuleIndex
    from servicelint.program.linking.reads import Reads

WHOLE = "whole"
"""The kind of the questions that :class:`Whole` answers."""

ANY = "any"
"""The part that only tells whether there is anything at all."""

Value = TypeVar("Value")


def _digest(told: object) -> bytes:
    return blake2b(repr(told).encode("utf-8", "replace"), digest_size=8).digest()


NOTHING = _digest(None)
"""The digest of a part that an answer does not have: of most modules nothing is told."""


class Packing(Generic[Value]):
    """How a value becomes plain data (lists, texts and numbers), and is made of that again."""

    def __init__(self, pack: Callable[[Value], object], unpack: Callable[[Any], Value]) -> None:
        self.pack = pack
        self.unpack = unpack


IS_SO: Packing[bool] = Packing(bool, bool)
"""For an answer that is yes or no."""


class Whole(Generic[Value]):
    """An answer on the whole program.

    Who asks rests on what is told, not on all that was read for it: a run that goes on from an earlier one
    finds it again, if it has to, and compares.

    Args:
        name: what it is called in a kept run.
        find: finds it.
        tell: the answer as plain data (whose ``repr`` is the same in each process), in parts by name.
        packing: how it is kept; without, it is found again when it is first asked for.
    """

    def __init__(
        self,
        reads: Reads,
        name: str,
        find: Callable[[], Value],
        tell: Callable[[Value], Mapping[str, object]],
        packing: Packing[Value] | None = None,
    ) -> None:
        self.node = Node()
        self.earlier: Callable[[], object] = lambda: None
        """Gives the data that an earlier run kept, if nothing the answer rests on has changed."""
        self._reads = reads
        self._name = name = name.replace(":", " ")  # which parts questions
        self._find = find
        self._tell = tell
        self._packing = packing
        self._known: tuple[Value, Mapping[str, object]] | None = None
        self._crash: Exception | None = None
        reads.wholes[name] = self  # type: ignore[assignment]  # only asked what it tells

    def answer(self, part: str = "") -> Value:
        """The answer, of which who asks needs one part."""
        self._reads.note(f"{WHOLE}:{self._name}:{storable(part)}")
        return self._answer()[0]

    def told(self, part: str) -> bytes:
        """A digest of one part of the answer."""
        told = self._answer()[1].get(part)
        return NOTHING if told is None else _digest(told)

    def packed(self) -> object:
        """The answer as data; None if it is not kept, or was not asked for."""
        return None if self._packing is None or self._known is None else self._packing.pack(self._known[0])

    def _answer(self) -> tuple[Value, Mapping[str, object]]:
        if self._crash is not None:
            raise self._crash.with_traceback(None)
        if self._known is None:
            try:
                with self._reads.apart(self.node):
                    self._known = self._telling(self._found())
            except Exception as error:
                self._crash = error  # whoever asks next must not wait for the same crash
                raise
        return self._known

    def _found(self) -> Value:
        packed = self.earlier() if self._packing is not None else None
        return self._find() if self._packing is None or packed is None else self._packing.unpack(packed)

    def _telling(self, value: Value) -> tuple[Value, Mapping[str, object]]:
        return value, {storable(part): what for part, what in self._tell(value).items()}


class Parts(Generic[Value]):
    """Answers on one module each, of which an answer on the whole program consists.

    ``earlier`` gives the data that an earlier run kept of a module, if nothing it rests on has changed.
    """

    def __init__(
        self, reads: Reads, name: str, find: Callable[[Module], Value], packing: Packing[Value]
    ) -> None:
        self.earlier: Callable[[Module], object] = lambda _: None
        self._find = find
        self._packing = packing
        self._known: Memo[Module, Value] = Memo(reads)
        reads.parts[name] = self  # type: ignore[assignment]  # only asked for data

    def of(self, module: Module) -> Value:
        """The answer on one module."""
        return self._known.answer(module, lambda: self._found(module))

    def _found(self, module: Module) -> Value:
        packed = self.earlier(module)
        return self._find(module) if packed is None else self._packing.unpack(packed)

    def items(self) -> Iterator[tuple[Module, object, Node]]:
        """What is known, as data, with what it rests on."""
        for module, value, node in self._known.items():
            yield module, self._packing.pack(value), node


def paths(modules: Iterable[Module]) -> dict[str, object]:
    """Modules as plain data: each a part, and all of them one."""
    told: dict[str, object] = {module.path: True for module in modules}
    return {"": sorted(told), ANY: bool(told), **told}


def by_number(index: ModuleIndex) -> Packing[frozenset[Module]]:
    """Modules kept by their numbers."""
    return Packing(
        lambda modules: sorted(index.numbers[module] for module in modules),
        lambda numbers: frozenset(index.numbered[number] for number in numbers),
    )
