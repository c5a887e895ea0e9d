"""A circuit breaker can't open, whatever fails.

It decorates a kind of function whose failures it doesn't see (PyBreaker on ``async def``), is used in a way
that counts but refuses nothing (``with`` on circuitbreaker's), guards a function that catches its failures
itself or raises something that the breaker doesn't count, or is told to leave out every exception.

Why it hurts: it reads as if the peer's failure were contained. It is not, and nobody looks again.

Instead: let the failure reach the breaker and catch it outside; count what the function really raises; use
the form that the library has for coroutines.

Gaps: a function is only judged where every failure in it can be followed; predicates that decide what counts,
and errors that a framework's own decorators turn into others, are not. Nor are the team's own breakers that
are asked and told by hand, and gRPC calls that are handed on unfinished (streams, futures, interceptors).
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="the breaker on {subject} never opens: {reason}")


@RULE.each_module
def breakers_that_never_open(module: Module) -> Findings:
    """Breakers that let every call pass."""
    for fault in module.breakers_that_never_open():
        yield RULE.at_fault(fault)
