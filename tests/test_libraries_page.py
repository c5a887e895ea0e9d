"""The page on libraries, and what the command line lists of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from servicelint.catalog.shipped import shipped_libraries
from servicelint.report.libraries import libraries_page

PAGE = Path(__file__).parents[1] / "docs" / "libraries.md"


def test_the_page_is_up_to_date() -> None:
    written = PAGE.read_text("utf-8")
    assert written == f"{libraries_page(shipped_libraries())}\n", (
        "servicelint rules --libraries > docs/libraries.md"
    )


@pytest.mark.parametrize("library", shipped_libraries(), ids=lambda library: library.library)
def test_every_library_is_on_it(library: object) -> None:
    described = {"invokers"}  # what calls a function it is given, by last names: no library of its own
    title = getattr(library, "title", "")
    assert f"### {title}\n" in PAGE.read_text("utf-8") or getattr(library, "library", "") in described
