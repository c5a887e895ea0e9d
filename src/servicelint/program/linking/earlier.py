"""What an earlier run knows, where only some files have changed since, come or gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicelint.program.carriers.kept_marks import Given
    from servicelint.program.carriers.marks import Marked
    from servicelint.program.linking.modules import Module
    from servicelint.program.linking.vocabulary import Tables


class Earlier(msgspec.Struct):
    """An earlier run, for a program to go on from.

    ``numbered`` are the modules by the numbers that it kept them under, those that are gone among them.
    ``marked`` are its marks, of which ``ungiven`` are not known to be passed on still: the modules that did
    have ``changed`` or are gone. ``visits`` are the modules that spread their marks again, because they rest
    on something that changed; ``retold`` those of them that also tell where they have been known already,
    because names may be used elsewhere by now. More marks than a run from nothing would find do no harm: they
    only say what may matter.
    """

    tables: Tables
    numbered: Sequence[Module]
    marked: Marked
    ungiven: set[Given]
    changed: frozenset[Module]
    visits: list[Module]
    retold: frozenset[Module]
