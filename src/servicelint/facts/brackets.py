"""The tokens of one logical line, as a tree of its brackets.

No parser is needed for it and nothing recurses: it can be made of any text, however deep or long, in
linear time. Strings are one token; what an f-string's fields hold is only measured.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec

from servicelint.facts.logical_lines import Scanner
from servicelint.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = regex(
    r"(?P<string>[rbuftRBUFT]{0,2}(?:'''|\"\"\"|'|\"))|(?P<name>\w+)|(?P<open>[(\[{])|(?P<close>[)\]}])"
    r"|(?P<end>[,;])|(?P<space>\s+|\\(?:\r\n|\r|\n)|#[^\r\n]*)|(?P<operator>[:.]|[-+*/%@&|^~<>=!]+)|."
)
_LINKS = frozenset({"and", "or", "not", "if", "in", "is", "lambda", "await"})
LINKING = (*"+-*/%@&|^~<>=!.\"'", *sorted(_LINKS))
"""What a line has to hold for each link in it, beside brackets."""

_FIELD_LINK = regex(r"[-+*/%@&|^~<>=.(\[{]|\b(?:and|or|not|if|in|is|lambda|await)\b")
_KEYWORDS = _LINKS | {
    "else",
    "for",
    "as",
    "async",
    "yield",
    "from",
    "return",
    "elif",
    "while",
    "assert",
    "raise",
}


class Token(msgspec.Struct):
    """One token: a ``name``, a ``string``, an ``operator``, an ``end`` (of a part) or anything else.

    ``run`` is how many links it adds to an expression, ``height`` how deep its brackets are nested.
    """

    kind: str
    text: str
    start: int
    end: int
    run: int = 0
    height: int = 0
    has_call: bool = False

    @property
    def links(self) -> int:
        """How many links it adds to the expression that it is in."""
        return self.run

    @property
    def is_operand(self) -> bool:
        """Whether a call or an attribute can follow."""
        return self.kind == "string" or (self.kind == "name" and self.text not in _KEYWORDS)


class Group(msgspec.Struct):
    """What stands between brackets, or the whole line; ``text`` is the opening bracket.

    ``run`` is the longest run of links in it, ``height`` how deep its brackets are nested.
    """

    text: str
    start: int
    end: int = 0
    items: list[Item] = msgspec.field(default_factory=list)
    run: int = 0
    height: int = 0
    has_call: bool = False
    kind: str = "group"
    links: int = 1
    is_operand: bool = True

    def parts(self) -> Iterator[list[Item]]:
        """Its items between commas, semicolons, colons and ``as``; a lambda's colon divides nothing."""
        part: list[Item] = []
        lambdas = 0
        for item in self.items:
            lambdas += item.text == "lambda"
            if item.kind == "end" or item.text == "as" or (item.text == ":" and not lambdas):
                yield part
                part, lambdas = [], 0
            else:
                part.append(item)
        yield part

    def measure(self) -> None:
        """Fill in what depends on its items."""
        for part in self.parts():
            self.run = max(self.run, sum(item.links for item in part), *(item.run for item in part), 0)
        inner = max((item.height for item in self.items), default=0)
        self.height = inner + bool(self.text)
        self.has_call = any(item.has_call for item in self.items) or any(
            is_call(before, item) for before, item in itertools.pairwise(self.items)
        )


Item = Token | Group


def is_call(before: Item, item: Item) -> bool:
    """Whether ``item`` holds the arguments of a call of what stands before it."""
    return item.kind == "group" and item.text == "(" and before.is_operand


def bracket_tree(text: str) -> Group:
    """The tokens of a logical line; its height is how deep its brackets are nested."""
    stack = [Group("", 0)]
    position = 0
    while position < len(text):
        token = _token(text, position)
        position = token.end
        if token.kind == "open":
            stack.append(Group(token.text, token.start))
        elif token.kind == "close" and len(stack) > 1:
            _close(stack, token.end)
        elif token.kind != "space":
            stack[-1].items.append(token)
    while len(stack) > 1:  # brackets that are never closed
        _close(stack, len(text))
    stack[0].end = len(text)
    stack[0].measure()
    return stack[0]


def _close(stack: list[Group], end: int) -> None:
    group = stack.pop()
    group.end = end
    group.measure()
    stack[-1].items.append(group)


def _token(text: str, position: int) -> Token:
    found = _TOKEN.match(text, position)
    if found is None:  # the only character that ``.`` leaves out is a line end, and that is space
        return Token("other", text[position], position, position + 1)
    kind, piece = found.lastgroup or "other", found.group()
    if kind == "string":
        return _string(text, position, found.end())
    run = len(piece) if kind == "operator" and piece != ":" else int(piece in _LINKS)
    return Token(kind, piece, position, found.end(), run)


def _string(text: str, start: int, opened: int) -> Token:
    """A string; an f-string counts as many links as its longest field has."""
    scanner = Scanner(text)
    scanner.position = opened
    scanner.read_string(text[start:opened].lstrip("rbuftRBUFT"))
    run = longest = deepest = 0
    while scanner.fields:
        deepest = max(deepest, scanner.depth)
        piece = scanner.next_piece()
        if piece is None:
            break
        run = 0 if piece == "}" else run + len(_FIELD_LINK.findall(piece))
        longest = max(longest, run)
    has_call = deepest > 0 and "(" in text[start : scanner.position]
    return Token("string", text[opened - 1], start, scanner.position, max(1, longest), deepest, has_call)
