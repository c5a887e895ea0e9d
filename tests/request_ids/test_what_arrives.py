"""The fixtures are true: what their lines say of an id is what a peer receives.

Each service is started with its real framework and called with an id. Every outbound call of it goes to a
path of its own, the one that its line names: ``f"{PEER}/path"``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.fixtures.projects import FIXTURES, REPOSITORY
from tests.request_ids.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.libraries]

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SERVICES = sorted(FIXTURES.glob("svc30*/running/*_service.py"))
_CALL = re.compile(r"\{PEER\}/(?P<path>[\w-]+).*#\s*(?P<verb>expect: SVC30|gap: SVC30|ok)")


class Told(NamedTuple):
    """What a line of a fixture says: the outbound path, and whether the id is on the call."""

    path: str
    carries: bool


def told(service: Path) -> list[Told]:
    """What a fixture says of its calls."""
    found = _CALL.finditer(service.read_text("utf-8"))
    return [Told(each["path"], each["verb"] == "ok") for each in found]


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.stem)
def test_the_id_arrives_where_the_fixture_says(service: Path) -> None:
    calls = told(service)
    assert {call.carries for call in calls} == {True, False}, "a fixture shows both"
    with Recorder() as peer, serving(service, peer.url) as url:
        for call in calls:
            ask(f"{url}/{call.path}")
        arrived = {path.lstrip("/"): ID in values for path, values in peer.arrived.items()}
    assert arrived == {call.path: call.carries for call in calls}


def ask(url: str) -> None:
    """Send a request with an id, and wait for the answer."""
    request = urllib.request.Request(url, headers={"X-Request-ID": ID})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200


@contextmanager
def serving(service: Path, peer: str) -> Iterator[str]:
    """A process that serves a fixture; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.request_ids.serve", str(service)],
        cwd=REPOSITORY,
        env={**os.environ, "PEER": peer},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, "the service did not start"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(10)
