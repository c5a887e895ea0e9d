"""Settings that a framework hands out: Django's ``settings.URL``, Flask's ``app.config["URL"]``."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef, External, ExternalMethod, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.catalog.model import Settings
    from servicelint.facts.record import Expression
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program


class Written(NamedTuple):
    """What a setting is given somewhere, and where that is to be read."""

    value: Expression
    frame: Frame


class FrameworkSettings:
    """Finds what a project gives the settings that it reads from its framework."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def written(self, expression: Expression, frame: Frame) -> list[Written]:
        """All that a setting is given in the service that reads it, or by nobody's code; [] if it is none."""
        asked = self._asked(expression, frame)
        if asked is None:
            return []
        settings, name = asked
        return [
            written
            for module in self.program.vocabulary.modules_with(name)
            if self._serves(module, frame.module)
            for written in self._in(module, name, settings)
        ]

    def _asked(self, expression: Expression, frame: Frame) -> tuple[Settings, str] | None:
        """The settings that an expression reads, and the name in them."""
        if isinstance(expression, record.Attribute):
            settings = self._settings(expression.value, frame)
            return (settings, expression.name) if settings and not settings.has_keys else None
        if isinstance(expression, record.Subscript):
            return self._keyed(expression.value, expression.index, frame)
        if isinstance(expression, record.CallValue):
            call = CallRef(frame.module, expression.call).call
            if isinstance(call.callee, record.Attribute) and call.callee.name == "get" and call.arguments:
                return self._keyed(call.callee.value, call.arguments[0].value, frame)
        return None

    def _keyed(self, owner: Expression, key: Expression, frame: Frame) -> tuple[Settings, str] | None:
        settings = self._settings(owner, frame)
        if settings is None or not settings.has_keys:
            return None
        keys = self.program.evaluator.values(key, frame)
        names = [each.value for each in keys if isinstance(each, Literal) and isinstance(each.value, str)]
        return (settings, names[0]) if len(names) == len(keys) == 1 else None

    def _settings(self, expression: Expression, frame: Frame) -> Settings | None:
        """The settings that an expression is."""
        for value in self.program.evaluator.values(expression, frame):
            name = value.name if isinstance(value, External) else ""
            if isinstance(value, ExternalMethod) and isinstance(value.instance.of, External):
                name = f"{value.instance.of.name}.{value.name}"
            if name in self.program.catalog.settings:
                return self.program.catalog.settings[name]
        return None

    def _serves(self, module: Module, reader: Module) -> bool:
        """Whether what a module sets counts for another: it is of the same service, or nobody's."""
        boundaries = self.program.boundaries
        service_of = boundaries.ownership.service_of if boundaries else None
        return service_of is None or service_of(module) in (None, service_of(reader))

    def _in(self, module: Module, name: str, settings: Settings) -> Iterator[Written]:
        """What a module gives a setting: in its body or a class, if it is for settings; by key anywhere."""
        if not {*PurePosixPath(module.path).with_suffix("").parts[-2:]}.isdisjoint(settings.modules):
            for number, scope in enumerate(module.facts.scopes):
                if scope.kind != "function":
                    for each in scope.final.get(name, ()):
                        yield Written(scope.bindings[each].value, self.program.root_frame(module, number))
        for write in module.facts.writes if settings.has_keys else ():
            frame = self.program.root_frame(module, write.scope)
            if isinstance(write.value, record.Mapping) and self._settings(write.target, frame) is settings:
                for key, value in write.value.items:
                    if isinstance(key, record.Constant) and key.value == name:
                        yield Written(value, frame)
