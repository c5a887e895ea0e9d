"""Going on from an earlier run of the same files, of which only some have changed since.

A full run keeps, in the cache, what its answers rest on: for each module the files and words behind the marks
that it spreads, behind what its call sites decide elsewhere, and behind its findings. The next run compares
contents, and asks again only what rests on a file that differs or on a word that one of these has gained or
lost. A run on other files, with other settings or by other code, begins from nothing.
"""

from __future__ import annotations

import zlib
from array import array
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from servicelint.checking import ModuleResult
from servicelint.program.carriers.kept_marks import (
    KeptMarks,
    Moved,
    Outline,
    Restorer,
    kept_marks,
    outline_of,
)
from servicelint.program.linking.earlier import Earlier
from servicelint.program.linking.reads import WHOLE, Leaf, Node, closure
from servicelint.program.linking.vocabulary import HELD, PEEKS, ScannedTables, held

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from servicelint.program.linking.modules import Module
    from servicelint.program.linking.vocabulary import Held, Peeked
    from servicelint.program.program import Program
    from servicelint.sources.cache import Cache

MOST_CHANGED = 40
"""With more files changed than this, beginning from nothing takes hardly longer."""

WORDS_IN_A_SHELF = 2_000
"""About how many words are decoded to look up one of them."""

Outcome = bool | list[str]


class Kept(msgspec.Struct, array_like=True, gc=False):
    """A run as data: modules and questions by their numbers, what something rests on as bits of an integer.

    ``contents`` are the modules' digests. ``outcomes`` tells by module what the ``questions`` on words found
    there. ``outlines`` tell what the numbers in the marks mean. ``wholes`` are the answers on the whole
    program, by name, with what they rest on; ``told`` is, by question, what they told. ``shelves`` is the
    number of parts that the vocabulary is kept in.
    """

    program: bytes
    contents: list[bytes]
    questions: list[str]
    outcomes: list[bytes]
    marks: KeptMarks
    outlines: dict[int, bytes]
    visits: list[tuple[int, bytes]]
    decisions: list[tuple[int, bytes, list[int]]]
    checks: list[tuple[int, bytes]]
    results: dict[int, ModuleResult]
    wholes: dict[str, bytes]
    told: dict[int, bytes]
    shelves: int


_kept = msgspec.msgpack.Decoder(Kept)
_outcomes = msgspec.msgpack.Decoder(dict[int, Outcome])
_outline = msgspec.msgpack.Decoder(Outline)
_shelf = msgspec.msgpack.Decoder(dict[str, bytes])


# --- keeping -------------------------------------------------------------------------------------


def keep(
    cache: Cache,
    name: bytes,
    identity: bytes,
    program: Program,
    contents: list[bytes],
    results: Mapping[Module, ModuleResult],
) -> None:
    """Keep a full run in the cache under ``name``; ``identity`` tells its files, settings and code."""
    modules = program.modules.modules
    numbers = {module: number for number, module in enumerate(modules)}
    questions: dict[str, int] = {}

    def bit(leaf: Leaf) -> int:
        if isinstance(leaf, str):
            return len(modules) + questions.setdefault(leaf, len(questions))
        return numbers[leaf]

    deciding = {origin: _deciding(program, origin) for origin in program.carriers.marked.visited}
    wholes = program.reads.wholes
    nodes = [*program.carriers.visits.values(), *deciding.values(), *program.checks.values()]
    full = closure([*nodes, *(whole.node for whole in wholes.values())], bit)
    rest = {name: full[whole.node] for name, whole in wholes.items()}
    asked = {number: whole for question, number in questions.items() if (whole := _whole(question))}
    behind = {len(modules) + number: rest[name] for number, (name, _) in asked.items()}
    for node in (*program.carriers.visits.values(), *deciding.values()):
        full[node] = _through_wholes(full[node], behind)
    masks = {node: packed(mask) for node, mask in full.items()}
    shelves = _keep_vocabulary(cache, name, program, numbers)
    marks = kept_marks(program.carriers.marked, numbers)
    kept = Kept(
        identity,
        contents,
        list(questions),
        _found(program, numbers, questions),
        marks,
        {number: msgspec.msgpack.encode(outline_of(modules[number].facts)) for number in marks.owners()},
        [(numbers[module], masks[node]) for module, node in program.carriers.visits.items()],
        [
            (numbers[origin], masks[node], _targets(program, origin, numbers))
            for origin, node in deciding.items()
        ],
        [
            (numbers[module], masks[node])
            for module, node in program.checks.items()
            if masks[node] != packed(1 << numbers[module])
        ],
        {numbers[module]: result for module, result in results.items() if result != ModuleResult()},
        {name: packed(mask) for name, mask in rest.items()},
        {number: wholes[name].told(part) for number, (name, part) in asked.items()},
        shelves,
    )
    cache.put("run", name, msgspec.msgpack.encode(kept))


def _whole(question: str) -> tuple[str, str] | None:
    """The name of an answer on the whole program, and the part of it, that a question asks for."""
    kind, _, asked = question.partition(":")
    name, _, part = asked.partition(":")
    return (name, part) if kind == WHOLE else None


def _through_wholes(mask: int, wholes: Mapping[int, int]) -> int:
    """A mask with all that the answers on the whole program in it rest on: for what is asked before these."""
    while True:
        wider = mask
        for bit, rest in wholes.items():
            if mask >> bit & 1:
                wider |= rest
        if wider == mask:
            return mask
        mask = wider


def _deciding(program: Program, origin: Module) -> Node:
    """What the decisions on the call sites of ``origin`` rest on."""
    node = Node()
    with program.reads.apart(node):
        program.forwarding.decisions(origin)
    return node


def _targets(program: Program, origin: Module, numbers: Mapping[Module, int]) -> list[int]:
    """The modules in which something is decided for the call sites of ``origin``."""
    return sorted({numbers[decision.call.module] for decision in program.forwarding.decisions(origin)})


def _found(program: Program, numbers: Mapping[Module, int], questions: Mapping[str, int]) -> list[bytes]:
    """By module, what the questions on words found there."""
    found: defaultdict[int, dict[int, Outcome]] = defaultdict(dict)
    for (held_kind, name), modules in program.vocabulary.answers.items():
        if (question := questions.get(f"{held_kind}:{name}")) is not None:
            for module in modules:
                found[numbers[module]][question] = True
    for (peeked_kind, name), outcomes in program.vocabulary.peeked.items():
        if (question := questions.get(f"{peeked_kind}:{name}")) is not None:
            for module, outcome in outcomes.items():
                found[numbers[module]][question] = plain(outcome)
    return [msgspec.msgpack.encode(found.get(number, {})) for number in range(len(numbers))]


def plain(outcome: object) -> Outcome:
    """What a closer look said, as data."""
    return sorted(outcome) if isinstance(outcome, set) else bool(outcome)


def _keep_vocabulary(cache: Cache, name: bytes, program: Program, numbers: Mapping[Module, int]) -> int:
    tables = program.vocabulary.tables
    assert isinstance(tables, ScannedTables)  # noqa: S101 - only runs that begin from nothing are kept
    words = {kind: tables.table(kind) for kind in HELD}
    shelves = 1 + sum(map(len, words.values())) // WORDS_IN_A_SHELF
    sorted_in: list[dict[str, bytes]] = [{} for _ in range(shelves)]
    for kind, table in words.items():
        for word, modules in table.items():
            question = f"{kind}:{word}"
            held_by = array("I", [numbers[module] for module in modules])
            sorted_in[_shelf_of(question, shelves)][question] = held_by.tobytes()
    for number, shelf in enumerate(sorted_in):
        cache.put("words", _shelf_name(name, number), msgspec.msgpack.encode(shelf))
    return shelves


def _shelf_of(question: str, shelves: int) -> int:
    return zlib.crc32(question.encode("utf-8", "surrogatepass")) % shelves


def _shelf_name(name: bytes, number: int) -> bytes:
    return name + number.to_bytes(4, "big")


def packed(mask: int) -> bytes:
    """The bits of an integer."""
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")


# --- going on ------------------------------------------------------------------------------------


class KeptTables:
    """What all modules hold, as an earlier run found it; ``changed`` is what the changed ones hold now.

    ``kept`` is that run: it also tells what closer looks at the others said.
    """

    def __init__(
        self,
        cache: Cache,
        name: bytes,
        kept: Kept,
        modules: Sequence[Module],
        changed: Mapping[Module, set[str]],
    ) -> None:
        self._cache = cache
        self._name = name
        self._shelves = kept.shelves
        self._questions = {question: number for number, question in enumerate(kept.questions)}
        self._outcomes = kept.outcomes
        self._decoded: dict[Module, dict[int, Outcome]] = {}
        self._all = modules
        self._numbers = {module: number for number, module in enumerate(modules)}
        self._changed = changed
        self._known: dict[int, dict[str, bytes]] = {}

    def modules(self, kind: Held, name: str) -> Sequence[Module]:
        """The modules that hold something, in the program's order."""
        question = f"{kind}:{name}"
        numbers = array("I", self._shelf(_shelf_of(question, self._shelves)).get(question, b""))
        found = [self._all[number] for number in numbers if self._all[number] not in self._changed]
        found += [module for module, holds in self._changed.items() if question in holds]
        return sorted(found, key=self._numbers.__getitem__)

    def peeked(self, module: Module, kind: Peeked, name: str) -> object:
        """What a closer look at a module said in the earlier run; None if that may be another now."""
        question = self._questions.get(f"{kind}:{name}")
        if question is None or module in self._changed or not module.is_target:
            return None
        known = self._decoded.get(module)
        if known is None:
            known = self._decoded[module] = _outcomes.decode(self._outcomes[self._numbers[module]])
        outcome = known.get(question)
        return set(outcome) if isinstance(outcome, list) else outcome

    def _shelf(self, number: int) -> dict[str, bytes]:
        known = self._known.get(number)
        if known is None:
            kept = self._cache.get("words", _shelf_name(self._name, number))
            if kept is None:
                raise LostShelf
            known = self._known[number] = _shelf.decode(kept)
        return known


class LostShelf(Exception):
    """A part of the kept vocabulary is missing: the run has to begin from nothing."""


@dataclass
class Resumed:
    """What a run can go on from: ``kept``, with the modules and the bits of the questions that changed."""

    kept: Kept
    modules: Sequence[Module]
    changed: frozenset[Module]
    bits: int
    earlier: Earlier

    def is_touched(self, mask: bytes) -> bool:
        """Whether something rests on what has changed."""
        return bool(int.from_bytes(mask, "little") & self.bits)


def resumed(
    cache: Cache, name: bytes, identity: bytes, modules: Sequence[Module], contents: list[bytes]
) -> Resumed | None:
    """What to go on from; None if there is nothing, or too much has changed."""
    data = cache.get("run", name)
    if data is None:
        return None
    kept = _kept.decode(data)
    if kept.program != identity:
        return None
    differing = [number for number, content in enumerate(contents) if kept.contents[number] != content]
    if len(differing) > MOST_CHANGED:
        return None
    changed = frozenset(modules[number] for number in differing)
    words = {module: held(module.text) for module in changed if module.is_target}
    tables = KeptTables(cache, name, kept, modules, words)
    bits = sum(1 << number for number in differing) | _changed_questions(kept, differing, modules, words)
    earlier = _earlier(kept, modules, changed, tables, bits)
    return Resumed(kept, modules, changed, bits, earlier)


def _earlier(
    kept: Kept, modules: Sequence[Module], changed: frozenset[Module], tables: KeptTables, bits: int
) -> Earlier:
    """What a program can go on from; ``bits`` are those of the modules and questions that changed."""
    moved = {
        number: Moved(_outline.decode(outline), outline_of(modules[number].facts))
        for number, outline in kept.outlines.items()
        if modules[number] in changed
    }
    restorer = Restorer(kept.marks, modules, moved)
    touched = {number: int.from_bytes(mask, "little") & bits for number, mask in kept.visits}
    visits = [modules[number] for number, hit in touched.items() if hit]
    retold = frozenset(modules[number] for number, hit in touched.items() if hit >> len(modules))
    return Earlier(tables, restorer.marked, restorer.ungiven, changed, visits, retold)


def _changed_questions(
    kept: Kept, differing: Iterable[int], modules: Sequence[Module], words: Mapping[Module, set[str]]
) -> int:
    """The bits of the questions on words that the changed modules answer otherwise than before."""
    bits = 0
    for number in differing:
        text = modules[number].text
        holds = words.get(modules[number], set())
        before = _outcomes.decode(kept.outcomes[number])
        for question, asked in enumerate(kept.questions):
            kind, _, name = asked.partition(":")
            if kind in PEEKS:
                differs = question in before and plain(PEEKS[kind](text, name)) != before[question]
            else:
                differs = (asked in holds) != before.get(question, False)
            if differs:
                bits |= 1 << len(modules) + question
    return bits


def check_again(program: Program, before: Resumed) -> tuple[set[Module], dict[Module, ModuleResult]]:
    """The modules that have to be checked again, and what was found in the others."""
    kept, modules = before.kept, before.modules
    numbers = {module: number for number, module in enumerate(modules)}
    news = program.carriers.news
    for module in news:
        before.bits |= 1 << numbers[module]
    _compare_wholes(program, before)
    deciding = {number: targets for number, _, targets in kept.decisions}
    again = {modules[number] for number, mask in kept.checks if before.is_touched(mask)}
    again |= {module for module in before.changed | news if module.is_target}
    origins = {modules[number] for number, mask, _ in kept.decisions if before.is_touched(mask)}
    origins |= {module for module in before.changed | news if module.is_target}
    for origin in origins:
        again.update(modules[number] for number in deciding.get(numbers[origin], ()))
        again.update(decision.call.module for decision in program.forwarding.decisions(origin))
    asked = {numbers[module] for module in again}
    origins |= {modules[number] for number, targets in deciding.items() if asked.intersection(targets)}
    program.forwarding.origins = [module for module in program.targets if module in origins]
    left = {modules[number]: result for number, result in kept.results.items() if number not in asked}
    return again, left


def _compare_wholes(program: Program, before: Resumed) -> None:
    """Find the answers on the whole program again that rest on a change, and note what is told otherwise."""
    kept = before.kept
    asked = {number: _whole(kept.questions[number]) for number in kept.told}
    left = dict(kept.wholes)
    while touched := [name for name, mask in left.items() if before.is_touched(mask)]:
        for name in touched:
            del left[name]
            whole = program.reads.wholes.get(name)
            for number, question in asked.items():
                if (
                    question
                    and question[0] == name
                    and (whole is None or whole.told(question[1]) != kept.told[number])
                ):
                    before.bits |= 1 << len(before.modules) + number
