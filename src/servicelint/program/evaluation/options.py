"""Options that a client is given one by one after it was built: ``curl.setopt(pycurl.TIMEOUT, 10)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.program.evaluation.values import (
    MISSING,
    UNKNOWN,
    External,
    ExternalMethod,
    Instance,
    Value,
    Values,
)

if TYPE_CHECKING:
    from servicelint.catalog.model import Client, TimeoutParameter
    from servicelint.program.program import Program


class Options:
    """Finds what a client's timeout option has been set to."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def values(self, client: Client, parameter: TimeoutParameter, instance: Instance) -> Values:
        """The last value given for the timeout option: MISSING if none, UNKNOWN if it can't be told.

        An option that bounds the call instead, and one whose name can't be told, leave it open.
        """
        for effect in reversed(instance.effects):
            if effect.name != f"{client.setter}()" or effect.arguments is None:
                continue
            for option in self.program.evaluator.argument(effect.arguments, "", 0):
                name = _name(option)
                if name == parameter.keyword:
                    return self.program.evaluator.argument(effect.arguments, "", 1)
                if not name or name in parameter.instead:
                    return (UNKNOWN,)
        return (UNKNOWN,) if self._are_open(client.setter, instance) else (MISSING,)

    def _are_open(self, setter: str, instance: Instance) -> bool:
        """Whether the module that makes the client sets options that can't be told: in a loop, mostly."""
        if instance.made is None:
            return True
        for ref in self.program.index.of(instance.made.module).calls[setter]:
            frame = self.program.frame_of_call(ref)
            given = self.program.evaluator.argument(self.program.calls.written(ref, frame), "", 0)
            if not all(map(_name, given)):
                return True
        return False


def _name(option: Value) -> str:
    """The name of an option, a constant of the library's module or of the client; "" for anything else."""
    if isinstance(option, External):
        return option.name.rpartition(".")[2]
    return option.name if isinstance(option, ExternalMethod) else ""
