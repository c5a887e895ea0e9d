"""Comments that silence findings: ``# noqa`` as flake8 reads it, ``# pylint: disable`` as pylint does."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from servicelint import registry
from servicelint.facts.logical_lines import Comment, LogicalLine, comments, count_newlines, logical_lines

if TYPE_CHECKING:
    from collections.abc import Collection

    from servicelint.finding import Finding

_NOQA = re.compile(r"#\s*noqa(?::\s*(?P<codes>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*))?", re.IGNORECASE)
_FLAKE8_FILE = re.compile(r"#\s*flake8[:=]\s*noqa(?P<codes>:\s*[A-Z0-9,\s]+)?\s*\Z", re.IGNORECASE)
_PYLINT = re.compile(
    r"#.*?pylint:\s*(?P<verb>disable-next|disable|enable|skip-file)\s*(?:=\s*(?P<names>[\w\-,\s]+))?"
)
_ANY = re.compile(r"noqa|pylint:", re.IGNORECASE)
EVERYTHING = frozenset({"*"})

Dialect = Literal["noqa", "pylint"]
DIALECTS: frozenset[Dialect] = frozenset({"noqa", "pylint"})
"""Whose comments there are. A host that reads its own comments itself leaves them out."""


class _Range(NamedTuple):
    first: int
    last: int
    codes: frozenset[str]


class Suppressions:
    """What the comments of one file silence."""

    def __init__(self, source: str, dialects: Collection[Dialect] = DIALECTS) -> None:
        self._source = source
        self._dialects = dialects

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
        last = count_newlines(self._source, 0, len(self._source)) + 1
        found = comments(self._source)
        ranges = _pylint(found, lines, last) if "pylint" in self._dialects else []
        if "noqa" in self._dialects:
            ranges += [each for comment in found for each in _noqa(comment, lines, last)]
        return ranges


def _noqa(comment: Comment, lines: list[LogicalLine], last: int) -> list[_Range]:
    whole_file = _FLAKE8_FILE.search(comment.text)
    if whole_file:  # flake8 takes it only on a line of its own
        return [_Range(1, last, _codes(whole_file["codes"]))] if comment.is_alone else []
    found = _NOQA.search(comment.text)
    return [_Range(*_statement(comment.line, lines), _codes(found["codes"]))] if found else []


def _pylint(found: list[Comment], lines: list[LogicalLine], last: int) -> list[_Range]:
    ranges: list[_Range] = []
    for comment in found:
        pragma = _PYLINT.search(comment.text)
        if pragma is None:
            continue
        if pragma["verb"] == "skip-file":
            return [_Range(1, last, EVERYTHING)]
        first, end = _scope(comment, pragma["verb"], lines, last)
        names = _names(pragma["names"] or "")
        if pragma["verb"] == "enable":
            ranges = [part for each in ranges for part in _without(each, _Range(first, end, names))]
        else:
            ranges += [_Range(first, end, frozenset({name})) for name in names]
    return ranges


def _names(text: str) -> frozenset[str]:
    names = frozenset(name.strip().lower() for name in text.split(",") if name.strip())
    return EVERYTHING if "all" in names else names


def _without(silenced: _Range, enabled: _Range) -> list[_Range]:
    """What stays silenced where messages are enabled again."""
    if not (silenced.codes <= enabled.codes or enabled.codes == EVERYTHING):
        return [silenced]
    if enabled.first > silenced.last or enabled.last < silenced.first:
        return [silenced]
    parts = [silenced._replace(last=enabled.first - 1), silenced._replace(first=enabled.last + 1)]
    return [part for part in parts if part.first <= part.last]


def _scope(comment: Comment, verb: str, lines: list[LogicalLine], last: int) -> tuple[int, int]:
    """The lines that a pylint comment speaks of; behind a block's header it is the whole block."""
    if verb == "disable-next":
        return comment.line + 1, comment.line + 1
    if comment.is_alone:
        return comment.line, _block_end(comment.line, comment.indent - 1, lines, last)
    first, end = _statement(comment.line, lines)
    indent = next((line.indent for line in lines if line.first == first), 0)
    following = next((line for line in lines if line.first > end), None)
    if following is None or following.indent <= indent:
        return first, end
    return first, _block_end(end, indent, lines, last)


def _statement(line: int, lines: list[LogicalLine]) -> tuple[int, int]:
    """The lines of the statement that a line belongs to."""
    for logical in lines:
        if logical.first <= line <= logical.last:
            return logical.first, logical.last
    return line, line


def _block_end(line: int, indent: int, lines: list[LogicalLine], last: int) -> int:
    """The last line before the first one after ``line`` that is indented no deeper than ``indent``."""
    for logical in lines:
        if logical.first > line and logical.indent <= indent:
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
