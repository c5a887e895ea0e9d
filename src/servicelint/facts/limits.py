"""What the parser cannot take, made small before it is asked to.

Measured with libcst 1.9 (docs/decisions/0002): 5,000 nested brackets, lambdas or chained calls overflow the
stack of its native parser and kill the process; a sum of 8,000 terms takes 19 s, a chain of 4,000 attributes
35 s, a ``case`` with 15 nested patterns for ever. So an expression beyond the limits below gives way to the
calls in it: each stays at its place, in a tuple that nothing follows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from servicelint.facts.brackets import LINKING, Group, Item, bracket_tree
from servicelint.facts.calls_within import calls_within
from servicelint.facts.record import Unread
from servicelint.regex import regex

if TYPE_CHECKING:
    from servicelint.facts.logical_lines import LogicalLine

DEEPEST_NESTING = 100
DEEPEST_PATTERN = 6
"""Each level of a ``case`` takes the parser up to four times as long."""
LONGEST_RUN = 800
LONGEST_CHAIN = 50
"""After as many ``elif`` the next is read as the ``if`` of a new statement."""
SUSPECT_LENGTH = 1_000
"""Shorter logical lines (characters) cannot exceed the other limits by much: they are not looked at."""

PYTHONS_NESTING = 200
"""CPython refuses brackets that are nested deeper."""

_HEADS = frozenset(
    {"return", "if", "elif", "while", "assert", "raise", "with", "async", "except", "yield", "@", "*", "**"}
)
_NO_EXPRESSION = regex(
    r"(?:async\s+)?(?:def|class|import|from|global|nonlocal|del|case|type)\b(?!\s*[=(\[.,])"
)
_BRANCH = regex(r"(?:el)?if\b")
_LOOP = regex(r"(?:async\s+)?for\b")
_ASSIGNMENT = regex(r"(?:[-+*/%@&|^]|//|\*\*|<<|>>)?=")
_NEWLINE = regex(r"\r\n|\r|\n")
_SKELETONS = (
    (regex(r"@"), "@(_", ")"),
    (regex(r"((?:async\s+)?def\s+\w+).*:\Z", re.DOTALL), r"\1(", "):"),
    (regex(r"(class\s+\w+).*:\Z", re.DOTALL), r"\1(", "):"),
    (regex(r"((?:async\s+)?for)\b.*:\Z", re.DOTALL), r"\1 _ in (_", "):"),
    (regex(r"((?:async\s+)?with|elif|if|while|match|case|except)\b.*:\Z", re.DOTALL), r"\1 (_", "):"),
    (regex(r""), "(", ")"),
)


class Reduced(NamedTuple):
    """A logical line within the limits.

    ``insertions`` are offsets in the original and how many characters were inserted there; all else kept its
    place. ``loss`` says what can't be read of it, or "".
    """

    text: str
    insertions: tuple[tuple[int, int], ...] = ()
    loss: str = ""


def within_limits(text: str, lines: list[LogicalLine]) -> tuple[str, list[Unread]]:
    """The text with all its logical lines within the parser's limits, and what can't be read of it."""
    unread: list[Unread] = []
    parts: list[str] = []
    done = 0
    branches: dict[int, int] = {}
    for line in lines:
        reduced = _reduced(text, line, branches)
        if reduced is None:
            continue
        parts += [text[done : line.start], reduced.text]
        done = line.end
        if reduced.loss:
            unread.append(Unread(line.first, line.last, reduced.loss))
    return "".join([*parts, text[done:]]) if parts else text, unread


def without_excess(text: str, lines: list[LogicalLine]) -> str:
    """The text with logical lines beyond the parser's limits blanked: every other offset is kept."""
    branches: dict[int, int] = {}
    for line in lines:
        reduced = _reduced(text, line, branches)
        if reduced is not None:
            statement = text[line.start : line.end]
            same_length = len(reduced.text) == len(statement) and not reduced.insertions
            kept = reduced.text if same_length else _nothing(statement)
            text = text[: line.start] + kept + text[line.end :]
    return text


def _nothing(statement: str) -> str:
    """A statement of the same length and lines that does nothing, or a header that opens a block."""
    start = "if 1:" if statement.endswith(":") else "pass"
    return start + _blank(statement[len(start) :])


def _reduced(text: str, line: LogicalLine, branches: dict[int, int]) -> Reduced | None:
    """A logical line that is beyond the limits, made small; ``branches`` counts those of each open ``if``."""
    start = line.start
    branch = _BRANCH.match(text, start)
    if branch:
        branches[line.indent] = branches.get(line.indent, 0) + 1 if branch.group() == "elif" else 0
        if branches[line.indent] > LONGEST_CHAIN:
            branches[line.indent] = 0
            return reduce("if  " + text[start + 4 : line.end])
    if line.end - start < SUSPECT_LENGTH and not text.startswith("case", start):
        return None
    statement = text[start : line.end]
    reduced = reduce(statement)
    return None if reduced.text is statement else reduced


def reduce(statement: str) -> Reduced:
    """A logical line within the parser's limits; the same text, if it is."""
    is_case = statement.startswith("case") and statement.endswith(":")
    if not is_case and (len(statement) < SUSPECT_LENGTH or _is_surely_within(statement)):
        return Reduced(statement)
    root = bracket_tree(statement)
    if is_case and root.height > DEEPEST_PATTERN:
        return Reduced(skeleton(statement), loss=f"patterns nested {root.height} deep")
    if root.height <= DEEPEST_NESTING and root.run <= LONGEST_RUN:
        return Reduced(statement)
    return _Reduction(statement).reduced(root)


def _is_surely_within(statement: str) -> bool:
    """Whether a line has so few brackets and links, be it in strings, that it can't exceed the limits."""
    brackets = sum(map(statement.count, "([{"))
    return brackets <= DEEPEST_NESTING and brackets + sum(map(statement.count, LINKING)) <= LONGEST_RUN


def skeleton(statement: str) -> str:
    """A statement of as many lines that does nothing; a block's header stays one of its kind."""
    lines = "".join(_NEWLINE.findall(statement))
    pattern, before, after = next(each for each in _SKELETONS if each[0].match(statement))
    found = pattern.match(statement)
    return (found.expand(before) if found else before) + lines + after


class _Reduction:
    """A logical line while its expressions are made small."""

    def __init__(self, statement: str) -> None:
        self.statement = statement
        self.regions: list[tuple[int, int, list[tuple[int, int]]]] = []
        self.is_complete = True
        self.is_hopeless = False

    def reduced(self, root: Group) -> Reduced:
        if _LOOP.match(self.statement):
            loop = next((item for item in root.items if item.text == "in"), None)
            if loop is not None:
                loop.kind = "end"
        self._group(root, has_expressions=not _NO_EXPRESSION.match(self.statement))
        measured = _measured(root)
        if self.is_hopeless:
            return Reduced(skeleton(self.statement), loss=measured)
        self.is_complete = self.is_complete and root.height <= PYTHONS_NESTING
        insertions = [each for start, end, _ in self.regions for each in ((start, 2), (end, 1))]
        return Reduced(self._text(), tuple(insertions), "" if self.is_complete else measured)

    def _group(self, group: Group, *, has_expressions: bool = True) -> None:
        for part in group.parts():
            if _is_beyond(part):
                self._part(part, has_expressions=has_expressions)
            else:
                self._inside(part)

    def _inside(self, part: list[Item]) -> None:
        for item in part:
            if isinstance(item, Group) and (item.run > LONGEST_RUN or item.height > DEEPEST_NESTING):
                self._group(item)

    def _part(self, part: list[Item], *, has_expressions: bool) -> None:
        """Give way to the calls in a part that is too long or too deep; what is before its value stays."""
        if not has_expressions:
            self.is_hopeless = self.is_hopeless or sum(item.links for item in part) > LONGEST_RUN
            self._inside(part)
            return
        start = _value_start(part)
        value = part[start:]
        self.is_hopeless = self.is_hopeless or not value or _is_beyond(part[:start])
        if value:
            calls = calls_within(value)
            self.is_complete = self.is_complete and calls.are_all
            self.regions.append((value[0].start, value[-1].end, calls.pieces))

    def _text(self) -> str:
        parts: list[str] = []
        done = 0
        for start, end, pieces in self.regions:
            parts += [self.statement[done:start], "~("]
            done = start
            for number, (first, last) in enumerate(pieces):
                gap = _blank(self.statement[done:first])
                parts += [_with_comma(gap) if number else gap, self.statement[first:last]]
                done = last
            parts += [_blank(self.statement[done:end]), ")"]
            done = end
        return "".join([*parts, self.statement[done:]])


def _is_beyond(part: list[Item]) -> bool:
    links = sum(item.links for item in part)
    return links > LONGEST_RUN or max((item.height for item in part), default=0) > DEEPEST_NESTING


def _value_start(part: list[Item]) -> int:
    """Where in a part its expression starts: behind keywords, stars, targets and the names of arguments."""
    start = 0
    while start < len(part) and part[start].text in _HEADS:
        start += 1
    assignments = (index + 1 for index, item in enumerate(part) if _ASSIGNMENT.fullmatch(item.text))
    return max(start, *assignments, 0)


def _measured(root: Group) -> str:
    if root.height > DEEPEST_NESTING:
        return f"brackets nested {root.height} deep"
    return f"an expression of {root.run} parts in a row"


def _blank(text: str) -> str:
    return re.sub(r"[^\r\n]", " ", text)


def _with_comma(gap: str) -> str:
    """A gap between two pieces with a comma instead of its first space."""
    return gap.replace(" ", ",", 1)
