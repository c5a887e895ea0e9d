"""Queues, topics and tasks: which service owns the place that a message goes to or comes from."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from servicelint.facts import record
from servicelint.program.evaluation.values import FunctionRef, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.boundaries.crossings import Boundaries
    from servicelint.catalog.messaging import Role
    from servicelint.program.evaluation.values import CallRef, Values
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program
    from servicelint.program.queues import Publication, Subscription


class QueueUse(NamedTuple):
    """A call that publishes or receives. ``target`` owns the place; "" if nobody does, None if untold."""

    ref: CallRef
    subject: str
    target: str | None
    does: str


class Destinations:
    """Finds the owners of the places that messages go to and come from."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def of(self, module: Module, boundaries: Boundaries) -> Iterator[QueueUse]:
        """The calls of a module that publish or receive, with the owners of the places."""
        queues = self.program.queues
        for publication in queues.publications(module):
            named = queues.destination(publication)
            owner, name = self._owner(named, boundaries)
            owner = owner or self._task_owner(publication, named, boundaries)
            yield _use(publication, owner, f"publishes to {name or 'a task'} of {owner}")
        for subscription in queues.subscriptions(module):
            owner, name = self._owner(queues.source(subscription), boundaries)
            yield _use(subscription, owner, f"receives from {name} of {owner}")

    def _owner(self, named: dict[Role, Values], boundaries: Boundaries) -> tuple[str | None, str]:
        """Who owns a place, with its name; "" if its names are known and nobody's, None if they are not."""
        names = [value.value for values in named.values() for value in values if isinstance(value, Literal)]
        texts = [name for name in names if isinstance(name, str) and name]
        for text in texts:
            for service, declared in boundaries.ownership.services.items():
                if any(fnmatchcase(each, pattern) for pattern in declared.queues for each in _forms(text)):
                    return service, text
        return ("" if texts else None), ""

    def _task_owner(
        self, publication: Publication, named: dict[Role, Values], boundaries: Boundaries
    ) -> str | None:
        """The service whose function a task runs: told by the task's name, or by what was decorated."""
        ownership = boundaries.ownership
        for value in named.get("task", ()):
            if isinstance(value, Literal) and isinstance(value.value, str):
                module = self._module(value.value.rpartition(".")[0])
                return (module and ownership.service_of(module)) or ""
        callee = publication.ref.call.callee
        frame = self.program.frame_of_call(publication.ref)
        owner = callee.value if isinstance(callee, record.Attribute) else record.OPAQUE
        owners = self.program.evaluator.values(owner, frame)
        functions = [value for value in owners if isinstance(value, FunctionRef)]
        if functions:
            return ownership.service_of(functions[0].module) or ""
        return "" if named else None

    def _module(self, name: str) -> Module | None:
        named = [module for module in self.program.all_targets() if module.name == name]
        return named[0] if len(named) == 1 else None


def _use(use: Publication | Subscription, owner: str | None, does: str) -> QueueUse:
    return QueueUse(use.ref, use.name, owner, does)


def _forms(name: str) -> set[str]:
    """A name as it is, and the last part of an address that ends in it (an SQS URL, an ARN)."""
    is_address = "://" in name or name.startswith("arn:")
    return {name, name.rpartition("/")[2].rpartition(":")[2]} if is_address else {name}
