"""Circuit breakers: where one is made, and what it guards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from servicelint.catalog.guards import Breaker
from servicelint.facts import record
from servicelint.program.evaluation.values import (
    MISSING,
    NONE,
    UNKNOWN,
    CallRef,
    ClassRef,
    External,
    ExternalMethod,
    FunctionRef,
    Instance,
    Partial,
    Value,
    Values,
)
from servicelint.program.linking.index import last_name
from servicelint.program.linking.reads import Memo
from servicelint.program.linking.wholes import ANY, Whole, by_number, paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.catalog.guards import FunctionKind
    from servicelint.catalog.record import Parameter
    from servicelint.facts.record import Function
    from servicelint.program.breakers.shapes import OwnShape
    from servicelint.program.evaluation.errors import Error
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

Form = Literal["decorator", "call", "block"]


class FoundBreaker(msgspec.Struct, frozen=True):
    """A breaker that an expression may be.

    ``is_bare``: the factory itself stands for one. ``own``: its class is one of the program's.
    """

    name: str
    entry: Breaker
    instance: Instance
    is_bare: bool = False
    own: OwnShape | None = None

    @property
    def open_error(self) -> Error | None:
        """What it raises while it is open; None if that can't be told."""
        return self.own.open_error if self.own else self.entry.open_error


class BreakerUse(msgspec.Struct, frozen=True):
    """One place where a breaker guards something.

    ``target`` is what it decorates or is given to call, ``region`` the block it guards. ``through`` is the
    method that is used, if any, and ``call`` the call of it. ``below`` are the decorators between it and the
    function.
    """

    breaker: FoundBreaker
    form: Form
    module: Module
    target: Value | None = None
    region: int = -1
    through: str = ""
    call: CallRef | None = None
    below: tuple[record.Expression, ...] = ()

    @property
    def entry(self) -> Breaker:
        """What the catalog says of the breaker."""
        return self.breaker.entry

    @property
    def function(self) -> FunctionRef | None:
        """The program's function that it guards, if it is one."""
        return self.target if isinstance(self.target, FunctionRef) else None

    @property
    def guards(self) -> tuple[FunctionKind, ...]:
        """The kinds of functions whose failures open the breaker when it is used so."""
        if self.form == "decorator":
            return self.entry.decorates
        return self.entry.calls.get(self.through, ())


class Breakers:
    """Finds circuit breakers of cataloged libraries and the uses made of them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._uses: Memo[Module, list[BreakerUse]] = Memo(program.reads)
        self._importing = Whole(
            program.reads, "importing breakers", self._find_importing, paths, by_number(program.modules)
        )
        self._methods = frozenset(
            name for entry in self._entries() for name in (*entry.calls, *entry.blocks) if name
        )
        self._kept: Memo[Module, frozenset[str]] = Memo(program.reads)
        self._own_methods: Memo[None, frozenset[str]] = Memo(program.reads)

    def _entries(self) -> list[Breaker]:
        libraries = self.program.catalog.libraries.values()
        return [entry for library in libraries for entry in library.breakers.values()]

    @property
    def are_used(self) -> bool:
        """Whether any module of the program imports a library of breakers."""
        return bool(self._importing.answer(ANY))

    def uses(self, module: Module) -> list[BreakerUse]:
        """The uses of breakers in a module: decorators, calls through one, guarded blocks."""
        return self._uses.answer(module, lambda: list(self._find(module)))

    @property
    def modules(self) -> frozenset[Module]:
        """The modules that import a library of breakers."""
        return self._importing.answer()

    def _find_importing(self) -> frozenset[Module]:
        return frozenset(self.program.vocabulary.modules_importing(self.program.catalog.breaking))

    def guarding(self, function: FunctionRef) -> list[BreakerUse]:
        """The breakers that a function is decorated with."""
        return [
            use
            for use in self.uses(function.module)
            if use.form == "decorator" and use.function is not None and use.function.index == function.index
        ]

    def _find(self, module: Module) -> Iterator[BreakerUse]:
        from_library = self.program.carriers.visited(module) and self.are_used
        if not from_library and not self.program.own_breakers.may_be_used_in(module):
            return
        for number in range(len(module.facts.functions)):
            yield from self._decorating(module, number)
        for number in range(len(module.facts.calls)):
            yield from self._calling(CallRef(module, number))
        for number, region in enumerate(module.facts.regions):
            if region.kind in ("with", "async-with"):
                yield from self._entered(module, number)

    # --- what is a breaker -----------------------------------------------------------------------

    def of(self, value: Value) -> FoundBreaker | None:
        """The breaker that a value is."""
        if isinstance(value, External):
            name = self.program.catalog.made_by(value.name) or value.name
            entry = self.program.catalog.entry(name)
            is_bare = isinstance(entry, Breaker) and value.name in entry.bare
            return FoundBreaker(name, entry, Instance(External(name)), True) if is_bare else None  # type: ignore[arg-type]
        if not isinstance(value, Instance):
            return None
        name = self.program.clients.name_of(value.of) or ""
        entry = self.program.catalog.entry(name)
        return FoundBreaker(name, entry, value) if isinstance(entry, Breaker) else self._own(value)

    def _own(self, value: Instance) -> FoundBreaker | None:
        """An object of a breaker class of the program's own."""
        if not isinstance(value.of, ClassRef) or not self.program.own_breakers.is_breaker(value.of):
            return None
        shape = self.program.breaker_shapes.of(value.of)
        name = self.program.attributes.classes.record_of(value.of).name
        return FoundBreaker(name, shape.entry, value, own=shape)

    def among(self, expression: record.Expression, module: Module, scope: int) -> list[FoundBreaker]:
        """The breakers that an expression may be."""
        is_own = self.program.own_breakers.may_be_used_in(module)
        if not is_own and not self.program.carriers.of(expression, module, scope):
            return []
        evaluator = self.program.evaluator
        values = evaluator.expand_all(evaluator.values(expression, self.program.root_frame(module, scope)))
        return [found for value in values if (found := self.of(value)) is not None]

    # --- uses ------------------------------------------------------------------------------------

    def _decorating(self, module: Module, number: int) -> Iterator[BreakerUse]:
        function = module.facts.functions[number]
        for rank, decorator in enumerate(function.decorators):
            below = tuple(function.decorators[rank + 1 :])
            for found in self.decorators(decorator, module, function.outer_scope):
                call = CallRef(module, decorator.call) if isinstance(decorator, record.CallValue) else None
                target = FunctionRef(module, number)
                yield BreakerUse(found, "decorator", module, target, call=call, below=below)

    def decorators(self, decorator: record.Expression, module: Module, scope: int) -> Iterator[FoundBreaker]:
        """The breakers that guard what is decorated: ``@breaker``, ``@breaker()``, ``@registry("name")``."""
        yield from (found for found in self.among(decorator, module, scope) if not found.entry.names)
        if isinstance(decorator, record.CallValue):
            call = module.facts.calls[decorator.call]
            is_named = any(not argument.keyword for argument in call.arguments)
            for found in self.among(call.callee, module, scope):
                if not found.is_bare and found.entry.names is is_named and not _has_private(call):
                    yield found

    def _calling(self, ref: CallRef) -> Iterator[BreakerUse]:
        """``breaker.call(fetch, …)``, or ``guarded = breaker(fetch)``."""
        if not ref.call.arguments:
            return
        for found, method in self._called(ref.call.callee, ref.module, ref.call.scope):
            if (method and method not in found.entry.calls) or (not method and found.entry.names):
                continue
            for target in self._targets(ref):
                if method:
                    yield BreakerUse(found, "call", ref.module, target, through=method, call=ref)
                elif isinstance(target, FunctionRef):
                    yield BreakerUse(found, "decorator", ref.module, target, call=ref)

    def _called(
        self, callee: record.Expression, module: Module, scope: int
    ) -> Iterator[tuple[FoundBreaker, str]]:
        """The breakers that a callee may be, or whose methods it is; "" for the breaker itself."""
        method, owner = self._method(callee)
        written = [(found, method) for found in self.among(owner, module, scope)]
        yield from written or self._kept_methods(callee, module, scope)

    def _kept_methods(
        self, callee: record.Expression, module: Module, scope: int
    ) -> Iterator[tuple[FoundBreaker, str]]:
        """``call = breaker.call``, then ``call(fetch)``: under another name than the method's."""
        if last_name(callee) not in self._kept.answer(module, lambda: self._find_kept(module)):
            return
        evaluator = self.program.evaluator
        for value in evaluator.values(callee, self.program.root_frame(module, scope)):
            if isinstance(value, ExternalMethod):
                owner, name = self.of(value.instance), value.name
            elif isinstance(value, FunctionRef) and value.receiver is not None:
                owner, name = self.of(value.receiver), value.module.facts.functions[value.index].name
            else:
                continue
            if owner is not None:
                yield owner, name

    def _find_kept(self, module: Module) -> frozenset[str]:
        """The names that a module gives to what may be methods of breakers."""
        methods = self._methods | self._of_own()
        named = [(each.name, each.value) for scope in module.facts.scopes for each in scope.bindings]
        named += [(write.name, write.value) for write in module.facts.writes]
        return frozenset(
            name for name, value in named if isinstance(value, record.Attribute) and value.name in methods
        )

    def _targets(self, ref: CallRef) -> Iterator[Value]:
        frame = self.program.frame_of_call(ref)
        for value in self.program.evaluator.values(ref.call.arguments[0].value, frame):
            yield value.function if isinstance(value, Partial) else value

    def _method(self, callee: record.Expression) -> tuple[str, record.Expression]:
        """A breaker's method that is called, with what it is called on; else the callee itself."""
        if isinstance(callee, record.Attribute) and callee.name in self._methods | self._of_own():
            return callee.name, callee.value
        return "", callee

    def _of_own(self) -> frozenset[str]:
        """The methods by which breakers of the program's own call what they are given."""
        shapes, own = self.program.breaker_shapes, self.program.own_breakers
        return self._own_methods.answer(
            None, lambda: frozenset(name for klass in own.classes for name in shapes.of(klass).entry.calls)
        )

    def _entered(self, module: Module, number: int) -> Iterator[BreakerUse]:
        """``with breaker:``, ``with breaker.calling():``, ``async with await registry.get_breaker("x"):``."""
        region = module.facts.regions[number]
        owner = region.subject.value if isinstance(region.subject, record.Awaited) else region.subject
        method, call = "", None
        if isinstance(owner, record.CallValue):
            method, named = self._method(module.facts.calls[owner.call].callee)
            call = CallRef(module, owner.call)
            owner = named if method else owner
        for found in self.among(owner, module, region.scope):
            if method in found.entry.blocks:
                yield BreakerUse(found, "block", module, region=number, through=method, call=call)

    # --- what counts -----------------------------------------------------------------------------

    def counted(self, found: FoundBreaker) -> list[Error] | None:
        """The exceptions that count as failures; None if they can't be told."""
        if found.own:
            return list(found.own.counted) if found.own.counted else None
        entry = found.entry
        given = self._given(found, entry.counted) if entry.counted else (MISSING,)
        if given == (MISSING,) and entry.counted_attribute and isinstance(found.instance.of, ClassRef):
            declared = self.program.attributes.of(found.instance, entry.counted_attribute)
            given = tuple(value for value in declared if not isinstance(value, ExternalMethod)) or given
        if given == (MISSING,):
            return [entry.counted_default] if entry.counted_default else []
        return self.program.errors.classes(given)

    def excluded(self, found: FoundBreaker) -> list[Error] | None:
        """The exceptions that don't count; None if they can't be told."""
        given = self._given(found, found.entry.excluded) if found.entry.excluded else (MISSING,)
        return [] if given == (MISSING,) else self.program.errors.classes(given)

    def has_own_storage(self, found: FoundBreaker) -> bool:
        """Whether its state is kept elsewhere, so that it outlives the object."""
        if found.own:
            return found.own.keeps_state
        return found.entry.storage is not None and self._given(found, found.entry.storage) != (MISSING,)

    def falls_back(self, found: FoundBreaker) -> bool:
        """Whether an open breaker calls something else instead of raising."""
        if found.own:
            return found.own.substitutes
        return found.entry.fallback is not None and self._given(found, found.entry.fallback) != (MISSING,)

    def _given(self, found: FoundBreaker, parameter: Parameter) -> Values:
        """What a breaker's construction gives for a parameter; MISSING if nothing."""
        if found.is_bare:
            return (MISSING,)
        values: list[Value] = []
        for arguments in self.program.bounds.constructions.library_arguments(found.instance):
            if parameter.is_rest:
                rest = arguments.positional[parameter.position or 0 :]
                values += [value for each in rest for value in self.program.evaluator.given(each)] or [
                    MISSING
                ]
                values += [UNKNOWN] if arguments.stars else []
            else:
                values += self.program.evaluator.argument(arguments, parameter.keyword, parameter.position)
        if not values:  # only its type is known, or its class builds it in a way that can't be told
            return (MISSING,) if found.instance.made and not found.instance.arguments else (UNKNOWN,)
        values = [MISSING if value == NONE else value for value in values]
        return tuple(dict.fromkeys(values))


def _has_private(call: record.Call) -> bool:
    """Whether a decorator is told something that changes what it guards (``__pybreaker_call_async``)."""
    return any(argument.keyword.startswith("__") for argument in call.arguments)


def kind_of(function: Function) -> FunctionKind:
    """What a ``def`` makes."""
    if function.is_async:
        return "async-generator" if function.is_generator else "coroutine"
    return "generator" if function.is_generator else "function"
