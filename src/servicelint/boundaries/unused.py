"""What the settings declare and no import or call of the program needs."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.boundaries.crossings import Boundaries
    from servicelint.boundaries.declared import Protocol
    from servicelint.boundaries.uses import Uses
    from servicelint.config import Config, Origin
    from servicelint.program.linking.import_edges import Import


class Unused(NamedTuple):
    """One declaration that nothing uses, and the file and line where it stands."""

    what: str
    path: str
    line: int


class Declarations:
    """The declarations of a program's settings, held against its imports and its calls between services."""

    def __init__(self, boundaries: Boundaries, config: Config, uses: Uses) -> None:
        self._boundaries = boundaries
        self._called = {(use.source, use.target, use.protocol) for use in uses.calls}
        self._untold = set(uses.untold)
        self._config = config
        self._lines = _lines(config.origin)
        self._path = Path(os.path.relpath(config.origin.file)).as_posix() if config.origin else ""

    def unused(self) -> Iterator[Unused]:
        """The dependencies, parts of interfaces and exceptions that nothing uses.

        A service named with ``*`` stands for many: one that does not need all of it is no fault.
        """
        if not self._path:
            return
        imports = [
            each
            for module in self._boundaries.modules.modules
            for each in self._boundaries.imports.of(module)
        ]
        for name in self._config.services:
            if "*" not in name:
                yield from self._of_service(name, [each for each in imports if self._crosses(each)])
        for exemption in self._config.exceptions:
            pair = (exemption.source,), (exemption.target,)
            if not any(self._fits(pair[0], pair[1], each) for each in imports):
                what = f"the exception from {exemption.source} to {exemption.target}"
                yield self._told(what, "exceptions", exemption.target)

    def _of_service(self, name: str, crossing: list[Import]) -> Iterator[Unused]:
        service_of, fits = self._boundaries.ownership.service_of, self._boundaries.ownership.fits
        used = {service_of(each.target) for each in crossing if service_of(each.importer) == name}
        for other in self._config.services[name].depends_on:
            for protocol in self._boundaries.declared_protocols(name, other):
                is_used = other in used if protocol == "import" else self._may_call(name, other, protocol)
                if not is_used:
                    what = f"that {name} depends on {other} by {protocol}"
                    yield self._told(what, f"services.{name}", other)
        taken = {each.target for each in crossing if service_of(each.target) == name}
        for text in self._config.services[name].interface or ():
            if not any(fits((text,), module) for module in taken):
                yield self._told(f"{text} in the interface of {name}", f"services.{name}", text)

    def _may_call(self, name: str, other: str, protocol: Protocol) -> bool:
        """Whether a service calls another, or has calls over the protocol that go nobody knows where."""
        if not self._config.services[name].modules or (name, other, protocol) in self._called:
            return True
        return not self._untold.isdisjoint({(name, protocol), ("", protocol)})

    def _crosses(self, edge: Import) -> bool:
        service_of = self._boundaries.ownership.service_of
        return service_of(edge.importer) != service_of(edge.target)

    def _fits(self, source: tuple[str], target: tuple[str], edge: Import) -> bool:
        fits = self._boundaries.ownership.fits
        return fits(source, edge.importer) and fits(target, edge.target)

    def _told(self, what: str, table: str, text: str) -> Unused:
        """A declaration at the line in a table of the settings that holds a text; else at the table's own."""
        header = re.compile(rf"\s*\[+\s*(?:[\w.-]+\.)?{re.escape(table)}\s*\]+")
        is_inside, first = False, 1
        for number, line in enumerate(self._lines, 1):
            if line.lstrip().startswith("["):
                is_inside = header.match(line.replace('"', "")) is not None
                first = number if is_inside else first
            elif is_inside and text in line:
                return Unused(what, self._path, number)
        return Unused(what, self._path, first)


def _lines(origin: Origin | None) -> list[str]:
    try:
        return Path(origin.file).read_text("utf-8").splitlines() if origin else []
    except (OSError, UnicodeDecodeError):
        return []
