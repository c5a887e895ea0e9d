"""What annotations say: the objects that an annotated name, parameter or result can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.values import (
    NONE,
    UNKNOWN,
    ClassRef,
    External,
    Instance,
    MappingValue,
    SequenceValue,
    Value,
    Values,
    merge,
)

if TYPE_CHECKING:
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

_UNIONS = frozenset({"Optional", "Union"})
_FIRST_ARGUMENT = frozenset(
    {"Annotated", "Final", "ClassVar", "Required", "NotRequired", "Awaitable", "Coroutine"}
)
_YIELDING = frozenset(
    {"Iterator", "AsyncIterator", "Generator", "AsyncGenerator", "Iterable", "AsyncIterable"}
)
_SEQUENCES = frozenset({"list", "List", "Sequence", "set", "Set", "tuple", "Tuple", "Collection"})
_MAPPINGS = frozenset(
    {"dict", "Dict", "Mapping", "MutableMapping", "DefaultDict", "defaultdict", "OrderedDict"}
)

MOST_HOPS = 3
"""Modules that a type alias is imported through."""


class Types:
    """Reads annotations as values; only classes that can matter come out, all else is nothing."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def instances(self, annotation: record.Expression, frame: Frame) -> Values:
        """The objects that an annotation describes: of the program's classes and of cataloged ones."""
        if isinstance(annotation, record.Operation):
            return merge(self.instances(annotation.left, frame), self.instances(annotation.right, frame))
        if isinstance(annotation, record.Subscript):
            return self._generic(annotation, frame)
        if isinstance(annotation, record.Name | record.Attribute):
            meant, its_frame = self.written_out(annotation, frame)
            if meant is not annotation:
                return self.instances(meant, its_frame)
            return merge(
                *(self._instance(value) for value in self.program.evaluator.values(annotation, frame))
            )
        return ()

    def written_out(self, annotation: record.Expression, frame: Frame) -> tuple[record.Expression, Frame]:
        """The expression that a type alias (``Client = Union[A, B]``) stands for, and its frame."""
        found = self._given(annotation, frame.module)
        for _ in range(MOST_HOPS):
            if found is None or not isinstance(found[0], record.Imported):
                break
            found = self._imported(found[0], found[1])
        if found is None or not isinstance(found[0], record.Subscript | record.Operation):
            return annotation, frame
        return found[0], self.program.root_frame(found[1], 0)

    def _given(
        self, annotation: record.Expression, module: Module
    ) -> tuple[record.Expression, Module] | None:
        """What is given to a name of a module, or of one that it imports (``dependencies.Client``)."""
        if isinstance(annotation, record.Name) and not annotation.definitions:
            return self._bound(annotation.name, module)
        if not isinstance(annotation, record.Attribute):
            return None
        owner = self._given(annotation.value, module)
        if owner is None or not isinstance(owner[0], record.Imported) or owner[0].member:
            return None
        return self._imported(record.Imported(owner[0].module, annotation.name, owner[0].level), module)

    def _bound(self, name: str, module: Module) -> tuple[record.Expression, Module] | None:
        """What a module gives a name, if it does so once."""
        scope = module.facts.scopes[0]
        numbers = scope.final.get(name, [])
        return (scope.bindings[numbers[0]].value, module) if len(numbers) == 1 else None

    def _imported(self, value: record.Imported, importer: Module) -> tuple[record.Expression, Module] | None:
        """What a name that is imported from a module of the program is given there."""
        index = self.program.modules
        stem = index.relative(value, importer) if value.level else index.locate(value.module, importer)
        owner = index.at(stem) if stem and value.member else None
        return self._bound(value.member, owner) if owner else None

    def _generic(self, annotation: record.Subscript, frame: Frame) -> Values:
        name = getattr(annotation.value, "name", "")
        index = annotation.index
        parts = index.items if isinstance(index, record.Sequence) else [index]
        if name in _UNIONS:
            return merge(*(self.instances(part, frame) for part in parts))
        if name in _FIRST_ARGUMENT or name in _YIELDING:
            return self.instances(parts[-1 if name == "Coroutine" else 0], frame)
        if name in _SEQUENCES:
            return (SequenceValue((self.instances(parts[0], frame) or (UNKNOWN,),), is_open=True),)
        if name in _MAPPINGS and len(parts) == 2:
            elements = self.instances(parts[1], frame)
            return (MappingValue(elements=elements),) if elements else ()
        if name in ("Type", "type"):
            return self.program.evaluator.values(parts[0], frame)
        return self.instances(annotation.value, frame)

    def _instance(self, value: Value) -> Values:
        if isinstance(value, ClassRef):
            return (Instance(value),)
        if isinstance(value, External) and self.program.catalog.knows(value.name):
            return (Instance(value),)
        return ()

    def refine(self, values: Values, annotation: record.Expression, frame: Frame) -> Values:
        """The values of something annotated: what is unknown among them is what the annotation says."""
        known = tuple(value for value in values if value not in (UNKNOWN, NONE))
        if known or not values:
            return values
        described = tuple(value for value in self.instances(annotation, frame) if _is_object(value))
        return merge(described, values) if described else values


def _is_object(value: Value) -> bool:
    return isinstance(value, Instance | MappingValue | SequenceValue)
