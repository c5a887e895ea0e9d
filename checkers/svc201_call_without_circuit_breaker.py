"""A request leads to an outbound call with no circuit breaker on the way.

Each way from a handler to the call is looked at: decorators, calls through a breaker, guarded blocks,
clients, transports and adapters that go through one, the team's own breaker class, own decorators. One way
without a breaker is enough; the trace is that way.

Why it hurts: while the peer is down every request waits for it until its timeout, with a worker, and the
service is as slow as if it were down itself.

Instead: guard the call, or the function that makes it, with a breaker that all requests share.

Gaps: it is on by itself only where the program uses a breaker somewhere or declares services; elsewhere the
summary counts these calls. What a mesh's manifests guard is left out, as are services with
``breaker = "mesh"`` or ``"off"``.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject}: {reason}")


@RULE.each_module
def calls_without_breaker(module: Module) -> Findings:
    """Calls that some handler reaches around every breaker."""
    for fault in module.calls_without_breaker():
        yield RULE.at_fault(fault)
