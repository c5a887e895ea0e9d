"""Which database a service uses, as far as it is shown: by settings, manifests, or what it connects to."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from servicelint.facts import record
from servicelint.program.evaluation.values import (
    ClassRef,
    External,
    Instance,
    Literal,
    MappingValue,
    ModuleValue,
    Values,
)
from servicelint.program.linking.reads import Memo
from servicelint.program.services.texts import UNTOLD, WHOLE, Texts
from servicelint.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servicelint.boundaries.crossings import Boundaries
    from servicelint.catalog.record import Parameter
    from servicelint.catalog.tables import Connection
    from servicelint.program.evaluation.arguments import Arguments, Given
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

_SCHEME = regex(r"(postgres|mysql|mariadb|mssql|oracle|cockroachdb|sqlite)\w*(?:\+\w+)?\Z")
_HOST = regex(r"(\w*(?:DB|DATABASE|POSTGRES|PG|MYSQL|MARIADB|SQL))_?(?:HOST|SERVER)(?:NAME)?\Z")
_NAME_ENDINGS = ("_NAME", "_DATABASE", "_DB", "DATABASE", "NAME", "")


class Databases:
    """Tells which database a service uses."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._texts = Texts(program)
        self._known: Memo[str, frozenset[str]] = Memo(program.reads)
        self._connected: Memo[Module, frozenset[str]] = Memo(program.reads)

    def of(self, service: str, boundaries: Boundaries) -> str:
        """The one database that a service is shown to use; "" if it is none, or several."""
        found = self._known.answer(service, lambda: frozenset(self._found(service, boundaries)))
        return next(iter(found)) if len(found) == 1 else ""

    def _found(self, service: str, boundaries: Boundaries) -> set[str]:
        """What is said of it: by the settings; else by manifests; else by what its code connects to."""
        declared = boundaries.ownership.services[service].database
        if declared:
            return {declared}
        deployed = set(in_environment(boundaries.environments.get(service, {})))
        return deployed or set(self._by_code(service, boundaries))

    def _by_code(self, service: str, boundaries: Boundaries) -> Iterator[str]:
        """The databases that its modules connect to, or modules of nobody that it imports."""
        for module in self._connecting():
            owner = boundaries.ownership.service_of(module)
            if owner == service or (owner is None and self._serves(module, service, boundaries)):
                yield from self._connected.answer(module, lambda at=module: frozenset(self._in(at)))  # type: ignore[misc]

    def _connecting(self) -> list[Module]:
        """The modules whose words say that they may tell of a database."""
        facts = self.program.catalog.tables
        words = {name.rpartition(".")[2] for name in facts.connections} | facts.settings
        holding = {module for word in sorted(words) for module in self.program.vocabulary.modules_with(word)}
        return [module for module in self.program.targets if module in holding]

    def _serves(self, module: Module, service: str, boundaries: Boundaries) -> bool:
        """Whether a service uses what a module of nobody connects to: it imports it, or a framework does."""
        if any(name in module.facts.scopes[0].final for name in self.program.catalog.tables.settings):
            return True
        service_of = boundaries.ownership.service_of
        own = (each for each in boundaries.modules.modules if service_of(each) == service)
        return any(edge.target is module for each in own for edge in boundaries.imports.of(each))

    # --- one module ------------------------------------------------------------------------------

    def _in(self, module: Module) -> Iterator[str]:
        """The databases that a module connects to."""
        names = self.program.index.of(module)
        facts = self.program.catalog.tables
        for word in {name.rpartition(".")[2] for name in facts.connections}:
            for ref in [each for spelled in names.spellings(word) for each in names.calls[spelled]]:
                frame = self.program.frame_of_call(ref)
                for callee in self.program.evaluator.values(ref.call.callee, frame):
                    known = facts.connections.get(callee.name) if isinstance(callee, External) else None
                    if known is not None:
                        yield self._connected_to(known, self.program.calls.written(ref, frame))
        frame = self.program.root_frame(module, 0)
        for name in facts.settings:
            numbers = module.facts.scopes[0].final.get(name, [])
            for value in self.program.evaluator.bindings(frame, numbers):
                yield from _in_settings(value, f"{name} of {module.shown}")

    def _connected_to(self, connection: Connection, arguments: Arguments) -> str:
        """What tells a database from others: its URL, else its host and name, else the setting it is in."""
        url = _given(connection.url, arguments)
        if url is not None and url.expression is not None and url.frame is not None:
            told = self._texts.of(url.expression, url.frame).text.replace(WHOLE, "")
            return in_url(told) or self._setting(url)
        host = self._text(_given(connection.host, arguments))
        named = (self._text(_given(each, arguments)) for each in connection.database)
        name = next(filter(None, named), "")
        return f"{host}/{name}" if host and name else name if name and connection.host is None else ""

    def _text(self, given: Given | None) -> str:
        if given is None or given.expression is None or given.frame is None:
            return ""
        told = self._texts.of(given.expression, given.frame).text
        return (told if UNTOLD not in told else self._setting(given)).replace(WHOLE, "")

    def _setting(self, given: Given) -> str:
        """The setting that an argument is, by the module or class that has it."""
        expression, frame = given.expression, given.frame
        if isinstance(expression, record.Name) and frame is not None:
            return self._imported(expression, frame.module)
        if not isinstance(expression, record.Attribute) or frame is None:
            return ""
        for owner in self.program.evaluator.values(expression.value, frame):
            if isinstance(owner, ModuleValue) and owner.module is not None:
                return f"{expression.name} of {owner.module.shown}"
            if isinstance(owner, Instance) and isinstance(owner.of, ClassRef):
                return f"{expression.name} of {owner.of.module.shown}"
        return ""

    def _imported(self, name: record.Name, module: Module) -> str:
        """The setting that a name is that a module imports, or has itself."""
        scope = module.facts.scopes[0]
        for number in scope.final.get(name.name, []) if not name.definitions else name.definitions:
            value = scope.bindings[number].value if number < len(scope.bindings) else record.OPAQUE
            owner = self.program.names.origin(value, module) if isinstance(value, record.Imported) else None
            if isinstance(value, record.Imported) and owner is not None:
                return f"{value.member} of {owner.shown}"
        return f"{name.name} of {module.shown}"


def in_url(url: str) -> str:
    """The database that a URL names: its host, port and path, without driver, user and password."""
    try:
        parts = urlsplit(url)
        address = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return ""
    kind = _SCHEME.match(parts.scheme)
    path = parts.path.rstrip("/")
    if kind is None or UNTOLD in f"{address}{path}" or not path or path.endswith(":memory:"):
        return ""
    return f"{address}{path}"


def in_environment(variables: Mapping[str, str]) -> Iterator[str]:
    """The databases that environment variables name: in a URL, or by host and name."""
    for variable, value in variables.items():
        if in_url(value):
            yield in_url(value)
        host = _HOST.match(variable)
        names = [host[1] + ending for ending in _NAME_ENDINGS] if host else []
        name = next((variables[each] for each in names if each in variables and each != variable), "")
        if host and name:
            yield f"{value}/{name}"


def _in_settings(value: object, where: str) -> Iterator[str]:
    """The databases of Django's setting: each entry's host and name, or where it stands."""
    for alias, entries in value.entries if isinstance(value, MappingValue) else ():
        entry = entries[0] if len(entries) == 1 else None
        host, name = (
            _literal(entry.entry(key) or ()) if isinstance(entry, MappingValue) else ""
            for key in ("HOST", "NAME")
        )
        yield f"{host}/{name}" if host and name else f"{alias} in {where}"


def _literal(values: Values) -> str:
    only = values[0] if len(values) == 1 else None
    return only.value if isinstance(only, Literal) and isinstance(only.value, str) else ""


def _given(parameter: Parameter | None, arguments: Arguments) -> Given | None:
    if parameter is None:
        return None
    if parameter.keyword in arguments.keywords:
        return arguments.keywords[parameter.keyword]
    position = parameter.position
    if position is not None and position < len(arguments.positional):
        return arguments.positional[position]
    return None
