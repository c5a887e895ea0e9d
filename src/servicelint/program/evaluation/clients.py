"""Which objects are clients of a cataloged library, and what their methods do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.catalog.model import Client, Method
from servicelint.program.evaluation.values import ClassRef, External, ExternalMethod, Instance

if TYPE_CHECKING:
    from servicelint.program.program import Program


class Clients:
    """Answers what the catalog knows of an object, through the program's own subclasses too."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def name_of(self, of: ClassRef | External) -> str | None:
        """The cataloged class that a class is or inherits from, by its canonical name."""
        order = [of] if isinstance(of, External) else self.program.attributes.classes.order(of)
        for klass in order:
            if isinstance(klass, External) and self.program.catalog.entry(klass.name) is not None:
                return self.program.catalog.canonical(klass.name)
        return None

    def of(self, instance: Instance) -> tuple[str, Client] | None:
        """The cataloged client that an object is, with its canonical name."""
        name = self.name_of(instance.of)
        entry = self.program.catalog.entry(name) if name else None
        return (name, entry) if name and isinstance(entry, Client) else None

    def method(self, called: ExternalMethod) -> Method | None:
        """What the catalog says of a client's method; of any sending one if it is chosen at run time."""
        found = self.of(called.instance)
        if found is None:
            return None
        for method in found[1].methods:
            if called.name in method.names or (not called.name and method.sends):
                return method
        return None
