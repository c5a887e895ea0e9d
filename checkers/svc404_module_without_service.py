"""A module belongs to no service, although services are declared.

Why it hurts: boundaries hold only between what is declared: code that nobody owns can be imported by all, and
import all.

Instead: add it to the ``modules`` of a service, or to ``shared``.

Gaps: files without any text are left alone; tests are, as everywhere, unless they are asked for.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(
    __name__,
    __doc__,
    message="this module belongs to no service and is not shared",
    on_by_default=False,
    rests_on="imports",
)


@RULE.each_module
def modules_without_service(module: Module) -> Findings:
    """Modules that nobody claims."""
    if module.has_no_service():
        yield RULE.at_place(module.start)
