"""Runs every behaviour case once a session, for all tests that judge what came of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.catalog.cases import all_cases
from tests.catalog.libraries import HTTP
from tests.peers import LOOPBACK, HeadersOnlyPeer, SilentPeer, TricklingHeadersPeer, TricklingPeer

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PEERS = {
    "silent": SilentPeer,
    "headers-only": HeadersOnlyPeer,
    "trickle": TricklingPeer,
    "trickling-headers": TricklingHeadersPeer,
}
CASES = {case.name: case for case in all_cases(HTTP)}
BATCH = 200
PROCESSES = 2
BATCH_SECONDS = 120


@pytest.fixture(scope="session")
def peers() -> Iterator[dict[str, SilentPeer]]:
    """One peer of each kind, for all cases."""
    made = {name: peer() for name, peer in PEERS.items()}
    for peer in made.values():
        peer.__enter__()
    yield made
    for peer in made.values():
        peer.__exit__(None, None, None)


@pytest.fixture(scope="session")
def results(peers: dict[str, SilentPeer]) -> dict[str, dict[str, Any]]:
    """What became of every case."""
    paths = {name: f"/case-{number}" for number, name in enumerate(CASES)}
    found: dict[str, dict[str, Any]] = {}
    with ThreadPoolExecutor(PROCESSES) as pool:
        for batch in pool.map(lambda names: run_batch(names, paths, peers), batches()):
            found.update(batch)
    heard = {name: b"\n".join(peer.heard) for name, peer in peers.items()}
    for name, result in found.items():
        result["heard"] = f"{paths[name]} ".encode() in heard[CASES[name].peer]
    return found


def batches() -> list[list[str]]:
    """The names of the cases, shared out: one environment and not too many waiting threads a process."""
    by_environment = defaultdict(list)
    for case in CASES.values():
        by_environment[case.environment].append(case.name)
    return [
        names[start : start + BATCH]
        for names in by_environment.values()
        for start in range(0, len(names), BATCH)
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
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    answer: dict[str, dict[str, Any]] = json.loads(finished.stdout)["results"]
    return answer
