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
    evaluated in it, and ``node`` what all of that rests on.
    """

    __slots__ = ("arguments", "closure", "depth", "memo", "module", "node", "receiver", "scope")

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
        self.node = Node()
        self.node.leaves.add(module)
