"""An outbound HTTP call can wait for ever.

Nothing bounds the wait for the answer: not the call, not the client it is made with, nothing around it. The
finding stands at the call; where a wrapper hands its timeout on, at the caller that gives none.

Why it hurts: one stuck peer holds a worker, a thread or a connection until the pool is empty, and the
service that waits hangs with it.

Instead: pass a timeout, or build the client with one. A library's own finite default (HTTPX 5 s, aiohttp
300 s in total) counts as a bound.

Gaps: clients made by plugins that are loaded at run time, or by frameworks' own containers, are not followed.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{call} can wait for ever: {reason}")


@RULE.each_module
def calls_without_timeout(module: Module) -> Findings:
    """Calls to which nothing was given and which nothing else bounds."""
    for call in module.outbound_calls(protocol="http"):
        if call.bound.is_missing:
            yield RULE.at(call, reason=call.bound.reason)
