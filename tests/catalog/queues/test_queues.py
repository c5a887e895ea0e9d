"""What the catalog says of queues, held against the real libraries with brokers of the tests' own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.catalog.libraries import QUEUES
from tests.catalog.queues.checks import complaints
from tests.catalog.queues.mutations import mutations_of
from tests.catalog.queues.stages import STAGES

if TYPE_CHECKING:
    from servicelint.catalog.model import Library

pytestmark = [
    pytest.mark.libraries,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning"),
]
LIBRARIES = QUEUES


async def all_complaints(library: Library) -> list[str]:
    async with STAGES[library.library]() as stage:
        return [complaint async for complaint in complaints(library, stage)]


async def unnoticed(library: Library) -> list[str]:
    """The wrong facts that raise no complaint, all tried on one stage."""
    async with STAGES[library.library]() as stage:
        missed = []
        for mutation in mutations_of(library):
            async for _complaint in complaints(mutation.library, stage):
                break
            else:
                missed.append(mutation.name)
        return missed


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.library)
def test_the_library_publishes_as_the_catalog_says(library: Library) -> None:
    pytest.importorskip(library.library)
    assert asyncio.run(all_complaints(library)) == []


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.library)
def test_a_wrong_fact_is_noticed(library: Library) -> None:
    pytest.importorskip(library.library)
    assert asyncio.run(unnoticed(library)) == []


def test_every_queue_library_has_a_stage() -> None:
    assert {library.library for library in LIBRARIES} == set(STAGES)
