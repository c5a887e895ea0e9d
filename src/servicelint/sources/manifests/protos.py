"""Streams that a `.proto` file says stay open, in the comments on its methods.

Only services, methods and the comments on them are looked at, which takes a few patterns; the compiler of the
whole language (grpcio-tools) is a large dependency, and refuses files whose imports are not at hand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    | \bservice\s+(?P<service>\w+)\s*(?=\{)
    | \brpc\s+(?P<method>\w+)\s*\([^(){};]*\)\s*returns\s*\(\s*(?P<stream>stream\s)?
    | (?P<end>[;{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_STAYS_OPEN = re.compile(
    r"""\A\W*(?:\w+\s+)?(?:watch(?:es)?|subscribes?|listens?)\b
    | \blong[-\s]lived\b
    | \b(?:stays?|kept|keeps?|remains?|held|holds?|leaves?|left)\s+(?:the\s+)?(?:\w+\s+)?open\b
    | \b(?:until|till)\s+(?:the\s+)?(?:client|caller|subscriber|server|connection|stream|it)\s+(?:is\s+)?
      (?:cancel|disconnect|hangs?\s+up|goes|close)
    | \b(?:never\s+ends|open[-\s]ended|indefinitely)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What a comment says of a stream that is meant to stay open. That it streams says nothing: exports do."""
_MARKS = re.compile(r"^[ \t]*(?:///?|/?\*+/?)|\*+/", re.MULTILINE)


def open_streams(text: str) -> Iterator[str]:
    """The streaming methods of a file, as ``Service.Method``, whose comments say that they stay open.

    A comment is a method's if it ends on the line above it, or stands behind it on its last line, as protoc
    has it.
    """
    service, method, comment, behind, end = "", "", "", "", 0
    for token in _TOKEN.finditer(text):
        gap = text[end : token.start()]
        end = token.end()
        if gap.count("\n") > 1:
            comment = ""
        if "\n" in gap:
            behind = ""
        if token["comment"]:
            if behind and _says_so(token["comment"]):
                yield behind
            comment = "" if behind else f"{comment}\n{token['comment']}"
        elif token["method"]:
            method = f"{service}.{token['method']}" if token["stream"] else ""
            if method and _says_so(comment):
                yield method
        elif token["service"]:
            service = token["service"]
        elif token["end"]:
            method, behind, comment = "", method, ""


def _says_so(comment: str) -> bool:
    return _STAYS_OPEN.search(_MARKS.sub(" ", comment)) is not None
