"""The words of a source text: what tells, before anything is parsed, that a file can't matter to a question.

All of it says too much rather than too little: words in comments and strings count too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from servicelint.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD = regex(r"\w+")
_BETWEEN_WORDS = {number: " " for number in range(128) if not re.match(r"\w", chr(number))}
_IMPORT = regex(r"import(?=[ \t(*])[ \t]*(\([^)]*\)|[^\n;]*)")  # begins with a word: found fast
_FROM = regex(r"\bfrom[ \t]*([\w.]+)[ \t]*$")
# an attribute, a name of the module, a field of a class; a function's own names stay in it
_HELD = regex(r"(?:\.|^)(\w+)[ \t]*(?::[^=]*)?=[^=,]*$|^[ \t]*(\w+)[ \t]*:[^=,()]*$")
_HANDED_OUT = regex(r"->[^:]*$|\b(?:return|yield)\b[^,]*$")
_FUNCTION = regex(r"\bdef\s+(\w+)")
_FURTHEST_RETURN = 5_000
_SPACE = r"(?:\s|\\|#[^\n]*\n)*"
_DECLARED_OR_GIVEN = regex(r"(?:[:|>]|[\w)\]][(\[])\s*[\w.]*\Z")
_LOOP_OR_TRY = regex(r"^([ \t]*)(?:async[ \t]+)?(for|while|try|def|class)\b", re.MULTILINE)
_AS = regex(r"as(?<!\was)\b(?:\s+(\w+))?")  # begins with a word: found fast
_DOTTED_END = regex(r"[\w.]+\Z")
_LONGEST_NAME = 200
_CLASS_HEAD = regex(r"class(?<!\wclass)\s+\w+\s*[(\[]([^:]{0,2000})")
_OPERATOR = r"(?:[-+*/|&^%@<>]{0,2}=(?!=)|:[^=\n]*=(?!=))"
# both begin with what they are found by, and only then look back: ten times as fast
_ASSIGNED = regex(rf"\.(?<!\bself\.)(?<!\bcls\.)(\w+)[ \t]*(?=[-+*/|&^%@<>=:]){_OPERATOR}")
_UNPACKED = regex(r"\.(\w+)[ \t]*,[^\n=(]*=(?!=)")
_DECORATOR = regex(r"@(?:[\w.]*\.)?(\w+)[ \t]*(?:$|[(#\r])", re.MULTILINE)  # begins with what it is found by
_BASES = regex(r"class(?<!\wclass)[ \t]+\w+[ \t]*\(([^):]*)\)")
_CLASS = regex(r"^[ \t]*class[ \t]+(\w+)", re.MULTILINE)
_LAST_PART = regex(r"([A-Z][a-z0-9]*)\b")
_QUOTED = regex(r"[\"']([A-Za-z]\w*(?:-\w+)+)[\"']")
_SET = regex(r"\bsetattr\s*\([^,]*,\s*[\"'](\w+)[\"']")


def words(text: str) -> set[str]:
    """Every identifier-like word, and every number."""
    # measured on 33 MB of homeassistant: 0.6 s, as a pattern 1.2 s
    return set(text.translate(_BETWEEN_WORDS).split() if text.isascii() else _WORD.findall(text))


def imported(text: str) -> set[str]:
    """What it imports: modules, and members with their module before them (``m.*`` for all of them)."""
    text = text.replace("\\\n", " ")
    found: set[str] = set()
    for match in _IMPORT.finditer(text):
        origin = _FROM.search(text, text.rfind("\n", 0, match.start()) + 1, match.start())
        names = match[1]
        if origin is None:
            found.update(part.split()[0] for part in names.split(",") if part.split())
        else:
            owner = origin[1] if origin[1].endswith(".") else f"{origin[1]}."  # from . import name
            found.update(f"{owner}{name}" for name in _WORD.findall(names))
            found.update([f"{owner}*"] if "*" in names else [])
    return found


def brought(text: str) -> dict[str, set[str]]:
    """The symbols that its import statements may bind to each name, written as :func:`imported` does."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for symbol in imported(text):
        found[symbol].add(symbol)
        found[symbol.rpartition(".")[2]].add(symbol)
    for symbol, name in _renamed(text):
        if symbol in found and name:
            found[name] |= found[symbol]
    return found


def _renamed(text: str) -> Iterator[tuple[str, str]]:
    """The dotted names that stand before ``as``, each with the name that comes next, if one does."""
    for match in _AS.finditer(text):
        before = text[max(0, match.start() - _LONGEST_NAME) : match.start()].split()
        name = _DOTTED_END.search(before[-1]) if before else None
        if name:
            yield name[0], match[1] or ""


def decorating(text: str) -> set[str]:
    """The names that its decorators end in."""
    return {match[1] for match in _DECORATOR.finditer(text) if _begins_line(text, match.start())}


def _begins_line(text: str, place: int) -> bool:
    """Whether nothing but space stands before a place on its line."""
    return not text[text.rfind("\n", 0, place) + 1 : place].strip()


def base_endings(text: str) -> set[str]:
    """The last capitalised words of its classes' bases: ``Servicer`` for ``OrdersServicer``."""
    return {ending for bases in _BASES.findall(text) for ending in _LAST_PART.findall(bases)}


def quoted(text: str) -> set[str]:
    """The texts that are names with dashes, as headers are, in lower case."""
    return {name.lower() for name in _QUOTED.findall(text)}


def classes(text: str) -> list[str]:
    """The names of its classes."""
    return _CLASS.findall(text)


def assigned(text: str) -> set[str]:
    """The attributes that are assigned on something other than a method's own object or class."""
    found = {*_ASSIGNED.findall(text), *_UNPACKED.findall(text)}
    return found.union(_SET.findall(text)) if "setattr" in text else found


def holders(text: str, name: str) -> set[str]:
    """The variables, attributes and functions that may hold or return what ``name`` makes or types."""
    found: set[str] = set()
    for match in re.finditer(_whole_word(name), text):
        head = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        held = _HELD.search(head)
        if held:
            found.add(held[1] or held[2])
        elif _HANDED_OUT.search(head):
            function = _FUNCTION.findall(text, max(0, match.start() - _FURTHEST_RETURN), match.start())
            found.update(function[-1:])
    return found


def renames(text: str, name: str) -> bool:
    """Whether something called ``name`` may be given another name: imported as it, or assigned."""
    ends = rf"{_whole_word(name)}(\s+as\b|\s*(?:$|[#,)\]}};]))"
    found = re.finditer(ends, text, re.MULTILINE)
    return any(match[1].strip() == "as" or not _is_declared_or_given(text, match.start()) for match in found)


def _is_declared_or_given(text: str, place: int) -> bool:
    """Whether a name begins an annotation, an index or an argument: none of them gives it another."""
    return _DECLARED_OR_GIVEN.search(text, max(0, place - _LONGEST_NAME), place) is not None


def uses(text: str, name: str) -> bool:
    """Whether something called ``name`` may be called, or given as an argument."""
    return re.search(rf"{_whole_word(name)}(?<!def {re.escape(name)}){_SPACE}[(,)]", text) is not None


def tries_in_loops(text: str) -> bool:
    """Whether a ``try`` may stand in a loop: deeper than one before it in the same function."""
    if "try" not in text or ("for" not in text and "while" not in text):
        return False
    loop = -1
    for match in _LOOP_OR_TRY.finditer(text):
        indent = len(match[1].expandtabs())
        if match[2] == "try" and 0 <= loop < indent:
            return True
        if match[2] in ("for", "while") and not 0 <= loop < indent:
            loop = indent
        elif match[2] in ("def", "class") and indent <= loop:
            loop = -1
    return False


def defines(text: str, name: str) -> bool:
    """Whether a function called ``name`` may be defined."""
    return f"def {name}" in text


def bases(text: str) -> set[str]:
    """The names that may stand, themselves or under a further name, among the bases of its classes."""
    found = {name for head in _CLASS_HEAD.findall(text) for name in _WORD.findall(head)}
    return found.union(name.rpartition(".")[2] for name, _ in _renamed(text))


def _whole_word(name: str) -> str:
    """A pattern for a word: it begins with the word itself, which ``re`` finds fast, and then looks back."""
    word = re.escape(name)
    return rf"{word}(?<!\w{word})\b"
