"""A timeout is given, and it bounds nothing.

By the meaning the library gives the value at this place, the wait for the answer has no end: ``None`` where
it means for ever, ``httpx.Timeout(None)``, a ``(3, None)`` pair, an ``aiohttp.ClientTimeout`` with neither
``total`` nor ``sock_read``, or a setting that is None unless the environment sets it. A value that makes the
call raise is reported too, as an error.

Why it hurts: the keyword is there, so readers and other linters think that the call is bounded.

Instead: give a number, and a default to the setting. To say on purpose that a stream may stay open, bound
the silence instead: ``httpx.Timeout(5, read=60)``, ``aiohttp.ClientTimeout(total=None, sock_read=60)``.

Gaps: a value that is None only for some inputs at run time is not known to be so.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{call}: {reason}")


@RULE.each_module
def disabled_timeouts(module: Module) -> Findings:
    """Calls whose given timeout bounds nothing, or is refused."""
    for call in module.outbound_calls():
        if call.bound.is_disabled and not module.may_stay_open(call):
            yield RULE.at(call, reason=call.bound.reason)
        elif call.bound.is_invalid:
            yield RULE.at(call, reason=call.bound.reason, severity="error")
