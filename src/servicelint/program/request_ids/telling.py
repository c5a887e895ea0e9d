"""How a finding on request ids is told: by whom a call is reached, and on which way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.program.faults import definition
from servicelint.program.timeouts.verdicts import Step

if TYPE_CHECKING:
    from servicelint.program.handlers.reaching import Reached


def by_whom(reached: list[Reached]) -> str:
    """A handler that reaches something, and how many others do."""
    names = list(dict.fromkeys(each.handler.name for each in reached))
    if len(names) == 1:
        return f"`{names[0]}` reaches it"
    others = "another handler" if len(names) == 2 else f"{len(names) - 1} other handlers"
    return f"`{names[0]}` and {others} reach it"


def way_to(reached: Reached) -> list[Step]:
    """The way from a handler down to a call."""
    handler = reached.handler
    route = f" for {handler.route}" if handler.route else ""
    framework = f"{handler.framework} runs" if handler.framework else "it is run"
    steps = [Step(definition(handler.function), f"{framework} {handler.name}{route}")]
    called = [(ref, getattr(ref.call.callee, "name", "it")) for ref in reached.path[:-1]]
    return steps + [Step(ref, f"which calls {name}") for ref, name in called]
