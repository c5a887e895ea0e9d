"""The growing record of one file: what the readers of expressions and statements write into."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from servicelint.facts.environment import Frame
from servicelint.facts.record import (
    OPAQUE,
    Argument,
    Attribute,
    AttributeWrite,
    Awaited,
    Binding,
    Call,
    CallValue,
    Class,
    Exit,
    Expression,
    Function,
    ModuleFacts,
    Name,
    Narrowed,
    Region,
    Scope,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Literal

    from servicelint.facts.logical_lines import LogicalLine
    from servicelint.facts.narrowing import Narrowing

    RegionKind = Literal[
        "module", "if", "with", "async-with", "for", "while", "try", "except", "else", "finally", "function"
    ]
    ExitKind = Literal["return", "raise", "break", "continue"]
    ScopeKind = Literal["module", "class", "function"]


class Builder:
    """Collects scopes, calls, regions and writes; knows the current scope, region and logical line.

    ``call_nodes``, if given, gets the node of each call: to keep them keeps the tree in memory.
    """

    def __init__(self, lines: Sequence[LogicalLine], call_nodes: list[ast.Call] | None = None) -> None:
        self.lines = lines
        self.lines_before = 0
        self.line_index = -1
        self.line = 0
        self.scopes: list[Scope] = []
        self.functions: list[Function] = []
        self.classes: list[Class] = []
        self.calls: list[Call] = []
        self.call_nodes = call_nodes
        self.regions: list[Region] = []
        self.writes: list[AttributeWrite] = []
        self.exits: list[Exit] = []
        self.ordinal = 0
        self.region = 0
        self.frame = Frame(self.add_scope("module", "", -1))
        self.regions.append(Region("module", -1, 0))

    def facts(self) -> ModuleFacts:
        """The finished record."""
        self.close_scope(self.frame)
        return ModuleFacts(
            self.scopes, self.functions, self.classes, self.calls, self.regions, self.writes, [], self.exits
        )

    # --- places ----------------------------------------------------------------------------------

    def go_to(self, line: int) -> None:
        """Go on to the logical line that holds a physical one, counted from the piece that is read."""
        line += self.lines_before
        lines, index = self.lines, self.line_index
        while index + 1 < len(lines) and lines[index + 1].first <= line:
            index += 1
        self._go(index)

    def go_before(self, line: int, column: int) -> None:
        """Go on to the header of the block whose first statement stands at a line and column (from 0)."""
        self.go_to(line)
        first = self.lines[self.line_index]
        if first.first == line + self.lines_before and first.indent == column:
            self._go(self.line_index - 1)

    def _go(self, index: int) -> None:
        if index != self.line_index:
            self.line_index = index
            self.line = self.lines[index].first
            self.ordinal = 0

    @contextmanager
    def in_region(
        self, kind: RegionKind, subject: Expression = OPAQUE, outcome: bool = True
    ) -> Iterator[None]:
        """A block that what follows stands in."""
        outer = self.region
        self.regions.append(Region(kind, outer, self.frame.scope, subject, outcome, self.line))
        self.region = len(self.regions) - 1
        try:
            yield
        finally:
            self.region = outer

    def leave(self, kind: ExitKind, value: Expression | None = None) -> None:
        """A statement after which its block does not go on."""
        self.exits.append(Exit(kind, self.region, value))
        self.frame.environment = None

    # --- scopes ----------------------------------------------------------------------------------

    def add_scope(self, kind: ScopeKind, name: str, parent: int) -> int:
        """A new scope's index; its qualified name is dotted, without the module's."""
        outer = self.scopes[parent].qualified_name if parent >= 0 else ""
        qualified = f"{outer}.{name}" if outer else name
        self.scopes.append(Scope(kind, qualified, parent, [], {}, [], [], []))
        return len(self.scopes) - 1

    def close_scope(self, frame: Frame) -> None:
        """Write down what the names of a finished scope are at its end."""
        scope = self.scopes[frame.scope]
        if frame.has_paths:
            self._settle_writes(frame)
        if frame.environment is None:  # left by return or raise: every binding may be the last
            for number, binding in enumerate(scope.bindings):
                scope.final.setdefault(binding.name, []).append(number)
        else:
            scope.final.update({name: list(numbers) for name, numbers in frame.environment.items()})

    @contextmanager
    def in_scope(self, frame: Frame) -> Iterator[None]:
        """Walk a body of its own."""
        outer, self.frame = self.frame, frame
        try:
            yield
        finally:
            self.close_scope(frame)
            self.frame = outer

    # --- names -----------------------------------------------------------------------------------

    def read(self, name: str) -> Name:
        """A name that is read here."""
        definitions = self.frame.definitions(name)
        if not definitions and self.frame.has_paths and self.frame.definitions(f"{name}."):
            name = f"{name}."  # a name of an outer scope that has been tested
            definitions = self.frame.definitions(name)
        node = Name(name, definitions)
        for loop in self.frame.loops:
            loop.reads.append(node)
        return node

    def known_path(self, path: str) -> Name | None:
        """The attribute of a name that is read here, if it was tested or assigned before."""
        return self.read(path) if self.frame.definitions(path) else None

    def bind(self, name: str, value: Expression, annotation: Expression | None = None) -> int:
        """A name that is bound here; returns the binding's number."""
        bindings = self.scopes[self.frame.scope].bindings
        bindings.append(Binding(name, value, self.line, self.region, annotation))
        self.frame.define(name, len(bindings) - 1)
        return len(bindings) - 1

    def write(
        self, target: Expression, name: str, value: Expression, annotation: Expression | None = None
    ) -> None:
        """An attribute that is written here."""
        self.writes.append(
            AttributeWrite(target, name, value, self.frame.scope, self.line, self.region, annotation)
        )

    def narrow(self, found: Iterable[Narrowing]) -> dict[str, int]:
        """Bind names and paths anew to what a test says of them; returns the new bindings by name."""
        bound: dict[str, int] = {}
        for narrowing in found:
            key, value = self._tested(narrowing.name)
            if value is not None:
                narrowed = Narrowed(value, narrowing.test, narrowing.outcome, narrowing.detail)
                bound[key] = self.bind(key, narrowed)
        return bound

    def _tested(self, name: str) -> tuple[str, Expression | None]:
        """The key under which a tested name or path is known from here on, and what it is now."""
        if self.frame.definitions(name):
            return name, self.read(name)
        if self.frame.function < 0:
            return name, None
        base, _, attribute = name.partition(".")
        if attribute:
            return name, Attribute(self.read(base), attribute)
        key = f"{name}."
        return key, self.read(key) if self.frame.definitions(key) else Name(name)

    def assign_path(self, path: str, value: Expression) -> None:
        """An attribute of a name is assigned in a function: from here on that is what it is."""
        self.frame.forget_path(path)
        if self.frame.function >= 0 and not isinstance(value, CallValue | Awaited):
            self.bind(path, value)  # what a call makes is followed by its class: others may configure it

    def forget_changed(self, callee: Expression, arguments: Iterable[Argument]) -> None:
        """A call may change the attributes of what it is made on and of what it is given."""
        if self.frame.has_paths:
            while isinstance(callee, Attribute):
                callee = callee.value
            for each in (callee, *(argument.value for argument in arguments)):
                if isinstance(each, Name):
                    self.frame.forget(each.name)

    def _settle_writes(self, frame: Frame) -> None:
        """``self.x = a; if self.x is None: self.x = 5``: what a method leaves there is one write."""
        for path, definitions in (frame.environment or {}).items():
            base, _, attribute = path.partition(".")
            if not attribute or base != frame.receiver:
                continue
            own = [write for write in self.writes if _writes(write, frame, attribute)]
            if len(own) > 1:
                self.writes = [write for write in self.writes if not _writes(write, frame, attribute)]
                region = own[0].region
                while self.regions[region].kind != "function":
                    region = self.regions[region].parent
                left = Name(path, definitions)
                first = own[0]
                self.writes.append(
                    AttributeWrite(
                        first.target, attribute, left, frame.scope, first.line, region, first.annotation
                    )
                )

    # --- calls -----------------------------------------------------------------------------------

    def reserve_call(self, node: ast.Call) -> int:
        """A place for a call whose parts are still to be read: outer calls come before inner ones."""
        line = self.lines[self.line_index]
        call = Call(OPAQUE, (), line.first, line.last, self.ordinal, self.frame.scope, self.region)
        self.ordinal += 1
        self.calls.append(call)
        if self.call_nodes is not None:
            self.call_nodes.append(node)
        return len(self.calls) - 1

    def complete_call(self, index: int, callee: Expression, arguments: list[Argument]) -> Call:
        """Fill in a reserved call."""
        call = self.calls[index]
        call.callee = callee
        call.arguments = tuple(arguments)
        return call


def _writes(write: AttributeWrite, frame: Frame, attribute: str) -> bool:
    """Whether this assigns an attribute of a method's own object."""
    target = write.target
    return (
        write.scope == frame.scope
        and write.name == attribute
        and isinstance(target, Name)
        and target.name == frame.receiver
    )
