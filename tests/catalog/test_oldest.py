"""The oldest versions that the catalog claims, proven as the newest are: in an environment of their own.

Those of HTTP and queues install together, and so do those of gRPC. The proofs then run in a process that
finds them before the newest ones. What the libraries do against misbehaving peers is shown by a handful of
calls each.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

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


def is_meant(library: Library, protocols: tuple[str, ...]) -> bool:
    sends = library.clients or library.senders or library.queues
    is_proven = library.proven and library.protocol in protocols and library.library not in ISOLATED
    return bool(sends and library.distribution and is_proven)


def oldest(*protocols: str) -> list[str]:
    """What to install: each distribution at a version that its facts claim."""
    meant = [library for library in shipped_libraries() if is_meant(library, protocols)]
    claimed = {library.distribution: first_claimed(library) for library in meant}
    return [f"{name}=={version}" for name, version in sorted(claimed.items())]


def first_claimed(library: Library) -> str:
    """The first version that its facts claim; where other versions differ, the first of those."""
    return library.when[0].proven[0] if library.when else library.proven[0]


def conditional_versions() -> list[tuple[Library, str]]:
    """The versions for which a library's file states other facts than for the newest."""
    found = [(each, when) for each in shipped_libraries() for when in each.when]
    versions = {(each.library, version): (each, version) for each, when in found for version in when.proven}
    return list(versions.values())


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


def prove(environment: Path, *proofs: str, **settings: str) -> None:
    """Run proofs where the packages of a folder are found before the installed ones."""
    path = os.pathsep.join([str(environment), str(ROOT), *filter(None, sys.path)])
    # This run's own settings are none of theirs: they would take themselves for one of its workers.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *proofs],
        capture_output=True,
        text=True,
        timeout=PROOF_SECONDS,
        cwd=Path(__file__).parent,
        env={**inherited, "PYTHONPATH": path, **settings},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.fixture(scope="module", autouse=True)
def python_of_that_time() -> None:
    if sys.version_info[:2] > LAST_PYTHON:
        pytest.skip("some of the oldest versions have no wheels for this Python")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the oldest versions; of several workers of the tests one installs for all."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "oldest"
    with FileLock(shared / "oldest.lock"):
        if not folder.exists():
            install(folder, oldest("http", "queue"))
    return folder


ISOLATED_PROOFS = [
    ("niquests==3.21.2", "niquests"),
    *((f"{each.distribution}=={version}", each.library) for each, version in conditional_versions()),
]


EARLIER_FRAMEWORKS = ("mcp==1.30.0", "starlette==0.52.1")
"""The last releases with methods that the newest ones don't have any more; programs still call them."""


@pytest.mark.parametrize(("requirement", "library"), ISOLATED_PROOFS)
def test_what_installs_on_its_own_and_what_has_conditions_do_all_that_the_catalog_says(
    requirement: str, library: str, tmp_path: Path
) -> None:
    install(tmp_path, [requirement])
    proofs = ["test_conformance.py", "test_behaviour.py", "test_mutations.py"]
    if (
        library in ISOLATED
    ):  # the others' facts are listed, and the rest of them changed, beside the newest ones
        proofs += ["test_other_facts.py", "test_every_fact.py"]
    prove(tmp_path, *proofs, SERVICELINT_LIBRARIES=library)


def test_what_newer_frameworks_have_withdrawn_is_as_the_catalog_says(tmp_path: Path) -> None:
    install(tmp_path, ["--no-deps", *EARLIER_FRAMEWORKS])
    chosen = " or ".join(each.partition("==")[0] for each in EARLIER_FRAMEWORKS)
    prove(tmp_path, "test_handler_facts.py", "-k", f"({chosen}) and (as_the_catalog_says or noticed)")


def test_what_a_newer_sqlalchemy_refuses_is_as_the_catalog_says(tmp_path: Path) -> None:
    install(tmp_path, ["--no-deps", "sqlalchemy==1.4.54"])
    prove(tmp_path, "databases/test_databases.py", "-k", "only_sqlalchemy_1")


def test_the_oldest_versions_are_as_the_catalog_says(environment: Path) -> None:
    prove(environment, "test_conformance.py", "-k", "as_the_catalog_says")


def test_the_oldest_versions_publish_as_the_catalog_says(environment: Path) -> None:
    prove(environment, "queues/test_queues.py", "-k", "publishes")


def test_the_oldest_versions_do_what_the_catalog_says(environment: Path) -> None:
    prove(environment, "test_behaviour.py", "-k", "what_the_catalog_says", SERVICELINT_HANDFUL="yes")


def test_the_oldest_versions_of_grpc_are_and_do_what_the_catalog_says(tmp_path: Path) -> None:
    [grpcio] = [each for each in oldest("grpc") if each.startswith("grpcio==")]
    install(tmp_path, [*oldest("grpc"), grpcio.replace("grpcio", "grpcio-tools")])
    prove(tmp_path, "test_remote_calls.py", "-k", "the_catalog_says")
