"""A timeout is longer than any caller will wait.

Longer than ``timeouts.max-seconds``, a library's own default included; without that setting, longer than an
hour, which mostly means that milliseconds were given where seconds are meant.

Why it hurts: a bound of an hour is none: the pool is empty long before it strikes.

Instead: give seconds, and fewer than the caller of this service waits.

Gaps: streams over HTTP are treated like any other call.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{call} may wait {seconds} s, longer than {limit} s")

LONGEST_SENSIBLE = 3600.0
"""Seconds; what is longer is taken for a mistake of the unit."""


@RULE.each_module
def long_timeouts(module: Module) -> Findings:
    """Calls whose bound is above the limit."""
    limit = module.config.timeouts.max_seconds or LONGEST_SENSIBLE
    for call in module.outbound_calls():
        longest = call.bound.longest
        if module.may_stay_open(call) or longest is None or call.bound.state != "bounded":
            continue
        if longest > limit:
            yield RULE.at(call, seconds=f"{longest:g}", limit=f"{limit:g}")
