"""What answers rest on: the modules read and the words looked up on the way to each answer.

An edit re-asks only the questions that rest on what it changed. Every question that is remembered is a
:class:`Node` with what was read for it and the remembered answers it used, so that a remembered answer
carries what it rests on to whoever asks again. Modules note by themselves that they are read.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from servicelint.program.linking.modules import Module
    from servicelint.program.linking.wholes import Parts, Whole

Leaf: TypeAlias = "Module | str"
"""What is read: a module, or a question on the words of all modules (``kind:word``)."""

Key = TypeVar("Key", bound="Hashable")
Value = TypeVar("Value")


class Node:
    """A question: ``leaves`` is what was read for it, ``nodes`` the remembered answers it used."""

    __slots__ = ("leaves", "nodes")

    def __init__(self) -> None:
        self.leaves: set[Leaf] = set()
        self.nodes: set[Node] = set()


class Reads:
    """The question that is being answered, and what has been read for it so far."""

    def __init__(self) -> None:
        self.current = Node()
        self.wholes: dict[str, Whole[object]] = {}
        self.parts: dict[str, Parts[object]] = {}
        """The answers on the whole program, and those that consist of one for each module, by name."""

    def note(self, leaf: Leaf) -> None:
        """The current question rests on this."""
        self.current.leaves.add(leaf)

    def rest_on(self, node: Node) -> None:
        """The current question rests on the answer to another."""
        if node is not self.current:
            self.current.nodes.add(node)

    def within(self, node: Node) -> Asking:
        """What is read inside is read for ``node``, on which the question around it rests."""
        self.rest_on(node)
        return Asking(self, node)

    def apart(self, node: Node) -> Asking:
        """What is read inside is read for ``node``, and not for the question around it."""
        return Asking(self, node)


class Asking:
    """While it is entered, what is read is read for one question. Large runs enter some 400,000 of them."""

    __slots__ = ("_before", "_node", "_reads")

    def __init__(self, reads: Reads, node: Node) -> None:
        self._reads = reads
        self._node = node
        self._before = node

    def __enter__(self) -> None:
        self._before, self._reads.current = self._reads.current, self._node

    def __exit__(self, *_: object) -> None:
        self._reads.current = self._before


class Memo(Generic[Key, Value]):
    """Remembered answers by question, each with what it rests on."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._known: dict[Key, tuple[Value, Node]] = {}

    def answer(
        self, key: Key, find: Callable[[], Value], *, is_lasting: Callable[[], bool] | None = None
    ) -> Value:
        """The answer to a question, found if it isn't remembered.

        It is remembered unless ``is_lasting`` says, once it is found, that it holds only for who asked.
        """
        known = self._known.get(key)
        if known is None:
            node = Node()
            with self._reads.within(node):
                known = find(), node
            if is_lasting is None or is_lasting():
                self._known[key] = known
        self._reads.rest_on(known[1])
        return known[0]

    def items(self) -> Iterator[tuple[Key, Value, Node]]:
        """What is remembered, each with what it rests on."""
        yield from ((key, value, node) for key, (value, node) in self._known.items())


def closure(roots: Iterable[Node], number_of: Callable[[Leaf], int]) -> dict[Node, int]:
    """All that questions rest on, directly or through others: a bit for each leaf, by ``number_of``."""
    nodes = _reachable(roots)
    users: defaultdict[Node, list[Node]] = defaultdict(list)
    masks = dict.fromkeys(nodes, 0)
    for node in nodes:
        for leaf in node.leaves:
            masks[node] |= 1 << number_of(leaf)
        for other in node.nodes:
            users[other].append(node)
    pending = dict.fromkeys(nodes)
    while pending:
        node, _ = pending.popitem()
        for user in users[node]:
            if masks[node] & ~masks[user]:
                masks[user] |= masks[node]
                pending[user] = None
    return masks


def _reachable(roots: Iterable[Node]) -> list[Node]:
    """The nodes below the roots, each before those that it uses, as far as they form no circle."""
    found: dict[Node, None] = {}
    pending = list(roots)
    while pending:
        node = pending.pop()
        if node not in found:
            found[node] = None
            pending += node.nodes
    return list(found)
