"""A service knows the id of a request and does not tell it to the caller.

No handler and no middleware puts the id on what is answered.

Why it hurts: who reports an error has no id to give.

Instead: set the header on every answer, in the middleware that reads or makes the id.

Gaps: headers that a proxy adds are not seen.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject}: {reason}", on_by_default=False)


@RULE.each_module
def silent_answers(module: Module) -> Findings:
    """Applications whose answers never carry the id."""
    for fault in module.applications_with_silent_answers():
        yield RULE.at_fault(fault)
