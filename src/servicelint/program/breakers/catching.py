"""What becomes of an exception that is raised in a block: swallowed, raised again, or turned into another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef, External, FunctionRef
from servicelint.program.linking.index import last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.facts.record import Exit, Region
    from servicelint.program.evaluation.errors import Error
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

_SUPPRESS = "contextlib.suppress"
_LOGGING = frozenset({
    "debug", "info", "warning", "warn", "error", "exception", "critical", "log", "print", "format_exc",
    "print_exc", "str", "repr", "type", "isinstance", "getattr", "format", "time", "monotonic", "sleep",
})  # fmt: skip
"""What is called with an exception and doesn't raise it."""

_RAISING = ("raise", "reraise", "abort", "fail", "exit", "throw", "rethrow")
"""Beginnings of the names of functions that raise."""

FURTHEST = 3
"""Functions that are followed into one another to see whether they raise."""


class Fate(msgspec.Struct, frozen=True):
    """What becomes of an exception.

    ``swallowed``: a handler ends it; ``raised``: it leaves as ``error``; ``unknown``: can't be told.
    ``region`` is the handler that decided, or -1.
    """

    kind: Literal["swallowed", "raised", "unknown"]
    error: Error | None = None
    region: int = -1


class Catching:
    """Follows exceptions through the handlers around a block."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def fate(self, module: Module, region: int, error: Error, within: int = 0) -> Fate:
        """What becomes of ``error`` raised in a block, as seen from outside of the block ``within``."""
        regions = module.facts.regions
        last = -1
        while region > 0 and region != within and regions[region].kind != "function":
            block = regions[region]
            if block.kind in ("with", "async-with"):
                if self._suppresses(module, block, error):
                    return Fate("swallowed", None, region)
            elif block.kind == "try":
                handler, is_caught = self._handler(module, region, error)
                if is_caught is None:
                    return Fate("unknown", None, handler)
                if is_caught:
                    outcome = self._handled(module, handler, error)
                    if outcome.kind != "raised" or outcome.error is None:
                        return outcome
                    error, last = outcome.error, handler
            region = block.parent
        return Fate("raised", error, last)

    # --- handlers --------------------------------------------------------------------------------

    def handlers(self, module: Module, region: int) -> Iterator[int]:
        """The handlers of a ``try``, in order."""
        regions = module.facts.regions
        parent = regions[region].parent
        for number in range(region + 1, len(regions)):
            above = regions[number].parent
            if above < parent or (above == parent and regions[number].kind != "except"):
                return
            if above == parent:
                yield number

    def _handler(self, module: Module, region: int, error: Error) -> tuple[int, bool | None]:
        """The handler of a ``try`` that catches ``error``; None if one may."""
        for number in self.handlers(module, region):
            is_caught = self.catches(module, number, error)
            if is_caught is not False:
                return number, is_caught
        return -1, False

    def caught(self, module: Module, handler: int) -> list[Error] | None:
        """The classes that a handler catches; None if they can't be told."""
        region = module.facts.regions[handler]
        if isinstance(region.subject, record.Opaque):
            return ["builtins.BaseException"]
        frame = self.program.root_frame(module, region.scope)
        return self.program.errors.classes(self.program.evaluator.values(region.subject, frame))

    def catches(self, module: Module, handler: int, error: Error) -> bool | None:
        """Whether a handler catches an exception."""
        classes = self.caught(module, handler)
        return None if classes is None else self.program.errors.covers(classes, error)

    def _handled(self, module: Module, handler: int, error: Error) -> Fate:
        """What a handler makes of what it has caught."""
        raised = [each for each in self.exits_below(module, handler) if each.kind == "raise"]
        if not raised:
            return Fate("unknown" if self._may_raise(module, handler, 0) else "swallowed", None, handler)
        fates = [self._raised(module, handler, each, error) for each in raised]
        if len(set(fates)) == 1 and any(each.region == handler for each in raised):
            return fates[0]
        return Fate("unknown", None, handler)

    def _raised(self, module: Module, handler: int, exit_: Exit, error: Error) -> Fate:
        scope = self.scope_of(module, exit_.region)
        if exit_.value is None or _is_caught_one(module, handler, scope, exit_.value):
            return Fate("raised", error, handler)
        raised = self.raised_class(module, scope, exit_.value)
        return Fate("unknown", None, handler) if raised is None else Fate("raised", raised, handler)

    def raised_class(self, module: Module, scope: int, value: record.Expression) -> Error | None:
        """The class that ``raise Unavailable(…)`` raises; None if it can't be told."""
        if isinstance(value, record.CallValue):
            value = module.facts.calls[value.call].callee
        values = self.program.evaluator.values(value, self.program.root_frame(module, scope))
        classes = self.program.errors.classes(values)
        return classes[0] if classes is not None and len(classes) == 1 else None

    def scope_of(self, module: Module, region: int) -> int:
        """The scope that the code of a block runs in."""
        return module.facts.regions[region].scope

    def _suppresses(self, module: Module, block: Region, error: Error) -> bool:
        if not isinstance(block.subject, record.CallValue):
            return False
        call = module.facts.calls[block.subject.call]
        frame = self.program.root_frame(module, block.scope)
        if External(_SUPPRESS) not in self.program.evaluator.values(call.callee, frame):
            return False
        given = [self.program.evaluator.values(each.value, frame) for each in call.arguments]
        classes = [self.program.errors.classes(values) for values in given]
        return any(each and self.program.errors.covers(each, error) for each in classes)

    # --- what a block does -----------------------------------------------------------------------

    def exits_below(self, module: Module, region: int) -> list[Exit]:
        """The statements that leave a block, in it or in blocks in it, in source order."""
        regions = module.facts.regions
        return [each for each in module.facts.exits if _is_below(regions, each.region, region)]

    def calls_below(self, module: Module, region: int) -> list[CallRef]:
        """The calls in a block, or in blocks in it."""
        regions = module.facts.regions
        return [
            CallRef(module, number)
            for number, call in enumerate(module.facts.calls)
            if _is_below(regions, call.region, region)
        ]

    def _may_raise(self, module: Module, region: int, depth: int) -> bool:
        """Whether a handler without a ``raise`` may raise through what it calls."""
        return any(self._call_may_raise(ref, region, depth) for ref in self.calls_below(module, region))

    def _call_may_raise(self, ref: CallRef, handler: int, depth: int) -> bool:
        name = last_name(ref.call.callee)
        if name.lstrip("_").lower().startswith(_RAISING):
            return True
        if name in _LOGGING:
            return False
        functions = self._functions(ref)
        if functions:
            return depth >= FURTHEST or any(self._function_raises(each, depth) for each in functions)
        is_given = any(
            _is_caught_one(ref.module, handler, ref.call.scope, argument.value)
            for argument in ref.call.arguments
        )
        return is_given and not name[:1].isupper() and isinstance(ref.call.callee, record.Name)

    def _functions(self, ref: CallRef) -> list[FunctionRef]:
        frame = self.program.frame_of_call(ref)
        values = self.program.evaluator.typed(ref.call.callee, frame)
        return [value for value in values if isinstance(value, FunctionRef)]

    def _function_raises(self, function: FunctionRef, depth: int) -> bool:
        scope = function.module.facts.functions[function.index].scope
        regions = function.module.facts.regions
        if any(
            each.kind == "raise" and regions[each.region].scope == scope
            for each in function.module.facts.exits
        ):
            return True
        calls = [n for n, call in enumerate(function.module.facts.calls) if call.scope == scope]
        return any(self._call_may_raise(CallRef(function.module, n), -1, depth + 1) for n in calls)


def _is_below(regions: list[Region], region: int, above: int) -> bool:
    """Whether a block is ``above``, or lies in it and in the same function."""
    scope = regions[above].scope
    while region >= above:
        if region == above:
            return True
        if regions[region].scope != scope:
            return False
        region = regions[region].parent
    return False


def _is_caught_one(module: Module, handler: int, scope: int, value: record.Expression) -> bool:
    """Whether an expression is the exception that a handler has caught, by the name it gave it."""
    if handler < 0 or not isinstance(value, record.Name):
        return False
    bindings = module.facts.scopes[scope].bindings
    return bool(value.definitions) and all(bindings[n].region == handler for n in value.definitions)
