"""A gRPC call can wait for ever.

Nothing ends the call: no ``timeout`` is given, no service config names the method, no interceptor sets one,
nothing around it cancels it. The finding stands at the call of the stub's method (for a stream, where it
starts); where a wrapper hands its timeout on, at the caller that gives none.

Why it hurts: once a server has accepted a call, the client waits for the answer as long as the connection
lives. One stuck server holds a thread or a task for each request, until the pool is empty.

Instead: pass ``timeout=`` (seconds), or set one for all methods in an interceptor or in the channel's service
config. A stream that is meant to stay open is no finding if its method is called watch, subscribe, listen or
stream, if its comment in a ``.proto`` file says that it stays open, or if it is named in
``timeouts.open-streams``; ``timeouts.streams = "report"`` reports these too.

Gaps: service configs that a resolver delivers, and interceptors of most other libraries, are not known. A
stub that is kept where a framework offers a place (``app.state``, ``flask.g``) is known by annotation only.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{call} can wait for ever: {reason}")


@RULE.each_module
def calls_without_deadline(module: Module) -> Findings:
    """Calls to which nothing was given and which nothing else bounds; streams that may stay open left out."""
    for call in module.outbound_calls(protocol="grpc"):
        if call.bound.is_missing and not module.may_stay_open(call):
            yield RULE.at(call, reason=call.bound.reason)
