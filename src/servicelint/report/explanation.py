"""Explanations: a rule's documentation, and the verdict on the calls at a line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from servicelint.rule import trace_step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.outbound import OutboundCall
    from servicelint.rule import Rule
    from servicelint.run import Run


def rule_report(rule: Rule) -> str:
    """What a rule is about."""
    return f"{rule.code} {rule.name} (pylint: {rule.pylint_id})\n\n{rule.documentation.strip()}"


def line_report(run: Run, path: Path, line: int) -> str:
    """The verdict on each outbound call at a line, what it rests on, and what the library does by itself."""
    wanted = Path(os.path.abspath(path)).as_posix()  # noqa: PTH100 - a link keeps the name it was given by
    calls = [
        call
        for module in run.program.targets
        if module.path == wanted
        for call in run.program.outbound_calls(module)
        if call.ref.call.line <= line <= call.ref.call.last_line
    ]
    if not calls:
        return f"{path}:{line}: no outbound call is known here"
    return "\n".join(text for call in calls for text in _call_lines(run, call))


def _call_lines(run: Run, call: OutboundCall) -> Iterator[str]:
    span = call.span
    kind = "a wrapper of an outbound call" if call.is_wrapper else "an outbound call"
    yield f"{call.ref.module.shown}:{span.line}:{span.column}: {call.name}, {kind}: {call.bound.state}"
    yield f"    {call.bound.reason}{_length(call)}"
    for step in (trace_step(step) for step in call.bound.trace):
        yield f"    {step.place.path}:{step.place.line}: {step.message}"
    cause = call.bound.cause
    if cause is not None:
        yield f"    {cause.module.shown}:{cause.line}: {cause.name} is set here"
    notes = run.program.catalog.library_of(call.entry).notes
    if notes:
        yield "    " + " ".join(notes.split())


def _length(call: OutboundCall) -> str:
    kind = getattr(call.bound.verdict, "kind", None)
    seconds = call.bound.longest
    parts = [f"{seconds:g} s"] if seconds is not None else []
    parts += [kind] if kind else []
    return f" ({', '.join(parts)})" if parts else ""
