"""Where a call goes: the host in its URL, or in its client's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.values import Literal
from servicelint.program.linking.reads import Memo

if TYPE_CHECKING:
    from servicelint.program.evaluation.arguments import Given
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.evaluation.values import CallRef
    from servicelint.program.program import Program
    from servicelint.program.sites import Site, Target

_HOST = re.compile(r"\A[a-z][\w+.-]*://(?:[^/@]*@)?(?P<host>[^/:?#{}\0]+)(?P<rest>[/:?#]|\Z)", re.IGNORECASE)


class Addresses:
    """Reads the hosts of calls, as far as they are written out or have a default."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._known: Memo[CallRef, str] = Memo(program.reads)

    def host(self, site: Site) -> str:
        """The host that all targets of a call site go to; "" if it can't be told."""
        return self._known.answer(site.ref, lambda: self._host(site))

    def _host(self, site: Site) -> str:
        hosts = {self._of(target) for target in site.targets}
        return hosts.pop() if len(hosts) == 1 else ""

    def _of(self, target: Target) -> str:
        given = target.arguments.keywords.get("url")
        if given is None and target.url is not None and target.url < len(target.arguments.positional):
            given = target.arguments.positional[target.url]
        own = self._in(given)
        if own or target.instance is None or target.instance.arguments is None:
            return own
        return self._in(target.instance.arguments.keywords.get("base_url"))

    def _in(self, given: Given | None) -> str:
        if given is None or given.expression is None or given.frame is None:
            return ""
        found = _HOST.match(self._text(given.expression, given.frame))
        return found["host"].lower() if found else ""

    def _text(self, expression: record.Expression, frame: Frame) -> str:
        """A text, with a null character for what isn't known of it."""
        if isinstance(expression, record.Text):
            return "".join(self._text(part, frame) for part in expression.parts)
        if isinstance(expression, record.Operation) and expression.operator == "+":
            return self._text(expression.left, frame) + self._text(expression.right, frame)
        values = self.program.evaluator.values(expression, frame)
        only = values[0] if len(values) == 1 else None
        return only.value if isinstance(only, Literal) and isinstance(only.value, str) else "\0"
