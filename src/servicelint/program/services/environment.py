"""Variables of the environment, as the manifests of a repository set them for the service that reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.values import CallRef, External, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicelint.facts.record import Expression
    from servicelint.program.evaluation.frames import Frame
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program

_GETTERS = frozenset({"os.environ.get", "os.getenv"})
_MAPPING = External("os.environ")


class Environment:
    """Answers what a module reads from the environment of its service; "" where no manifest says so."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def read_by(self, expression: Expression, frame: Frame) -> str:
        """What ``os.environ["X"]``, ``os.getenv("X")`` and the like give."""
        variables = self._variables(frame.module)
        if not variables:
            return ""
        if isinstance(expression, record.Subscript):
            owners = self.program.evaluator.values(expression.value, frame)
            return self._named(expression.index, frame, variables) if owners == (_MAPPING,) else ""
        if isinstance(expression, record.CallValue):
            call = CallRef(frame.module, expression.call).call
            callees = self.program.evaluator.values(call.callee, frame)
            is_getter = any(isinstance(each, External) and each.name in _GETTERS for each in callees)
            return (
                self._named(call.arguments[0].value, frame, variables) if is_getter and call.arguments else ""
            )
        return ""

    def setting(self, name: str, module: Module) -> str:
        """What a field of a settings class (pydantic's) is filled with."""
        return self._variables(module).get(name.upper(), "")

    def _variables(self, module: Module) -> Mapping[str, str]:
        boundaries = self.program.boundaries
        service = boundaries.ownership.service_of(module) if boundaries else None
        return boundaries.environments.get(service, {}) if boundaries and service else {}

    def _named(self, name: Expression, frame: Frame, variables: Mapping[str, str]) -> str:
        for value in self.program.evaluator.values(name, frame):
            if isinstance(value, Literal) and isinstance(value.value, str):
                return variables.get(value.value, "")
        return ""
