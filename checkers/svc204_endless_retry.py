"""A retry has no end, or no wait between its tries.

A policy with neither a number of tries nor a time (``@tenacity.retry``, ``backoff.on_exception`` without
``max_tries``, ``urllib3.Retry(total=None)``), or a loop that failure goes round and only success leaves.
A retry with an end that waits nothing between tries is told as info.

Why it hurts: while the peer is down each request that comes in stays for ever and asks again. When the peer
comes up, all of them are there to keep it down.

Instead: give it an end and a growing wait: ``stop=stop_after_attempt(3), wait=wait_exponential_jitter()``.

Gaps: pollers, consumers and heartbeats are none of these: a loop counts only if success leaves it, whatever
the answer says; a function that runs for ever may be started again for ever.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject} {reason}")


@RULE.each_module
def endless_retries(module: Module) -> Findings:
    """Retries that do not end, then those that do not wait."""
    for fault in module.retries_without_end():
        yield RULE.at_fault(fault)
