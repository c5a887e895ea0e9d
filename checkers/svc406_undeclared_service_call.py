"""A call goes to a service that is not depended on, or not by this protocol.

The target is told by its host: written out, in an f-string, a constant, a setting or the default of an
environment variable, or the ``base_url`` of the client. Hosts are those that services declare, their names,
and what compose and Kubernetes files call the services of the same name.

Why it hurts: the map of who depends on whom is wrong, and the one who changes or stops the other service does
not know of this caller.

Instead: declare it, ``depends-on = { users = "http" }``, or don't call.

Gaps: gRPC channels and stubs, and queues and topics, are not matched to services yet.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject}: {reason}")


@RULE.each_module
def undeclared_calls(module: Module) -> Findings:
    """Calls to known services along no declared dependency."""
    for fault in module.undeclared_calls():
        yield RULE.at_fault(fault)
