"""Services depend on each other in a loop.

One finding for all services that reach each other, by imports, calls or both, at the first import (or else
call) of a dependency to cut. Its trace has the imports and calls behind each step. It gives a shortest loop,
and a smallest set of dependencies that have to go so that no loop is left (beyond 12 services only a small
set is looked for, and the message says so).

Why it hurts: none of them can be deployed, tested or understood without all others: they are one service in
several folders.

Instead: cut what the finding names: turn the import round, hand the data over, or move it to a shared module;
answer with an event what was a call back.

Gaps: imports that only type checkers run don't count if the settings let them through. Of calls only those
count whose target can be told.
"""

from servicelint.rule import Findings, Rule, WholeProgram, link_step

RULE = Rule(
    __name__, __doc__, message="{count} services depend on each other: {loop}; to break it, cut {cut}{note}"
)


MOST_TOLD = 5
"""Dependencies that the message names; the trace has all."""


def told(cut: tuple[tuple[str, str], ...]) -> str:
    """The dependencies to cut in a few words."""
    named = ", ".join(f"{source} -> {target}" for source, target in cut[:MOST_TOLD])
    return f"{named} and {len(cut) - MOST_TOLD} more" if len(cut) > MOST_TOLD else named


@RULE.whole_program
def service_cycles(program: WholeProgram) -> Findings:
    """Each set of services that reach each other."""
    for loop in program.service_loops():
        cycle = loop.cycle
        steps = [*zip(cycle.shortest, (*cycle.shortest[1:], cycle.shortest[0]), strict=True), *cycle.cut]
        yield RULE.at_link(
            loop.first,
            trace=[link_step(link) for step in dict.fromkeys(steps) for link in loop.links[step]],
            count=str(len(cycle.services)),
            loop=" -> ".join((*cycle.shortest, cycle.shortest[0])),
            cut=told(cycle.cut),
            note="" if cycle.is_exact else " (fewer may do)",
        )
