"""The report for people: one line a finding, then the steps behind it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from servicelint.program.outbound import STATES, UNGUARDED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.finding import Cause, Finding, Place, TraceStep
    from servicelint.result import Result


CRASH = "SVC001"

MOST_NAMED = 3
"""Files that the summary names."""


def text_report(result: Result, *, with_unknown: bool = False) -> Iterator[str]:
    """The lines of the report, at the end the summary; ``with_unknown``: also what can't be told."""
    yield from _findings(result)
    for call in result.unknown if with_unknown else ():
        place = call.place
        yield f"{place.path}:{place.line}:{place.column}: unknown: {call.call}: {call.reason}"
        yield from _trace(call.trace)
    yield _summary(result)


def _findings(result: Result) -> Iterator[str]:
    """Findings that share one cause stand together, the cause given once."""
    shared = _by_cause(result.findings)
    done: set[Cause] = set()
    crashes = Counter(finding.message for finding in result.findings if finding.code == CRASH)
    for finding in result.findings:
        if finding.code == CRASH:
            yield from _crash(finding, crashes.pop(finding.message, 0))
            continue
        cause = finding.cause
        if cause is None or len(shared[cause]) < 2:
            yield _line(finding)
            yield from _trace(finding.trace)
            if cause is not None:
                yield from _trace_line(cause.place, f"{cause.id} is set here")
        elif cause not in done:
            done.add(cause)
            yield from _group(cause, shared[cause])


def statistics(result: Result) -> Iterator[str]:
    """How many findings each rule has, the most frequent first."""
    counts = Counter((finding.code, finding.name) for finding in result.findings)
    for (code, name), count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        yield f"{count:6} {code} {name}"


def _crash(finding: Finding, files: int) -> Iterator[str]:
    """One crash, told at the first of the files that it hit."""
    if files:
        yield _line(finding)
    if files > 1:
        yield f"    and on {files - 1} other file{'s' if files > 2 else ''}; see --verbose"


def _by_cause(findings: list[Finding]) -> dict[Cause, list[Finding]]:
    found: defaultdict[Cause, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.cause is not None:
            found[finding.cause].append(finding)
    return found


def _group(cause: Cause, findings: list[Finding]) -> Iterator[str]:
    for finding in findings:
        yield _line(finding)
    yield from _trace_line(cause.place, f"{cause.id} is set here: the {len(findings)} calls above rest on it")


def _line(finding: Finding) -> str:
    place = finding.place
    return f"{place.path}:{place.line}:{place.column}: {finding.code} {finding.message}"


def _trace(steps: tuple[TraceStep, ...]) -> Iterator[str]:
    for step in steps:
        yield from _trace_line(step.place, step.message)


def _trace_line(place: Place, message: str) -> Iterator[str]:
    yield f"    {place.path}:{place.line}: {message}"


def _summary(result: Result) -> str:
    count = len(result.findings)
    found = "nothing found" if not count else f"{count} finding{'s' if count > 1 else ''}"
    sites = result.sites
    counts = ", ".join(f"{sites.get(state, 0)} {state}" for state in STATES)
    files = f"{result.files} file{'s' if result.files != 1 else ''}"
    unguarded = sites.get(UNGUARDED, 0)
    note = f"; no circuit breaker is used: {unguarded} go without one" if unguarded else ""
    return f"{found} in {files}; outbound calls: {counts}{note}{_skipped(result.skipped_manifests)}"


def _skipped(manifests: list[str]) -> str:
    """That a mesh may do more than was read: its manifests are templates."""
    if not manifests:
        return ""
    named = ", ".join(manifests[:MOST_NAMED]) + (", ..." if len(manifests) > MOST_NAMED else "")
    return f"; manifests of a mesh left out, being templates: {named}"
