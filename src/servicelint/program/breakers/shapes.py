"""What a breaker class of the program's own does: what its methods guard, count and raise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from servicelint.catalog.guards import Breaker, FunctionKind
from servicelint.facts import record
from servicelint.program.breakers.statuses import block_text
from servicelint.program.evaluation.values import ClassRef
from servicelint.program.linking.index import last_name
from servicelint.program.linking.reads import Memo
from servicelint.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.evaluation.errors import Error
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

_COUNTING = regex(r"fail|error|record|trip|open|count", re.IGNORECASE)
_TELLING_KINDS = regex(r"\b(iscoroutine(function)?|isawaitable|is_async|run_until_complete|run)\b")
_STORED = regex(r"redis|storage|store|backend|cache|session|registry|conn", re.IGNORECASE)
_LOOKING = regex(r"\bstatus\b|status_code|raise_for_status|is_success|is_error|\.ok\b")
_SUBSTITUTES = regex(r"fallback|default", re.IGNORECASE)
_ALL_KINDS: tuple[FunctionKind, ...] = ("function", "coroutine", "generator", "async-generator")
_ENTERED = {"__enter__": "__exit__", "__aenter__": "__aexit__"}


class OwnShape(msgspec.Struct, frozen=True):
    """A breaker class of the program.

    ``entry`` says what it guards in which form. ``counted`` are the exceptions that count as failures, and
    ``open_error`` what it raises while it is open; None where that can't be told. ``keeps_state``: its state
    outlives the object. ``substitutes``: it can give something else instead of raising. ``looks_at_results``:
    an answer may be a failure too.
    """

    entry: Breaker
    counted: tuple[Error, ...] | None
    open_error: Error | None
    keeps_state: bool
    substitutes: bool
    looks_at_results: bool


class _Guarding(msgspec.Struct, frozen=True):
    """A method that calls what it is given: ``call`` does so, in ``function``, itself or nested in it."""

    method: record.Function
    function: record.Function
    call: record.Call


class OwnShapes:
    """Reads breaker classes of the program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._known: Memo[ClassRef, OwnShape] = Memo(program.reads)

    def of(self, klass: ClassRef) -> OwnShape:
        """What a class that is a breaker does."""
        return self._known.answer(klass, lambda: self._read(klass))

    def _read(self, klass: ClassRef) -> OwnShape:
        classes = [
            each for each in self.program.attributes.classes.order(klass) if isinstance(each, ClassRef)
        ]
        methods = [(each.module, method) for each in classes for method in _methods(each)]
        guarding = [(module, found) for module, method in methods for found in _guarding(module, method)]
        texts = "".join(dict.fromkeys(each.module.source for each in classes))
        return OwnShape(
            _entry(methods, guarding, bool(_TELLING_KINDS.search(texts))),
            self._counted(guarding),
            self._open_error(methods),
            any(_keeps_state(each) for each in classes),
            any(_SUBSTITUTES.search(each.name) for _, method in methods for each in method.parameters),
            any(_LOOKING.search(_text(each)) for each in classes),
        )

    def _counted(self, guarding: list[tuple[Module, _Guarding]]) -> tuple[Error, ...] | None:
        """What the handlers that count catch around all calls of what is given."""
        found: dict[Error, None] = {}
        for module, each in guarding:
            caught = self._caught(module, each)
            if caught is None:
                return None
            found.update(dict.fromkeys(caught))
        return tuple(found) or None

    def _caught(self, module: Module, guarding: _Guarding) -> list[Error] | None:
        regions, catching = module.facts.regions, self.program.catching
        region, caught = guarding.call.region, []
        while region > 0 and regions[region].kind != "function":
            if regions[region].kind == "try":
                counting = [each for each in catching.handlers(module, region) if self._counts(module, each)]
                classes = [catching.caught(module, each) for each in counting]
                if not all(classes):
                    return None
                caught += [error for some in classes for error in some or ()]
            region = regions[region].parent
        return caught or None

    def _counts(self, module: Module, handler: int) -> bool:
        """Whether a handler writes a failure down."""
        called = [last_name(ref.call.callee) for ref in self.program.catching.calls_below(module, handler)]
        written = [each.name for each in module.facts.writes if each.region == handler]
        return any(_COUNTING.search(name) for name in called + written)

    def _open_error(self, methods: list[tuple[Module, record.Function]]) -> Error | None:
        """The one class that methods raise outside of their handlers."""
        found: set[Error | None] = set()
        for module, method in methods:
            regions = module.facts.regions
            for each in module.facts.exits:
                if each.kind != "raise" or each.value is None or not _is_in(module, each.region, method):
                    continue
                if regions[each.region].kind != "except":
                    scope = regions[each.region].scope
                    found.add(self.program.catching.raised_class(module, scope, each.value))
        return found.pop() if len(found) == 1 else None


def _text(klass: ClassRef) -> str:
    """The text of a class's methods, and of the functions beside it that they name."""
    module = klass.module
    text = "".join(block_text(module.lines, method.line) for method in _methods(klass))
    words = set(re.findall(r"\w+", text))
    beside = [each for each in module.facts.functions if each.klass < 0 and each.name in words]
    return text + "".join(block_text(module.lines, each.line) for each in beside)


def _methods(klass: ClassRef) -> list[record.Function]:
    return [each for each in klass.module.facts.functions if each.klass == klass.index]


def _guarding(module: Module, method: record.Function) -> Iterator[_Guarding]:
    """Where a method calls what it is given, or a function in it does: ``func()`` in ``call(self, func)``."""
    given = {parameter.name for parameter in method.parameters[1:]}
    for call in module.facts.calls:
        if isinstance(call.callee, record.Name) and call.callee.name in given:
            function = _function_of(module, call.scope)
            if function is not None and _is_within(module, call.scope, method.scope):
                yield _Guarding(method, function, call)


def _entry(
    methods: list[tuple[Module, record.Function]],
    guarding: list[tuple[Module, _Guarding]],
    tells_kinds: bool,
) -> Breaker:
    names = {method.name for _, method in methods}
    calls: dict[str, tuple[FunctionKind, ...]] = {}
    decorates: tuple[FunctionKind, ...] = ()
    for _, each in guarding:
        kinds = _kinds(each, tells_kinds)
        if each.function is each.method and each.method.name != "__call__":
            calls[each.method.name] = (*calls.get(each.method.name, ()), *kinds)
        elif each.method.name == "__call__":
            decorates = (*decorates, *kinds)
    if "__call__" in names and not decorates:  # it hands on what it decorates, in a way that is not followed
        decorates = _ALL_KINDS
    blocks = {"": True} if any(set(pair) <= names for pair in _ENTERED.items()) else {}
    return Breaker(open_error="", decorates=decorates, calls=calls, blocks=blocks)


def _kinds(guarding: _Guarding, tells_kinds: bool) -> tuple[FunctionKind, ...]:
    """What kinds of functions a method sees fail: a plain one no coroutine's, unless it looks for them."""
    if tells_kinds:
        return _ALL_KINDS
    if guarding.function.is_async:
        return ("function", "coroutine")
    return ("function",)


def _keeps_state(klass: ClassRef) -> bool:
    """Whether objects of a class share what they know, or keep it elsewhere."""
    facts = klass.module.facts
    described = facts.classes[klass.index]
    shared = any(
        isinstance(binding.value, record.Mapping | record.Sequence | record.CallValue)
        for binding in facts.scopes[described.scope].bindings
    )
    methods = _methods(klass)
    stored = any(_STORED.search(each.name) for method in methods for each in method.parameters)
    return shared or stored or any(method.name == "__new__" for method in methods)


def _function_of(module: Module, scope: int) -> record.Function | None:
    return next((each for each in module.facts.functions if each.scope == scope), None)


def _is_within(module: Module, scope: int, outer: int) -> bool:
    while scope >= 0:
        if scope == outer:
            return True
        scope = module.facts.scopes[scope].parent
    return False


def _is_in(module: Module, region: int, method: record.Function) -> bool:
    return _is_within(module, module.facts.regions[region].scope, method.scope)
