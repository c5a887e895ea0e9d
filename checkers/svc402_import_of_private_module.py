"""An import takes a module of another service that is not in its interface.

The service may import the other one, but not this part of it.

Why it hurts: whoever works on the other service changes its inner modules freely, and breaks this one.

Instead: import from what the other service lists in its ``interface``; or have the module added there.

Gaps: as for SVC401. An interface consists of modules; single names in a module can't be kept private.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(
    __name__,
    __doc__,
    message="{source} imports {module}, which is not in the interface of {target}{note}",
    rests_on="imports",
)


@RULE.each_module
def imports_of_private_modules(module: Module) -> Findings:
    """Imports between services along a declared dependency that pass the interface by."""
    for crossing in module.breaches("private"):
        yield RULE.at_crossing(crossing)
