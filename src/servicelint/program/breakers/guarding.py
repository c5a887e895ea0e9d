"""Whether a call is guarded by a circuit breaker: itself, or on every path from a handler to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef, ClassRef, FunctionRef, Instance
from servicelint.program.faults import Fault, definition
from servicelint.program.linking.index import last_name
from servicelint.program.linking.reads import Memo
from servicelint.program.linking.wholes import IS_SO, Whole
from servicelint.program.timeouts.verdicts import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.program.handlers.handler import Handler
    from servicelint.program.handlers.reaching import Edge, Reached
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program
    from servicelint.program.sites import Site, Target

DEEPEST_DECORATOR = 3
"""Functions that are followed into one another to see whether a decorator of the program guards."""


_DETACHED = frozenset({"Thread", "Timer", "Process", "add_task", "spawn_n", "start_new_thread"})
"""What runs a function on its own: a handler that starts it does not wait for it."""


class Guarding:
    """Follows breakers over the call graph."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._used = Whole(program.reads, "breakers used", self._is_used, lambda used: {"": used}, IS_SO)
        self._functions: Memo[FunctionRef, bool] = Memo(program.reads)
        self._calls: Memo[CallRef, bool] = Memo(program.reads)
        self._open: set[FunctionRef] = set()

    @property
    def is_used(self) -> bool:
        """Whether the program uses circuit breakers anywhere: a library's, or its own."""
        return self._used.answer()

    def _is_used(self) -> bool:
        own = self.program.own_breakers
        modules = self.program.breakers.modules
        return bool(own.classes) or any(self.program.breakers.uses(module) for module in modules)

    def unguarded(self, module: Module) -> Iterator[tuple[Site, Reached | None]]:
        """The call sites of a module that no breaker guards, each with a handler that reaches it so, if any.

        What a mesh's manifests guard is left out.
        """
        for site in self.program.sites.of(module):
            if self.is_guarded(site.ref) or self._is_guarded_client(site):
                continue
            if self.program.mesh.breaking(self.program.addresses.host(site)) is not None:
                continue
            found = self.program.reaching.walk(site.ref, self._passes)
            if not found and self.program.reaching.handlers_of(site.ref):
                continue  # every way from a handler leads over a breaker
            yield site, next((each for each in found if _is_waited_for(each.handler)), None)

    def exposed(self, module: Module) -> int:
        """The number of a module's call sites that no mesh guards: for programs that use no breaker at all.

        Which of them a handler reaches is not asked: that walks the call graph of a program which does not
        even want to know.
        """
        sites = self.program.sites.of(module)
        if not self.program.mesh.rules:
            return len(sites)
        return sum(self.program.mesh.breaking(self.program.addresses.host(site)) is None for site in sites)

    def _passes(self, edge: Edge) -> bool:
        """Whether a call of a function goes through no breaker, and its caller waits for it."""
        if edge.ref is not None:
            spoken = self.program.index.of(edge.ref.module).spoken(last_name(edge.ref.call.callee))
            if _DETACHED & spoken:
                return False
        if edge.ref is None:
            return edge.caller is None or not self.guards(FunctionRef(*edge.caller))
        return not self.is_guarded(edge.ref)

    def fault(self, site: Site, reached: Reached | None) -> Fault:
        """What is wrong with an unguarded call site."""
        if reached is None:
            return Fault(site.ref, site.targets[0].name, "no circuit breaker guards it")
        handler = reached.handler
        route = f" ({handler.route})" if handler.route else ""
        first = Step(definition(handler.function), f"{handler.framework} runs `{handler.name}`{route}")
        steps = (first, *(Step(ref, "which calls this") for ref in reached.path[:-1]))
        reason = f"`{handler.name}` reaches it with no circuit breaker on the way"
        return Fault(site.ref, site.targets[0].name, reason, steps)

    # --- one call --------------------------------------------------------------------------------

    def is_guarded(self, ref: CallRef) -> bool:
        """Whether a call stands in a guarded block or function, or goes through a breaker itself."""
        return self._calls.answer(ref, lambda: self._is_guarded(ref))

    def _is_guarded(self, ref: CallRef) -> bool:
        number = self.program.function_of_scope(ref.module, ref.call.scope)
        if number >= 0 and self.guards(FunctionRef(ref.module, number)):
            return True
        return self._in_block(ref) or self._through(ref)

    def _in_block(self, ref: CallRef) -> bool:
        blocks = {use.region for use in self.program.breakers.uses(ref.module) if use.form == "block"}
        regions = ref.module.facts.regions
        region = ref.call.region
        while region > 0 and regions[region].kind != "function":
            block = regions[region]
            if region in blocks:
                return True
            if block.kind in ("with", "async-with") and self._is_own(block.subject, ref.module, block.scope):
                return True
            region = block.parent
        return False

    def _through(self, ref: CallRef) -> bool:
        """``breaker.call(fetch)``, or a call whose result such a call gets."""
        holder: CallRef | None = ref
        for _ in range(DEEPEST_DECORATOR):
            if holder is None:
                return False
            if any(
                use.call == holder for use in self.program.breakers.uses(ref.module) if use.form != "block"
            ):
                return True
            if holder.call.arguments and self._is_own(holder.call.callee, ref.module, holder.call.scope):
                return True
            holder = CallRef(ref.module, holder.call.holder) if holder.call.holder >= 0 else None
        return False

    def _is_own(self, expression: record.Expression, module: Module, scope: int) -> bool:
        return self.program.own_breakers.mentions_one(expression, module, scope)

    # --- functions -------------------------------------------------------------------------------

    def guards(self, function: FunctionRef) -> bool:
        """Whether what a function does is guarded: by a decorator, by who it is handed to, by hand."""
        bare = FunctionRef(function.module, function.index)
        if bare in self._open:
            return False
        self._open.add(bare)
        try:
            return self._functions.answer(bare, lambda: self._guards(bare))
        finally:
            self._open.discard(bare)

    def _guards(self, function: FunctionRef) -> bool:
        described = function.module.facts.functions[function.index]
        if self.program.breakers.guarding(function):
            return True
        if any(
            self._decorates(each, function.module, described.outer_scope) for each in described.decorators
        ):
            return True
        if described.name == "<lambda>" or described.klass < 0:
            outer = self.program.function_of_scope(function.module, described.outer_scope)
            if outer >= 0 and self._is_handed_to_breaker(function):
                return True
        return self._asks_breaker(function)

    def _decorates(self, decorator: record.Expression, module: Module, scope: int) -> bool:
        """Whether a decorator guards: a breaker of the program's own, or a function that uses one."""
        if self._is_own(decorator, module, scope):
            return True
        frame = self.program.root_frame(module, scope)
        named = decorator
        if isinstance(decorator, record.CallValue):
            named = module.facts.calls[decorator.call].callee
        values = self.program.evaluator.typed(named, frame)
        return any(self._uses_breaker(v) for v in values if isinstance(v, FunctionRef))

    def _uses_breaker(self, function: FunctionRef) -> bool:
        """Whether a function, or one defined in it, goes through a breaker."""
        module = function.module
        if not (self.program.breakers.are_used or self.program.own_breakers.exist):
            return False
        scopes = module.facts.scopes
        outer = module.facts.functions[function.index].scope
        below = {n for n in range(len(scopes)) if n == outer or _is_within(scopes, n, outer)}
        regions = module.facts.regions
        for use in self.program.breakers.uses(module):
            scope = (
                regions[use.region].scope if use.form == "block" else use.call.call.scope if use.call else -1
            )
            if scope in below:
                return True
        return any(
            self._is_own(call.callee, module, call.scope)
            for call in module.facts.calls
            if call.scope in below
        ) or any(
            self._is_own(region.subject, module, region.scope)
            for region in regions
            if region.scope in below and region.kind in ("with", "async-with")
        )

    def _is_handed_to_breaker(self, function: FunctionRef) -> bool:
        """``def fetch(): …`` or a lambda, given to a breaker where it is defined."""
        described = function.module.facts.functions[function.index]
        uses = self.program.breakers.uses(function.module)
        if any(use.function is not None and use.function.index == function.index for use in uses if use.call):
            return True
        calls = [call for call in function.module.facts.calls if call.scope == described.outer_scope]
        handed = [
            call
            for call in calls
            if any(_is_function(argument.value, function, function.module) for argument in call.arguments)
        ]
        return any(self._is_own(call.callee, function.module, call.scope) for call in handed)

    def _asks_breaker(self, function: FunctionRef) -> bool:
        """Guarded by hand: the function asks a breaker of the program's own, and tells it what came of it."""
        if not self.program.own_breakers.exist:
            return False
        scope = function.module.facts.functions[function.index].scope
        asked = [
            call
            for call in function.module.facts.calls
            if call.scope == scope
            and isinstance(call.callee, record.Attribute)
            and self._is_own(call.callee.value, function.module, scope)
        ]
        return bool(asked)

    # --- clients ---------------------------------------------------------------------------------

    def _is_guarded_client(self, site: Site) -> bool:
        """Whether a site's client guards them: by its class, a transport, adapter or interceptor."""
        return any(
            self._holds_breaker(value)
            for target in site.targets
            for value in (*self._hooks(target.instance), *self._interceptors(target))
        )

    def _interceptors(self, target: Target) -> Iterator[object]:
        """What a gRPC call passes."""
        if target.instance is not None and target.entry in self.program.catalog.over_channels:
            yield from self.program.channels.interceptors(target.instance)

    def _hooks(self, instance: Instance | None) -> Iterator[object]:
        """A client of the program's own class, and what was given to its construction or mounted on it."""
        if instance is None:
            return
        yield instance
        for arguments in self.program.bounds.constructions.library_arguments(instance):
            for given in (*arguments.positional, *arguments.keywords.values()):
                yield from self.program.evaluator.given(given)
        for effect in instance.effects:
            yield from effect.values
            if effect.arguments is not None:
                for given in effect.arguments.positional:
                    yield from self.program.evaluator.given(given)

    def _holds_breaker(self, value: object) -> bool:
        """Whether an object is of a class of the program whose methods go through a breaker."""
        if not isinstance(value, Instance) or not isinstance(value.of, ClassRef):
            return False
        classes = [
            each for each in self.program.attributes.classes.order(value.of) if isinstance(each, ClassRef)
        ]
        return any(
            self._uses_breaker(FunctionRef(klass.module, number))
            or self.guards(FunctionRef(klass.module, number))
            for klass in classes
            for number, function in enumerate(klass.module.facts.functions)
            if function.klass == klass.index
        )


def _is_waited_for(handler: Handler) -> bool:
    """Whether someone waits for what a handler answers: a message's sender does not."""
    return handler.is_entry and handler.kind != "message"


def _is_function(value: record.Expression, function: FunctionRef, module: Module) -> bool:
    """Whether an expression is a function defined in the same scope, by its value or by its name."""
    wanted = record.FunctionValue(function.index)
    if value == wanted:
        return True
    if not isinstance(value, record.Name):
        return False
    scope = module.facts.functions[function.index].outer_scope
    bindings = module.facts.scopes[scope].bindings
    return any(bindings[number].value == wanted for number in value.definitions if number < len(bindings))


def _is_within(scopes: list[record.Scope], number: int, outer: int) -> bool:
    while number >= 0:
        if number == outer:
            return True
        number = scopes[number].parent
    return False
