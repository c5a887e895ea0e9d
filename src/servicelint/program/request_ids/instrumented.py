"""Instrumentations: what puts the id on calls, or takes over the inbound one, without a word at the call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef, External
from servicelint.program.linking.reads import Memo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.catalog.correlation import Instrumentation
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program


class Instrumented:
    """Tells which instrumentations a program switches on, and where that is seen."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._seen: Memo[None, list[tuple[str, Instrumentation]]] = Memo(program.reads)

    def covering(self, library: str, protocol: str) -> str | None:
        """The instrumentation that puts ids on a library's calls, where the inbound side is continued too."""
        if not self.continues():
            return None
        for name, found in self._all():
            if "*" in found.covers or library in found.covers or protocol in found.covers:
                return name
        return None

    def continues(self) -> bool:
        """Whether an instrumentation takes over the inbound id."""
        return any(found.continues for _, found in self._all())

    def answers(self) -> bool:
        """Whether an instrumentation puts the id on answers."""
        return any(found.answers for _, found in self._all())

    def keeps_context(self) -> bool:
        """Whether threads and executors take the context variables along."""
        return any(found.keeps_context for _, found in self._all())

    def _all(self) -> list[tuple[str, Instrumentation]]:
        return self._seen.answer(None, lambda: [*self._switched_on(), *self._launched()])

    # --- in the code -----------------------------------------------------------------------------

    def _switched_on(self) -> Iterator[tuple[str, Instrumentation]]:
        for name, described in self.program.catalog.correlation.instrumentations.items():
            if any(self._is_on(each, described) for each in (name, *described.aliases)):
                yield name, described

    def _is_on(self, name: str, described: Instrumentation) -> bool:
        parts = name.split(".")
        ways = frozenset(".".join(parts[:length]) for length in range(1, len(parts) + 1))
        vocabulary = self.program.vocabulary
        if described.on_import:
            return bool(vocabulary.modules_importing(frozenset({name})))
        holding = set(vocabulary.modules_with(parts[-1]))
        importing = [module for module in vocabulary.modules_importing(ways) if module in holding]
        if any(self._is_used(name, described, module) for module in importing):
            return True
        return any(f'"{name}"' in module.source or f"'{name}'" in module.source for module in holding)

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

    def _launched(self) -> Iterator[tuple[str, Instrumentation]]:
        for path, text in self.program.commands:
            for command, described in self.program.catalog.correlation.launchers.items():
                if command in text:
                    yield f"{command} in {path.rpartition('/')[2]}", described
