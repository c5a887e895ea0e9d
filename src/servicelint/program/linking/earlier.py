"""What an earlier run of the same files knows, where only some of them have changed since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from servicelint.program.carriers.marks import Marked
    from servicelint.program.linking.modules import Module
    from servicelint.program.linking.vocabulary import Tables


@dataclass
class Earlier:
    """An earlier run, for a program to go on from.

    ``marked`` are the marks, less those on what stands in a ``changed`` module. ``visits`` are the modules
    that spread their marks again, because they rest on something that changed; ``news`` those that have lost
    a mark. More marks than a run from nothing would find do no harm: they only say what may matter.
    """

    tables: Tables
    marked: Marked
    changed: frozenset[Module]
    visits: list[Module]
    news: frozenset[Module]
