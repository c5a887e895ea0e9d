"""Which bindings reach a place: reaching definitions, kept while a body is walked in source order.

An environment maps a name to the numbers of the bindings that can hold there. Branches are walked with
copies and joined; a name read in a loop also gets what the loop's end brings back to its head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicelint.facts.record import Name

Environment = dict[str, tuple[int, ...]]


def join(environments: Iterable[Environment | None]) -> Environment | None:
    """What holds after any of these; None (dead code) if all are dead."""
    living = [environment for environment in environments if environment is not None]
    if not living:
        return None
    joined = {
        name: definitions
        for name, definitions in living[0].items()
        if not is_path(name) or all(name in environment for environment in living)
    }
    for environment in living[1:]:
        for name, definitions in environment.items():
            known = joined.get(name)
            if known is None and not is_path(name):
                joined[name] = definitions
            elif known is None:
                continue
            elif known != definitions:
                joined[name] = known + tuple(number for number in definitions if number not in known)
    return joined


def join_branches(
    before: Environment | None, branches: list[tuple[Environment | None, dict[str, int]]]
) -> Environment | None:
    """Join an if's branches; a name that its branches only looked at is what it was before."""
    joined = join(environment for environment, _ in branches)
    living = [(environment, narrowed) for environment, narrowed in branches if environment is not None]
    if joined is None or before is None or len(living) < 2:
        return joined
    for name in {name for _, narrowed in living for name in narrowed}:
        known = before.get(name)
        if all(environment.get(name) in ((narrowed.get(name),), known) for environment, narrowed in living):
            if known is None:
                joined.pop(name, None)
            else:
                joined[name] = known
    return joined


def is_path(name: str) -> bool:
    """Whether this is a path: ``self.timeout``, or ``TIMEOUT.`` for a name of an outer scope.

    Paths are what a function tests or assigns beside its own names. One that is missing is unchanged.
    """
    return "." in name


class Loop:
    """A loop being walked: the names read in it and where its jumps lead.

    ``runs``: its body is run once at least. ``is_endless``: it only ends by a jump.
    """

    def __init__(self, before: Environment, runs: bool) -> None:
        self.before = before
        self.runs = runs
        self.is_endless = False
        self.reads: list[Name] = []
        self.breaks: list[Environment | None] = []
        self.continues: list[Environment | None] = []

    def close(self, at_end: Environment | None) -> Environment | None:
        """Bring the body's end back to the loop's head, and tell what holds when the loop is left."""
        back = join([at_end, *self.continues])
        if back is not None:
            for read in self.reads:
                self._carry_back(read, back)
        if self.is_endless:
            return None
        return back if self.runs else join([self.before, back])

    def _carry_back(self, read: Name, back: Environment) -> None:
        before = self.before.get(read.name, ())
        if any(number not in read.definitions for number in before):
            return  # bound anew in the body before it is read
        if not before and read.definitions:
            return
        for number in back.get(read.name, ()):
            if number not in read.definitions:
                read.definitions += (number,)


class Frame:
    """The scope being walked: its environment (None in dead code) and its open loops."""

    def __init__(self, scope: int, receiver: str = "") -> None:
        self.scope = scope
        self.receiver = receiver  # the name of a method's own object: what it holds belongs to the class
        self.environment: Environment | None = {}
        self.loops: list[Loop] = []
        self.function = -1
        self.klass = -1
        self.has_paths = False

    def definitions(self, name: str) -> tuple[int, ...]:
        """The bindings of ``name`` that reach this place."""
        return (self.environment or {}).get(name, ())

    def define(self, name: str, number: int) -> None:
        """From here on ``name`` is what binding ``number`` says."""
        if self.environment is None:
            return
        if is_path(name):
            self.has_paths = True
        else:
            self.forget(name)
        self.environment[name] = (number,)

    def forget(self, name: str) -> None:
        """The attributes of ``name`` may have changed: what is known of them holds no more."""
        if self.has_paths and self.environment is not None:
            for path in [each for each in self.environment if each.startswith(f"{name}.")]:
                del self.environment[path]

    def forget_path(self, path: str) -> None:
        """What was known of one path holds no more."""
        if self.environment is not None:
            self.environment.pop(path, None)

    def copy(self) -> Environment | None:
        """A copy of the environment, for a branch."""
        return None if self.environment is None else dict(self.environment)
