"""Which code only type checkers run: the blocks under ``if TYPE_CHECKING``, and ``else`` of its opposite."""

from __future__ import annotations

import re
from typing import NamedTuple

from servicelint.regex import regex

_PARTS = regex(r"(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<newline>[\r\n]+)")
_HEADER = regex(r"(if|elif|else)\b(.*)", re.DOTALL)
_ALIAS = regex(r"\bTYPE_CHECKING\s+as\s+(\w+)")
_NOT = regex(r"not\b\s*")


class _Line(NamedTuple):
    """A logical line of masked code: its offsets, its indentation and its text."""

    start: int
    end: int
    indent: int
    text: str


class _Block(NamedTuple):
    indent: int
    is_for_types: bool


def type_checking_blocks(code: str) -> list[tuple[int, int]]:
    """The offsets of the lines that never run, in masked code (see :func:`masked`)."""
    names = {"TYPE_CHECKING", *_ALIAS.findall(code)}
    found: list[tuple[int, int]] = []
    open_blocks: list[_Block] = []
    opposite: dict[int, bool] = {}  # by indentation: a branch above was `if not TYPE_CHECKING`
    for line in _logical_lines(code):
        while open_blocks and open_blocks[-1].indent >= line.indent:
            open_blocks.pop()
        for_types = bool(open_blocks) and open_blocks[-1].is_for_types
        header = _HEADER.match(line.text)
        if header is None:
            opposite.pop(line.indent, None)
        else:
            outcome = _outcome(header, names)
            before = header[1] != "if" and opposite.get(line.indent, False)
            opposite[line.indent] = before or outcome is False
            for_types = for_types or before or outcome is True
            open_blocks.append(_Block(line.indent, for_types))
        if for_types:
            found.append((line.start, line.end))
    return found


def _outcome(header: re.Match[str], names: set[str]) -> bool | None:
    """Whether only type checkers take the branch (True), all but them (False), or neither is known."""
    if header[1] == "else":
        return None
    test = header[2].rpartition(":")[0] if header[2].rstrip().endswith(":") else header[2].partition(":")[0]
    return _meaning(test, names)


def _meaning(test: str, names: set[str]) -> bool | None:
    test = test.strip()
    while test.startswith("(") and test.endswith(")"):
        test = test[1:-1].strip()
    alternatives = re.split(r"\bor\b", test)
    if len(alternatives) > 1:
        outcomes = [_meaning(each, names) for each in alternatives]
        return False if False in outcomes else (True if set(outcomes) == {True} else None)
    conditions = re.split(r"\band\b", test)
    if len(conditions) > 1:
        outcomes = [_meaning(each, names) for each in conditions]
        return True if True in outcomes else (False if set(outcomes) == {False} else None)
    negated = _NOT.match(test)
    subject = test[negated.end() :].strip() if negated else test
    while subject.startswith("(") and subject.endswith(")"):
        subject = subject[1:-1].strip()
    return negated is None if subject.rpartition(".")[2].strip() in names else None


def _logical_lines(code: str) -> list[_Line]:
    """The logical lines of masked code: those that line ends within brackets do not end."""
    found: list[_Line] = []
    start = depth = 0
    for part in _PARTS.finditer(f"{code}\n"):
        if part.lastgroup == "open":
            depth += 1
        elif part.lastgroup == "close":
            depth = max(0, depth - 1)
        elif depth == 0:
            text = code[start : part.start()]
            stripped = text.lstrip()
            if stripped:
                found.append(_Line(start, part.end(), len(text) - len(stripped), stripped))
            start = part.end()
    return found
