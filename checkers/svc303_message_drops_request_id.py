"""A message is published for a request, without that request's id.

Some handler reaches the call that publishes, and the message has the id neither in its headers nor as its
correlation id; no integration that the code switches on puts it there, and nothing beside the call speaks of
an id in its body.

Why it hurts: what the consumer does later can't be tied to the request that asked for it.

Instead: put the id into the message's headers, or its correlation id, where it is published.

Gaps: messages built by functions of other libraries are taken to hold the id.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject} drops the request id: {reason}")


@RULE.each_module
def messages_without_id(module: Module) -> Findings:
    """Messages that a handler publishes and that carry no id."""
    for fault in module.messages_without_request_id():
        yield RULE.at_fault(fault)
