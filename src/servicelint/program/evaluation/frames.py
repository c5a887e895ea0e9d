"""Frames: in which function, called how, an expression is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.program.linking.reads import Node

if TYPE_CHECKING:
    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.evaluation.values import Value, Values
    from servicelint.program.linking.modules import Module


class Frame:
    """A scope of a module and, for a function, the call that entered it.

    Without ``arguments`` a function's parameters stay symbols: any caller's. ``receiver`` is what a
    method is called on. ``closure`` is the frame of the function around it. ``memo`` holds what has been
    evaluated in it.
    """

    __slots__ = ("_node", "_nodes", "arguments", "closure", "depth", "memo", "module", "receiver", "scope")

    def __init__(
        self,
        module: Module,
        scope: int,
        arguments: Arguments | None = None,
        receiver: Value | None = None,
        closure: Frame | None = None,
    ) -> None:
        self.module = module
        self.scope = scope
        self.arguments = arguments
        self.receiver = receiver
        self.closure = closure
        self.depth: int = 1 + (arguments.depth if arguments else 0)
        self.memo: dict[int, Values] = {}
        self._node = self._made_node()
        self._nodes: dict[int, Node] = {}

    def node_of(self, number: int) -> Node:
        """What an answer in ``memo`` rests on: in a function all together, at the top of a module each alone.

        All that import from a module ask there, each for something else.
        """
        if self.scope:
            return self._node
        known = self._nodes.get(number)
        if known is None:
            known = self._nodes[number] = self._made_node()
        return known

    def _made_node(self) -> Node:
        node = Node()
        node.leaves.add(self.module)
        return node
