"""Answers with an error status: whether the code that gets them notices."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from servicelint.facts.mentions import mentions, reads
from servicelint.program.evaluation.values import ClassRef
from servicelint.program.linking.index import last_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicelint.program.evaluation.values import FunctionRef
    from servicelint.program.program import Program
    from servicelint.program.sites import Site, Target

_READING = frozenset({"json", "text", "read", "iter_content", "iter_lines", "close", "aclose", "release"})
_HOOKS = ("event_hooks", "hooks", "transport", "auth", "raise_for_status", "response_class")


class Statuses:
    """Tells whether code notices an answer that says that the peer failed."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def unchecked_site(self, function: FunctionRef) -> Site | None:
        """The first call site of a function, if nothing in it looks at the status of any answer."""
        described = function.module.facts.functions[function.index]
        sites = [
            site
            for ref, site in self.program.outcomes.sites(function.module).items()
            if ref.call.scope == described.scope
        ]
        if not sites or not all(self._may_be_blind(site) for site in sites):
            return None
        checks = {check for site in sites for check in self._checks(site)}
        if re.search(
            rf"\b(?:{'|'.join(sorted(checks))})\b", block_text(function.module.lines, described.line)
        ):
            return None
        return None if any(self._hands_answer_on(site) for site in sites) else sites[0]

    def _may_be_blind(self, site: Site) -> bool:
        return all(self._returns_errors(target) for target in site.targets)

    def _returns_errors(self, target: Target) -> bool:
        """Whether an answer with an error status comes back like any other, as far as that is shown."""
        failures = self.program.catalog.library_of(target.entry).failures
        if failures.status != "returned" or any(hook in target.arguments.keywords for hook in _HOOKS):
            return False
        if target.arguments.mappings:
            return False
        instance = target.instance
        if instance is None:
            return True
        if isinstance(instance.of, ClassRef) or instance.effects or instance.arguments is None:
            return False
        made = instance.arguments
        return not made.mappings and not any(hook in made.keywords for hook in _HOOKS)

    def _checks(self, site: Site) -> tuple[str, ...]:
        return tuple(
            check
            for target in site.targets
            for check in self.program.catalog.library_of(target.entry).failures.checks
        )

    def _hands_answer_on(self, site: Site) -> bool:
        """Whether something else gets the answer in the same function, and may look at it."""
        ref = site.ref
        if ref.call.holder >= 0:
            return True
        if ref.call.bound_to < 0:
            return False
        name = ref.module.facts.scopes[ref.call.scope].bindings[ref.call.bound_to].name
        is_read = reads(ref.call.bound_to, name)
        return any(
            call.scope == ref.call.scope
            and last_name(call.callee) not in _READING
            and any(mentions(argument.value, is_read) for argument in call.arguments)
            for call in ref.module.facts.calls
        )


def block_text(lines: Sequence[str], first: int) -> str:
    """The lines of a block: from its ``def``, line ``first``, to the next that is indented no more."""
    indent = _indent(lines[first - 1])
    last = first
    while last < len(lines) and _goes_on(lines[last], indent):
        last += 1
    return "".join(lines[first - 1 : last])


def _goes_on(line: str, indent: int) -> bool:
    """Whether a line still belongs to a function whose ``def`` is indented so."""
    text = line.strip()
    return not text or _indent(line) > indent or text[0] in ")]}"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
