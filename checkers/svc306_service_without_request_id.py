"""A service handles requests and knows nothing of their ids.

The application has handlers, but no middleware, instrumentation or code of its own reads the id of a request
or makes one.

Why it hurts: nothing ties the log lines of one request together, here or in the services behind.

Instead: add a middleware that takes the id from the request (or makes one where none came), keeps it in a
context variable for the log, and hands it on with every call.

Gaps: ids that only a proxy or a service mesh adds are not seen.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject}: {reason}")


@RULE.each_module
def services_without_ids(module: Module) -> Findings:
    """Applications in whose program nothing reads or makes an id."""
    for fault in module.applications_without_request_id():
        yield RULE.at_fault(fault)
