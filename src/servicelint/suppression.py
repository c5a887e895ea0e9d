"""Comments that silence findings: ``# noqa`` as flake8 reads it, ``# pylint: disable`` as pylint does."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, NamedTuple

from servicelint import registry
from servicelint.facts.logical_lines import Comment, LogicalLine, comments, logical_lines

if TYPE_CHECKING:
    from servicelint.finding import Finding

_NOQA = re.compile(r"#\s*noqa(?::\s*(?P<codes>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*))?", re.IGNORECASE)
_FLAKE8_FILE = re.compile(r"#\s*flake8[:=]\s*noqa(?P<codes>:\s*[A-Z0-9,\s]+)?\s*\Z", re.IGNORECASE)
_PYLINT = re.compile(
    r"#.*?pylint:\s*(?P<verb>disable-next|disable|enable|skip-file)\s*(?:=\s*(?P<names>[\w\-,\s]+))?"
)
_ANY = re.compile(r"noqa|pylint:", re.IGNORECASE)
EVERYTHING = frozenset({"*"})


class _Range(NamedTuple):
    first: int
    last: int
    codes: frozenset[str]


class Suppressions:
    """What the comments of one file silence."""

    def __init__(self, source: str) -> None:
        self._source = source

    def silences(self, finding: Finding) -> bool:
        """Whether a comment silences a finding: on any line of its statement, or on its block or file."""
        last = max(finding.end_line, finding.place.line)
        return any(
            found.first <= last and finding.place.line <= found.last and _covers(found.codes, finding)
            for found in self._ranges
        )

    @functools.cached_property
    def _ranges(self) -> list[_Range]:
        if not _ANY.search(self._source):
            return []
        lines = logical_lines(self._source)
        last = self._source.count("\n") + 1
        found: list[_Range] = []
        for comment in comments(self._source):
            found += _noqa(comment, lines, last)
            found += _pylint(comment, lines, last)
        return found


def _noqa(comment: Comment, lines: list[LogicalLine], last: int) -> list[_Range]:
    whole_file = _FLAKE8_FILE.search(comment.text)
    if whole_file:
        return [_Range(1, last, _codes(whole_file["codes"]))]
    found = _NOQA.search(comment.text)
    return [_Range(*_statement(comment.line, lines), _codes(found["codes"]))] if found else []


def _pylint(comment: Comment, lines: list[LogicalLine], last: int) -> list[_Range]:
    found = _PYLINT.search(comment.text)
    if found is None or found["verb"] == "enable":
        return []
    if found["verb"] == "skip-file":
        return [_Range(1, last, EVERYTHING)]
    codes = frozenset(name.strip().lower() for name in (found["names"] or "").split(",") if name.strip())
    codes = EVERYTHING if "all" in codes else codes
    if found["verb"] == "disable-next":
        return [_Range(comment.line + 1, comment.line + 1, codes)]
    if not comment.is_alone:
        return [_Range(*_statement(comment.line, lines), codes)]
    return [_Range(comment.line, _block_end(comment, lines, last), codes)]


def _statement(line: int, lines: list[LogicalLine]) -> tuple[int, int]:
    """The lines of the statement that a line belongs to."""
    for logical in lines:
        if logical.first <= line <= logical.last:
            return logical.first, logical.last
    return line, line


def _block_end(comment: Comment, lines: list[LogicalLine], last: int) -> int:
    """The last line of the block that a comment on its own line stands in."""
    for logical in lines:
        if logical.first > comment.line and logical.indent < comment.indent:
            return logical.first - 1
    return last


def _codes(text: str | None) -> frozenset[str]:
    found = frozenset(re.findall(r"[A-Za-z]+[0-9]+", text or ""))
    return frozenset(code.lower() for code in found) or EVERYTHING


def _covers(codes: frozenset[str], finding: Finding) -> bool:
    if codes is EVERYTHING or codes == EVERYTHING:
        return True
    rule = registry.rules().get(finding.code)
    known = {finding.code.lower(), finding.name, rule.pylint_id.lower() if rule else ""}
    return any(
        code in known or (code.startswith("svc") and finding.code.lower().startswith(code)) for code in codes
    )
