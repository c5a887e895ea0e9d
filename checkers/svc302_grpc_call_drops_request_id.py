"""A gRPC call is made for a request, without that request's id.

Some handler reaches the stub call, and nothing puts an id on it: no metadata, no client interceptor, no
instrumentation.

Why it hurts: the trail of a request ends at this call; what the other service logs can't be found from here.

Instead: give `metadata=[("x-request-id", …)]`, or build the channel with an interceptor that adds it.

Gaps: as for SVC301.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject} drops the request id: {reason}")


@RULE.each_module
def calls_without_id(module: Module) -> Findings:
    """Stub calls that a handler reaches and that carry no id."""
    for fault in module.calls_without_request_id("grpc"):
        yield RULE.at_fault(fault)
