"""Going on from an earlier run, since which only some files have changed, come or gone.

A full run keeps, in the cache, what its answers rest on: for each module the files and words behind the marks
that it spreads, behind what its call sites decide elsewhere, and behind its findings. The next run compares
contents, and asks again only what rests on a file that differs, on a word that one of these has gained or
lost, or on a place where a file came or went. A run with other settings or by other code begins from nothing.
"""

from __future__ import annotations

import functools
from array import array
from typing import TYPE_CHECKING

import msgspec

from servicelint.kept_rests import Rests, bits_at
from servicelint.kept_run import MODULES_IN_A_SHELF, Kept, Outcome, Outcomes, Shelving, plain, shelf_of
from servicelint.program.carriers.kept_marks import (
    Moved,
    Outline,
    Restorer,
    outline_of,
)
from servicelint.program.linking.earlier import Earlier
from servicelint.program.linking.index import KINDS, ModuleNames
from servicelint.program.linking.modules import storable
from servicelint.program.linking.vocabulary import PEEKS, held
from servicelint.program.linking.wholes import NOTHING
from servicelint.roster import Roster

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from servicelint.checking import ModuleResult
    from servicelint.program.linking.index import Indexed
    from servicelint.program.linking.modules import Module
    from servicelint.program.linking.vocabulary import Held, Peeked
    from servicelint.program.program import Program
    from servicelint.sources.cache import Cache

MOST_CHANGED = 40
"""Files that may have changed where somebody waits for the verdict on one: an editor does without others'."""

SHARE_CHANGED = 4
"""Where the whole program is checked, one in so many files may have changed: with 200 of 6,700 it took 6 s of
processor time to go on (with 40: 3 s), and 30 s to begin from nothing."""

_kept = msgspec.msgpack.Decoder(Kept)
_outcomes = msgspec.msgpack.Decoder(Outcomes)
_outcomes_of_some = msgspec.msgpack.Decoder(list[bytes])
_outline = msgspec.msgpack.Decoder(Outline)
_shelf = msgspec.msgpack.Decoder(dict[str, bytes])
_rests = msgspec.msgpack.Decoder(Rests)
_told = msgspec.msgpack.Decoder(dict[int, tuple[int | str, bytes]])
_parts = msgspec.msgpack.Decoder(dict[int, tuple[bytes, bytes]])


class KeptTables:
    """What all modules hold, as an earlier run found it; ``changed`` is what the changed ones hold now.

    ``kept`` is that run: it also tells what closer looks at the others said, ``questions`` its questions.
    """

    def __init__(
        self,
        cache: Cache,
        name: bytes,
        kept: Kept,
        questions: Mapping[str, int],
        roster: Roster,
        changed: Mapping[Module, set[str]],
    ) -> None:
        self._shelving = Shelving(cache, name, kept.stamp)
        self._shelves = kept.shelves
        self._questions = questions
        self._outcomes: dict[int, Outcomes] = {}
        self._outcomes_of_some: dict[int, list[bytes]] = {}
        self._roster = roster
        self._order = {module: place for place, module in enumerate(roster.modules)}
        self._changed = changed
        self._known: dict[int, dict[str, bytes]] = {}

    def modules(self, kind: Held, name: str) -> Sequence[Module]:
        """The modules that hold something, in the program's order."""
        question = f"{kind}:{name}"
        numbers = array("I", self._shelf(shelf_of(question, self._shelves)).get(question, b""))
        before = [self._roster.numbered[number] for number in numbers]
        found = [module for module in before if module not in self._changed]
        found += [module for module, holds in self._changed.items() if question in holds]
        return sorted(found, key=self._order.__getitem__)

    def peeked(self, module: Module, kind: Peeked | Indexed, name: str) -> object:
        """What a closer look at a module said in the earlier run; None if that may be another now."""
        question = self._questions.get(f"{kind}:{name}")
        if question is None or module in self._changed or not module.is_target:
            return None
        outcome = self.outcomes(self._roster.numbers[module]).get(question)
        return set(outcome) if isinstance(outcome, list) else outcome

    def outcomes(self, number: int) -> Outcomes:
        """What the earlier run's questions on words found in the module that had this number."""
        known = self._outcomes.get(number)
        if known is None:
            shelf, place = divmod(number, MODULES_IN_A_SHELF)
            if shelf not in self._outcomes_of_some:
                self._outcomes_of_some[shelf] = _outcomes_of_some.decode(
                    self._shelving.get("outcomes", shelf)
                )
            known = self._outcomes[number] = _outcomes.decode(self._outcomes_of_some[shelf][place])
        return known

    def _shelf(self, number: int) -> dict[str, bytes]:
        known = self._known.get(number)
        if known is None:
            known = self._known[number] = _shelf.decode(self._shelving.get("words", number))
        return known


class Resumed(msgspec.Struct):
    """What a run can go on from: ``kept``, with the modules and the bits of the questions that changed."""

    kept: Kept
    roster: Roster
    changed: frozenset[Module]
    bits: int
    earlier: Earlier

    def modules(self, numbers: Iterable[int]) -> set[Module]:
        """Modules by the numbers that they are kept under."""
        return {self.roster.numbered[number] for number in numbers}


def resumed(
    cache: Cache,
    name: bytes,
    identity: bytes,
    modules: Sequence[Module],
    contents: list[bytes],
    roots: Iterable[str],
    *,
    is_patient: bool = False,
) -> Resumed | None:
    """What to go on from; None if there is nothing, or too much has changed.

    Files on the disk may have changed, but not ``roots``: the source roots that all files may look into.
    ``is_patient``: all of the program is to be checked, if need be from nothing.
    """
    data = cache.get("run", name)
    if data is None:
        return None
    kept = _kept.decode(data)
    if kept.program != identity:
        return None
    roster = Roster(kept.files, modules, len(kept.files) + len(kept.questions))
    changed = roster.changed(kept.contents, dict(zip(modules, contents, strict=True)))
    if len(changed) > max(MOST_CHANGED, len(modules) // SHARE_CHANGED if is_patient else 0):
        return None
    words = {module: held(module.text) for module in changed if module.is_target}
    questions = dict(zip(kept.questions, range(len(kept.questions)), strict=True))
    tables = KeptTables(cache, name, kept, questions, roster, words)
    otherwise = {*roster.questions(roots), *_changed_questions(kept, tables, roster, changed, words)}
    bits = bits_at(len(kept.files) + questions[question] for question in otherwise if question in questions)
    earlier = _earlier(kept, roster, changed, tables, bits)
    return Resumed(kept, roster, frozenset(changed), bits | _bits_of(roster, changed), earlier)


def _bits_of(roster: Roster, modules: Iterable[Module]) -> int:
    return bits_at(roster.numbers[module] for module in modules)


def _earlier(
    kept: Kept, roster: Roster, changed: Collection[Module], tables: KeptTables, questions: int
) -> Earlier:
    """What a program can go on from; ``questions`` are the bits of those that are answered otherwise now."""
    gone = set(roster.removed)
    moved = {
        number: Moved(_outline.decode(kept.outlines[number]), outline_of(module.facts))
        for module in changed
        if (number := roster.numbers[module]) in kept.outlines
    }
    restorer = Restorer(kept.marks, roster.numbered, moved, changed)
    restorer.marked.visited -= gone
    retold = kept.visits.touched(questions)
    visits = sorted(retold | kept.visits.touched(_bits_of(roster, changed)))
    again = [module for module in map(roster.numbered.__getitem__, visits) if module not in gone]
    return Earlier(
        tables,
        roster.numbered,
        restorer.marked,
        restorer.ungiven,
        frozenset(changed) - gone,
        again,
        frozenset(roster.numbered[number] for number in retold),
    )


def _changed_questions(
    kept: Kept,
    tables: KeptTables,
    roster: Roster,
    changed: Iterable[Module],
    words: Mapping[Module, set[str]],
) -> Iterator[str]:
    """The questions on words that the changed modules answer otherwise than before."""
    for module in changed:
        number, holds = roster.numbers[module], words.get(module, set())
        outcomes = tables.outcomes(number) if number < len(kept.files) else {}
        before = {kept.questions[question]: outcome for question, outcome in outcomes.items()}
        yield from holds - before.keys()
        now = Changed(module, holds)
        yield from (asked for asked, outcome in before.items() if now.answer(asked) != outcome)


class Changed:
    """A changed module, to put questions to it again; ``holds`` is what its text does."""

    def __init__(self, module: Module, holds: set[str]) -> None:
        self._module = module
        self._holds = holds

    @functools.cached_property
    def _names(self) -> ModuleNames:
        return ModuleNames(self._module)

    def answer(self, question: str) -> Outcome:
        """What it says now to a question that was put to it, or to all modules."""
        kind, _, name = question.partition(":")
        if kind in PEEKS:
            return plain(PEEKS[kind](self._module.text, name))
        if kind in KINDS:
            return self._names.has(kind, name)
        return question in self._holds


def check_only(
    program: Program, before: Resumed, paths: Collection[str]
) -> tuple[set[Module], dict[Module, ModuleResult]]:
    """As :func:`check_again`, for the files at some paths alone: what others are told is not looked at."""
    kept = before.kept
    news = program.carriers.news
    before.bits |= _bits_of(before.roster, news)
    Wholes(program, before)
    again = {module for module in program.targets if module.path in paths}
    asked = {before.roster.numbers[module] for module in again}
    origins = before.changed | news | before.modules(kept.decisions.touched(before.bits))
    origins |= before.modules(number for number, into in kept.decided.items() if asked.intersection(into))
    program.forwarding.origins = [module for module in program.targets if module in origins]
    _read_again(before, asked)
    return again, {}


def _read_again(before: Resumed, numbers: Iterable[int]) -> None:
    """Parse the modules of which something could not be read: that is told again."""
    for number in numbers:
        if number in before.kept.results and before.kept.results[number].has_unread:
            _ = before.roster.numbered[number].facts


def check_again(program: Program, before: Resumed) -> tuple[set[Module], dict[Module, ModuleResult]]:
    """The modules that have to be checked again, and what was found in the others."""
    kept, numbers = before.kept, before.roster.numbers
    news = program.carriers.news
    before.bits |= _bits_of(before.roster, news)
    Wholes(program, before).compare()
    asked_anew = {module for module in before.changed | news if module.is_target}
    again = asked_anew | before.modules(_rests.decode(kept.checks).touched(before.bits))
    origins = asked_anew | before.modules(kept.decisions.touched(before.bits))
    for origin in origins:
        again |= before.modules(kept.decided.get(numbers[origin], ()))
        again.update(decision.call.module for decision in program.forwarding.decisions(origin))
    asked = {numbers[module] for module in again}
    origins |= before.modules(
        number for number, targets in kept.decided.items() if asked.intersection(targets)
    )
    program.forwarding.origins = [module for module in program.targets if module in origins]
    _read_again(before, asked)
    left = set(kept.results) - asked
    return again, {before.roster.numbered[number]: kept.results[number] for number in left}


class Wholes:
    """The answers on the whole program: finds those again that rest on a change, and compares what they tell.

    The others, and the parts of them that rest on nothing which has changed, come from the earlier run.
    """

    def __init__(self, program: Program, before: Resumed) -> None:
        self._program = program
        self._before = before
        self._compared: set[str] = set()
        self._bits = {
            name: int.from_bytes(whole.questions, "little") for name, whole in before.kept.wholes.items()
        }
        for name, parts in program.reads.parts.items():
            parts.earlier = functools.partial(self._part, name)
        for name, whole in program.reads.wholes.items():
            whole.earlier = functools.partial(self._whole, name)

    def compare(self) -> None:
        """Note all that is told otherwise now."""
        for name in self._before.kept.wholes:
            self._compare(name)

    def _compare(self, name: str) -> None:
        if name in self._compared:
            return
        self._compared.add(name)
        before = self._before
        kept = before.kept.wholes[name]
        whole = self._program.reads.wholes.get(name)
        if whole is None or self._is_touched(kept.rests_on):
            for number, (part, told) in _told.decode(kept.told).items():
                if whole is None or whole.told(self._part_called(part)) != (told or NOTHING):
                    before.bits |= 1 << len(before.kept.files) + number

    def _part_called(self, part: int | str) -> str:
        """A part's name; modules stand for theirs by their number."""
        return part if isinstance(part, str) else storable(self._before.roster.numbered[part].path)

    @functools.cache  # noqa: B019 - as long as its run
    def _parts(self, name: str) -> Mapping[int, tuple[bytes, bytes]]:
        kept = self._before.kept.parts.get(name)
        return {} if kept is None else _parts.decode(kept)

    def _whole(self, name: str) -> object:
        kept = self._before.kept.wholes.get(name)
        if kept is None or self._is_touched(kept.rests_on):
            return None
        return msgspec.msgpack.decode(kept.answer)

    def _is_touched(self, mask: bytes) -> bool:
        """Whether something rests on a change, be it of what another answer tells."""
        rests_on = int.from_bytes(mask, "little")
        for name, bits in self._bits.items():
            if rests_on & bits:
                self._compare(name)
        return bool(rests_on & self._before.bits)

    def _part(self, name: str, module: Module) -> object:
        mask, data = self._parts(name).get(self._before.roster.numbers[module], (b"", b""))
        return msgspec.msgpack.decode(data) if data and not self._is_touched(mask) else None
