"""The fixtures are true: what their lines say of an id is what a peer receives.

Each service is started with its real framework and called with an id. Every outbound call of it goes to a
place of its own, which its line names: the path of a URL, a gRPC method, a queue, a topic, a subject, or
what a comment says (``# to /place``). The service is called at a path, or method, of the same name.
Applications of SVC306 and SVC307 are asked for their answers.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.error import HTTPError

import pytest

from tests.fixtures.markers import MARKER, markers
from tests.fixtures.projects import REPOSITORY, Project, projects
from tests.request_ids.peers import asked_for, started
from tests.request_ids.services import ID, INBOUND

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tests.request_ids.peers import Arrived, Peer

pytestmark = [pytest.mark.slow, pytest.mark.libraries]

FAMILY = [project for project in projects() if re.match("svc30[1-7]", project.rule)]
INSTRUMENTATIONS = ("asgi_correlation_id", "ddtrace", "opentelemetry.instrumentation", "sentry_sdk")
"""Libraries that only the extra `instrumentations` brings."""

ARRIVE_SECONDS = 20.0

NOT_RUN = {
    "svc306/applications/no_handlers.py": "nothing answers there",
}
"""Fixtures that can't be asked, and why."""

_APPLICATION = re.compile(r"^(?:app|urlpatterns) = |^def app\(", re.MULTILINE)
_ROUTE = re.compile(r'@app\.(?P<verb>get|post|route)\("/(?P<path>[^"]*)"')
_PLACE = re.compile(
    r"(?:\{(?:PEER|AWS)\}/|http://[\w.]+(?::\d+)?/|/peer\.Peer/|\{TOPICS\}:|# to (?:\{\w+\})?/"
    r'|(?:queue|routing_key)="|\.(?:publish|request|send|send_and_wait|produce)\(")(?P<path>[\w-]+)'
)
_SAID = re.compile(r"#\s*(?:expect: SVC30[1-5]|gap: SVC30[1-5]|(?P<ok>ok))")
_SILENT = re.compile(r"# expect: SVC30[67]")


def told(text: str) -> dict[str, bool]:
    """What a fixture says of its calls: by their places, whether the id is on them."""
    found = {}
    for line in text.splitlines():
        said, places = _SAID.search(line), _PLACE.findall(line)
        if said and places:
            found[places[-1]] = bool(said["ok"])
    return found


def services(project: Project) -> list[Path]:
    """The files of a project that make an application."""
    return [file for file in project.files if _APPLICATION.search(file.read_text("utf-8"))]


def parameters() -> Iterator[object]:
    """The projects that can be run."""
    for project in FAMILY:
        if project.name not in NOT_RUN:
            names = imported(project)
            lacking = [name for name in names if not is_installed(name)]
            marks = [pytest.mark.skip(f"{lacking[0]} is not installed")] if lacking else []
            if any(name.startswith(INSTRUMENTATIONS) for name in names):
                marks.append(pytest.mark.instrumentations)
            yield pytest.param(project, marks=marks, id=project.name)


def imported(project: Project) -> set[str]:
    """The libraries that a project imports."""
    found: set[str] = set()
    for file in project.files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found.update(each.name for each in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
    own = {"shop", *(folder.name for folder in project.path.glob("*/"))}
    return {name for name in found if name.partition(".")[0] not in own}


def is_installed(name: str) -> bool:
    """Whether a module can be imported."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # nor can the package that it is in
        return False


RUN = list(parameters())


@pytest.mark.parametrize("project", FAMILY, ids=lambda project: project.name)
def test_every_fixture_can_be_run_and_every_alarm_is_tried(project: Project) -> None:
    if project.name in NOT_RUN:
        return
    assert services(project), "it makes no application: give it one, or say in NOT_RUN why it has none"
    for file in project.files:
        for line in file.read_text("utf-8").splitlines():
            if any(each.code < "SVC306" for each in markers(line)):
                assert _PLACE.search(MARKER.sub("", line)), f"no place is named: {line}"


@pytest.mark.parametrize("project", RUN)
def test_the_id_arrives_where_the_fixture_says(project: Project) -> None:
    texts = {file: file.read_text("utf-8") for file in project.files}
    calls = {place: carries for text in texts.values() for place, carries in told(text).items()}
    arrived: dict[str, bool] = {}
    for service in services(project):
        text = texts[service]
        with started(asked_for(text)) as peers, serving(service, peers) as address:
            for place in calls:
                ask(address, place, text)
            seen = arrivals(peers, calls if len(services(project)) == 1 else ())
        for place, values in seen.items():
            carries = any(ID in value for value in values)
            arrived[place] = carries and arrived.get(place, True)  # one handler that drops it is a fault
    assert arrived == calls


def arrivals(peers: dict[str, Peer], places: Collection[str]) -> Arrived:
    """All that has arrived; waits for what does at some places: some clients do not."""
    end = time.monotonic() + ARRIVE_SECONDS
    while True:
        seen = {place: values for peer in peers.values() for place, values in peer.arrived().items()}
        if seen.keys() >= set(places) or time.monotonic() > end:
            return seen
        time.sleep(0.05)


@pytest.mark.parametrize(
    "project", [each for each in RUN if each.id[:6] in ("svc306", "svc307") and "servicer" not in each.id]
)  # fmt: skip
def test_answers_have_an_id_where_the_fixture_says(project: Project) -> None:
    """An id is told in answers, or none of the application is known, or it is known and not told."""
    text = project.path.read_text("utf-8")
    path = next(_ROUTE.finditer(text))["path"]
    with started(asked_for(text)) as peers, serving(project.path, peers) as address:
        answered = ask(address, path, text)
    assert bool(_SILENT.search(text)) != answered


def ask(address: str, place: str, text: str) -> bool:
    """Send a request with an id, and wait for the answer; gives whether that has one.

    A service of several has no route for what others answer.
    """
    if "grpc.server(" in text:
        return ask_by_rpc(address, place)
    verbs = {found["path"]: found["verb"] for found in _ROUTE.finditer(text)}
    data = b"" if verbs.get(place) == "post" else None
    request = urllib.request.Request(f"http://{address}/{place}", data, INBOUND)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return "X-Request-ID" in answer.headers
    except HTTPError as error:
        if error.code != 404:
            raise
        return False


def ask_by_rpc(address: str, place: str) -> bool:
    """The same for a servicer."""
    import grpc

    with grpc.insecure_channel(address) as channel:
        method = channel.unary_unary(f"/shop.Orders/{place}")
        method(b"", metadata=[("x-request-id", ID)], wait_for_ready=True, timeout=20)
    return False


@contextmanager
def serving(service: Path, peers: dict[str, Peer]) -> Iterator[str]:
    """A process that serves a fixture; gives its address."""
    proxy = {"http_proxy": peers["PEER"].address, "no_proxy": "127.0.0.1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.request_ids.serve", str(service)],
        cwd=REPOSITORY,
        env={**os.environ, **{name: peer.address for name, peer in peers.items()}, **proxy},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, "the service did not start"
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(10)
