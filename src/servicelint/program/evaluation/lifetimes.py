"""How long something lives that a function makes: for this call only, or longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.facts.mentions import mentions, reads
from servicelint.program.linking.index import last_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.facts.record import Expression, Function
    from servicelint.program.breakers.uses import BreakerUse
    from servicelint.program.evaluation.values import CallRef, FunctionRef
    from servicelint.program.linking.modules import Module

_CACHING = frozenset(
    {"cache", "lru_cache", "cached", "cachedmethod", "alru_cache", "memoize", "fixture", "command"}
)
_RUN_ONCE = frozenset({"main", "_main", "async_main", "amain", "__init_subclass__"})
_LOOPS = ("for", "while")


class Lifetimes:
    """Tells what outlives the call of the function that makes it."""

    def is_run_once(self, function: Function, calls: list[record.Call]) -> bool:
        """Whether a function runs once a process, or keeps what it makes for its next call."""
        if function.name in _RUN_ONCE or function.is_generator:
            return True
        return any(
            last_name(calls[each.call].callee if isinstance(each, record.CallValue) else each) in _CACHING
            for each in function.decorators
        )

    def loops_between(self, use: BreakerUse, made: CallRef) -> bool:
        """Whether a use stands in a loop that its making stands before: then it lasts from turn to turn."""
        regions = made.module.facts.regions
        if use.region >= 0:
            region = use.region
        elif use.function is not None and use.form == "decorator":
            region = use.function.module.facts.functions[use.function.index].region
        else:
            region = use.call.call.region if use.call else 0
        around = set(blocks_around(regions, made.call.region))
        return any(
            regions[each].kind in _LOOPS and each not in around for each in blocks_around(regions, region)
        )

    def outlives_call(self, made: CallRef) -> bool:
        """Whether what a call makes is kept by something that outlives the function it is made in."""
        call, facts = made.call, made.module.facts
        result = record.CallValue(made.index)
        if call.holder >= 0 or self._is_kept(
            made.module, call.scope, lambda part: part == result, call.bound_to
        ):
            return True
        if call.bound_to < 0:
            return False
        return self._binding_outlives(made.module, call.scope, call.bound_to, facts.scopes)

    def is_called_and_dropped(self, function: FunctionRef) -> bool:
        """Whether a nested function is called where it is defined, and kept nowhere."""
        module = function.module
        scope = module.facts.functions[function.index].outer_scope
        value = record.FunctionValue(function.index)
        bindings = module.facts.scopes[scope].bindings
        number = next((n for n, binding in enumerate(bindings) if binding.value == value), -1)
        if number < 0 or self._binding_outlives(module, scope, number, module.facts.scopes):
            return False
        is_read = reads(number, bindings[number].name)
        return any(call.scope == scope and is_read(call.callee) for call in module.facts.calls)

    def _binding_outlives(self, module: Module, scope: int, number: int, scopes: list[record.Scope]) -> bool:
        here = scopes[scope]
        name = here.bindings[number].name
        if name in here.globals or name in here.nonlocals:
            return True
        if self._is_kept(module, scope, reads(number, name), number):
            return True
        return self._is_read_within(module, scope, name)

    def _is_kept(self, module: Module, scope: int, is_meant: Callable[[object], bool], bound_to: int) -> bool:
        """Whether something is returned, assigned to an attribute, put into another name, or handed on."""
        return any(mentions(each, is_meant) for each in self._keeping(module, scope, bound_to))

    def _keeping(self, module: Module, scope: int, bound_to: int) -> Iterator[Expression]:
        facts = module.facts
        for number, binding in enumerate(facts.scopes[scope].bindings):
            if number != bound_to:
                yield binding.value
        for write in facts.writes:
            if write.scope == scope:
                yield write.value
        for function in facts.functions:
            if function.scope == scope:
                yield from (value for value, _ in function.returns)
                yield from function.yields
        for call in facts.calls:
            if call.scope == scope:
                yield from (argument.value for argument in call.arguments)

    def _is_read_within(self, module: Module, scope: int, name: str) -> bool:
        """Whether a function defined in ``scope`` uses ``name`` of it."""
        facts = module.facts
        below = {
            number for number, each in enumerate(facts.scopes) if _is_within(facts.scopes, number, scope)
        }

        def is_meant(part: object) -> bool:
            return isinstance(part, record.Name) and part.name == name and not part.definitions

        inner = [call.callee for call in facts.calls if call.scope in below]
        inner += [each.value for call in facts.calls if call.scope in below for each in call.arguments]
        inner += [region.subject for region in facts.regions if region.scope in below]
        inner += [
            each
            for function in facts.functions
            if function.outer_scope in below
            for each in function.decorators
        ]
        return any(mentions(each, is_meant) for each in inner)


def _is_within(scopes: list[record.Scope], number: int, outer: int) -> bool:
    number = scopes[number].parent
    while number >= 0:
        if number == outer:
            return True
        number = scopes[number].parent
    return False


def blocks_around(regions: list[record.Region], region: int) -> Iterator[int]:
    """The blocks of a function around one, itself first."""
    while region > 0 and regions[region].kind != "function":
        yield region
        region = regions[region].parent
