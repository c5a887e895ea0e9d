"""Applications in which no id is read or made, and those that never put it on their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.program.faults import Fault, definition
from servicelint.program.timeouts.verdicts import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.linking.modules import Module
    from servicelint.program.request_ids.names import RequestIds


class Identified:
    """Finds applications that leave ids alone."""

    def __init__(self, ids: RequestIds) -> None:
        self.ids = ids
        self.program = ids.program

    def without_ids(self, module: Module) -> Iterator[Fault]:
        """The applications made in a module, where nothing that handles requests reads or makes an id."""
        if not self.ids.are_known():
            yield from self._faults(module, "nothing reads the id of a request, or makes one")

    def silent_answers(self, module: Module) -> Iterator[Fault]:
        """The applications made in a module, where ids are known and no handler puts one on anything."""
        if not self.ids.are_known() or self.program.instrumented.answers():
            return
        if not any(self.ids.puts(handler.function) for handler in self.program.handlers.all()):
            yield from self._faults(module, "no handler or middleware puts the id on its answers")

    def _faults(self, module: Module, reason: str) -> Iterator[Fault]:
        handlers = [each for each in self.program.handlers.all() if each.is_entry]
        for ref in self.program.handlers.applications() if handlers else ():
            if ref.module is module:
                first = handlers[0]
                step = Step(definition(first.function), f"{first.name} is one of {len(handlers)} handlers")
                yield Fault(ref, getattr(ref.call.callee, "name", "application"), reason, (step,))
