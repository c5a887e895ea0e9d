"""Marks of carriers: what they are, and the names by which they do and do not flow.

A mark is a text: a symbol of a library by its dotted name, ``module:`` and the path of a module of the
program, or one of the words below. Before it may stand :data:`CALLED` or :data:`BOX`, outermost first:
``()[]client`` is something that returns a container of clients when it is called.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicelint.program.evaluation.values import ClassRef
    from servicelint.program.linking.modules import Module

    FunctionKey = tuple[Module, int]
    """A function: its module, and its index there."""

Marks = frozenset[str]
NOTHING: Marks = frozenset()
CLIENT, METHOD, PROXY, STUB = "client", "method", "proxy", "stub"
REMOTE = "remote"
"""Any attribute of a proxy, and of that: followed no further than the names of its scope."""

CALLED = "()"
"""Before a mark: what calling it gives."""

BOX = "[]"
"""Before a mark: what is in it."""

DEEPEST = 3
"""Prefixes of one mark; deeper nesting is not followed."""

HANDING_ON = frozenset({
    "partial", "partialmethod", "getattr", "cast", "copy", "deepcopy", "closing", "aclosing", "nullcontext",
    "next", "iter", "enter_context", "enter_async_context", "wait_for", "create_task", "ensure_future",
    "shield", "lru_cache", "cache", "list", "tuple", "dict", "wraps", "proxy", "sync_to_async", "run",
    "async_to_sync", "Depends", "Security", "Provide", "field", "Field", "reversed", "sorted", "cycle",
    "choice",
})  # fmt: skip
TAKING_OUT = frozenset({"get", "pop", "setdefault", "popleft"})
"""Methods of containers that return what is in them."""

KEEPING_IN = frozenset({"values", "copy"})
"""Methods of containers that return a container of the same."""

OF_CONTAINERS = TAKING_OUT | KEEPING_IN | {"items"}

TRANSPARENT = frozenset({"Optional", "Union", "Annotated", "Final", "ClassVar", "Type", "type", "Awaitable"})
YIELDING = frozenset(
    {"Iterator", "AsyncIterator", "Generator", "AsyncGenerator", "Iterable", "AsyncIterable"}
)
EVERYDAY = frozenset({*dir(str), *dir(dict), *dir(list), *dir(object), "__init__", "read", "write", "open"})
"""Names of methods that nearly always are a builtin type's: a result can't be guessed from them."""

ENTERING = frozenset({"__enter__", "__aenter__"})
"""Methods that ``with`` calls without a word of them."""

MOST_NAMESAKES = 8
"""Methods of one name that are all followed where what they are called on can't be told."""


class Marked:
    """What is marked: the names of scopes, attributes by class, results, parameters and bases.

    ``loose`` are attributes of objects of which nothing is known, by name; ``givers`` the modules that pass
    something for a marked parameter; ``visited`` the modules that marks lead to, and ``brought`` what modules
    have for whoever imports it from them, though nothing comes of it there.
    """

    def __init__(self) -> None:
        self.visited: set[Module] = set()
        self.brought: defaultdict[tuple[Module, str], set[str]] = defaultdict(set)
        self.slots: defaultdict[tuple[Module, int, str], set[str]] = defaultdict(set)
        self.attributes: defaultdict[str, defaultdict[ClassRef, set[str]]] = defaultdict(
            lambda: defaultdict(set)
        )
        self.loose: defaultdict[str, set[str]] = defaultdict(set)
        self.returned: defaultdict[FunctionKey, set[str]] = defaultdict(set)
        self.parameters: defaultdict[tuple[FunctionKey, str], set[str]] = defaultdict(set)
        self.bases: defaultdict[ClassRef, set[str]] = defaultdict(set)
        self.givers: defaultdict[tuple[FunctionKey, str], set[Module]] = defaultdict(set)


def lead(marks: Marks) -> bool:
    """Whether marks say that something is a client or sends; what makes, holds or imports one does not."""
    return any(not mark.startswith(("module:", CALLED, BOX)) for mark in marks)


def more_than_modules(marks: Iterable[str]) -> bool:
    """Whether marks say more of something than that it is a module of the program."""
    return any(not mark.startswith("module:") for mark in marks)


def is_symbol(mark: str) -> bool:
    """Whether a mark is a symbol of a library."""
    return mark not in (CLIENT, METHOD, PROXY, STUB, REMOTE) and not mark.startswith(("module:", CALLED, BOX))


def boxed(marks: Iterable[str]) -> Marks:
    """The marks of a container of something with ``marks``."""
    return _prefixed(BOX, marks)


def returned(marks: Iterable[str]) -> Marks:
    """The marks of a function whose result has ``marks``."""
    return _prefixed(CALLED, marks)


def taken_out(marks: Iterable[str]) -> Marks:
    """The marks of what is in a container with ``marks``."""
    return frozenset(mark.removeprefix(BOX) for mark in marks if mark.startswith(BOX))


def _prefixed(prefix: str, marks: Iterable[str]) -> Marks:
    return frozenset(
        prefix + mark
        for mark in marks
        if not mark.startswith("module:")
        and mark != REMOTE
        and mark.count(CALLED) + mark.count(BOX) < DEEPEST
    )
