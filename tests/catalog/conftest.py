"""Runs every behaviour case once a session, for all tests that judge what came of them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

from tests.catalog.cases import all_cases, came_true
from tests.catalog.libraries import HTTP
from tests.peers import (
    LOOPBACK,
    HeadersOnlyPeer,
    SilentPeer,
    TricklingHeadersPeer,
    TricklingPeer,
    UnacceptingPeer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

# With its own resolver eventlet can't be imported beside trio, and so Nameko can't, whichever comes first.
os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")
ROOT = Path(__file__).parents[2]
PEERS = {
    "silent": SilentPeer,
    "headers-only": HeadersOnlyPeer,
    "trickle": TricklingPeer,
    "trickling-headers": TricklingHeadersPeer,
    "unaccepting": UnacceptingPeer,
}
CASES = {case.name: case for case in all_cases(HTTP)}
BATCH = 200
PROCESSES = 2
BATCH_SECONDS = 120


@pytest.fixture(scope="session")
def django_world() -> None:
    """Sets Django up, without which parts of its world can't be imported."""
    django = pytest.importorskip("django")
    from django.conf import settings

    if not settings.configured:
        settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"])
        django.setup()


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What became of every case; where several workers run the tests, one of them runs the cases for all."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    kept = shared / "behaviour.json"
    with FileLock(shared / "behaviour.lock"):
        if not kept.exists():
            kept.write_text(json.dumps(run_twice_where_needed()), "utf-8")
        found: dict[str, dict[str, Any]] = json.loads(kept.read_text("utf-8"))
    return found


def run_twice_where_needed() -> dict[str, dict[str, Any]]:
    """What became of every case; one that ended otherwise than expected is run again, among fewer others.

    Hundreds of calls at a time can hold up a peer for longer than a call's bound, which looks like silence.
    A fact that is wrong is so the second time as well.
    """
    with standing_peers() as peers:
        found = run_cases(peers, list(CASES))
    doubtful = [name for name, result in found.items() if not came_true(CASES[name].expected, result)]
    with standing_peers() as peers:
        return found | run_cases(peers, doubtful)


@contextlib.contextmanager
def standing_peers() -> Iterator[dict[str, SilentPeer]]:
    """One peer of each kind, for all cases."""
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(peer()) for name, peer in PEERS.items()}


def run_cases(peers: dict[str, SilentPeer], names: list[str]) -> dict[str, dict[str, Any]]:
    """Run some cases, each against its peer."""
    paths = {name: f"/case-{number}" for number, name in enumerate(names)}
    found: dict[str, dict[str, Any]] = {}
    with ThreadPoolExecutor(PROCESSES) as pool:
        for results in pool.map(lambda batch: run_batch(batch, paths, peers), batches(names)):
            found.update(results)
    heard = {name: b"\n".join(peer.heard) for name, peer in peers.items()}
    for name, result in found.items():
        result["heard"] = f"{paths[name]} ".encode() in heard[CASES[name].peer]
    return found


def batches(names: list[str]) -> list[list[str]]:
    """The names of cases, shared out: one environment and not too many waiting threads a process."""
    by_environment = defaultdict(list)
    for name in names:
        by_environment[CASES[name].environment].append(name)
    return [
        alike[start : start + BATCH]
        for alike in by_environment.values()
        for start in range(0, len(alike), BATCH)
    ]


def run_batch(
    names: list[str], paths: dict[str, str], peers: dict[str, SilentPeer]
) -> dict[str, dict[str, Any]]:
    """Run some cases of one environment in a process of their own."""
    addresses = {name: (LOOPBACK, peers[CASES[name].peer].port, paths[name]) for name in names}
    finished = subprocess.run(
        [sys.executable, "-m", "tests.catalog.runner", CASES[names[0]].environment],
        input=json.dumps({"cases": addresses}),
        capture_output=True,
        text=True,
        timeout=BATCH_SECONDS,
        cwd=ROOT,
        # The child imports what this process imports, wherever that was found.
        # eventlet's own resolver imports, under its patched sockets, whatever dnspython can make use of.
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
            "EVENTLET_NO_GREENDNS": "yes",
        },
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    answer: dict[str, dict[str, Any]] = json.loads(finished.stdout)["results"]
    return answer
