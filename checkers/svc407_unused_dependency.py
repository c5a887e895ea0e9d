"""A declaration that nothing uses: a dependency by some protocol, an exception, a part of an interface.

The finding stands in the settings, so the command line tells it and editors of Python files don't.

Why it hurts: what nothing uses any more stays allowed, and the next import along it is not noticed.

Instead: take it out of the settings.

Gaps: a dependency by http, grpc or queue is not judged while the service, or code of nobody, has calls over
that protocol whose target can't be told. Of an exception that covers several imports one is enough.
"""

from servicelint.rule import Findings, Rule, WholeProgram

RULE = Rule(__name__, __doc__, message="{what} is declared and nothing uses it")


@RULE.whole_program
def unused_declarations(program: WholeProgram) -> Findings:
    """The declarations that no import or call needs."""
    for what, place in program.unused_declarations():
        yield RULE.at_place(place, what=what)
