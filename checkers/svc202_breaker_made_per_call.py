"""A circuit breaker is made where it is used.

Each call of the function makes a new breaker, uses it once and drops it; or the breaker is kept on an object
that is itself made for each request. It has never seen a failure before.

Why it hurts: a breaker that forgets never opens. The dead peer is called for every request, as if there
were none.

Instead: make it once, at module level, on an object that lasts or in a cached factory.

Gaps: a breaker on an object is followed where a handler or a dependency makes the object, not where something
that they call does. One that is made before a loop lasts as long as the loop, and is let be.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject} is {reason}")


@RULE.each_module
def forgetful_breakers(module: Module) -> Findings:
    """Breakers that live no longer than the call they guard."""
    for fault in module.breakers_made_per_call():
        yield RULE.at_fault(fault)
