"""A call takes longer, with all its retries, than there is time.

Tries times timeout, plus the waits between them, come to more than the timeout around the call, or than
``timeouts.budget-seconds``. The trace holds the arithmetic; nested retries multiply.

Why it hurts: the last tries never happen, or nobody waits for them any more. The load is there all the same.

Instead: fewer tries, shorter timeouts, or one limit on the whole: ``stop_after_delay``, ``max_time``.

Gaps: redirects are said, not counted; waits in loops and those that a server asks for are left aside; a
timeout that bounds each wait for bytes can take longer than it says.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject} {reason}")


@RULE.each_module
def exceeded_budgets(module: Module) -> Findings:
    """Calls whose worst case is longer than the time they have."""
    for fault in module.exceeded_budgets():
        yield RULE.at_fault(fault)
