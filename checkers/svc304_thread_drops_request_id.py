"""Work goes to another thread, and the context variable with the request id stays behind.

A handler hands work that sends a request, publishes or logs to `run_in_executor`, `submit`, `map` or a
`Thread`. These start with a context of their own, where the variable is not set.

Why it hurts: the log lines and calls of that work have no id, or the one of another request.

Instead: hand over `copy_context().run` with the function, use `asyncio.to_thread` (which takes the context
along), or switch on an instrumentation for threads.

Gaps: Python 3.14 can let threads inherit the context (`-X thread_inherit_context`); that is not seen.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject} leaves the request id behind: {reason}")


@RULE.each_module
def work_without_context(module: Module) -> Findings:
    """Work that a handler hands to another thread without its context."""
    for fault in module.work_without_context():
        yield RULE.at_fault(fault)
