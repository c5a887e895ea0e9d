"""What the texts of all modules hold: the first question of every search, asked before anything is parsed."""

from __future__ import annotations

import functools
from collections import defaultdict
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias, get_args

from servicelint.facts import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from servicelint.program.linking.index import Indexed
    from servicelint.program.linking.modules import Module
    from servicelint.program.linking.reads import Reads

Held = Literal["word", "assigned", "decorator", "base", "quoted", "imported", "member", "end", "ending"]
"""What a text may hold: a word; an attribute that it assigns on something other than a method's own object;
a decorator by its last name; a class's base by the last part of its name; a text that is a name with
dashes, in lower case; a symbol that it imports; such a symbol by the last names of its owner and itself; by
its own last name; by how its parts end after an underscore (``_pb2_grpc`` and ``_grpc`` for
``acme.stock_pb2_grpc``)."""

Peeked = Literal[
    "dotted", "renamed", "defined", "derived", "used", "holders", "imports", "classes", "brought", "tries",
    "written",
]  # fmt: skip
"""What a closer look at one text says of a name: see :data:`PEEKS`."""

_SCANS: dict[Held, Callable[[str], set[str]]] = {
    "word": words.words,
    "assigned": words.assigned,
    "decorator": words.decorating,
    "base": words.base_endings,
    "quoted": words.quoted,
    "imported": words.imported,
}
LOOKS: dict[Peeked, Callable[[str], Mapping[str, object]]] = {
    "derived": lambda text: dict.fromkeys(words.bases(text), True),
    "brought": words.brought,
}
"""What one look tells of all names at once; ``PEEKS`` asks for one."""

MISSING: dict[Peeked, object] = {"derived": False, "brought": set()}
"""What a look says of a name that it does not tell of."""

PEEKS: dict[Peeked, Callable[[str, str], object]] = {
    "dotted": lambda text, name: f".{name}" in text,
    "renamed": words.renames,
    "defined": words.defines,
    "derived": lambda text, name: LOOKS["derived"](text).get(name, MISSING["derived"]),
    "used": words.uses,
    "holders": words.holders,
    "imports": lambda text, _: words.imported(text),
    "classes": lambda text, _: set(words.classes(text)),
    "brought": lambda text, name: LOOKS["brought"](text).get(name, MISSING["brought"]),
    "tries": lambda text, _: words.tries_in_loops(text),
    "written": lambda text, name: f'"{name}"' in text or f"'{name}'" in text,
}


class Tables(Protocol):
    """Tells which modules hold something."""

    def modules(self, kind: Held, name: str) -> Sequence[Module]:
        """The modules that hold it, in the program's order."""

    def peeked(self, module: Module, kind: Peeked | Indexed, name: str) -> object:
        """What a closer look at a module said, if that is known from before; None if not."""


Found = dict[str, list[int]]
"""What some texts hold of a kind, by name: the numbers of those that do."""

Numbers = dict[Held, Found]
"""What some texts hold of all kinds."""


def scanned(texts: Sequence[str]) -> Numbers:
    """What texts hold, found in them."""
    return {kind: _found(kind, texts) for kind in _SCANS}


def _found(kind: Held, texts: Iterable[str]) -> Found:
    scan = _SCANS[kind]
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        for name in scan(text):
            found[name].append(number)
    return found


class Share(NamedTuple):
    """Modules that another process scans. ``tables`` waits for what is in them; None if that process died."""

    modules: Sequence[Module]
    tables: Callable[[], Numbers | None]


HandOut: TypeAlias = "Callable[[Sequence[Module]], Sequence[Share]]"
"""Has other processes scan the last of some modules; tells which each of them was given, in order."""


class ScannedTables:
    """What all modules hold, found in their texts: all of a kind when the first of it is asked for."""

    def __init__(
        self,
        modules: Sequence[Module],
        hand_out: HandOut = lambda _: (),
    ) -> None:
        self._modules = modules
        self._hand_out = hand_out
        self._found: dict[Held, Found] = {}
        self._tables: dict[Held, dict[str, list[Module]]] = {}

    def modules(self, kind: Held, name: str) -> Sequence[Module]:
        """The modules that hold something, in the program's order."""
        if kind not in _SCANS:
            return self.table(kind).get(name, ())
        return [modules[number] for modules, found in self._parts(kind) for number in found.get(name, ())]

    def peeked(self, module: Module, kind: Peeked | Indexed, name: str) -> object:  # noqa: ARG002 - all are looked at
        """Nothing is known from before."""
        return None

    def table(self, kind: Held) -> dict[str, list[Module]]:
        """All that is held of a kind, each with the modules that hold it."""
        known = self._tables.get(kind)
        if known is None:
            known = self._tables[kind] = self._joined(kind) if kind in _SCANS else self._shortened(kind)
        return known

    def _parts(self, kind: Held) -> Iterator[tuple[Sequence[Module], Found]]:
        """What is held of a kind: by the modules that are scanned here, then by those of each process."""
        yield self._own, self._found_here(kind)
        for modules, numbers in self._others:
            yield modules, numbers[kind]

    @functools.cached_property
    def _shares(self) -> Sequence[Share]:
        return self._hand_out(self._modules)

    @functools.cached_property
    def _own(self) -> Sequence[Module]:
        """The modules that nobody else was given."""
        return self._modules[: len(self._modules) - sum(len(share.modules) for share in self._shares)]

    def _found_here(self, kind: Held) -> Found:
        known = self._found.get(kind)
        if known is None:
            known = self._found[kind] = _found(kind, (module.text for module in self._own))
        return known

    @functools.cached_property
    def _others(self) -> list[tuple[Sequence[Module], Numbers]]:
        """What others found: all that there is, as is done here before waiting."""
        for kind in _SCANS if self._shares else ():
            self._found_here(kind)
        found = [(share.modules, share.tables()) for share in self._shares]
        return [
            (modules, scanned([module.text for module in modules]) if numbers is None else numbers)
            for modules, numbers in found
        ]

    def _joined(self, kind: Held) -> dict[str, list[Module]]:
        joined: defaultdict[str, list[Module]] = defaultdict(list)
        for modules, found in self._parts(kind):
            for name, numbers in found.items():
                joined[name].extend([modules[number] for number in numbers])
        return joined

    def _shortened(self, kind: Held) -> dict[str, list[Module]]:
        """What is held of a kind that is made of imported symbols."""
        found: defaultdict[str, dict[Module, None]] = defaultdict(dict)
        for symbol, modules in self.table("imported").items():
            for name in _shortened(kind, symbol):
                found[name].update(dict.fromkeys(modules))
        return {name: list(modules) for name, modules in found.items()}


class Vocabulary:
    """The words of all modules, each with the modules that hold it, in the program's order.

    What is asked is noted as ``kind:name``. ``answers`` are the modules that were found to hold something,
    ``peeked`` what a closer look at some of them said.
    """

    def __init__(self, modules: Sequence[Module], reads: Reads, tables: Tables) -> None:
        self.modules = modules
        self.tables = tables
        self.answers: dict[tuple[Held, str], Sequence[Module]] = {}
        self.peeked: defaultdict[tuple[Peeked, str], dict[Module, object]] = defaultdict(dict)
        self._reads = reads
        self._holders: dict[str, frozenset[Module]] = {}
        self._looked: defaultdict[Peeked, dict[Module, Mapping[str, object]]] = defaultdict(dict)

    # --- all modules -----------------------------------------------------------------------------

    def modules_with(self, word: str) -> Sequence[Module]:
        """The modules that hold a word, be it in a comment."""
        return self._holding("word", word)

    def holds(self, module: Module, word: str) -> bool:
        """Whether a module holds a word: a question on that module alone, whatever others hold."""
        known = self._holders.get(word)
        if known is None:
            known = self._holders[word] = frozenset(self.tables.modules("word", word))
        self._reads.note(module)
        return module in known

    def modules_assigning(self, attribute: str) -> Sequence[Module]:
        """The modules that may assign an attribute of an object that is not a method's own."""
        return self._holding("assigned", attribute)

    def modules_decorating(self, name: str) -> Sequence[Module]:
        """The modules with a decorator whose name ends in ``name``."""
        return self._holding("decorator", name)

    def modules_quoting(self, name: str) -> Sequence[Module]:
        """The modules with a text that is a name with dashes, given in lower case, in any case."""
        return self._holding("quoted", name)

    def modules_deriving(self, ending: str) -> Sequence[Module]:
        """The modules with a class that has a base whose name ends in the capitalised word ``ending``."""
        return self._holding("base", ending)

    def modules_importing(self, symbols: frozenset[str]) -> list[Module]:
        """The modules whose import statements name one of these symbols, or all of a module among them."""
        names = [name for symbol in symbols for name in (symbol, f"{symbol}.*")]
        wanted = {module for name in names for module in self._holding("imported", name)}
        return [module for module in self.modules if module in wanted]

    def modules_naming_any(self, symbols: Iterable[str]) -> set[Module]:
        """The modules that import one of these symbols, or what leads to one with what comes next."""
        rests: defaultdict[str, set[str]] = defaultdict(set)
        for symbol in symbols:
            parts = symbol.split(".")
            for length in range(1, len(parts) + 1):
                rests[".".join(parts[:length])].update(parts[length : length + 1] or [""])
        found: set[Module] = set()
        for way, words_after in rests.items():
            importing = {*self._holding("imported", way), *self._holding("imported", f"{way}.*")}
            if importing and "" not in words_after:
                importing &= {module for word in words_after for module in self.modules_with(word)}
            found |= importing
        return found

    def modules_importing_from(self, ending: str) -> Sequence[Module]:
        """The modules that import something of which a part ends so (``_pb2_grpc``)."""
        return self._holding("ending", ending)

    def imports(self, module: Module, symbols: frozenset[str], endings: Iterable[str] = ()) -> bool:
        """Whether a module's import statements name one of these symbols, or all of a module among them.

        Also if a part of what is imported has one of ``endings``.
        """
        found = words.imported(module.text)
        if not symbols.isdisjoint(name.removesuffix(".*") for name in found):
            return True
        ended = {ending for symbol in found for ending in _shortened("ending", symbol)}
        return not ended.isdisjoint(endings)

    def importers(self, owner: str, name: str) -> set[Module]:
        """The modules that import ``name``, or everything, from a module whose last name is ``owner``.

        With no owner: from a package that is only told by dots.
        """
        return {*self._holding("member", f"{owner}.{name}"), *self._holding("member", f"{owner}.*")}

    def modules_naming(self, name: str) -> Sequence[Module]:
        """The modules with an import statement that ends in a module (or member) called ``name``."""
        return self._holding("end", name)

    def _holding(self, kind: Held, name: str) -> Sequence[Module]:
        known = self.answers.get((kind, name))
        if known is None:
            known = self.answers[kind, name] = self.tables.modules(kind, name)
        self._reads.note(f"{kind}:{name}")
        return known

    # --- one module ------------------------------------------------------------------------------

    def dots(self, module: Module, name: str) -> bool:
        """Whether a module holds a name after a dot."""
        return bool(self._peek(module, "dotted", name))

    def renames(self, module: Module, name: str) -> bool:
        """Whether a module may give something called ``name`` another name."""
        return bool(self._peek(module, "renamed", name))

    def defines(self, module: Module, name: str) -> bool:
        """Whether a module may define a function called ``name``."""
        return bool(self._peek(module, "defined", name))

    def derives(self, module: Module, name: str) -> bool:
        """Whether a module may have a class with ``name``, or a further name of it, among its bases."""
        return bool(self._peek(module, "derived", name))

    def uses(self, module: Module, name: str) -> bool:
        """Whether a module may call something called ``name``, or give it as an argument."""
        return bool(self._peek(module, "used", name))

    def tries_in_loops(self, module: Module) -> bool:
        """Whether a ``try`` may stand in a loop of a module."""
        return bool(self._peek(module, "tries", ""))

    def writes(self, module: Module, text: str) -> bool:
        """Whether a module holds a text in quotes."""
        return bool(self._peek(module, "written", text))

    def holders(self, module: Module, name: str) -> set[str]:
        """The variables, attributes and functions of a module that may hold what ``name`` makes or types."""
        found = self._peek(module, "holders", name)
        return found if isinstance(found, set) else set()

    def imported(self, module: Module) -> list[str]:
        """What a module imports: modules, and members with their module before them."""
        return self._names(module, "imports")

    def brought(self, module: Module, name: str) -> list[str]:
        """What a module's import statements may bind to ``name``, as :meth:`imported` tells it."""
        return self._names(module, "brought", name)

    def classes(self, module: Module) -> list[str]:
        """The names of a module's classes."""
        return self._names(module, "classes")

    def _names(self, module: Module, kind: Peeked, name: str = "") -> list[str]:
        found = self._peek(module, kind, name)
        return sorted(found) if isinstance(found, set) else []

    def _peek(self, module: Module, kind: Peeked, name: str) -> object:
        known = self.peeked[kind, name]
        if module not in known:
            before = self.tables.peeked(module, kind, name)
            known[module] = self._look(module, kind, name) if before is None else before
        self._reads.note(f"{kind}:{name}")
        return known[module]

    def _look(self, module: Module, kind: Peeked, name: str) -> object:
        look = LOOKS.get(kind)
        if look is None:
            return PEEKS[kind](module.text, name)
        known = self._looked[kind].get(module)
        if known is None:
            known = self._looked[kind][module] = look(module.text)
        return known.get(name, MISSING[kind])


HELD: tuple[Held, ...] = get_args(Held)


def held(text: str) -> set[str]:
    """All that a text holds, as ``kind:name``."""
    found = {f"{kind}:{name}" for kind, scan in _SCANS.items() for name in scan(text)}
    symbols = words.imported(text)
    shorter: tuple[Held, ...] = ("member", "end", "ending")
    return found.union(
        f"{kind}:{name}" for kind in shorter for symbol in symbols for name in _shortened(kind, symbol)
    )


def _shortened(kind: Held, symbol: str) -> list[str]:
    """An imported symbol by its last name, by that and its owner's, or by how its parts end."""
    if kind == "ending":
        return [part[at:] for part in symbol.split(".") for at in range(1, len(part)) if part[at] == "_"]
    owner, _, last = symbol.rpartition(".")
    return [f"{owner.rpartition('.')[2]}.{last}" if kind == "member" else last]
