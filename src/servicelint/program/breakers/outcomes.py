"""What failures leave a function or a block: which exceptions a breaker around it gets to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from servicelint.facts import record
from servicelint.program.breakers.catching import Fate
from servicelint.program.evaluation.errors import ANYTHING, Error
from servicelint.program.evaluation.values import CallRef, External, ExternalMethod, FunctionRef
from servicelint.program.linking.index import last_name
from servicelint.program.linking.reads import Memo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.evaluation.values import Value
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program
    from servicelint.program.sites import Site

DEEPEST = 3
"""Functions that are followed into one another."""

_HARMLESS = frozenset({
    "debug", "info", "warning", "error", "exception", "critical", "log", "print", "str", "int", "float",
    "len", "repr", "format", "time", "monotonic", "perf_counter", "now", "utcnow", "getLogger", "dict",
    "list", "set", "tuple", "isinstance", "getattr", "join", "strip", "split", "append", "update", "items",
    "copy", "inc", "observe", "labels",
})  # fmt: skip
"""What is called on the side, and fails of itself only where the program is wrong."""

_COMPUTING = frozenset({
    "base64", "builtins", "collections", "contextvars", "copy", "datetime", "decimal", "functools", "hashlib",
    "itertools", "json", "logging", "math", "operator", "os", "random", "re", "string", "threading", "time",
    "uuid",
})  # fmt: skip
"""Modules of the standard library that speak to nobody."""


class Outcome(msgspec.Struct, frozen=True):
    """What becomes of a failure of a call: ``error`` is what it raises, ``fate`` what leaves the block."""

    ref: CallRef
    error: Error
    fate: Fate


class Outcomes:
    """Follows failures out of functions and blocks."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._sites: Memo[Module, dict[CallRef, Site]] = Memo(program.reads)
        self._open: set[FunctionRef] = set()

    def of_function(self, function: FunctionRef) -> list[Outcome]:
        """What the failures of a function's calls become for its caller."""
        scope = function.module.facts.functions[function.index].scope
        refs = [
            CallRef(function.module, number)
            for number, call in enumerate(function.module.facts.calls)
            if call.scope == scope
        ]
        return self._of(function.module, refs, scope, 0)

    def of_block(self, module: Module, region: int) -> list[Outcome]:
        """What the failures of the calls in a block become outside of it."""
        refs = self.program.catching.calls_below(module, region)
        return self._of(module, refs, module.facts.regions[region].scope, region)

    def _of(self, module: Module, refs: list[CallRef], scope: int, within: int) -> list[Outcome]:
        sent = [outcome for ref in refs for outcome in self._sending(ref, within)]
        raised = list(self._raising(module, scope, within))
        if sent:
            return sent + raised
        working = [ref for ref in refs if not self._is_harmless(ref) and not self._in_handler(ref)]
        return [self._outcome(ref, ANYTHING, within) for ref in working] + raised

    def _sending(self, ref: CallRef, within: int) -> Iterator[Outcome]:
        """The failures of the requests that a call sends, itself or in the functions it calls."""
        site = self.sites(ref.module).get(ref)
        if site is not None:
            for error in self.failures(site):
                yield self._outcome(ref, error, within)
            return
        for function in self.called(ref):
            if not self._may_follow(function):
                continue
            self._open.add(function)
            try:
                inner = self.of_function(function)
            finally:
                self._open.discard(function)
            for outcome in inner:
                if outcome.fate.kind == "raised" and outcome.fate.error is not None:
                    yield self._outcome(ref, outcome.fate.error, within, outcome)
                else:
                    yield outcome

    def _outcome(self, ref: CallRef, error: Error, within: int, inner: Outcome | None = None) -> Outcome:
        fate = self.program.catching.fate(ref.module, ref.call.region, error, within)
        if inner is not None and fate.kind == "raised" and fate.error == error:
            return inner
        return Outcome(ref, error, fate)

    def _raising(self, module: Module, scope: int, within: int) -> Iterator[Outcome]:
        """What a block raises of itself, outside of its handlers."""
        catching = self.program.catching
        for exit_ in catching.exits_below(module, within) if within else module.facts.exits:
            if exit_.kind != "raise" or catching.scope_of(module, exit_.region) != scope:
                continue
            if exit_.value is None or self._is_in_handler(module, exit_.region):
                continue
            error = catching.raised_class(module, scope, exit_.value)
            ref = CallRef(module, getattr(exit_.value, "call", 0))
            if error is None:
                yield Outcome(ref, ANYTHING, Fate("unknown"))
            else:
                yield Outcome(ref, error, catching.fate(module, exit_.region, error, within))

    def _may_follow(self, function: FunctionRef) -> bool:
        return function not in self._open and len(self._open) < DEEPEST

    def _is_harmless(self, ref: CallRef) -> bool:
        """Whether a call fails not of itself: it is called on the side, only computes, or was followed."""
        if last_name(ref.call.callee) in _HARMLESS:
            return True
        functions = self.called(ref)
        if functions:
            return all(self._may_follow(function) for function in functions)
        names = {_name_of(value) for value in self._source(ref)}
        return bool(names) and all(name.partition(".")[0] in _COMPUTING for name in names)

    def _source(self, ref: CallRef) -> list[Value]:
        """What is called, or what has made the module's object that has the method that is called."""
        callee, evaluator = ref.call.callee, self.program.evaluator
        makers = _makers(ref.module, callee.value) if isinstance(callee, record.Attribute) else []
        if makers:
            frame = self.program.root_frame(ref.module, 0)
            return [value for maker in makers for value in evaluator.values(maker, frame)]
        return list(evaluator.values(callee, self.program.frame_of_call(ref)))

    # --- calls -----------------------------------------------------------------------------------

    def sites(self, module: Module) -> dict[CallRef, Site]:
        """The call sites of a module by their calls."""
        found = self.program.sites.of
        return self._sites.answer(
            module, lambda: {site.ref: site for site in found(module) if site.reference is None}
        )

    def failures(self, site: Site) -> list[Error]:
        """What a call site raises when its peer is dead."""
        found: dict[str, None] = {}
        for target in site.targets:
            failures = self.program.catalog.library_of(target.entry).failures
            raised = failures.raised if target.blocking else failures.awaited or failures.raised
            found.update(dict.fromkeys(raised))
        return [self.program.errors.canonical(name) for name in found] or [ANYTHING]

    def called(self, ref: CallRef) -> list[FunctionRef]:
        """The program's functions that a call may run, as far as they are declared."""
        if isinstance(ref.call.callee, record.Name | record.Attribute):
            values = self.program.evaluator.typed(ref.call.callee, self.program.frame_of_call(ref))
            return [FunctionRef(v.module, v.index) for v in values if isinstance(v, FunctionRef)]
        return []

    def _in_handler(self, ref: CallRef) -> bool:
        return self._is_in_handler(ref.module, ref.call.region)

    def _is_in_handler(self, module: Module, region: int) -> bool:
        regions = module.facts.regions
        while region > 0 and regions[region].kind != "function":
            if regions[region].kind == "except":
                return True
            region = regions[region].parent
        return False


def _makers(module: Module, owner: record.Expression) -> list[record.Expression]:
    """What is called for a name that a module gives to what it makes: ``current = ContextVar("id")``."""
    if not isinstance(owner, record.Name) or owner.definitions:
        return []
    bindings = [each for each in module.facts.scopes[0].bindings if each.name == owner.name]
    calls = [each.value.call for each in bindings if isinstance(each.value, record.CallValue)]
    return [module.facts.calls[n].callee for n in calls] if len(calls) == len(bindings) else []


def _name_of(value: Value) -> str:
    """The dotted name of what a library has, or of the class that a method of it belongs to; else ""."""
    if isinstance(value, ExternalMethod):
        of = value.instance.of
        return of.name if isinstance(of, External) else ""
    return value.name if isinstance(value, External) else ""
