"""An import crosses into a service that is not depended on by import.

Of whatever form: absolute or relative, in a function, with a star, ``lazy``, under ``else`` of
``if TYPE_CHECKING``, ``import shop`` and then ``shop.billing.models.X``, ``import_module("shop.billing")``.

Why it hurts: two services that import each other's code can no longer be changed, tested or deployed apart,
and nobody decided that they should not.

Instead: ask the other service over its interface; move what both need to a shared module; or declare the
dependency: ``depends-on = { billing = "import" }``. ``type-checking = "allow"`` lets imports through that
only type checkers run; ``exceptions`` lets single ones through, with a reason and a last day.

Gaps: names of modules that are put together at run time, and in f-strings, are not followed.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(
    __name__,
    __doc__,
    message="{source} imports {module} of {target}, and depends on it not by import{note}",
    rests_on="imports",
)


@RULE.each_module
def imports_across_boundaries(module: Module) -> Findings:
    """Imports from one service into another that it does not depend on by import."""
    for crossing in module.breaches("undeclared"):
        yield RULE.at_crossing(crossing)
