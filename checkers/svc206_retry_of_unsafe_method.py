"""A POST or PATCH is repeated automatically, and nothing tells the server that it is the same.

Why it hurts: a request whose answer was lost has often been carried out. The repetition orders, pays or sends
a second time.

Instead: send an ``Idempotency-Key`` header that stays the same for all tries; or, where a repetition does no
harm (a search), name the function in ``retries.idempotent``.

Gaps: keys in the body are not seen; clients of the team's own class are taken to send one.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject}: {reason}, with no idempotency key", severity="info")


@RULE.each_module
def retries_of_unsafe_methods(module: Module) -> Findings:
    """Requests that change something and may be sent twice."""
    for fault in module.retries_of_unsafe_methods():
        yield RULE.at_fault(fault)
