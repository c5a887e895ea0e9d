"""What a call site's request is: its method, and whether it may be repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.program.evaluation.values import (
    MISSING,
    ClassRef,
    Literal,
    MappingValue,
    Values,
)

if TYPE_CHECKING:
    from servicelint.program.program import Program
    from servicelint.program.sites import Site, Target

IDEMPOTENCY_HEADERS = frozenset({
    "idempotency-key", "x-idempotency-key", "idempotence-key", "x-request-id", "request-id", "if-match",
    "x-ms-client-request-id", "paypal-request-id", "x-client-request-id", "x-dedup-id", "x-unique-id",
})  # fmt: skip
"""Headers by which a server tells a repeated request from a new one."""

QUERY = "query"
"""The key of a body under which what is asked for stands."""

_VERBS = frozenset({"get", "head", "options", "post", "put", "patch", "delete"})


class Requests:
    """Reads requests."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def verb(self, site: Site) -> str:
        """The HTTP method that all targets of a site send with; "" if it can't be told."""
        found = {self._verb(target) for target in site.targets}
        return found.pop() if len(found) == 1 else ""

    def _verb(self, target: Target) -> str:
        last = target.name.rpartition(".")[2]
        if last in _VERBS:
            return last.upper()
        if last not in ("request", "urlopen", "stream"):
            return ""
        values = self.program.evaluator.argument(target.arguments, "method", 0)
        texts = [value.value for value in values if isinstance(value, Literal)]
        return texts[0].upper() if len(texts) == len(values) == 1 and isinstance(texts[0], str) else ""

    def may_be_idempotent(self, site: Site) -> bool:
        """Whether a request carries, or may carry, a header that makes its repetition harmless."""
        return any(self._may_be_idempotent(target) for target in site.targets)

    def _may_be_idempotent(self, target: Target) -> bool:
        if target.arguments.mappings or self._hold_key(self._headers(target)) or self._asks(target):
            return True
        instance = target.instance
        if instance is None:
            return False
        if isinstance(instance.of, ClassRef) or instance.arguments is None or instance.arguments.mappings:
            return True
        if any(effect.name != "mount()" for effect in instance.effects):
            return True
        return self._hold_key(self.program.evaluator.argument(instance.arguments, "headers", None))

    def _asks(self, target: Target) -> bool:
        """Whether the body is a query (GraphQL's, or a search's), which changes nothing."""
        bodies = self.program.evaluator.argument(target.arguments, "json", None)
        return any(isinstance(body, MappingValue) and body.entry(QUERY) is not None for body in bodies)

    def _headers(self, target: Target) -> Values:
        return self.program.evaluator.argument(target.arguments, "headers", None)

    def _hold_key(self, headers: Values) -> bool:
        """Whether headers have such a key, or can't be told."""
        for value in headers:
            if value == MISSING or value == Literal(None):
                continue
            if not isinstance(value, MappingValue) or value.rest or value.elements:
                return True
            if any(name.lower() in IDEMPOTENCY_HEADERS for name, _ in value.entries):
                return True
        return False
