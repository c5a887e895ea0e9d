"""Tables: which modules define, query or refer to one, and which services share one of the same database."""

from __future__ import annotations

from collections import defaultdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from servicelint.program.faults import Fault
from servicelint.program.linking.reads import Memo
from servicelint.program.services.databases import Databases
from servicelint.program.services.table_uses import TableUse, TableUses
from servicelint.program.timeouts.verdicts import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.boundaries.crossings import Boundaries
    from servicelint.program.linking.modules import Module
    from servicelint.program.program import Program


class ServiceUse(msgspec.Struct, frozen=True):
    """A use of a table by a service; ``database`` is "" if it is not shown."""

    service: str
    database: str
    use: TableUse


class Tables:
    """Finds the tables that services share."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.uses = TableUses(program)
        self.databases = Databases(program)
        self._all: Memo[None, dict[tuple[str, str], list[ServiceUse]]] = Memo(program.reads)

    def shared(self, module: Module, allowed: tuple[str, ...]) -> Iterator[Fault]:
        """The uses, the first of each table, that other services' uses of the same table forbid.

        If one service alone defines a table, the finding is where others use it. ``allowed`` are patterns.
        """
        boundaries = self.program.boundaries
        service = boundaries.ownership.service_of(module) if boundaries else None
        if boundaries is None or service is None:
            return
        told: set[str] = set()
        for use in self.uses.of(module):
            if use.table in told or any(fnmatchcase(use.table, pattern) for pattern in allowed):
                continue
            told.add(use.table)
            other = self._other(service, use.table, boundaries)
            if other is not None:
                reason = f"{service} {use.does}, and {other.service} {other.use.does}, in {other.database}"
                steps = (Step(other.use.place, f"{other.service} {other.use.does}"),)
                yield Fault(use.place, f"table {use.table}", reason, steps)

    def _other(self, service: str, table: str, boundaries: Boundaries) -> ServiceUse | None:
        """The use by another service that a service's own is told of; None if it may use the table."""
        database = self.databases.of(service, boundaries)
        if not database:
            return None
        uses = self._all.answer(None, lambda: self._by_table(boundaries)).get((database, table), [])
        defining = {each.service for each in uses if each.use.defines}
        if defining == {service}:
            return None
        others = [each for each in uses if each.service != service]
        return min(others, key=lambda each: not each.use.defines, default=None)

    def _by_table(self, boundaries: Boundaries) -> dict[tuple[str, str], list[ServiceUse]]:
        """The uses of each table of each database, in the order of the program."""
        found: defaultdict[tuple[str, str], list[ServiceUse]] = defaultdict(list)
        for module in self.program.all_targets():
            service = boundaries.ownership.service_of(module)
            database = self.databases.of(service, boundaries) if service and self.uses.of(module) else ""
            if service and database:
                for use in self.uses.of(module):
                    found[database, use.table].append(ServiceUse(service, database, use))
        return dict(found)
