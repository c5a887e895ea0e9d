"""Facts that a signature, a name or one exchange shows: where each stands in the real library.

What entries do is shown beside their kind; here are the names of all, headers, redirects, the distributions
that libraries come in, and where queues are told of. Each fact is changed once, and a proof notices.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from tests.catalog.calls import is_installed, resolve
from tests.catalog.facts import NAME, each_changed
from tests.catalog.libraries import LIBRARIES, is_here
from tests.peers import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.catalog.model import Library
    from tests.catalog.facts import Path

pytestmark = [pytest.mark.libraries, pytest.mark.slow]

NAMED = (
    "breakers", "retries", "retry_stops", "retry_waits", "retry_filters", "queues", "envelopes", "tasks",
    "connections", "table_classes", "table_names",
)  # fmt: skip
BOTO3 = ("sqs", "sns")
REQUESTS = {"urllib.request": ("urllib.request.Request",)}
"""What takes the headers where the function that sends does not."""


# --- names -------------------------------------------------------------------------------------------


@functools.cache
def made_at_run_time() -> dict[str, Any]:
    """The classes that boto3 makes of its data, by name, each as an object of it."""
    boto3 = pytest.importorskip("boto3")
    keys = {"region_name": "eu-west-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
    clients = [boto3.client(each, **keys) for each in BOTO3]
    resources = [boto3.resource(each, **keys) for each in BOTO3]
    parts = [resources[0].Queue("http://q"), resources[1].Topic("arn:aws:sns:eu-west-1:1:t")]
    made = [*clients, *resources, *parts]
    return {f"{type(each).__module__}.{type(each).__qualname__}": each for each in made}


def is_missing(name: str) -> bool:
    """Whether a library that is installed has nothing by that name."""
    if name.startswith(("botocore.client.", "boto3.resources.factory.")):
        return name not in made_at_run_time()
    if not is_installed(name):
        return False
    try:
        resolve(name)
    except (ImportError, AttributeError):
        return True
    except Exception:  # noqa: BLE001 - it is there and can't be imported: parts of Django need GDAL
        return False
    return False


def names(library: Library) -> Iterator[str]:
    """What is named exists."""
    stated = [*library.failures.bases, *library.failures.aliases, *library.plain_interceptors]
    for group in NAMED:
        for name, entry in getattr(library, group).items():
            stated += [name, *entry.aliases, *getattr(entry, "kin", ()), *getattr(entry, "factories", ())]
    yield from (f"there is no {name}" for name in stated if is_missing(name))


packages = functools.cache(metadata.packages_distributions)


def distribution(library: Library) -> Iterator[str]:
    """The distribution brings the library's own package."""
    tops = {name.partition(".")[0] for name in (library.library, *_all_names(library))}
    found = {each.lower().replace("_", "-") for top in tops for each in packages().get(top, ())}
    if library.distribution and found and library.distribution.lower().replace("_", "-") not in found:
        yield f"{tops} come with {found}"


def is_absent(library: Library) -> bool:
    """Whether nothing of a library is installed here."""
    return all(
        each not in packages() for each in {library.library.partition(".")[0], library.distribution}
    ) and all(name.partition(".")[0] not in packages() for name in _all_names(library))


def _all_names(library: Library) -> Iterator[str]:
    for field in structs.fields(library):
        value = getattr(library, field.name)
        if isinstance(value, dict):
            yield from (name for name in value if "." in name)
    yield from library.failures.bases


# --- headers and redirects -----------------------------------------------------------------------------


def headers(library: Library) -> Iterator[str]:
    """Calls that send take headers by the keyword, at the position if there is one."""
    if library.headers is None:
        return
    functions = [resolve(name) for name in (*library.senders, *REQUESTS.get(library.library, ()))]
    for name, client in library.clients.items():
        methods = (getattr(resolve(name), each, None) for one in client.methods for each in one.names)
        functions += [*methods, *(getattr(resolve(name), each, None) for each in ("request", "__init__"))]
    places = {_place(function, library.headers.keyword) for function in functions if function is not None}
    if library.headers.position not in places - {()} and not (
        library.headers.position is None and places - {()}
    ):
        yield f"{library.headers.keyword} is taken at {places}"


def _place(function: Any, keyword: str) -> int | tuple[()] | None:
    """Where a function takes an argument: its position, None by keyword only; () if it does not."""
    try:
        parameters = [each for each in inspect.signature(function).parameters.values() if each.name != "self"]
    except ValueError:
        return ()
    for at, each in enumerate(parameters):
        if each.name == keyword:
            return None if each.kind is each.KEYWORD_ONLY else at
    return ()


class Redirecting(BaseHTTPRequestHandler):
    """Sends whoever asks to the next number, for ever."""

    asked = 0

    def do_GET(self) -> None:
        Redirecting.asked += 1
        self.send_response(302)
        self.send_header("Location", f"/{Redirecting.asked}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - as the server calls it

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def by_requests(method: str, url: str, **given: Any) -> None:
    getattr(resolve("requests"), method)(url, timeout=20, **given)


def by_httpx(method: str, url: str, **given: Any) -> None:
    getattr(resolve("httpx"), method)(url, timeout=20, **given)


def by_aiohttp(method: str, url: str, **given: Any) -> None:
    async def ask() -> None:
        async with resolve("aiohttp.ClientSession")() as session, getattr(session, method)(url, **given):
            pass

    asyncio.run(ask())


CALLS: dict[str, Callable[..., None]] = {
    "requests": by_requests, "httpx": by_httpx, "aiohttp": by_aiohttp,
}  # fmt: skip


@functools.cache
def sent(library: str, method: str, keyword: str) -> int:
    """How many requests one call comes to; with a keyword, where that says yes."""
    with ThreadingHTTPServer((LOOPBACK, 0), Redirecting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Redirecting.asked = 0
        try:
            given = {keyword: True} if keyword else {}
            CALLS[library](method, f"http://{LOOPBACK}:{server.server_port}/", **given)
        except TypeError:
            return -1
        except Exception as error:  # noqa: BLE001 - each library has its own for too many
            assert "edirect" in f"{type(error).__name__} {error}"  # noqa: PT017 - which one is not the question
        finally:
            server.shutdown()
    return Redirecting.asked


def redirects(library: Library) -> Iterator[str]:
    """Redirects are followed or not, as often as is said, and by the methods that are not spared."""
    described = library.redirects
    if not described.keyword:
        return
    if (sent(library.library, "get", "") > 1) is not described.followed:
        yield "they are followed, or not, if nothing is said"
    if sent(library.library, "get", described.keyword) != described.most + 1:
        yield f"a call sends {sent(library.library, 'get', described.keyword)} requests"
    for method in described.spared:
        if sent(library.library, method, "") != 1:
            yield f"{method} follows them"


# --- queues ------------------------------------------------------------------------------------------


def queues(library: Library) -> Iterator[str]:
    """Where names are given, which methods there are, and of which service."""
    for name, client in library.queues.items():
        if client.service and _service_of(made_at_run_time().get(name)) != client.service:
            yield f"{name} is not of {client.service}"
        for role, place in client.address.items():
            yield from _role(role, f"{name} {_parameters(name, '')}")
            yield from _placed(name, "", place)
        for making in client.makes:
            yield from _of_making(name, making)
        for consuming in client.consuming:
            for method in consuming.names:
                yield from _of_consuming(name, method, consuming)


def _service_of(made: Any) -> str:
    client = getattr(getattr(made, "meta", None), "client", made)
    return str(client.meta.service_model.service_name) if client is not None else ""


def _of_making(name: str, making: Any) -> Iterator[str]:
    yield from _made_for(making)
    for method in making.names:
        for role, place in making.address.items():
            returned = _parameters(making.returns, "")
            yield from _role(role, f"{method} {making.returns} {place.keyword} {returned}")
            is_open = "args" in (_parameters(name, method) or ())
            yield from _placed(making.returns if is_open else name, "" if is_open else method, place)


def _of_consuming(name: str, method: str, consuming: Any) -> Iterator[str]:
    if _parameters(name, method) is None:
        yield f"{name} has no {method}"
    for role, place in consuming.source.items():
        yield from _role(role, f"{method} {place.keyword} {_parameters(name, method)}")
        yield from _placed(name, method, place)


def _made_for(making: Any) -> Iterator[str]:
    """boto3 makes what its class is called for."""
    if making.service and not any(
        making.service in part for part in making.returns.lower().split(".") if part != "botocore"
    ):
        yield f"{making.returns} is not of {making.service}"


def _role(role: str, text: str) -> Iterator[str]:
    if role.partition("-")[0] not in text.lower():
        yield f"{text} tells nothing of a {role}"


def _placed(name: str, method: str, place: Any) -> Iterator[str]:
    taken = _parameters(name, method)
    if taken is None:
        yield f"{name} has no {method}"
        return
    expected = {place.keyword} if place.keyword else {"topics", "task"}
    if place.keyword and place.keyword not in taken:
        yield f"{name}.{method} takes no {place.keyword}"
    elif place.position is not None and taken[place.position : place.position + 1] not in [
        [each] for each in expected
    ]:
        yield f"{name}.{method} takes {taken}"


def _parameters(name: str, method: str) -> list[str] | None:
    """The names of what a method takes, ``self`` left out; None if there is no such method."""
    if name in made_at_run_time():
        return _of_service(made_at_run_time()[name], method)
    function = getattr(resolve(name), method, None) if method else resolve(name)
    if function is None:
        return None
    try:
        return [each for each in inspect.signature(function).parameters if each != "self"]
    except ValueError:  # written in C: its documentation begins with a signature
        return re.findall(r"\w+", (function.__doc__ or "").partition("(")[2].partition(")")[0])


def _of_service(made: Any, method: str) -> list[str] | None:
    """What boto3's data say that a method takes."""
    client = getattr(made.meta, "client", made)
    if client is made:
        operation = made.meta.method_to_api_mapping.get(method)
    else:
        model = made.meta.resource_model
        parts = {each.name: each for each in model.subresources}
        if method in parts:
            return [each.target.lower() for each in parts[method].resource.identifiers]
        operation = next((each.request.operation for each in model.actions if each.name == method), None)
    if operation is None:
        return None
    return list(client.meta.service_model.operation_model(operation).input_shape.members)


PROOFS = (names, distribution, headers, redirects, queues)


# --- each fact changed once ----------------------------------------------------------------------------


def mutations(library: Library) -> Iterator[tuple[str, Library]]:
    """The library with each of these facts changed once."""
    for field in ("distribution", "headers", "redirects", "queues", *NAMED, "failures", "plain_interceptors"):
        for path, mutant in each_changed(getattr(library, field)) if getattr(library, field) else ():
            if is_shown_here(field, path) and not (field == "distribution" and is_absent(library)):
                yield f"{field} {' '.join(map(str, path))}", structs.replace(library, **{field: mutant})


def is_shown_here(field: str, path: Path) -> bool:
    """Whether it is a proof of this file that notices."""
    if field in ("distribution", "headers", "redirects", "plain_interceptors"):
        return True
    if field == "failures":
        return path[-1] == NAME
    if field == "queues" and ({"address", "source"} & {*path} or path[-1] in ("service", "factories", "kin")):
        return True
    return path[1:] == (NAME,) or (field == "queues" and path[-1] == "names" and "consuming" in path)


HERE = [library for library in LIBRARIES if is_here(library)]


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.__name__)
@pytest.mark.parametrize("library", HERE, ids=lambda library: library.library)
def test_it_is_as_the_catalog_says(library: Library, proof: Callable[[Library], Iterator[str]]) -> None:
    assert list(proof(library)) == []


@pytest.mark.parametrize("library", HERE, ids=lambda library: library.library)
def test_each_changed_fact_is_noticed(library: Library) -> None:
    unnoticed = [
        what for what, mutant in mutations(library) if not any(_complains(each, mutant) for each in PROOFS)
    ]
    assert unnoticed == []


def _complains(proof: Callable[[Library], Iterator[str]], mutant: Library) -> bool:
    try:
        return next(proof(mutant), None) is not None
    except Exception:  # noqa: BLE001 - a fact so wrong that the proof breaks over it is noticed too
        return True
