"""What each case of ``instrumentation_cases`` really does, and what the catalog says of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from filelock import FileLock

from tests.fixtures.projects import REPOSITORY
from tests.request_ids.clients import CLIENTS
from tests.request_ids.instrumentation_cases import CASES, Case, quiet
from tests.request_ids.peers import started
from tests.request_ids.recorder import Recorder
from tests.request_ids.rpc_recorder import RpcRecorder
from tests.request_ids.services import ID, kind_of

if TYPE_CHECKING:
    from servicelint.catalog.correlation import Instrumentation
    from servicelint.catalog.model import Library

SPELLINGS = (ID, ID[16:], str(int(ID[16:], 16)))
"""The id of a trace, its half that some send, and that as a number."""
COMMANDS = {
    "opentelemetry-instrument": "opentelemetry",
    "ddtrace-run": "ddtrace",
    "elasticapm-run": "elasticapm",
    "newrelic-admin run-program": "newrelic",
}
ALWAYS = (
    "requests", "httpx", "aiohttp", "tornado", "celery", "boto3", "uvicorn", "pika", "aio_pika", "kafka",
    "confluent_kafka", "aiokafka",
)  # fmt: skip
BROKERS = ("AMQP_PEER", "KAFKA_PEER")
CASE_SECONDS = 240
INSTALL_SECONDS = 90


class Told(NamedTuple):
    """The clients whose calls carry the id, whether the answer does, and whether the id is kept meanwhile."""

    clients: frozenset[str]
    answers: bool
    keeps: bool


# --- by the catalog ----------------------------------------------------------------------------------


def said(case: str, library: Library) -> list[Instrumentation]:
    """What a library of the catalog says of all that a case switches on."""
    known = {**library.instrumentations, **library.launchers}
    by_alias = {alias: each for each in known.values() for alias in each.aliases}
    named = case if case in known else case.partition(" ")[0]
    names = {named, *CASES[case].beside}
    return [found for name in names if (found := known.get(name) or by_alias.get(name)) is not None]


def expected(case: str, library: Library) -> Told:
    """What a case does, by the catalog."""
    described = said(case, library)
    kind = kind_of(CASES[case].framework)
    continues = any(kind in each.continues for each in described)
    covered = {name for each in described for name in each.covers} & CLIENTS.keys()
    threads = {"thread"} if any(each.keeps_context for each in described) else set()
    is_kept = CASES[case].kept is not Case._field_defaults["kept"]
    answers = kind == "request" and any(each.answers for each in described)
    return Told(frozenset(covered | threads if continues else ()), answers, keeps=continues and is_kept)


# --- by running --------------------------------------------------------------------------------------


def needed(case: str) -> list[str]:
    """The top-level modules that a case can't do without."""
    names = [case if "." in case else COMMANDS.get(case, "flask"), *CASES[case].beside, *ALWAYS]
    instrumented = any(name.startswith("opentelemetry") for name in names)
    return [
        *({name.partition(".")[0] for name in names}),
        *(["opentelemetry.instrumentation"] if instrumented else []),
    ]


def observed(case: str, shared: Path) -> Told:
    """What a case does; run once, for all workers of the tests that share a folder.

    Skips the test where something is not installed.
    """
    missing = [name for name in needed(case) if find_spec(name) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    kept = shared / f"{re.sub('[^a-zA-Z]+', '-', case)}.json"
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            told = _run(case, shared)
            kept.write_text(json.dumps([sorted(told.clients), told.answers, told.keeps]), "utf-8")
        clients, answers, keeps = json.loads(kept.read_text("utf-8"))
    return Told(frozenset(clients), answers, keeps)


def _run(case: str, shared: Path) -> Told:
    command = [sys.executable, "-m", "tests.request_ids.instrumentations", case]
    if CASES[case].command:
        starter, *options = CASES[case].command.split()
        command = [str(Path(sys.executable).with_name(starter)), *options, *command]
    environment = {**os.environ, **quiet(case), **_installed(case, shared)}
    with Recorder() as peer, started(BROKERS) as brokers, RpcRecorder() as rpc:
        environment.update((name, broker.address) for name, broker in brokers.items())
        done = subprocess.run(
            [*command, peer.url, rpc.address],
            cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False,
            timeout=CASE_SECONDS,
        )  # fmt: skip
        values = {path.strip("/"): values for path, values in peer.arrived.items()}
        values["boto3"] = [peer.bodies.get("/boto3", b"").decode()]  # the message, not the call to the broker
        for broker in brokers.values():
            values |= broker.arrived()
    if done.returncode and "ModuleNotFoundError" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stderr
    values["grpc"] = rpc.arrived.get("grpc", [])
    carrying = (name for name, seen in values.items() if any(map(_has_id, seen)))
    return Told(frozenset(carrying), "answers" in done.stdout, "keeps" in done.stdout)


def _has_id(value: str) -> bool:
    return any(spelling in value for spelling in SPELLINGS)


def _installed(case: str, shared: Path) -> dict[str, str]:
    """Where a process finds what is installed for one case alone."""
    if not CASES[case].needs:
        return {}
    requirements = CASES[case].needs.split()
    folder = shared / "installed" / requirements[0]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    subprocess.run([*command, *requirements], check=True, capture_output=True, timeout=INSTALL_SECONDS)
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(REPOSITORY)])}
