"""For a circuit breaker an answer with an error status is a success.

The guarded function returns what it gets; nothing in it raises for a status of 500, or looks at the status.

Why it hurts: an overloaded peer mostly answers, with 503. The breaker counts each of these as a success, and
resets its count of failures by it.

Instead: call ``raise_for_status()`` inside the guarded function.

Gaps: hooks and clients of the team's own class are taken to look at the status.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(
    __name__,
    __doc__,
    message="the breaker on {subject} takes an answer with status 500 for a success",
    severity="info",
)


@RULE.each_module
def breakers_blind_to_status(module: Module) -> Findings:
    """Guarded functions that look at no status."""
    for fault in module.breakers_blind_to_status():
        yield RULE.at_fault(fault)
