"""The report for programs: one JSON object, version 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from servicelint.program.outbound import STATES, UNGUARDED

if TYPE_CHECKING:
    from servicelint.finding import Finding, Place, TraceStep, UnknownCall
    from servicelint.result import Result

VERSION = 1


def json_report(result: Result, *, with_unknown: bool = False) -> str:
    """The report as JSON; findings that say that something could not be read are its errors too.

    ``with_unknown``: it has a list ``unknown`` of the calls whose bound can't be told.
    """
    report: dict[str, Any] = {
        "version": VERSION,
        "findings": [_finding(finding) for finding in result.findings],
        "errors": [_error(finding) for finding in result.findings if finding.is_failure_to_read],
        "summary": {
            "files": result.files,
            "findings": len(result.findings),
            "sites": {state: result.sites.get(state, 0) for state in STATES},
            "unguarded": result.sites.get(UNGUARDED, 0),
            "skipped_manifests": result.skipped_manifests,
        },
    }
    if with_unknown:
        report["unknown"] = [_unknown(call) for call in result.unknown]
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        **_place(finding.place),
        "end_line": finding.end_line or finding.place.line,
        "end_column": finding.end_column or finding.place.column,
        "code": finding.code,
        "name": finding.name,
        "message": finding.message,
        "severity": finding.severity,
        "function": finding.function,
        "trace": _trace(finding.trace),
        "worst_case_seconds": finding.worst_case_seconds,
        "fix": None,
        "cause": None if finding.cause is None else _cause(finding),
        "fingerprint": finding.fingerprint,
    }


def _unknown(call: UnknownCall) -> dict[str, Any]:
    return {
        **_place(call.place),
        "end_line": call.end_line,
        "end_column": call.end_column,
        "call": call.call,
        "protocol": call.protocol,
        "reason": call.reason,
        "function": call.function,
        "trace": _trace(call.trace),
    }


def _trace(steps: tuple[TraceStep, ...]) -> list[dict[str, Any]]:
    return [{**_place(step.place), "message": step.message} for step in steps]


def _cause(finding: Finding) -> dict[str, Any] | None:
    cause = finding.cause
    return None if cause is None else {"path": cause.place.path, "line": cause.place.line, "id": cause.id}


def _error(finding: Finding) -> dict[str, Any]:
    return {**_place(finding.place), "code": finding.code, "message": finding.message}


def _place(place: Place) -> dict[str, Any]:
    return {"path": place.path, "line": place.line, "column": place.column}
