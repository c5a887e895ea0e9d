"""Finding logical lines in source text, without parsing it.

A call is known by the logical line that holds it and its rank there; its exact place is only looked for when
it is reported. The same scan measures what parsers cannot take (see :mod:`servicelint.facts.limits`), before
they are asked to.

The scan knows strings, comments, brackets and f-strings nested as Python 3.12 allows, nothing else; it is
linear and never fails. On text that is not Python its result means nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from servicelint.regex import regex

_INTERESTING = regex(
    r"(?P<quote>'''|\"\"\"|'|\")|(?P<comment>#[^\r\n]*)|(?P<open>[(\[{])|(?P<close>[)\]}])"
    r"|(?P<newline>\r\n|\r|\n)|(?P<continuation>\\(?:\r\n|\r|\n))|(?P<code>[^\s'\"#()\[\]{}\\:]+|[:\\])"
)
_PREFIX = regex(r"(?<![^\W])[A-Za-z]{1,2}\Z")
_STRING_BODY = {
    "'": r"[^'\\\r\n]*(?:\\(?:\r\n|.)[^'\\\r\n]*)*(?:'|(?=[\r\n])|\Z)",
    '"': r"[^\"\\\r\n]*(?:\\(?:\r\n|.)[^\"\\\r\n]*)*(?:\"|(?=[\r\n])|\Z)",
    "'''": r"[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*(?:'''|\Z)",
    '"""': r"[^\"\\]*(?:(?:\\.|\"(?!\"\"))[^\"\\]*)*(?:\"\"\"|\Z)",
}
_STRING_END = {quote: regex(body, re.DOTALL) for quote, body in _STRING_BODY.items()}
_STRING = "|".join(quote + _STRING_BODY[quote] for quote in sorted(_STRING_BODY, key=len, reverse=True))
# outside of f-strings' fields only brackets, strings and line ends matter: whatever is between is one piece
_OUTSIDE = regex(
    r"[^\S\r\n]*(?:(?P<code>[^\s'\"#()\[\]{}\\](?:[^'\"#()\[\]{}\\\r\n]*[^\s'\"#()\[\]{}\\])?)"
    r"|(?P<newline>[\r\n]\s*)|(?P<open>[(\[{])|(?P<close>[)\]}])"
    rf"|(?P<string>(?<![fFtT])(?<![fFtT][rR])(?:{_STRING}))"
    r"|(?P<quote>'{3}|\"{3}|'|\")"
    r"|(?P<comment>#[^\r\n]*)|(?P<continuation>\\(?:\r\n|\r|\n))|(?P<stray>\\))",
    re.DOTALL,
)
_LITERAL_STOP = {
    quote: regex(
        rf"\{{\{{|\}}\}}|[{{}}]|\\N\{{[^}}'\"\r\n]*\}}|\\[^{{}}]|{quote}"
        + ("" if len(quote) == 3 else r"|[\r\n]"),
        re.DOTALL,
    )
    for quote in _STRING_END
}
_SPEC_STOP = regex(r"[{}]|[\r\n]")


class LogicalLine(NamedTuple):
    """One logical line: physical lines ``first`` to ``last`` (1-based), text ``start`` to ``end``.

    A trailing comment does not belong to it. ``indent`` counts the characters before it on its line.
    """

    first: int
    last: int
    start: int
    end: int
    indent: int


class Comment(NamedTuple):
    """One comment; ``is_alone`` if nothing else stands on its line."""

    line: int
    indent: int
    text: str
    is_alone: bool


class _FString(NamedTuple):
    """An f-string whose replacement field is being read; ``depth`` is the bracket depth of the field."""

    quote: str
    depth: int
    in_spec: bool


class Scanner:
    """One scan over source text: where it is, how deep in brackets and in the fields of which f-strings."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.depth = 0
        self.fields: list[_FString] = []
        self.comments: list[int] = []
        self.strings: list[tuple[int, int]] = []
        self.opened = -1

    def scan(self) -> list[LogicalLine]:
        """The logical lines of the whole text; its comments are noted on the way."""
        lines: list[LogicalLine] = []
        line, counted, start, end = 1, 0, -1, -1
        while found := self._next():
            kind = found.lastgroup or ""
            begun = found.start(kind)
            self.position = found.end()
            if kind == "newline":
                if start >= 0 and self.depth == 0 and not self.fields:
                    lines.append(self._line(line, start, end, begun))
                    line, counted, start = lines[-1].last, begun, -1
            elif kind == "comment":
                self.comments.append(begun)
            elif kind != "continuation":
                if start < 0:
                    line += count_newlines(self.text, counted, begun)
                    start = begun
                self._take(kind, found)
                end = self.position
        if start >= 0:
            lines.append(self._line(line, start, end, len(self.text)))
        return lines

    def _line(self, first: int, start: int, end: int, newline: int) -> LogicalLine:
        """The logical line that begins on a physical one and is ended by a newline."""
        last = first + count_newlines(self.text, start, newline)
        return LogicalLine(first, last, start, end, indent_of(self.text, start))

    def _next(self) -> re.Match[str] | None:
        """The next bracket, string, comment, line end or piece of code; None at the end."""
        if self.fields:
            return _INTERESTING.search(self.text, self.position)
        return _OUTSIDE.match(self.text, self.position)

    def _take(self, kind: str, found: re.Match[str]) -> None:
        if self.fields or kind == "quote":
            self._consume(kind, found.group(kind))
        elif kind == "string":
            self.strings.append(found.span(kind))
        elif kind == "open":
            self.depth += 1
        elif kind == "close" and self.depth:
            self.depth -= 1

    def next_piece(self) -> str | None:
        """Go on behind the next bracket, string or piece of code and return it; None at the end."""
        found = _INTERESTING.search(self.text, self.position)
        if found is None:
            self.position = len(self.text)
            return None
        self.position = found.end()
        if found.lastgroup not in ("newline", "comment", "continuation"):
            self._consume(found.lastgroup or "", found.group())
        return found.group()

    def _consume(self, kind: str, token: str) -> None:
        if kind == "quote" and not self.fields:
            self.opened = self.position - len(token)
        self._read(kind, token)
        if self.opened >= 0 and not self.fields:
            self.strings.append((self.opened, self.position))
            self.opened = -1

    def _read(self, kind: str, token: str) -> None:
        if kind == "quote":
            self.read_string(token)
        elif kind == "open":
            self.depth += 1
        elif kind == "close":
            self._close(token)
        elif token == ":" and self.depth == self.fields[-1].depth:
            self._format_spec()

    def read_string(self, quote: str) -> None:
        """Go on behind a string that has just been opened, or into the first field of an f-string."""
        start = self.position - len(quote)
        prefix = _PREFIX.search(self.text, max(0, start - 3), start)
        if prefix and ("f" in prefix.group().lower() or "t" in prefix.group().lower()):
            self._literal(quote)
        else:
            end = _STRING_END[quote].match(self.text, self.position)
            self.position = end.end() if end else len(self.text)

    def _literal(self, quote: str) -> None:
        """Read an f-string's literal part up to its end or to a replacement field."""
        stop = _LITERAL_STOP[quote]
        while found := stop.search(self.text, self.position):
            token = found.group()
            self.position = found.end()
            if token == "{":
                self.depth += 1
                self.fields.append(_FString(quote, self.depth, in_spec=False))
                return
            if token == quote:
                return
            if token in "\r\n":
                self.position = found.start()
                return
        self.position = len(self.text)

    def _format_spec(self) -> None:
        """Read a replacement field's format specification up to its end or to a nested field."""
        field = self.fields[-1]
        self.fields[-1] = field._replace(in_spec=True)
        found = _SPEC_STOP.search(self.text, self.position)
        if found is None:
            self.position = len(self.text)
        elif found.group() == "{":
            self.position = found.end()
            self.depth += 1
            self.fields.append(_FString(field.quote, self.depth, in_spec=False))
        elif found.group() == "}":
            self.position = found.end()
            self._close("}")
        else:
            self.position = found.start()

    def _close(self, token: str) -> None:
        field = self.fields[-1] if self.fields else None
        self.depth = max(0, self.depth - 1)
        if field is None or token != "}" or self.depth >= field.depth:
            return
        self.fields.pop()
        if self.fields and self.fields[-1].in_spec and self.fields[-1].depth == self.depth:
            self._format_spec()
        else:
            self._literal(field.quote)


def count_newlines(text: str, start: int, end: int) -> int:
    """How many line ends (``\\n``, ``\\r\\n`` or ``\\r``) there are in ``text[start:end]``."""
    returns = text.count("\r", start, end)
    if returns:
        returns -= text.count("\r\n", start, end)
    return text.count("\n", start, end) + returns


def physical_lines(text: str) -> list[str]:
    """The physical lines of a text, as Python counts them, without their ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def indent_of(text: str, place: int) -> int:
    """How many characters stand before ``place`` on its line."""
    newline = text.rfind("\n", 0, place)
    return place - 1 - max(newline, text.rfind("\r", newline + 1, place))  # no further back: files are long


def comments(text: str) -> list[Comment]:
    """The comments of Python source ``text`` in order."""
    scanner = Scanner(text)
    scanner.scan()
    return [_comment(text, start) for start in scanner.comments]


def strings(text: str) -> list[tuple[int, int]]:
    """Where the strings of Python source ``text`` stand, without their prefixes; f-strings as a whole."""
    scanner = Scanner(text)
    scanner.scan()
    return scanner.strings


def _comment(text: str, start: int) -> Comment:
    indent = indent_of(text, start)
    end = re.compile(r"[\r\n]|\Z").search(text, start)
    body = text[start : end.start() if end else len(text)]
    is_alone = not text[start - indent : start].strip()
    return Comment(count_newlines(text, 0, start) + 1, indent, body, is_alone)


def logical_lines(text: str) -> list[LogicalLine]:
    """The logical lines of Python source ``text`` in order, blank and comment lines left out."""
    return Scanner(text).scan()
