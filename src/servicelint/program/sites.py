"""Call sites: the expressions that send a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from servicelint.catalog.model import Client, Method, Sender, TimeoutParameter
from servicelint.facts import record
from servicelint.program.evaluation.arguments import Arguments, combined
from servicelint.program.evaluation.values import (
    CallRef,
    ClassRef,
    External,
    ExternalMethod,
    Instance,
    ParameterSymbol,
    Partial,
    Value,
)
from servicelint.program.linking.index import last_name
from servicelint.program.linking.reads import Memo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

TAKING_AWAITABLES = frozenset(
    {"wait_for", "gather", "create_task", "ensure_future", "shield", "run_until_complete"}
)
"""Functions and methods of asyncio that refuse what can't be awaited."""


class Target(msgspec.Struct, frozen=True):
    """What a call site sends with: a library's function, or a client's method or construction.

    ``entry`` is the canonical name under which the catalog keeps it. ``via`` is the parameter through
    which it came, if its callers decide what it is.
    """

    entry: str
    name: str
    blocking: bool
    timeout: TimeoutParameter | None
    arguments: Arguments
    url: int | None = None
    instance: Instance | None = None
    client: Client | None = None
    method: Method | None = None
    via: ParameterSymbol | None = None


class Site(msgspec.Struct, frozen=True):
    """A call site: the call, or the ``reference``-th argument of it that is called by someone else."""

    ref: CallRef
    targets: tuple[Target, ...]
    reference: int | None = None


class Sites:
    """Finds the call sites of a module."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._known: Memo[Module, list[Site]] = Memo(program.reads)

    def of(self, module: Module) -> list[Site]:
        """The call sites of a module, in source order."""
        return self._known.answer(module, lambda: list(self._find(module)))

    def _find(self, module: Module) -> Iterator[Site]:
        if not self.program.carriers.visited(module):
            return
        for number in range(len(module.facts.calls)):
            ref = CallRef(module, number)
            if not self.program.carriers.may_send(module, ref.call):
                continue
            frame = self.program.frame_of_call(ref)
            if self.program.evaluator.conditions.unreachable(ref.call.region, frame):
                continue
            targets = tuple(self.targets(ref, frame))
            if targets:
                yield Site(ref, targets)
            handed = self._handed_on(ref)
            if handed is not None:
                yield handed

    def targets(self, ref: CallRef, frame: Frame) -> Iterator[Target]:
        """What a call sends with, as it is entered in ``frame``."""
        written = self.program.calls.written(ref, frame)
        for callee, via in self._callees(ref.call.callee, frame):
            target = self.target(callee, written)
            if target is not None:
                yield replace(target, via=via)

    def _callees(
        self, callee: record.Expression, frame: Frame
    ) -> Iterator[tuple[Value, ParameterSymbol | None]]:
        """The values of a callee, each with the parameter it or its owner came through."""
        evaluator = self.program.evaluator
        if not isinstance(callee, record.Attribute):
            for value in evaluator.values(callee, frame):
                yield from self._expanded(value, value if isinstance(value, ParameterSymbol) else None)
            return
        for owner in evaluator.values(callee.value, frame):
            via = owner if isinstance(owner, ParameterSymbol) else None
            for value in self.program.attributes.of(owner, callee.name):
                yield from self._expanded(
                    value, via or (value if isinstance(value, ParameterSymbol) else None)
                )

    def _expanded(
        self, value: Value, via: ParameterSymbol | None
    ) -> Iterator[tuple[Value, ParameterSymbol | None]]:
        for expanded in self.program.evaluator.expand_all((value,)):
            yield expanded, via

    # --- targets ---------------------------------------------------------------------------------

    def target(self, callee: Value, arguments: Arguments) -> Target | None:
        """What calling ``callee`` sends with, or None if it sends nothing."""
        if isinstance(callee, Partial):
            return self.target(callee.function, combined(callee.arguments, arguments))
        if isinstance(callee, External):
            return self._external(callee, arguments)
        if isinstance(callee, ClassRef):
            return self._construction(Instance(callee, arguments.call, arguments), arguments)
        if isinstance(callee, ExternalMethod):
            return self._method(callee, arguments)
        if isinstance(callee, Instance) and isinstance(callee.of, External):
            return self._method(ExternalMethod(callee, "__call__"), arguments)
        return None

    def _external(self, callee: External, arguments: Arguments) -> Target | None:
        name = self.program.catalog.canonical(callee.name)
        entry = self.program.catalog.entry(name)
        if isinstance(entry, Sender):
            return Target(name, name, entry.blocking, entry.timeout, arguments, entry.url)
        if isinstance(entry, Client):
            return self._construction(Instance(External(name), arguments.call, arguments), arguments)
        return None

    def _construction(self, instance: Instance, arguments: Arguments) -> Target | None:
        found = self.program.clients.of(instance)
        if found is None or found[1].site != "construction":
            return None
        name, client = found
        return Target(name, name, client.blocking, None, arguments, None, instance, client)

    def _method(self, callee: ExternalMethod, arguments: Arguments) -> Target | None:
        found = self.program.clients.of(callee.instance)
        if found is None:
            return None
        name, client = found
        if client.site == "any-attribute":
            if callee.name.startswith("__"):
                return None
            return Target(
                name, f"{name}.{callee.name}", client.blocking, None, arguments, None, callee.instance, client
            )
        method = self.program.clients.method(callee)
        if client.site != "method" or method is None or not method.sends:
            return None
        return Target(
            name,
            _shown(callee, name, client, method),
            client.blocking and not self._is_awaited(callee.instance, arguments),
            method.timeout,
            arguments,
            method.url,
            callee.instance,
            client,
            method,
        )

    def _is_awaited(self, method: Instance, arguments: Arguments) -> bool:
        """Whether a remote method over a channel that can't be told is shown to be awaitable."""
        return (
            method.maker is not None
            and self._is_taken_as_awaitable(arguments.call)
            and not self.program.stubs.channels(method)
            and self.program.handed_on(arguments.call) is None  # a thread's result is awaited, not the call
        )

    def _is_taken_as_awaitable(self, ref: CallRef) -> bool:
        """Whether what a call returns is awaited, or given to something that only takes what can be."""
        if ref.call.is_awaited or ref.call.holder < 0:
            return ref.call.is_awaited
        taker = last_name(ref.module.facts.calls[ref.call.holder].callee)
        return bool(TAKING_AWAITABLES & self.program.index.of(ref.module).spoken(taker))

    # --- by reference ----------------------------------------------------------------------------

    def _handed_on(self, ref: CallRef) -> Site | None:
        """A site handed to a library to be called: ``submit(requests.get, url)``, ``partial(…)``."""
        handed = self.program.handed_on(ref)
        if handed is not None:
            callables = self.program.evaluator.expand_all(handed.callables)
            targets = [self.target(value, handed.arguments) for value in callables]
            found = tuple(target for target in targets if target is not None)
            return Site(ref, found, handed.position) if found else None
        return self._loose_partial(ref)

    def _loose_partial(self, ref: CallRef) -> Site | None:
        """A partial that is kept nowhere: whoever gets it calls it, so this is the place to look at."""
        if (
            "partial" not in self.program.index.of(ref.module).spoken(last_name(ref.call.callee))
            or ref.call.bound_to >= 0
        ):
            return None
        if self._is_stored(ref) or self._is_called(ref) or not ref.call.arguments:
            return None
        frame = self.program.frame_of_call(ref)
        made = self.program.calls.results(ref, frame)
        targets = [
            self.target(value.function, value.arguments) for value in made if isinstance(value, Partial)
        ]
        found = tuple(target for target in targets if target is not None)
        return Site(ref, found, 0) if found else None

    def _is_called(self, ref: CallRef) -> bool:
        """Whether the result is called where it is made: then that call is the site."""
        value = record.CallValue(ref.index)
        return any(call.callee == value for call in ref.module.facts.calls)

    def _is_stored(self, ref: CallRef) -> bool:
        """Whether an attribute, or a call of the program's own function, takes the result."""
        value = record.CallValue(ref.index)
        if any(write.value == value for write in ref.module.facts.writes):
            return True
        if ref.call.holder < 0:
            return False
        holder = CallRef(ref.module, ref.call.holder)
        if self.program.handed_on(holder) is not None:
            return False
        callees = self.program.evaluator.values(holder.call.callee, self.program.frame_of_call(holder))
        return any(self.program.is_internal(callee) for callee in callees)


def _shown(callee: ExternalMethod, name: str, client: Client, method: Method) -> str:
    """What messages call a client's method; a remote method goes by its own name."""
    called = callee.name or method.names[0]
    owner = (callee.instance.label if client.arity else "") or client.title or name
    return owner if called == "__call__" else f"{owner}.{called}"
