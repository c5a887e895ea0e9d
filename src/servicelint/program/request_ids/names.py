"""Request ids in the program: by which names they go, who mentions them, who puts one on something."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef, External, FunctionRef, Literal
from servicelint.program.linking.index import last_name
from servicelint.program.linking.reads import Memo
from servicelint.program.linking.wholes import Whole, by_number, paths
from servicelint.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from servicelint.facts.record import Expression
    from servicelint.program.handlers.handler import Handler
    from servicelint.program.handlers.services import Service
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

READING = frozenset({"get", "getlist", "get_all", "getall", "pop", "get_header", "getheader", "__getitem__"})
"""Methods that take a value out of headers."""

_SPELLING = frozenset({"lower", "upper", "title", "casefold", "encode", "decode", "strip"})
"""Methods that spell a header's name otherwise."""

IDENTITY = regex(r"(request|correlation|trace|transaction)_?id$|^x_request_id$|^rid$", re.IGNORECASE)
"""Names of variables and attributes that hold the id of a request."""

_STANDARD = "traceparent"
"""The header of the W3C's recommendation on trace context."""

DEEPEST_HELPER = 3
"""Functions that are followed into one another for what they put on a request."""


class RequestIds:
    """What the program does with headers of some names: the ids of requests."""

    def __init__(self, program: Program, names: Iterable[str]) -> None:
        self.program = program
        self.names = tuple(names)
        self._known = frozenset(spelling for name in names for spelling in _spellings(name))
        self._mentioning = Whole(
            program.reads, f"ids {self.names}", self._find_modules, paths, by_number(program.modules)
        )
        self._are_known: Memo[Service, bool] = Memo(program.reads)
        self._putting: Memo[tuple[Module, int], bool] = Memo(program.reads)

    # --- names -----------------------------------------------------------------------------------

    def is_id(self, text: object) -> bool:
        """Whether a text is the name of a header that holds an id, however it is spelled."""
        if isinstance(text, bytes):
            text = text.decode("latin-1")
        return isinstance(text, str) and text.lower() in self._known

    def names_id(self, key: Expression, module: Module, scope: int) -> bool | None:
        """Whether an expression is such a name; None if that can't be told."""
        key = _unchanged(key, module)
        if isinstance(key, record.Constant):
            return self.is_id(key.value)
        if not isinstance(key, record.Name | record.Attribute | record.Operation | record.Text):
            return None  # no name is computed otherwise
        frame = self.program.root_frame(module, scope)
        values = self.program.evaluator.expand_all(self.program.evaluator.values(key, frame))
        texts = [value.value for value in values if isinstance(value, Literal)]
        if any(map(self.is_id, texts)):
            return True
        return False if texts and len(texts) == len(values) else None

    # --- who mentions an id ----------------------------------------------------------------------

    def modules(self) -> frozenset[Module]:
        """The modules whose text mentions an id, or a library's function that hands one out."""
        return self._mentioning.answer()

    def _find_modules(self) -> frozenset[Module]:
        vocabulary = self.program.vocabulary
        found: set[Module] = set()
        for name in self._known:
            found.update(vocabulary.modules_quoting(name) if "-" in name else vocabulary.modules_with(name))
        correlation = self.program.catalog.correlation
        symbols = correlation.injectors | correlation.keepers
        return frozenset(found.union(vocabulary.modules_importing(frozenset(symbols))))

    def may_come_from(self, module: Module) -> bool:
        """Whether an id's name may be written in a module, or in one that it imports from."""
        known = self.modules()
        return module in known or any(
            each in known for each in self.program.reaching.downstream.imports(module)
        )

    def are_known(self, module: Module) -> bool:
        """Whether a service of a module reads or makes ids at all: own code, middleware, instrumentation."""
        return any(map(self.are_known_to, self.program.services.of(module)))

    def are_known_to(self, service: Service) -> bool:
        """Whether a service reads or makes ids."""
        return self._are_known.answer(service, lambda: self._find_known(service))

    def _find_known(self, service: Service) -> bool:
        if self.program.instrumented.continues(service):
            return True
        holds = self.program.reaching.downstream.holds
        if any(holds(module) for module in self.modules() if service.runs(module)):
            return True
        hooks = (each for each in self.program.handlers.all() if not each.is_entry)
        return any(self._makes(each) for each in hooks if service.runs(each.function.module))

    def _makes(self, handler: Handler) -> bool:
        """Whether a hook on the way of handlers makes an id and keeps it under a name that says so."""
        module = handler.function.module
        if "uuid" not in module.source:
            return False
        for scope in self._scopes(handler.function):
            names = {binding.name for binding in module.facts.scopes[scope].bindings}
            names |= {write.name for write in module.facts.writes if write.scope == scope}
            if any(map(IDENTITY.search, names)):
                return True
        return False

    def entrance(self, module: Module) -> CallRef | None:
        """A call that reads the id of a request, in a service of a module: ``headers.get(ID)``."""
        services = self.program.services.of(module)
        holds = self.program.reaching.downstream.holds
        for each in sorted(self.modules(), key=lambda each: (each is not module, each.name)):
            if holds(each) and any(service.runs(each) for service in services):
                for number, call in enumerate(each.facts.calls):
                    if self._reads(call, each):
                        return CallRef(each, number)
        return None

    def _reads(self, call: record.Call, module: Module) -> bool:
        if last_name(call.callee) not in READING or not call.arguments:
            return False
        return bool(self.names_id(call.arguments[0].value, module, call.scope))

    def preferred(self, module: Module) -> str:
        """The header to put an id in: the first that the program speaks of, else the first of all.

        If it speaks of none, and an instrumentation takes the id over, that is the one of the standard.
        """
        vocabulary = self.program.vocabulary
        spoken = [name for name in self.names if "-" in name and vocabulary.modules_quoting(name.lower())]
        if not spoken and any(map(self.program.instrumented.continues, self.program.services.of(module))):
            spoken = [name for name in self.names if name == _STANDARD]
        return (spoken or list(self.names))[0]

    # --- who puts one on -------------------------------------------------------------------------

    def puts(self, function: FunctionRef, depth: int = 0) -> bool:
        """Whether a function puts an id on something it builds or changes, itself or through a helper."""
        key = (function.module, function.index)
        if depth:
            return self._puts(function, depth)
        return self._putting.answer(key, lambda: self._puts(function, 0))

    def _puts(self, function: FunctionRef, depth: int) -> bool:
        module = function.module
        for scope in self._scopes(function):
            if any(self._puts_in(each, module, scope) for each in expressions(module, scope)):
                return True
            for number, call in enumerate(module.facts.calls):
                if call.scope == scope and self._call_puts(CallRef(module, number), depth):
                    return True
        return False

    def _scopes(self, function: FunctionRef) -> Iterator[int]:
        """A function's scope and those within it."""
        scopes = function.module.facts.scopes
        own = function.module.facts.functions[function.index].scope
        inside = {own}
        for number, scope in enumerate(scopes):
            if scope.parent in inside:
                inside.add(number)
        return iter(sorted(inside))

    def _puts_in(self, expression: Expression, module: Module, scope: int) -> bool:
        """Whether a structure has an id among its keys, or a pair that begins with one."""
        for part in walk(expression):
            keys: list[Expression | None] = []
            if isinstance(part, record.Mapping):
                keys = [key for key, _ in part.items]
            elif isinstance(part, record.Updated) and part.operation == "item":
                keys = [part.key]
            elif isinstance(part, record.Sequence) and len(part.items) == 2:
                keys = [part.items[0]]
            if any(key is not None and self.names_id(key, module, scope) for key in keys):
                return True
        return False

    def _call_puts(self, ref: CallRef, depth: int) -> bool:
        """``request.add_header(ID, value)``, ``inject(headers)``, or a helper that puts one."""
        if self.sets(ref):
            return True
        frame = self.program.frame_of_call(ref)
        for value in self.program.evaluator.typed(ref.call.callee, frame):
            if isinstance(value, External) and self._injects(value.name):
                return True
            if isinstance(value, FunctionRef) and depth < DEEPEST_HELPER and self.puts(value, depth + 1):
                return True
        return False

    def sets(self, ref: CallRef) -> bool:
        """Whether a call is a method's that is given an id's name and a value."""
        name = last_name(ref.call.callee)
        arguments = ref.call.arguments
        if name in READING or len(arguments) < 2 or not isinstance(ref.call.callee, record.Attribute):
            return False
        first = arguments[0]
        return not first.stars and bool(self.names_id(first.value, ref.module, ref.call.scope))

    def injects(self, callee: Expression, module: Module, scope: int) -> bool:
        """Whether calling something puts the current id into what it is given."""
        frame = self.program.root_frame(module, scope)
        values = self.program.evaluator.typed(callee, frame)
        return any(isinstance(value, External) and self._injects(value.name) for value in values)

    def _injects(self, name: str) -> bool:
        injectors = self.program.catalog.correlation.injectors
        return name in injectors or name.rpartition(".")[0] in injectors


def _spellings(name: str) -> set[str]:
    """A header's name as it is written in headers, in a WSGI environment and as a parameter."""
    lower = name.lower()
    underscored = lower.replace("-", "_")
    return {lower, f"http_{underscored}"} | ({underscored} if "-" in lower else set())


def _unchanged(key: Expression, module: Module) -> Expression:
    """What a name is spelled from: ``HEADER`` of ``HEADER.lower().encode()``."""
    while isinstance(key, record.CallValue):
        callee = module.facts.calls[key.call].callee
        if not isinstance(callee, record.Attribute) or callee.name not in _SPELLING:
            break
        key = callee.value
    return key


def walk(expression: Expression) -> Iterator[Expression]:
    """An expression and all that it is made of, inside one function."""
    pending: list[object] = [expression]
    while pending:
        each = pending.pop()
        if isinstance(each, record.Node):
            yield each  # type: ignore[misc]
            pending += [getattr(each, name) for name in each.__struct_fields__]
        elif isinstance(each, list | tuple):
            pending += each


def expressions(module: Module, scope: int) -> Iterator[Expression]:
    """The expressions of one scope, calls' arguments among them."""
    facts = module.facts
    yield from (binding.value for binding in facts.scopes[scope].bindings)
    for call in facts.calls:
        if call.scope == scope:
            yield call.callee
            yield from (argument.value for argument in call.arguments)
    yield from (write.value for write in facts.writes if write.scope == scope)
    for function in facts.functions:
        if function.scope == scope:
            yield from (value for value, _ in function.returns)
            yield from function.yields
