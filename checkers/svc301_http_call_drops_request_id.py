"""An outbound HTTP call is made for a request, without that request's id.

Some handler reaches the call, and nothing puts an id on it: not its headers, not its client (default
headers, hooks, auth objects, transports, overridden methods), not an instrumentation that the code switches
on and that takes over the inbound id too.

Why it hurts: when the call fails or is slow, nothing ties the other service's log lines to the request that
caused them.

Instead: hand the inbound id on (`headers={"X-Request-ID": …}`), once in a client that all calls share or in
a hook of it, or switch on an instrumentation for the client. Calls to public hosts that are written out, or
that a setting has by default, are left alone unless `request-id.internal-only` is false. Where no handler
reads or makes an id, findings are infos: begin with SVC306.

Gaps: handlers that reach a call through code chosen by a name made at run time are not followed; headers that
can't be told are taken to hold the id.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject} drops the request id: {reason}")


@RULE.each_module
def calls_without_id(module: Module) -> Findings:
    """HTTP calls that a handler reaches and that carry no id."""
    for fault in module.calls_without_request_id("http"):
        yield RULE.at_fault(fault)
