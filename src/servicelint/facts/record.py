"""The record of facts about one file.

Plain data (msgspec structs, array-encoded), to be cached by content and computed in any process.
Indices refer to the lists of the same :class:`ModuleFacts`.

Expressions are reduced to what later questions need: which names, attributes, calls, containers and
constants flow where; all else is :data:`OPAQUE`. Names carry the definitions that reach them.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Node(msgspec.Struct, array_like=True, gc=False):
    """Base of all fact records."""


# --- expressions ---------------------------------------------------------------------------------


class Opaque(Node, tag=0, frozen=True):  # type: ignore[misc]  # msgspec allows it
    """A value that is not followed."""


class Constant(Node, tag=1):
    """A literal: None, a truth value, a number or a text."""

    value: bool | int | float | str | None


class Name(Node, tag=2):
    """A name that is read. ``definitions`` are the bindings of its own scope that reach this place.

    With none, the name belongs to an enclosing scope, the module or the builtins.
    """

    name: str
    definitions: tuple[int, ...] = ()


class Attribute(Node, tag=3):
    """``value.name``."""

    value: Expression
    name: str


class CallValue(Node, tag=4):
    """The result of the call with this index."""

    call: int


class Subscript(Node, tag=5):
    """``value[index]``."""

    value: Expression
    index: Expression


class Operation(Node, tag=6):
    """A binary operation."""

    operator: str
    left: Expression
    right: Expression


class Choice(Node, tag=7):
    """``a or b`` / ``a and b``: one of its operands."""

    operator: Literal["or", "and"]
    operands: tuple[Expression, ...]


class Conditional(Node, tag=8):
    """``body if test else orelse``."""

    test: Expression
    body: Expression
    orelse: Expression


class Awaited(Node, tag=9):
    """``await value``."""

    value: Expression


class Mapping(Node, tag=10):
    """A dict display; a key of None stands for ``**value``."""

    items: tuple[tuple[Expression | None, Expression], ...]


class Sequence(Node, tag=11):
    """A tuple, list or set display."""

    kind: Literal["tuple", "list", "set"]
    items: tuple[Expression, ...]


class Unpacked(Node, tag=12):
    """``*value`` inside a display or an argument list."""

    value: Expression


class FunctionValue(Node, tag=13):
    """A function or lambda, by its index."""

    function: int


class ClassValue(Node, tag=14):
    """A class, by its index."""

    klass: int


class Imported(Node, tag=15):
    """What an import binds: module ``module`` (``level`` dots before it), or its member ``member``."""

    module: str
    member: str = ""
    level: int = 0


class Text(Node, tag=16):
    """An f-string or an implicit concatenation."""

    parts: tuple[Expression, ...]


class Comparison(Node, tag=17):
    """``left operator right``; chained comparisons are opaque."""

    operator: str
    left: Expression
    right: Expression


class Negation(Node, tag=18):
    """``not value``."""

    value: Expression


class Element(Node, tag=19):
    """One element of an iterable: a loop target, or the element of a comprehension's result."""

    value: Expression


class Item(Node, tag=20):
    """The ``index``-th part of an unpacked value."""

    value: Expression
    index: int


class Entered(Node, tag=21):
    """What ``with value as name`` binds."""

    value: Expression


class ParameterValue(Node, tag=22):
    """The ``index``-th parameter of the function whose scope holds the binding."""

    index: int


class Updated(Node, tag=23):
    """The object ``previous`` after a change in place.

    ``operation``: ``item`` (``x[key] = value``), ``attribute`` (``x.key = value``), ``delete``
    (``del x[key]``), or a method of :data:`MUTATORS` whose call is ``value``.
    """

    previous: Expression
    operation: str
    key: Expression
    value: Expression


class Narrowed(Node, tag=24):
    """``value`` where a test is known to be ``outcome``.

    ``test``: ``none`` (it is None), ``true`` (it is truthy) ``key`` (``detail in value``)
    or ``item`` (``value.get(detail)`` is None).
    """

    value: Expression
    test: Literal["none", "true", "key", "item"]
    outcome: bool
    detail: Expression


class Collected(Node, tag=25):
    """A comprehension or generator of ``element`` (for a dict: of its values)."""

    kind: Literal["list", "set", "dict", "generator"]
    element: Expression


Expression = (
    Opaque
    | Constant
    | Name
    | Attribute
    | CallValue
    | Subscript
    | Operation
    | Choice
    | Conditional
    | Awaited
    | Mapping
    | Sequence
    | Unpacked
    | FunctionValue
    | ClassValue
    | Imported
    | Text
    | Comparison
    | Negation
    | Element
    | Item
    | Entered
    | ParameterValue
    | Updated
    | Narrowed
    | Collected
)

OPAQUE = Opaque()
NONE = Constant(None)

MUTATORS = frozenset({"setdefault", "update", "pop", "clear", "mount", "setopt"})
"""Methods that change the object they are called on in a way that later questions need."""


# --- the parts of a module -----------------------------------------------------------------------


class Binding(Node):
    """One assignment of a name, in source order; ``region`` is the block it stands in."""

    name: str
    value: Expression
    line: int
    region: int
    annotation: Expression | None = None


class Scope(Node):
    """A module, class or function body: its bindings and what its names are at its end.

    ``final`` maps a name to the bindings that reach the end; ``stars`` are modules imported with ``*``.
    ``parent`` is -1 for the module.
    """

    kind: Literal["module", "class", "function"]
    qualified_name: str
    parent: int
    bindings: list[Binding]
    final: dict[str, list[int]]
    globals: list[str]
    nonlocals: list[str]
    stars: list[Imported]


class Parameter(Node):
    """One parameter of a function; ``kind`` as in ``inspect.Parameter``, abbreviated."""

    name: str
    kind: Literal["positional-only", "positional", "star", "keyword", "double-star"]
    default: Expression | None
    annotation: Expression | None


class Function(Node):
    """A function or lambda. ``klass`` is the index of the class whose body holds it, or -1.

    ``returns`` are its results, each with the block that it is returned from.
    """

    name: str
    scope: int
    outer_scope: int
    klass: int
    line: int
    region: int
    parameters: tuple[Parameter, ...]
    decorators: tuple[Expression, ...]
    returns: list[tuple[Expression, int]]
    yields: list[Expression]
    annotation: Expression | None
    is_async: bool
    is_generator: bool


class Class(Node):
    """A class statement."""

    name: str
    scope: int
    outer_scope: int
    line: int
    bases: tuple[Expression, ...]
    keywords: tuple[tuple[str, Expression], ...]
    decorators: tuple[Expression, ...]


class Argument(Node):
    """One argument of a call: ``keyword`` is "" for positional ones, ``stars`` counts ``*`` before it."""

    value: Expression
    keyword: str = ""
    stars: int = 0


class Call(Node):
    """A call. ``line`` to ``last_line`` is the logical line that holds it, ``ordinal`` its rank there.

    ``bound_to`` is the binding that keeps its result, or -1. ``holder`` is the call that has this one
    as an argument, or -1. ``scope`` is the scope and ``region`` the block that it stands in.
    """

    callee: Expression
    arguments: tuple[Argument, ...]
    line: int
    last_line: int
    ordinal: int
    scope: int
    region: int
    is_awaited: bool = False
    holder: int = -1
    bound_to: int = -1


class Region(Node):
    """A block that code can stand in, and the condition or context it brings.

    ``subject`` is the test of ``if`` (``outcome``: its branch) and ``while``, the item of ``with``, what
    ``for`` iterates, what ``except`` catches (of the ``try`` before it under the same parent).
    """

    kind: Literal[
        "module", "if", "with", "async-with", "for", "while", "try", "except", "else", "finally", "function"
    ]
    parent: int
    scope: int
    subject: Expression = OPAQUE
    outcome: bool = True
    line: int = 0


class AttributeWrite(Node):
    """``target.name = value``, ``setattr(target, "name", value)`` or a change in place of an attribute."""

    target: Expression
    name: str
    value: Expression
    scope: int
    line: int
    region: int
    annotation: Expression | None = None


class Exit(Node):
    """A statement that leaves its block, ``region``. ``value`` is what is raised; None to raise it again."""

    kind: Literal["return", "raise", "break", "continue"]
    region: int
    value: Expression | None = None


class Unread(Node):
    """A statement that was too deep or too large for the parser and was left out."""

    line: int
    last_line: int
    reason: str


class ModuleFacts(Node):
    """Everything known of one file. Scope 0 and region 0 are the module itself."""

    scopes: list[Scope]
    functions: list[Function]
    classes: list[Class]
    calls: list[Call]
    regions: list[Region]
    writes: list[AttributeWrite]
    unread: list[Unread]
    exits: list[Exit] = []
