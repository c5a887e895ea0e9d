"""Every fact of the shipped catalog that can be seen without waiting, held against the real library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.catalog.conformance import CHECKS, is_present, present
from tests.catalog.libraries import HTTP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.catalog.model import Library

pytestmark = pytest.mark.libraries

NAMES = [name for library in HTTP for name in (*library.clients, *library.scopes)]


@pytest.mark.parametrize("name", NAMES)
def test_what_this_python_lacks_is_seen_to_be_left_out(name: str) -> None:
    if not is_present(name):
        pytest.skip(f"this version of Python has no {name}")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("library", HTTP, ids=lambda library: library.library)
def test_the_library_is_as_the_catalog_says(
    library: Library, check: Callable[[Library], Iterator[str]]
) -> None:
    assert list(check(present(library))) == []
