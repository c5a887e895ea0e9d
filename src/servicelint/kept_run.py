"""A run as data: what its answers rest on, for a later run to go on from."""

from __future__ import annotations

import zlib
from array import array
from collections import defaultdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from servicelint.checking import ModuleResult
from servicelint.kept_rests import Rests, bits_at, packed, rests
from servicelint.program.carriers.kept_marks import KeptMarks, kept_marks, outline_of
from servicelint.program.linking.modules import storable
from servicelint.program.linking.reads import Leaf, Node, closure
from servicelint.program.linking.vocabulary import HELD, ScannedTables
from servicelint.program.linking.wholes import NOTHING, WHOLE
from servicelint.roster import File, filed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from servicelint.program.linking.modules import Module
    from servicelint.program.linking.wholes import Whole
    from servicelint.program.program import Program
    from servicelint.sources.cache import Cache

WORDS_IN_A_SHELF = 2_000
"""About how many words are decoded to look up one of them."""

STAMP = 8
"""Bytes that tell the parts of one run from those of another."""

Shelved = Literal["words", "outcomes"]

MODULES_IN_A_SHELF = 100
"""Modules of which what questions on words found there is read to look up that of one."""

Outcome = bool | list[str]
Outcomes = dict[int, Outcome]
"""What the questions on words found in a module, by their numbers."""


class KeptWhole(msgspec.Struct, array_like=True, gc=False):
    """An answer on the whole program, and what it rests on.

    ``told`` is, by question, the part of it that was asked for (a module by its number) and what that told,
    b"" for nothing; ``questions`` are the bits of these: no words of theirs are kept.
    """

    rests_on: bytes
    answer: bytes
    questions: bytes
    told: msgspec.Raw


class Kept(msgspec.Struct, array_like=True, gc=False):
    """A run as data: modules and questions by their numbers, the questions' after the modules'.

    ``files`` are the modules, ``contents`` their digests. ``visits``, ``decisions`` and ``checks`` tell what
    the marks rest on that a module spreads, what its call sites decide elsewhere (``decided``: in which
    modules), and its findings, if that is more than itself. ``questions`` are those on words. ``outlines``
    tell what the numbers in the marks mean. ``wholes`` are the answers on the whole program, by name, and
    ``parts`` those on single modules that they consist of, with what these rest on. What is seldom asked for
    is decoded when it is.

    Kept apart, on shelves that begin with the ``stamp``, are the vocabulary (on ``shelves`` of them) and what
    the questions on words found in each module: another process may have replaced them since.
    """

    program: bytes
    files: list[File]
    contents: list[bytes]
    questions: list[str]
    marks: KeptMarks
    outlines: dict[int, bytes]
    visits: Rests
    decisions: Rests
    checks: msgspec.Raw
    decided: dict[int, list[int]]
    results: dict[int, ModuleResult]
    wholes: dict[str, KeptWhole]
    parts: dict[str, msgspec.Raw]
    shelves: int
    stamp: bytes


def keep(
    cache: Cache,
    name: bytes,
    identity: bytes,
    program: Program,
    contents: list[bytes],
    results: Mapping[Module, ModuleResult],
) -> None:
    """Keep a full run in the cache under ``name``; ``identity`` tells its settings and code."""
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
    parts = {name: list(each.items()) for name, each in program.reads.parts.items()}
    nodes += [whole.node for whole in wholes.values()]
    nodes += [node for each in parts.values() for _, _, node in each]
    full = closure(nodes, bit)
    rest = {name: full[whole.node] for name, whole in wholes.items()}
    asked: dict[str, dict[int, str]] = {name: {} for name in wholes}
    for question, number in questions.items():
        if whole := _asked_whole(question):
            asked[whole[0]][number] = whole[1]
    wordless = {number for parts_of in asked.values() for number in parts_of}
    told = {name: bits_at(len(modules) + number for number in asked[name]) for name in wholes}
    behind = [(told[each], rest[each]) for each in wholes]
    for node in (*program.carriers.visits.values(), *deciding.values()):
        full[node] = _through_wholes(full[node], behind)
    by_path = {storable(module.path): number for module, number in numbers.items()}
    checks = {numbers[module]: full[node] for module, node in program.checks.items()}
    shelving = Shelving(cache, name, blake2b(identity + b"".join(contents), digest_size=STAMP).digest())
    shelves = _keep_vocabulary(shelving, program, numbers)
    _keep_outcomes(shelving, _found(program, numbers, questions))
    marks = kept_marks(program.carriers.marked, numbers)
    kept = Kept(
        identity,
        list(map(filed, modules)),
        contents,
        ["" if number in wordless else question for question, number in questions.items()],
        marks,
        {number: msgspec.msgpack.encode(outline_of(modules[number].facts)) for number in marks.owners()},
        rests({numbers[module]: full[node] for module, node in program.carriers.visits.items()}),
        rests({numbers[origin]: full[node] for origin, node in deciding.items()}),
        _raw(rests({number: mask for number, mask in checks.items() if mask != 1 << number})),
        {numbers[origin]: _targets(program, origin, numbers) for origin in deciding},
        {numbers[module]: result for module, result in results.items() if result != ModuleResult()},
        {
            name: KeptWhole(
                packed(rest[name]),
                encoded(whole.packed()),
                packed(told[name]),
                _told(whole, asked[name], by_path),
            )
            for name, whole in wholes.items()
        },
        {
            name: _raw({numbers[module]: (packed(full[node]), encoded(data)) for module, data, node in each})
            for name, each in parts.items()
        },
        shelves,
        shelving.stamp,
    )
    cache.put("run", name, msgspec.msgpack.encode(kept))


def _told(whole: Whole[object], asked: Mapping[int, str], by_path: Mapping[str, int]) -> msgspec.Raw:
    """What the parts of an answer told that were asked for."""
    told = {question: (part, whole.told(part)) for question, part in asked.items()}
    return _raw(
        {
            question: (by_path.get(part, part), b"" if said == NOTHING else said)
            for question, (part, said) in told.items()
        }
    )


def _asked_whole(question: str) -> tuple[str, str] | None:
    """The name of an answer on the whole program, and the part of it, that a question asks for."""
    kind, _, asked = question.partition(":")
    name, _, part = asked.partition(":")
    return (name, part) if kind == WHOLE else None


def _through_wholes(mask: int, wholes: Iterable[tuple[int, int]]) -> int:
    """A mask with all that the answers on the whole program in it rest on: for what is asked before these.

    ``wholes`` are these answers: the bits of all their parts, and what they rest on.
    """
    while True:
        wider = mask
        for parts, rest in wholes:
            if mask & parts:
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
    for (indexed_kind, name), lacking in program.index.missing.items():
        if (question := questions.get(f"{indexed_kind}:{name}")) is not None:
            for module in lacking:
                found[numbers[module]][question] = False
    return [msgspec.msgpack.encode(found.get(number, {})) for number in range(len(numbers))]


def plain(outcome: object) -> Outcome:
    """What a closer look said, as data."""
    return sorted(outcome) if isinstance(outcome, set) else bool(outcome)


class LostShelf(Exception):
    """A part of what is kept apart is missing, or of another run: there is nothing to go on from."""


class Shelving(NamedTuple):
    """Where parts of a run are kept apart from it."""

    cache: Cache
    name: bytes
    stamp: bytes

    def put(self, kind: Shelved, number: int, part: object) -> None:
        """Keep a part."""
        self.cache.put(kind, self.name + number.to_bytes(4, "big"), self.stamp + encoded(part))

    def get(self, kind: Shelved, number: int) -> memoryview:
        """A part, still encoded.

        Raises:
            LostShelf: if it is not there.
        """
        kept = self.cache.get(kind, self.name + number.to_bytes(4, "big"))
        if kept is None or not kept.startswith(self.stamp):
            raise LostShelf
        return memoryview(kept)[STAMP:]


def _keep_outcomes(shelving: Shelving, found: list[bytes]) -> None:
    for at in range(0, len(found), MODULES_IN_A_SHELF):
        shelving.put("outcomes", at // MODULES_IN_A_SHELF, found[at : at + MODULES_IN_A_SHELF])


def _keep_vocabulary(shelving: Shelving, program: Program, numbers: Mapping[Module, int]) -> int:
    tables = program.vocabulary.tables
    assert isinstance(tables, ScannedTables)  # noqa: S101 - only runs that begin from nothing are kept
    words = {kind: tables.table(kind) for kind in HELD}
    shelves = 1 + sum(map(len, words.values())) // WORDS_IN_A_SHELF
    sorted_in: list[dict[str, bytes]] = [{} for _ in range(shelves)]
    for kind, table in words.items():
        for word, modules in table.items():
            question = f"{kind}:{word}"
            held_by = array("I", [numbers[module] for module in modules])
            sorted_in[shelf_of(question, shelves)][question] = held_by.tobytes()
    for number, shelf in enumerate(sorted_in):
        shelving.put("words", number, shelf)
    return shelves


def shelf_of(question: str, shelves: int) -> int:
    """The number of the part of the vocabulary that holds the answer to a question."""
    return zlib.crc32(question.encode("utf-8", "surrogatepass")) % shelves


encoded = msgspec.msgpack.encode


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(encoded(value))
