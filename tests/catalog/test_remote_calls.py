"""What gRPC libraries do, held against what the catalog says: on real channels, to a real server.

Calls that wait are made in a process of their own, which is ended under them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.catalog.libraries import GRPC
from tests.catalog.remote_calls.cases import all_cases, came_true, cases_of
from tests.catalog.remote_calls.conformance import CHECKS
from tests.catalog.remote_calls.mutations import mutations_of
from tests.catalog.remote_calls.server import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from servicelint.catalog.model import Library

pytestmark = [pytest.mark.libraries, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
CASES = all_cases(GRPC)
MUTATIONS = {mutation.name: mutation for library in GRPC for mutation in mutations_of(library)}
RUN_SECONDS = 120


@pytest.fixture(scope="module")
def ports() -> Iterator[Mapping[str, int]]:
    with serving() as ports:
        yield ports


@pytest.fixture(scope="module")
def results(ports: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """What became of every case."""
    return run("blocking", ports) | run("awaited", ports)


def run(kind: str, ports: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Make the calls of one kind in a process of their own."""
    finished = subprocess.run(
        [sys.executable, "-m", "tests.catalog.remote_calls.runner", kind],
        input=json.dumps(dict(ports)),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    found: dict[str, dict[str, Any]] = json.loads(finished.stdout)
    return found


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("library", GRPC, ids=lambda library: library.library)
def test_the_library_is_as_the_catalog_says(
    library: Library,
    check: Callable[[Library, Mapping[str, int]], Iterator[str]],
    ports: Mapping[str, int],
) -> None:
    assert list(check(library, ports)) == []


@pytest.mark.parametrize("name", CASES)
def test_the_call_does_what_the_catalog_says(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert came_true(CASES[name].expected, results[name]), (CASES[name].expected, results[name])


def complaints(library: Library, ports: Mapping[str, int]) -> Iterator[str]:
    """What the cheap proofs say; a fact so wrong that a check breaks over it is noticed too."""
    for check in CHECKS:
        yield from complaints_of(check, library, ports)


def complaints_of(
    check: Callable[[Library, Mapping[str, int]], Iterator[str]], library: Library, ports: Mapping[str, int]
) -> Iterator[str]:
    """What one proof says, or how it breaks."""
    try:
        yield from check(library, ports)
    except Exception as error:  # noqa: BLE001 - which one depends on the fact that is wrong
        yield f"{check.__name__}: {error!r}"


def contradictions(library: Library, results: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The cases whose recorded end is another one than the library's facts call for."""
    try:
        for case in cases_of(library):
            if case.name in results and not came_true(case.expected, results[case.name]):
                yield case.name
    except (LookupError, AttributeError) as error:
        yield repr(error)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_fact_is_noticed(
    name: str, results: dict[str, dict[str, Any]], ports: Mapping[str, int]
) -> None:
    library = MUTATIONS[name].library
    assert next(contradictions(library, results), None) or next(complaints(library, ports), None)
