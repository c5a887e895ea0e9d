"""An outbound call gets an id made anew, though the request has one.

The header of the outbound call, or of the message, is filled with a new random id in code that a handler
reaches, in a program that knows the inbound id.

Why it hurts: both sides log an id, and they never match.

Instead: hand on the inbound id, and make one only where none came in.

Gaps: ids from other generators than uuid, secrets, ulid, shortuuid and nanoid are not known to be new.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject} gets a request id made anew: {reason}")


@RULE.each_module
def renewed_ids(module: Module) -> Findings:
    """Calls whose id is made anew although one came in."""
    for fault in module.calls_with_fresh_request_id():
        yield RULE.at_fault(fault)
