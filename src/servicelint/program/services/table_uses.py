"""What one module does with tables: classes that stand for them, calls that name them, texts in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef, ClassRef, External, Literal, Origin
from servicelint.program.linking.index import last_name
from servicelint.program.linking.reads import Memo
from servicelint.program.services.sql import is_sql, qualified, tables_in
from servicelint.program.services.texts import WHOLE, Texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.catalog.tables import TableClass, TableName
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

_OPTIONS_OF_SQLALCHEMY = "__table_args__"


class TableUse(msgspec.Struct, frozen=True):
    """A place where a table is used; ``does`` says how, after the name of whoever does it."""

    place: CallRef | Origin
    table: str
    does: str
    defines: bool = False


class TableUses:
    """Finds the tables that a module speaks of."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._texts = Texts(program)
        self._known: Memo[Module, tuple[TableUse, ...]] = Memo(program.reads)

    def of(self, module: Module) -> tuple[TableUse, ...]:
        """The uses of tables in a module, in source order."""
        return self._known.answer(module, lambda: tuple(self._found(module)))

    def _found(self, module: Module) -> list[TableUse]:
        vocabulary, words = self.program.vocabulary, self.program.catalog.tables.words
        if not any(module in vocabulary.modules_with(word) for word in words):
            return []
        found = [*self._classes(module), *self._calls(module), *self._imported(module)]
        return sorted(found, key=_line)

    # --- classes ---------------------------------------------------------------------------------

    def _classes(self, module: Module) -> Iterator[TableUse]:
        for number, klass in enumerate(module.facts.classes):
            name = self.table_of(ClassRef(module, number))
            if name:
                defines = not self._has_option(ClassRef(module, number), "managed", False)
                does = f"{'defines' if defines else 'uses'} it as {klass.name}"
                yield TableUse(Origin(module, klass.line, klass.name), name, does, defines)

    def table_of(self, klass: ClassRef) -> str:
        """The table that a class stands for; "" if it stands for none that can be told."""
        described = self.program.attributes.classes.record_of(klass)
        scope = self.program.attributes.classes.scope_of(klass)
        for base in self._table_bases(klass):
            if base.keyword and not _is_true(described, base.keyword):
                continue
            own = self._own_text(klass, base.attribute, described.scope) if base.attribute else ""
            if own:
                return qualified(own, self._schema(klass))
            found = self._by_options(klass, base) if base.options else ""
            if found is not None and (found or base.default == "class"):
                return qualified(found or described.name)
        named = self._own_text(klass, "__tablename__", described.scope)
        return qualified(named, self._schema(klass)) if named and "__tablename__" in scope.final else ""

    def _table_bases(self, klass: ClassRef) -> list[TableClass]:
        known = self.program.catalog.tables.classes
        order = self.program.attributes.classes.order(klass)
        names = [each.name for each in order if isinstance(each, External)]
        return [known[name] for name in names if name in known]

    def _own_text(self, klass: ClassRef, attribute: str, scope: int) -> str:
        """The text that a class's body gives an attribute."""
        frame = self.program.root_frame(klass.module, scope)
        numbers = klass.module.facts.scopes[scope].final.get(attribute, [])
        values = self.program.evaluator.bindings(frame, numbers)
        only = values[0] if len(values) == 1 else None
        return only.value if isinstance(only, Literal) and isinstance(only.value, str) else ""

    def _schema(self, klass: ClassRef) -> str:
        """The schema that the class's further arguments for its table name."""
        scope = self.program.attributes.classes.scope_of(klass)
        numbers = scope.final.get(_OPTIONS_OF_SQLALCHEMY, [])
        value = scope.bindings[numbers[0]].value if len(numbers) == 1 else record.OPAQUE
        if isinstance(value, record.Sequence) and value.items:
            value = value.items[-1]
        for key, each in value.items if isinstance(value, record.Mapping) else ():
            if key == record.Constant("schema") and isinstance(each, record.Constant):
                return str(each.value or "")
        return ""

    def _has_option(self, klass: ClassRef, name: str, value: bool) -> bool:
        """Whether a class's inner class of options sets one of them to a truth value."""
        classes = klass.module.facts.classes
        inner = (
            classes[binding.value.klass].scope
            for binding in self.program.attributes.classes.scope_of(klass).bindings
            if isinstance(binding.value, record.ClassValue)
        )
        return any(_sets(klass.module, scope, name, value) for scope in inner)

    def _by_options(self, klass: ClassRef, base: TableClass) -> str | None:
        """The table's name by an inner class of options, else by the application; None if it has no table."""
        scope = self.program.attributes.classes.scope_of(klass)
        application = _application(klass.module)
        for number in scope.final.get(base.options, []):
            value = scope.bindings[number].value
            if isinstance(value, record.ClassValue):
                inner = klass.module.facts.classes[value.klass].scope
                if any(_sets(klass.module, inner, each, True) for each in ("abstract", "proxy")):
                    return None
                named = self._own_text(klass, "db_table", inner)
                if named:
                    return named.replace('"', "")
                application = self._own_text(klass, "app_label", inner) or application
        name = self.program.attributes.classes.record_of(klass).name.lower()
        return f"{application}_{name}" if application else None

    # --- calls -----------------------------------------------------------------------------------

    def _calls(self, module: Module) -> Iterator[TableUse]:
        facts = self.program.catalog.tables
        names = self.program.index.of(module)
        for number, call in enumerate(module.facts.calls):
            spoken = names.spoken(last_name(call.callee))
            ref = CallRef(module, number)
            if spoken & facts.takers:
                yield from self._in_sql(ref)
            if spoken & facts.namers:
                yield from self._named(ref)

    def _in_sql(self, ref: CallRef) -> Iterator[TableUse]:
        """The tables in a text in SQL that a call is given first, or behind its connection."""
        frame = self.program.frame_of_call(ref)
        for argument in [each for each in ref.call.arguments if not each.stars][:2]:
            text = self._texts.of(argument.value, frame).text.replace(WHOLE, "")
            for table in tables_in(text) if is_sql(text) else ():
                does = "makes it in SQL" if table.is_made else "uses it in SQL"
                yield TableUse(ref, table.name, does, defines=table.is_made)

    def _named(self, ref: CallRef) -> Iterator[TableUse]:
        """The table that a call of a library's function names."""
        frame = self.program.frame_of_call(ref)
        known = self.program.catalog.tables.names
        for callee in self.program.evaluator.values(ref.call.callee, frame):
            named = known.get(callee.name) if isinstance(callee, External) else None
            name = self._name_in(ref, named) if named else ""
            if named and name:
                keywords = {argument.keyword for argument in ref.call.arguments}
                defines = named.defines and keywords.isdisjoint(named.reflected)
                yield TableUse(ref, name, "defines it" if defines else "refers to it", defines)

    def _name_in(self, ref: CallRef, named: TableName) -> str:
        arguments = self.program.calls.written(ref, self.program.frame_of_call(ref))
        argument = self.program.evaluator.argument
        texts = [
            value.value
            for value in argument(arguments, named.name.keyword, named.name.position)
            if isinstance(value, Literal) and isinstance(value.value, str)
        ]
        if len(texts) != 1:
            return ""
        *schema, name = texts[0].split(".")[: -1 if named.is_column else None] or [""]
        given = [v.value for v in argument(arguments, named.schema, None) if isinstance(v, Literal)]
        return qualified(name, ".".join(schema) or (str(given[0]) if given and named.schema else ""))

    # --- what others define ----------------------------------------------------------------------

    def _imported(self, module: Module) -> Iterator[TableUse]:
        """The tables behind classes of modules of nobody that a module imports."""
        boundaries = self.program.boundaries
        for edge in boundaries.imports.of(module) if boundaries else ():
            if boundaries is None or boundaries.ownership.service_of(edge.target) is not None:
                continue
            number = next(
                (n for n, each in enumerate(edge.target.facts.classes) if each.name == edge.fact.member), -1
            )
            name = self.table_of(ClassRef(edge.target, number)) if number >= 0 else ""
            if name:
                place = Origin(module, edge.line, "")
                yield TableUse(place, name, f"uses it as {edge.fact.member} of {edge.name}")


def _application(module: Module) -> str:
    """The label of the application that a module of models is part of: its package's name."""
    parts = module.name.split(".")
    while parts and parts[-1] in ("models", "__init__"):
        parts.pop()
    return parts[-1] if parts and len(module.name.split(".")) > 1 else ""


def _sets(module: Module, scope: int, name: str, value: bool) -> bool:
    bindings = module.facts.scopes[scope].bindings
    return any(each.name == name and each.value == record.Constant(value) for each in bindings)


def _is_true(klass: record.Class, keyword: str) -> bool:
    return (keyword, record.Constant(True)) in klass.keywords


def _line(use: TableUse) -> int:
    return use.place.line if isinstance(use.place, Origin) else use.place.call.line
