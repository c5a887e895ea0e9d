"""Comments that silence findings: ``# noqa`` as flake8 reads it, ``# pylint: disable`` as pylint does."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, NamedTuple

from servicelint import registry
from servicelint.facts.logical_lines import Comment, LogicalLine, comments, count_newlines, logical_lines
from servicelint.regex import regex

if TYPE_CHECKING:
    from servicelint.finding import Dialect, Finding

_NOQA = regex(r"#\s*noqa(?::\s*(?P<codes>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*))?", re.IGNORECASE)
_FLAKE8_FILE = regex(r"#\s*flake8[:=]\s*noqa(?P<codes>:\s*[A-Z0-9,\s]+)?\s*\Z", re.IGNORECASE)
_PYLINT = regex(
    r"#.*?pylint:\s*(?P<verb>disable-next|disable|enable|skip-file)\s*(?:=\s*(?P<names>[\w\-,\s]+))?"
)
_WITH_ITS_BLOCK = regex(r"(?:try|else|class\s+\w+)\s*:")
"""Headers whose comment pylint (4.1) takes for the whole block; functions and loops are not among them."""
_ANY = regex(r"noqa|pylint:", re.IGNORECASE)
EVERYTHING = frozenset({"*"})

DIALECTS: frozenset[Dialect] = frozenset({"noqa", "pylint"})
"""A host that reads its own comments itself leaves its dialect out."""


class _Range(NamedTuple):
    first: int
    last: int
    codes: frozenset[str]


class Suppressions:
    """What the comments of one file silence."""

    def __init__(self, source: str) -> None:
        self._source = source

    def silencing(self, finding: Finding) -> tuple[Dialect, ...]:
        """In whose comments a finding is silenced: on any line of its statement, or on its block or file."""
        last = max(finding.end_line, finding.place.line)
        return tuple(
            dialect
            for dialect, ranges in self._ranges.items()
            if any(
                each.first <= last and finding.place.line <= each.last and _covers(each.codes, finding)
                for each in ranges
            )
        )

    @functools.cached_property
    def _ranges(self) -> dict[Dialect, list[_Range]]:
        if not _ANY.search(self._source):
            return {}
        lines = logical_lines(self._source)
        last = _last_line(self._source)
        found = comments(self._source)
        return {
            "noqa": [each for comment in found for each in _noqa(comment, lines, last)],
            "pylint": _pylint(found, lines, self._source),
        }


def _noqa(comment: Comment, lines: list[LogicalLine], last: int) -> list[_Range]:
    whole_file = _FLAKE8_FILE.search(comment.text)
    if whole_file:  # flake8 takes it only on a line of its own
        return [_Range(1, last, _codes(whole_file["codes"]))] if comment.is_alone else []
    found = _NOQA.search(comment.text)
    return [_Range(*_statement(comment.line, lines), _codes(found["codes"]))] if found else []


def _pylint(found: list[Comment], lines: list[LogicalLine], source: str) -> list[_Range]:
    last = _last_line(source)
    ranges: list[_Range] = []
    for comment in found:
        pragma = _PYLINT.search(comment.text)
        if pragma is None:
            continue
        names = _names(pragma["names"] or "")
        if pragma["verb"] == "skip-file" or (pragma["verb"] == "disable" and names == EVERYTHING):
            return [_Range(1, last, EVERYTHING)]
        first, end = _scope(comment, pragma["verb"], lines, source)
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


def _scope(comment: Comment, verb: str, lines: list[LogicalLine], source: str) -> tuple[int, int]:
    """The lines that a pylint comment speaks of: its statement, or a block for some headers of blocks."""
    if verb == "disable-next":
        return comment.line + 1, comment.line + 1
    if comment.is_alone:
        return comment.line, _block_end(comment.line, comment.indent - 1, lines, source)
    first, end = _statement(comment.line, lines)
    header = next((line for line in lines if line.first == first), None)
    if header is None or not _WITH_ITS_BLOCK.match(source, header.start, header.end):
        return first, end
    following = next((line for line in lines if line.first > end), None)
    if following is None or following.indent <= header.indent:
        return first, end
    return first, _block_end(end, header.indent, lines, source)


def _statement(line: int, lines: list[LogicalLine]) -> tuple[int, int]:
    """The lines of the statement that a line belongs to."""
    for logical in lines:
        if logical.first <= line <= logical.last:
            return logical.first, logical.last
    return line, line


def _block_end(line: int, indent: int, lines: list[LogicalLine], source: str) -> int:
    """The last line before the first one after ``line`` that is indented no deeper than ``indent``."""
    for logical in lines:
        if logical.first > line and logical.indent <= indent:
            return logical.first - 1
    return _last_line(source)


def _last_line(source: str) -> int:
    return count_newlines(source, 0, len(source)) + 1


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
