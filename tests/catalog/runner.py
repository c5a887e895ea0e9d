"""Runs behaviour cases in a process of their own, which is left behind with whatever still waits.

Usage: ``python -m tests.catalog.runner ENVIRONMENT``, with a JSON object on standard input: ``cases``
maps the names of the cases to the addresses to use. Prints a JSON object: what became of each case.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import socket
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

from tests.catalog.calls import Address, resolve
from tests.catalog.cases import (
    BOUND_SECONDS,
    EVENTLET,
    GEVENT,
    SHORTENED,
    SOCKET_DEFAULT,
    WAITS,
    all_cases,
)
from tests.catalog.libraries import HTTP

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.catalog.cases import Case

SLOTS = 40
# A wait is shown by this much time without an end: five times the bound that the cases set.
WAIT_SECONDS = 1.5
# An end may be late where the machine is busy: what counts is that it comes.
END_SECONDS = 15.0


class Result:
    """How a call ended, if it did."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.error = ""
        self.message = ""

    def as_json(self) -> dict[str, Any]:
        """The result as the parent process reads it."""
        return {"ended": self.ended.is_set(), "error": self.error, "message": self.message}


def run_to_its_end(case: Case, address: Any, result: Result) -> None:
    """Make the call, and note how it ends."""
    try:
        case.run(address)
    except BaseException as error:  # noqa: BLE001 a scope of gevent raises a BaseException
        result.error = _kind_of(error)
        result.message = str(error)[:600]
    result.ended.set()


def _kind_of(error: BaseException) -> str:
    refusals = (AssertionError, ValueError, TypeError, OverflowError)
    # curl refuses with an error of its own.
    is_refusal = isinstance(error, refusals) or "bad argument" in str(error)
    return "refused" if is_refusal else type(error).__name__


def run_all(cases: list[tuple[Case, Any]]) -> dict[str, dict[str, Any]]:
    """Run the cases, many at a time, each for as long as its expectation needs."""
    results: dict[str, dict[str, Any]] = {}
    remaining = iter(cases)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                case, address = next(remaining, (None, None))
            if case is None:
                return
            result = Result()
            call = threading.Thread(target=run_to_its_end, args=(case, address, result), daemon=True)
            call.start()
            # Not `join` with a timeout: eventlet's threads break over it on Python 3.13.
            result.ended.wait(WAIT_SECONDS if case.expected == WAITS else END_SECONDS)
            results[case.name] = result.as_json()

    workers = [threading.Thread(target=work) for _ in range(SLOTS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results


def prepare(environment: str) -> None:
    """Bring the process into the state that the environment stands for."""
    if environment == GEVENT:
        resolve("gevent.monkey.patch_all")()
    elif environment == EVENTLET:
        resolve("eventlet.monkey_patch")()
    elif environment == SOCKET_DEFAULT:
        socket.setdefaulttimeout(BOUND_SECONDS)
    elif environment == SHORTENED:
        shorten_library_defaults(BOUND_SECONDS)


def shorten_library_defaults(seconds: float) -> None:
    """Put other seconds where the libraries keep their own defaults, so that nobody waits for minutes."""
    for library in HTTP:
        SHORTENERS.get(library.library, lambda _: None)(seconds)


def _shorten_aiohttp(seconds: float) -> None:
    resolve("aiohttp.client").DEFAULT_TIMEOUT = resolve("aiohttp.ClientTimeout")(total=seconds)


def _shorten_niquests(seconds: float) -> None:
    for sessions in ("niquests.sessions", "niquests.async_session"):
        resolve(sessions).READ_DEFAULT_TIMEOUT = seconds
        resolve(sessions).WRITE_DEFAULT_TIMEOUT = seconds
    for library in (library for library in HTTP if library.library == "niquests"):
        for name in library.senders:
            resolve(name).__kwdefaults__["timeout"] = seconds


def _shorten_keyword(function: str) -> Callable[[float], None]:
    def shorten(seconds: float) -> None:
        resolve(function).__kwdefaults__["timeout"] = seconds

    return shorten


def _shorten_read(configuration: str) -> Callable[[float], None]:
    def shorten(seconds: float) -> None:
        resolve(configuration).read = seconds

    return shorten


def _shorten_tornado(seconds: float) -> None:
    resolve("tornado.httpclient.HTTPRequest")._DEFAULTS["request_timeout"] = seconds


def _shorten_positional(function: str, parameter: str) -> Callable[[float], None]:
    """Puts other seconds for the default of a positional parameter."""

    def shorten(seconds: float) -> None:
        found = resolve(function)
        parameters = [p for p in inspect.signature(found).parameters.values() if p.default is not p.empty]
        positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        found.__defaults__ = tuple(seconds if p.name == parameter else p.default for p in positional)

    return shorten


SHORTENERS: dict[str, Callable[[float], None]] = {
    "aiohttp": _shorten_aiohttp,
    "curl_cffi": _shorten_keyword("curl_cffi.requests.session.BaseSession.__init__"),
    "geventhttpclient": _shorten_positional("geventhttpclient.HTTPClient.__init__", "network_timeout"),
    "google.auth": _shorten_positional("google.auth.transport.requests.AuthorizedSession.request", "timeout"),
    "httpx": _shorten_read("httpx._config.DEFAULT_TIMEOUT_CONFIG"),
    "httpx2": _shorten_read("httpx2._config.DEFAULT_TIMEOUT_CONFIG"),
    "niquests": _shorten_niquests,
    "tornado": _shorten_tornado,
    "urllib3": _shorten_keyword("urllib3.request"),
}
"""How to put other seconds for a library's own default, by the library."""


def import_all() -> None:
    """Import every library now: the threads of the cases would do it at once, and lock one another out."""
    for library in HTTP:
        for name in (*library.senders, *library.clients, *library.plain_transports):
            with contextlib.suppress(ImportError, AttributeError):  # of a later or an earlier Python
                resolve(name)
        for transports in library.plain_transports.values():
            for name in transports:
                resolve(name)


def main(environment: str) -> None:
    """Run the cases that standard input names, and print what became of them."""
    prepare(environment)
    import_all()
    addresses = json.load(sys.stdin)["cases"]
    known = {case.name: case for case in all_cases(HTTP)}
    results = run_all([(known[name], Address(*address)) for name, address in addresses.items()])
    json.dump({"results": results}, sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # threads that wait for ever would keep the process


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1])
