"""The fixtures are true: what their lines say of an id is what a peer receives.

Each service is started with its real framework and called with an id. Every outbound call of it goes to a
path of its own, the one that its line names: ``f"{PEER}/path"``, ``"/peer.Peer/path"`` of a gRPC method, or a
queue. Applications of SVC306 and SVC307 are asked for their answers.
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
from tests.request_ids.rpc_recorder import RpcRecorder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.libraries]

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SERVICES = sorted(FIXTURES.glob("svc30*/running/*_service.py"))
_CALL = re.compile(
    r"(?:\{PEER\}/|/peer\.Peer/|(?:queue|routing_key)=\")(?P<path>[\w-]+)"
    r".*?#\s*(?P<verb>expect: SVC30|gap: SVC30|ok)"
)
APPLICATIONS = sorted(FIXTURES.glob("svc30[67]*/applications/*.py"))
_SILENT = re.compile(r"# expect: SVC30[67]")


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
    with Recorder() as peer, RpcRecorder() as rpc, serving(service, peer.url, rpc.address) as url:
        for call in calls:
            ask(f"{url}/{call.path}")
        seen = {**{path.lstrip("/"): values for path, values in peer.arrived.items()}, **rpc.arrived}
    arrived = {path: ID in values for path, values in seen.items()}
    assert arrived == {call.path: call.carries for call in calls}


@pytest.mark.parametrize("application", APPLICATIONS, ids=lambda path: f"{path.parts[-3][:6]}/{path.stem}")
def test_answers_have_an_id_where_the_fixture_says(application: Path) -> None:
    """An id is told in answers, or none of the application is known, or it is known and not told."""
    text = application.read_text("utf-8")
    if "@app.get(" not in text:
        pytest.skip("nothing answers here")
    if "asgi_correlation_id" in text:
        pytest.importorskip("asgi_correlation_id")
    path = re.findall(r'@app\.get\("([^"]*)"\)', text)[-1]
    with Recorder() as peer, serving(application, peer.url, "") as url:
        answered = ask(f"{url}{path}")
    assert bool(_SILENT.search(text)) != answered


def ask(url: str) -> bool:
    """Send a request with an id, and wait for the answer; gives whether that has one."""
    request = urllib.request.Request(url, headers={"X-Request-ID": ID})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200
        return "X-Request-ID" in answer.headers


@contextmanager
def serving(service: Path, peer: str, rpc_peer: str) -> Iterator[str]:
    """A process that serves a fixture; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.request_ids.serve", str(service)],
        cwd=REPOSITORY,
        env={**os.environ, "PEER": peer, "RPC_PEER": rpc_peer},
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
