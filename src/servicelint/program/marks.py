"""Marks of carriers: their vocabulary, and the names between which they do and do not flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicelint.facts import record
from servicelint.program.index import last_name

if TYPE_CHECKING:
    from servicelint.program.modules import Module
    from servicelint.program.program import Program

Marks = frozenset[str]
NOTHING: Marks = frozenset()
CLIENT, METHOD, BOX, PROXY = "client", "method", "box", "proxy"

CALLED = "()"
"""Before a mark: what calling it gives."""

HANDING_ON = frozenset({
    "partial", "partialmethod", "getattr", "cast", "copy", "deepcopy", "closing", "aclosing", "nullcontext",
    "next", "iter", "enter_context", "enter_async_context", "wait_for", "create_task", "ensure_future",
    "shield", "lru_cache", "cache", "list", "tuple", "dict", "wraps", "proxy", "sync_to_async", "run",
    "async_to_sync", "Depends", "Security", "Provide", "field", "Field", "reversed", "sorted",
})  # fmt: skip
CONTAINER_METHODS = frozenset({"get", "pop", "values", "items", "setdefault", "copy", "popleft"})
ROOTS = frozenset({"Base", "BaseModel", "Model", "Protocol", "Generic", "ABC", "Enum", "Mixin", "Exception"})
TRANSPARENT = frozenset({"Optional", "Union", "Annotated", "Final", "ClassVar", "Type", "type", "Awaitable"})
EVERYDAY = frozenset({*dir(str), *dir(dict), *dir(list), *dir(object), "__init__", "read", "write", "open"})
"""Names of methods that nearly always are a builtin type's: a result can't be guessed from them."""

PROPERTIES = frozenset({"property", "cached_property", "cachedproperty", "hybrid_property", "lazy_property"})


def families(program: Program) -> dict[str, str]:
    """By class name, one name for all classes that inherit from one another."""
    parents: dict[str, str] = {}

    def top(name: str) -> str:
        while parents.get(name, name) != name:
            name = parents[name]
        return name

    names = {klass.name for module in program.targets for klass in module.facts.classes}
    for module in program.targets:
        for klass in module.facts.classes:
            for base in klass.bases:
                named = last_name(base.value if isinstance(base, record.Subscript) else base)
                if named in names and named not in ROOTS:
                    parents[top(klass.name)] = top(named)
    return {name: top(name) for name in names}


def lead(marks: Marks) -> bool:
    """Whether marks say that something is a client or sends; being a module or making one does not."""
    return any(not mark.startswith(("module:", CALLED)) for mark in marks)


def words(module: Module) -> set[str]:
    """The names that a module reads, calls or defines: what may make it worth another look."""
    found: set[str] = set()
    for scope in module.facts.scopes:
        for binding in scope.bindings:
            found.add(binding.name)
            if isinstance(binding.value, record.Imported):
                found.add(binding.value.member)
        found.update(["*"] if scope.stars else [])
    facts = module.facts
    found.update(last_name(call.callee) for call in facts.calls)
    found.update(write.name for write in facts.writes)
    pending: list[Any] = [call.callee for call in facts.calls]
    pending += [argument.value for call in facts.calls for argument in call.arguments]
    pending += [binding.value for scope in facts.scopes for binding in scope.bindings]
    pending += [value for function in facts.functions for value, _ in function.returns]
    while pending:
        part = pending.pop()
        if isinstance(part, record.Attribute):
            found.add(part.name)
        if isinstance(part, record.Node):
            pending += [getattr(part, field) for field in part.__struct_fields__ if field != "definitions"]
        elif isinstance(part, list | tuple):
            pending += part
    return found
