"""The catalog is right on instrumentations: the clients it says they cover carry the id, and no others do.

The libraries are in the extra `instrumentations`; what is not installed is skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from servicelint.catalog.loader import Catalog
from servicelint.catalog.shipped import shipped_libraries
from tests.fixtures.projects import REPOSITORY
from tests.request_ids.instrumentation_cases import CASES, Case, quiet
from tests.request_ids.instrumentations import CLIENTS, ID
from tests.request_ids.recorder import Recorder
from tests.request_ids.rpc_recorder import RpcRecorder

if TYPE_CHECKING:
    from servicelint.catalog.correlation import Instrumentation

pytest.importorskip("grpc")
pytestmark = [pytest.mark.slow, pytest.mark.libraries]

SPELLINGS = (ID, ID[16:], str(int(ID[16:], 16)))
"""The id of a trace, its half that some send, and that as a number."""


COMMANDS = {
    "opentelemetry-instrument": "opentelemetry",
    "ddtrace-run": "ddtrace",
    "elasticapm-run": "elasticapm",
}
ALWAYS = ("requests", "httpx", "aiohttp", "tornado", "celery", "boto3", "uvicorn")


def said(case: str) -> list[Instrumentation]:
    """What the catalog says of all that a case switches on."""
    correlation = Catalog(shipped_libraries()).correlation
    known = {**correlation.instrumentations, **correlation.launchers}
    by_alias = {alias: each for each in known.values() for alias in each.aliases}
    names = {case.partition(" ")[0], *CASES[case].beside}
    return [found for name in names if (found := known.get(name) or by_alias.get(name)) is not None]


def expected(case: str) -> set[str]:
    """The clients that carry the id, by the catalog."""
    described = said(case)
    if not any(each.continues for each in described):
        return set()
    covered = {name for each in described for name in each.covers}
    threads = {"thread"} if any(each.keeps_context for each in described) else set()
    return covered & CLIENTS.keys() | threads


def needed(case: str) -> list[str]:
    """The top-level modules that a case can't do without."""
    names = [case if "." in case else COMMANDS.get(case, "flask"), *CASES[case].beside, *ALWAYS]
    instrumented = any(name.startswith("opentelemetry") for name in names)
    return [
        *({name.partition(".")[0] for name in names}),
        *(["opentelemetry.instrumentation"] if instrumented else []),
    ]


def started_by(case: Case) -> list[str]:
    """The command that starts a service."""
    return [str(Path(sys.executable).with_name(case.command))] if case.command else []


def carrying(case: str) -> tuple[set[str], bool]:
    """The clients whose calls really carry the id, and whether the answer does."""
    module = [sys.executable, "-m", "tests.request_ids.instrumentations"]
    with Recorder() as peer, RpcRecorder() as rpc:
        done = subprocess.run(
            [*started_by(CASES[case]), *module, case, peer.url, rpc.address],
            cwd=REPOSITORY, env={**os.environ, **quiet(case)}, capture_output=True, text=True, timeout=90,
            check=False,
        )  # fmt: skip
        values = {path.strip("/"): values for path, values in peer.arrived.items()}
        values["boto3"] = [peer.bodies.get("/boto3", b"").decode()]  # the message, not the call to the broker
    if done.returncode and "ModuleNotFoundError" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stderr
    values["grpc"] = rpc.arrived.get("grpc", [])
    found = {
        name for name, seen in values.items() if any(each in value for value in seen for each in SPELLINGS)
    }
    return found, "answers" in done.stdout


@pytest.mark.parametrize("case", CASES)
def test_the_clients_that_carry_the_id_are_those_of_the_catalog(case: str) -> None:
    missing = [name for name in needed(case) if find_spec(name) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    found, answers = carrying(case)
    assert found == expected(case)
    assert answers == any(each.answers for each in said(case))
