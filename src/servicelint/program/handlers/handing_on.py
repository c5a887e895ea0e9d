"""Functions that are handed to a library to be called: ``submit(fetch, url)``, ``Thread(target=fetch)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.catalog.model import Invoker
from servicelint.catalog.retries import Retry
from servicelint.facts import record
from servicelint.program.evaluation.arguments import Arguments, Given, without_first
from servicelint.program.evaluation.values import (
    CallRef,
    ClassRef,
    FunctionRef,
    Instance,
    SequenceValue,
    Value,
)
from servicelint.program.linking.index import last_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program


RETRYING = Invoker(passes="rest", callable=0)
"""How an object that tries again hands on."""


class HandedOn:
    """A function given to something that calls it: what it can be, and the arguments that it gets."""

    def __init__(self, position: int, callables: tuple[Value, ...], arguments: Arguments) -> None:
        self.position = position
        self.callables = callables
        self.arguments = arguments


def invoker_of(program: Program, module: Module, call: record.Call) -> Invoker | None:
    """What the catalog says of something that is called so, if it calls what it is given."""
    invokers = program.catalog.invokers
    spoken = sorted(program.index.of(module).spoken(last_name(call.callee)))
    return next((invokers[name] for name in spoken if name in invokers), None)


def handed_on(program: Program, ref: CallRef, frame: Frame) -> HandedOn | None:
    """What a call hands to be called, if it is one of a library's that calls what it is given."""
    invoker = invoker_of(program, ref.module, ref.call) or _retrying(program, ref, frame)
    position = callable_position(invoker, ref.call) if invoker else None
    if invoker is None or position is None:
        return None
    expression = ref.call.arguments[position].value
    if isinstance(expression, record.Constant | record.Opaque | record.CallValue):
        return None
    callees = program.evaluator.values(ref.call.callee, frame)
    if any(isinstance(callee, FunctionRef | ClassRef) for callee in callees):
        return None  # the program's own function: its body says what it does with what it is given
    return HandedOn(
        position, program.evaluator.values(expression, frame), _passed(program, invoker, ref, frame, position)
    )


def _retrying(program: Program, ref: CallRef, frame: Frame) -> Invoker | None:
    """``Retrying(…)(fetch, url)``: a library's object that calls again what it is called with."""
    if not ref.call.arguments or not program.vocabulary.imports(ref.module, program.catalog.retrying, []):
        return None
    for callee in program.evaluator.values(ref.call.callee, frame):
        name = program.clients.name_of(callee.of) if isinstance(callee, Instance) else None
        entry = program.catalog.entry(name) if name else None
        if isinstance(entry, Retry) and entry.form == "object":
            return RETRYING
    return None


def callable_position(invoker: Invoker, call: record.Call) -> int | None:
    """The argument that is called; None if it is left out or hidden in a ``*`` one."""
    for position, argument in enumerate(call.arguments):
        if argument.keyword and argument.keyword == invoker.keyword:
            return position
        if argument.stars or argument.keyword:
            continue
        if position == invoker.callable:
            return position
    return None


def arguments_for(invoker: Invoker, call: record.Call, position: int) -> Sequence[record.Argument]:
    """The arguments that the function at ``position`` gets, as far as the call shows them."""
    if invoker.passes != "args":
        return call.arguments[position + 1 :]
    given = next((each.value for each in call.arguments if each.keyword == invoker.args), None)
    return [record.Argument(item) for item in given.items] if isinstance(given, record.Sequence) else []


def _passed(program: Program, invoker: Invoker, ref: CallRef, frame: Frame, position: int) -> Arguments:
    written = program.calls.written(ref, frame)
    if invoker.passes == "rest":
        for _ in range(position + 1):
            written = without_first(written)
        return written
    positional: tuple[Given, ...] = ()
    mappings: tuple[Given, ...] = ()
    if invoker.passes == "args":
        for values in program.evaluator.argument(written, invoker.args, None):
            if isinstance(values, SequenceValue):
                positional = tuple(Given(None, None, item) for item in values.items)
        given = written.keywords.get(invoker.kwargs)
        mappings = (given,) if given else ()
    return Arguments(ref, frame, positional, (), (), mappings, "handed on")
