"""Applications in which no id is read or made, and those that never put it on their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.program.faults import Fault, definition
from servicelint.program.timeouts.verdicts import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.handlers.services import Service
    from servicelint.program.linking.modules import Module
    from servicelint.program.request_ids.names import RequestIds


class Identified:
    """Finds applications that leave ids alone."""

    def __init__(self, ids: RequestIds) -> None:
        self.ids = ids
        self.program = ids.program

    def without_ids(self, module: Module) -> Iterator[Fault]:
        """The applications made in a module, where nothing that handles requests reads or makes an id."""
        if not self.ids.are_known(module):
            yield from self._faults(module, "nothing reads the id of a request, or makes one")

    def silent_answers(self, module: Module) -> Iterator[Fault]:
        """The applications made in a module, where ids are known and no handler puts one on anything."""
        if self.ids.are_known(module) and not any(map(self._answers, self.program.services.of(module))):
            yield from self._faults(module, "no handler or middleware puts the id on its answers")

    def _answers(self, service: Service) -> bool:
        """Whether something puts the id on answers of a service."""
        handlers = (each.function for each in self.program.handlers.all())
        return self.program.instrumented.answers(service) or any(
            self.ids.puts(function) for function in handlers if service.runs(function.module)
        )

    def _faults(self, module: Module, reason: str) -> Iterator[Fault]:
        services = self.program.services.of(module)
        handlers = [
            each
            for each in self.program.handlers.all()
            if each.is_entry and any(service.runs(each.function.module) for service in services)
        ]
        for ref in self.program.handlers.applications() if handlers else ():
            if ref.module is module:
                first = handlers[0]
                step = Step(definition(first.function), f"{first.name} is one of {len(handlers)} handlers")
                yield Fault(ref, getattr(ref.call.callee, "name", "application"), reason, (step,))
