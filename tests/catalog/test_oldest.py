"""The oldest versions that the catalog claims, proven as the newest are: in an environment of their own.

All of them install together. The proofs then run in a process that finds them before the newest ones.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from servicelint.catalog.shipped import shipped_libraries
from tests.catalog.libraries import ISOLATED

if TYPE_CHECKING:
    from servicelint.catalog.model import Library

pytestmark = [pytest.mark.libraries, pytest.mark.network, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
INSTALL_SECONDS = 400
PROOF_SECONDS = 400
# Some of the oldest versions have no wheels for later ones.
LAST_PYTHON = (3, 12)


def is_meant(library: Library) -> bool:
    sends = library.clients or library.senders or library.queues
    is_proven = library.proven and library.protocol != "grpc" and library.library not in ISOLATED
    return bool(sends and library.distribution and is_proven)


def oldest() -> list[str]:
    """What to install: each distribution at a version that its facts claim."""
    claimed = {each.distribution: first_claimed(each) for each in shipped_libraries() if is_meant(each)}
    return [f"{name}=={version}" for name, version in sorted(claimed.items())]


def first_claimed(library: Library) -> str:
    """The first version that its facts claim; where other versions differ, the first of those."""
    return library.when[0].proven[0] if library.when else library.proven[0]


def install(folder: Path, requirements: list[str]) -> None:
    """Put packages into a folder of their own."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--target"]
    done = subprocess.run(
        [*command, str(folder), *requirements],
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def proven(environment: Path, file: str, chosen: str) -> subprocess.CompletedProcess[str]:
    """Run some proofs where the packages of a folder are found before the installed ones."""
    path = os.pathsep.join([str(environment), str(ROOT), *filter(None, sys.path)])
    tests = Path(__file__).parent / file
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, str(tests)],
        capture_output=True,
        text=True,
        timeout=PROOF_SECONDS,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "PYTEST_ADDOPTS": ""},
        check=False,
    )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.version_info[:2] > LAST_PYTHON:
        pytest.skip("some of the oldest versions have no wheels for this Python")
    folder = tmp_path_factory.mktemp("oldest")
    install(folder, oldest())
    return folder


ISOLATED_PROOFS = (("niquests==3.21.2", "niquests"), ("hishel==0.1.5", "hishel"), ("hishel==1.1.8", "hishel"))


@pytest.mark.parametrize(("requirement", "library"), ISOLATED_PROOFS)
def test_what_installs_on_its_own_is_as_the_catalog_says(
    requirement: str, library: str, tmp_path: Path
) -> None:
    install(tmp_path, [requirement])
    done = proven(tmp_path, "test_conformance.py", f"as_the_catalog_says and {library}")
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.parametrize(
    ("file", "chosen"),
    [("test_conformance.py", "as_the_catalog_says"), ("queues/test_queues.py", "publishes")],
)
def test_the_oldest_versions_are_as_the_catalog_says(environment: Path, file: str, chosen: str) -> None:
    done = proven(environment, file, chosen)
    assert done.returncode == 0, done.stdout[-5000:]
