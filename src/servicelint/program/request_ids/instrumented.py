"""Instrumentations: what puts the id on calls, or takes over the inbound one, without a word at the call.

One counts for the service that switches it on, not for others of the same repository.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef, External
from servicelint.program.linking.reads import Memo
from servicelint.program.linking.wholes import Packing, Whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from servicelint.catalog.correlation import Instrumentation
    from servicelint.program.handlers.services import Service
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program


_CONTINUED = {"rpc": "rpc", "message": "message"}
"""Kinds of handlers that are told apart where an id is taken over; all others handle requests."""


class Seen(NamedTuple):
    """An instrumentation that is switched on: by its name, and the modules that say so (None: all)."""

    name: str
    described: Instrumentation
    modules: tuple[Module, ...] | None

    def is_in(self, service: Service) -> bool:
        """Whether it is switched on in a service."""
        return self.modules is None or any(map(service.runs, self.modules))


class Instrumented:
    """Tells which instrumentations a program switches on, and where that is seen."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._seen = Whole(
            program.reads,
            "instrumented",
            lambda: [*self._switched_on(), *self._launched()],
            _told,
            Packing(self._packed, self._unpacked),
        )
        self._kinds: Memo[Service, set[str]] = Memo(program.reads)

    @property
    def _described(self) -> list[Instrumentation]:
        """All that is known of instrumentations, in an order."""
        known = self.program.catalog.correlation
        return [*known.instrumentations.values(), *known.launchers.values()]

    def _packed(self, seen: list[Seen]) -> list[tuple[str, int, list[int] | None]]:
        numbers, described = self.program.modules.numbers, self._described
        return [
            (name, described.index(what), None if modules is None else [numbers[each] for each in modules])
            for name, what, modules in seen
        ]

    def _unpacked(self, packed: list[tuple[str, int, list[int] | None]]) -> list[Seen]:
        numbered, described = self.program.modules.numbered, self._described
        return [
            Seen(
                name, described[what], None if modules is None else tuple(numbered[each] for each in modules)
            )
            for name, what, modules in packed
        ]

    def covering(self, library: str, protocol: str, module: Module, kind: str = "") -> str | None:
        """What puts ids on a library's calls for what is handled in a module.

        The inbound side must be continued there too, in each service that runs the module: for handlers of
        ``kind``, or for all that the service has.
        """
        names = [self._covering(library, protocol, each, kind) for each in self.program.services.of(module)]
        return names[0] if all(names) else None

    def _covering(self, library: str, protocol: str, service: Service, kind: str) -> str | None:
        continued = self._continued(service)
        kinds = {_CONTINUED.get(kind, "request")} if kind else self._handled(service)
        if not continued or not kinds <= continued:
            return None
        for seen in self._in(service):
            if {"*", library, protocol} & {*seen.described.covers}:
                return seen.name
        return None

    def continues(self, service: Service) -> bool:
        """Whether an instrumentation takes over the inbound id in a service."""
        return bool(self._continued(service))

    def _continued(self, service: Service) -> set[str]:
        """The kinds of handlers for which that holds."""
        return {kind for seen in self._in(service) for kind in seen.described.continues}

    def _handled(self, service: Service) -> set[str]:
        """The kinds of handlers that a service has."""
        return self._kinds.answer(service, lambda: self._find_handled(service))

    def _find_handled(self, service: Service) -> set[str]:
        handlers = (each for each in self.program.handlers.all() if each.is_entry)
        return {
            _CONTINUED.get(each.kind, "request") for each in handlers if service.runs(each.function.module)
        }

    def answers(self, service: Service) -> bool:
        """Whether an instrumentation puts the id on a service's answers."""
        return any(seen.described.answers for seen in self._in(service))

    def keeps_context(self, service: Service) -> bool:
        """Whether a service's threads and executors take the context variables along."""
        return any(seen.described.keeps_context for seen in self._in(service))

    def _in(self, service: Service) -> list[Seen]:
        return [each for each in self._seen.answer() if each.is_in(service)]

    # --- in the code -----------------------------------------------------------------------------

    def _switched_on(self) -> Iterator[Seen]:
        for name, described in self.program.catalog.correlation.instrumentations.items():
            for each in (name, *described.aliases):
                modules = self._switching_on(each, described)
                if modules:
                    yield Seen(each, described, tuple(modules))

    def _switching_on(self, name: str, described: Instrumentation) -> list[Module]:
        parts = name.split(".")
        ways = frozenset(".".join(parts[:length]) for length in range(1, len(parts) + 1))
        vocabulary = self.program.vocabulary
        if described.on_import:
            return list(vocabulary.modules_importing(frozenset({name})))
        holding = set(vocabulary.modules_with(parts[-1]))
        importing = [module for module in vocabulary.modules_importing(ways) if module in holding]
        using = [module for module in importing if self._is_used(name, described, module)]
        return using + [module for module in holding if vocabulary.writes(module, name)]

    def _is_used(self, name: str, described: Instrumentation, module: Module) -> bool:
        """Whether a module calls it, hands it on, or calls one of its methods."""
        names = self.program.index.of(module)
        last = name.rpartition(".")[2]
        for each in names.spellings(last):
            for ref in names.calls[each]:
                if self._means(ref.call.callee, ref, name):
                    return True
            for ref, position in names.references[each]:
                if self._means(ref.call.arguments[position].value, ref, name):
                    return True
        return any(
            self._means(ref.call.callee.value, ref, name)
            for method in described.methods
            for ref in names.calls[method]
            if isinstance(ref.call.callee, record.Attribute)
        )

    def _means(self, expression: record.Expression, ref: CallRef, name: str) -> bool:
        frame = self.program.frame_of_call(ref)
        return External(name) in self.program.evaluator.typed(expression, frame)

    # --- by the command that starts the service --------------------------------------------------

    def _launched(self) -> Iterator[Seen]:
        for path, text in self.program.commands():
            for command, described in self.program.catalog.correlation.launchers.items():
                lines = [line for line in text.splitlines() if command in line]
                if lines:
                    name = f"{command} in {path.rpartition('/')[2]}"
                    yield Seen(name, described, self._started(path, "\n".join(lines), text))

    def _started(self, path: str, line: str, text: str) -> tuple[Module, ...] | None:
        """The modules that a command starts: those that it names, its file names, or that are beside it."""
        targets = self.program.all_targets()
        for said in (line, text):
            words = set(re.findall(r"[\w.]+", said))
            named = [each for each in targets if each.name.removesuffix(".__main__") in words]
            if named:
                return tuple(named)
        folder = path.rpartition("/")[0] + "/"
        return tuple(each for each in targets if each.path.startswith(folder)) or None


def _told(seen: Iterable[Seen]) -> dict[str, object]:
    """What is switched on as plain data."""
    return {
        "": [
            (each.name, None if each.modules is None else [module.path for module in each.modules])
            for each in seen
        ]
    }
