"""What becomes of the names of a file, read by ``ast``: in a tenth of the time that a lossless parse takes.

It is enough to tell that something is only handed on to other packages. Nothing here tells scopes apart: a
name is the same wherever it stands in the file, so that too much is said of it rather than too little.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from servicelint.facts.record import Imported
from servicelint.facts.syntax_tree import LARGEST, syntax_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CALL, ITEM = "()", "[]"
"""Steps of a :class:`Path` beside the names of attributes."""

_LONGEST = 12
_MOST_CALLEES = 8


class Path(NamedTuple):
    """An expression by the name that it begins with, "" for anything else, and what is taken of that."""

    root: str
    steps: tuple[str, ...] = ()


class Flows:
    """What a file does with its names.

    ``imports`` are what import statements bind, by name, ``members`` the names among them that the module
    has, and ``shared`` all other names that it or a class has. ``bound`` are the names that anything but an
    import binds, ``taken`` such names with what they may stand for, ``called`` the callees, ``given`` callees
    with an argument each, and ``kept`` what is put into something else, returned, or used in another way that
    may matter elsewhere.
    """

    def __init__(self) -> None:
        self.imports: dict[str, list[Imported]] = {}
        self.members: set[str] = set()
        self.shared: set[str] = set()
        self.bound: set[str] = set()
        self.taken: set[tuple[str, Path]] = set()
        self.called: set[Path] = set()
        self.given: set[tuple[Path, Path]] = set()
        self.kept: set[Path] = set()


def flows(text: str) -> Flows | None:
    """What a file does with its names; None if that can't be read so by this interpreter."""
    if len(text) > LARGEST:
        return None
    tree = syntax_tree(text)
    reader = _Reader()
    try:
        reader.read_all(tree.body if tree else ())
    except (RecursionError, _TooMuchError):
        return None
    return reader.flows if tree else None


class _TooMuchError(Exception):
    """The file has something that is not followed."""


class _Reader:
    """Walks the statements of a file."""

    def __init__(self) -> None:
        self.flows = Flows()
        self._scope: Literal["module", "class", "function"] = "module"
        self._statements: dict[type, Callable[[Any], object]] = {
            ast.Import: self._import,
            ast.ImportFrom: self._import_from,
            ast.Assign: lambda node: self._assign(node.targets, node.value),
            ast.AnnAssign: self._declare,
            ast.FunctionDef: self._function,
            ast.AsyncFunctionDef: self._function,
            ast.ClassDef: self._class,
            ast.arg: self._parameter,
            ast.Global: lambda node: self.flows.shared.update(node.names),
            ast.Nonlocal: lambda node: self.flows.shared.update(node.names),
            ast.With: self._with,
            ast.AsyncWith: self._with,
            ast.If: lambda node: self._branch(node.test, node.body, node.orelse),
            ast.While: lambda node: self._branch(node.test, node.body, node.orelse),
            ast.ExceptHandler: lambda node: self._branch(node.type, node.body),
            ast.Expr: lambda node: self._drop([node.value]),
            ast.Raise: lambda node: self._drop([node.exc, node.cause]),
            ast.Assert: lambda node: self._drop([node.test, node.msg]),
            ast.Delete: lambda node: self._drop(node.targets),
        }
        self._expressions: dict[type, Callable[[Any], set[Path]]] = {
            ast.Name: self._name,
            ast.Attribute: lambda node: self._step(node.value, node.attr),
            ast.Subscript: self._subscript,
            ast.Call: self._call,
            ast.Await: lambda node: self.paths(node.value),
            ast.NamedExpr: self._named,
            ast.BoolOp: lambda node: self._any(node.values),
            ast.IfExp: lambda node: self._any([node.body, node.orelse]) | self._drop([node.test]),
            ast.BinOp: lambda node: self._any([node.left, node.right]),
            ast.Compare: lambda node: self._drop([node.left, *node.comparators]),
            ast.JoinedStr: lambda node: self._drop(node.values),
            ast.FormattedValue: lambda node: self._drop([node.value]),
            ast.Constant: lambda _: set(),
        }

    # --- statements ------------------------------------------------------------------------------

    def read_all(self, statements: Iterable[ast.AST]) -> None:
        """Read some statements, or parts of them; what is not known is kept, as all that is in it."""
        for statement in statements:
            name = getattr(statement, "name", None) or getattr(statement, "rest", None)  # of a pattern
            if isinstance(name, str):
                self.flows.bound.add(name)
            read = self._statements.get(type(statement))
            if read is not None:
                read(statement)
            elif isinstance(statement, ast.expr):
                self.flows.kept |= self.paths(statement)
            else:
                self.read_all(ast.iter_child_nodes(statement))

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            first = alias.name.partition(".")[0]
            self._bind(alias.asname or first, Imported(alias.name if alias.asname else first))

    def _import_from(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                raise _TooMuchError
            self._bind(alias.asname or alias.name, Imported(node.module or "", alias.name, node.level))

    def _bind(self, name: str, imported: Imported) -> None:
        self.flows.imports.setdefault(name, []).append(imported)
        if self._scope == "module":
            self.flows.members.add(name)
        elif self._scope == "class":
            self.flows.shared.add(name)

    def _assign(self, targets: Iterable[ast.expr], value: ast.expr) -> None:
        paths = self.paths(value)
        for target in targets:
            if isinstance(target, ast.Name):
                self._take(target.id, paths)
            else:
                self.flows.kept |= paths
                self._change(target)

    def _change(self, target: ast.expr) -> None:
        """Read what is assigned to: what is changed so is kept, as it may be a client's setting."""
        if isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self._change(part)
        else:
            self.read_all([target.value if isinstance(target, ast.Attribute | ast.Subscript) else target])

    def _take(self, name: str, paths: set[Path]) -> None:
        self.flows.bound.add(name)
        self.flows.taken.update((name, path) for path in paths)
        if self._scope != "function":
            self.flows.shared.add(name)

    def _declare(self, node: ast.AnnAssign) -> None:
        self._annotate(node.annotation)
        if node.value is not None:
            self._assign([node.target], node.value)

    def _annotate(self, annotation: ast.expr | None) -> None:
        """Read an annotation, texts in it too."""
        if annotation is None:
            return
        self.flows.kept |= self.paths(annotation)
        for node in ast.walk(annotation):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                quoted = syntax_tree(node.value.strip())
                for each in quoted.body if quoted else ():
                    self._annotate(each.value if isinstance(each, ast.Expr) else None)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.read_all([*node.decorator_list, node.args])
        self._annotate(node.returns)
        self._within("function", node.body)

    def _parameter(self, node: ast.arg) -> None:
        self.flows.bound.add(node.arg)
        self._annotate(node.annotation)

    def _class(self, node: ast.ClassDef) -> None:
        self.read_all([*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)])
        self._within("class", node.body)

    def _within(self, scope: Literal["class", "function"], body: Iterable[ast.stmt]) -> None:
        outer, self._scope = self._scope, scope
        self.read_all(body)
        self._scope = outer

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            paths = self.paths(item.context_expr)
            self.flows.kept |= paths
            if isinstance(item.optional_vars, ast.Name):
                self._take(item.optional_vars.id, paths)
        self.read_all(node.body)

    def _branch(self, test: ast.expr | None, *bodies: Iterable[ast.stmt]) -> None:
        self._drop([test])
        for body in bodies:
            self.read_all(body)

    # --- expressions -----------------------------------------------------------------------------

    def paths(self, node: ast.expr) -> set[Path]:
        """What the value of an expression may be."""
        read = self._expressions.get(type(node))
        if read is not None:
            return read(node)
        self.read_all(ast.iter_child_nodes(node))
        return set()

    def _name(self, node: ast.Name) -> set[Path]:
        if not isinstance(node.ctx, ast.Load):
            self.flows.bound.add(node.id)
        return {Path(node.id)}

    def _any(self, nodes: Iterable[ast.expr]) -> set[Path]:
        return {path for node in nodes for path in self.paths(node)}

    def _drop(self, nodes: Iterable[ast.expr | None]) -> set[Path]:
        """Read expressions whose values go nowhere: nothing is left of them."""
        for node in nodes:
            for part in node.elts if isinstance(node, ast.Tuple) else [node]:
                if part is not None:
                    self.paths(part)
        return set()

    def _step(self, owner: ast.expr, step: str) -> set[Path]:
        return {self._further(path, step) for path in self.paths(owner) or {Path("")}}

    def _further(self, path: Path, step: str) -> Path:
        if len(path.steps) < _LONGEST:
            return Path(path.root, (*path.steps, step))
        self.flows.kept.add(path)
        return Path("", (step,))

    def _subscript(self, node: ast.Subscript) -> set[Path]:
        self.read_all([node.slice])
        return self._step(node.value, ITEM)

    def _call(self, node: ast.Call) -> set[Path]:
        callees = self.paths(node.func) or {Path("")}
        if len(callees) > _MOST_CALLEES:
            raise _TooMuchError
        self.flows.called |= callees
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        given = self._any(each.value if isinstance(each, ast.Starred) else each for each in arguments)
        self.flows.given.update((callee, path) for callee in callees for path in given)
        return {self._further(callee, CALL) for callee in callees}

    def _named(self, node: ast.NamedExpr) -> set[Path]:
        paths = self.paths(node.value)
        self._take(node.target.id, paths)
        return paths
