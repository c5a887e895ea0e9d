"""A call or message goes to a service that is not depended on, or not by this protocol.

The target of an HTTP call is told by its host: written out, in an f-string, a constant, a setting, the value
that manifests give an environment variable or else its default, or the ``base_url`` of the client. Hosts are
those that services declare, their names, and what compose and Kubernetes files call the services of the same
name. A gRPC call goes to what its channel was made for; else to the service that its stub's package belongs
to, or that serves it. A message goes to whoever owns its queue, topic or task (``queues``, with ``*`` for any
part of a name), and whoever receives from another service's queue depends on it, too. If a function sends to
an address that it is given, the finding is the call that gives it.

Why it hurts: the map of who depends on whom is wrong, and the one who changes or stops the other service does
not know of this caller.

Instead: declare it, ``depends-on = { users = "http" }``, or don't call.

Gaps: addresses that only an environment, a registry or a database knows. Calls in modules of nobody are no
service's, unless one hands them the address.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject}: {reason}")


@RULE.each_module
def undeclared_calls(module: Module) -> Findings:
    """Calls to known services along no declared dependency."""
    for fault in module.undeclared_calls():
        yield RULE.at_fault(fault)
