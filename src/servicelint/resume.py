"""Going on from an earlier run of the same files, of which only some have changed since.

A full run keeps, in the cache, what its answers rest on: for each module the files and words behind the marks
that it spreads, behind what its call sites decide elsewhere, and behind its findings. The next run compares
contents, and asks again only what rests on a file that differs or on a word that one of these has gained or
lost. A run on other files, with other settings or by other code, begins from nothing.
"""

from __future__ import annotations

import functools
from array import array
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from servicelint.kept_run import Kept, Outcome, asked_whole, plain, shelf_name, shelf_of
from servicelint.program.carriers.kept_marks import (
    Moved,
    Outline,
    Restorer,
    outline_of,
)
from servicelint.program.linking.earlier import Earlier
from servicelint.program.linking.vocabulary import PEEKS, held

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from servicelint.checking import ModuleResult
    from servicelint.program.linking.modules import Module
    from servicelint.program.linking.vocabulary import Held, Peeked
    from servicelint.program.program import Program
    from servicelint.sources.cache import Cache

MOST_CHANGED = 40
"""With more files changed than this, beginning from nothing takes hardly longer."""

_kept = msgspec.msgpack.Decoder(Kept)
_outcomes = msgspec.msgpack.Decoder(dict[int, Outcome])
_outline = msgspec.msgpack.Decoder(Outline)
_shelf = msgspec.msgpack.Decoder(dict[str, bytes])


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
        numbers = array("I", self._shelf(shelf_of(question, self._shelves)).get(question, b""))
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
            kept = self._cache.get("words", shelf_name(self._name, number))
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
    Wholes(program, before).compare()
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
    for number in asked:
        if number in kept.results and kept.results[number].has_unread:
            _ = modules[number].facts  # so that it is told again what can't be read of it
    left = {modules[number]: result for number, result in kept.results.items() if number not in asked}
    return again, left


class Wholes:
    """The answers on the whole program: finds those again that rest on a change, and compares what they tell.

    The others, and the parts of them that rest on nothing which has changed, come from the earlier run.
    """

    def __init__(self, program: Program, before: Resumed) -> None:
        self._program = program
        self._before = before
        self._compared: set[str] = set()
        self._asked: defaultdict[str, dict[int, str]] = defaultdict(dict)
        for number in before.kept.told:
            name, part = asked_whole(before.kept.questions[number]) or ("", "")
            self._asked[name][number] = part
        first = len(before.modules)
        self._bits = {
            name: sum(1 << first + number for number in asked) for name, asked in self._asked.items()
        }
        for name, parts in program.reads.parts.items():
            parts.earlier = functools.partial(self._part, before.kept.parts.get(name, {}))

    def compare(self) -> None:
        """Note all that is told otherwise now."""
        for name in self._before.kept.wholes:
            self._compare(name)

    def _compare(self, name: str) -> None:
        if name in self._compared:
            return
        self._compared.add(name)
        before = self._before
        mask, answer = before.kept.wholes[name]
        whole = self._program.reads.wholes.get(name)
        if whole is None or self._is_touched(mask):
            for number, part in self._asked[name].items():
                if whole is None or whole.told(part) != before.kept.told[number]:
                    before.bits |= 1 << len(before.modules) + number
        else:
            whole.restore(msgspec.msgpack.decode(answer))

    def _is_touched(self, mask: bytes) -> bool:
        """Whether something rests on a change, be it of what another answer tells."""
        rests_on = int.from_bytes(mask, "little")
        for name, bits in self._bits.items():
            if rests_on & bits:
                self._compare(name)
        return bool(rests_on & self._before.bits)

    def _part(self, kept: Mapping[int, tuple[bytes, bytes]], module: Module) -> object:
        mask, data = kept.get(self._program.modules.numbers[module], (b"", b""))
        return msgspec.msgpack.decode(data) if data and not self._is_touched(mask) else None
