"""A retry tries again when the circuit breaker refuses the call.

The retry stands around the breaker, and what an open breaker raises is among the exceptions it tries again.

Why it hurts: an open breaker says that asking again is of no use now. The retry asks again, waits between
tries, and holds the caller for as long as if there were no breaker.

Instead: leave the breaker's error out (``retry_if_not_exception_type(CircuitBreakerError)``), or put the
breaker around the retry.

Gaps: predicates that decide what is tried again are not followed.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject} {reason}")


@RULE.each_module
def retries_on_open_breakers(module: Module) -> Findings:
    """Retries around breakers that also repeat a refusal."""
    for fault in module.retries_on_open_breakers():
        yield RULE.at_fault(fault)
