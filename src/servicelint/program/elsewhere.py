"""What a program's questions can leave to other processes, if there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts.flows import Flows, flows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from servicelint.program.linking.modules import Module
    from servicelint.program.linking.vocabulary import Share


class Elsewhere:
    """No other process: all is done in this one, when it is asked for."""

    def order(self, modules: Iterable[Module]) -> None:
        """Have the facts of some modules made, which will be asked for."""

    def order_flows(self, modules: Iterable[Module]) -> None:
        """Have it read what becomes of the names of some modules, which will be asked."""

    def flows(self, module: Module) -> Flows | None:
        """What becomes of the names of a module, see :func:`servicelint.facts.flows.flows`."""
        return flows(module.text)

    def hand_out(self, modules: Sequence[Module]) -> Sequence[Share]:  # noqa: ARG002 - others take some
        """Have the words of the last of some modules found; tells who was given which, in order."""
        return ()
