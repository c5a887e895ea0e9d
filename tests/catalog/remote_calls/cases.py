"""What to try, and what the catalog says must come of it; each case names the fact that it proves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.catalog.calls import resolve
from tests.catalog.remote_calls.making import Call, Remote, remotes_of
from tests.catalog.remote_calls.server import DRIP, HEADERS_ONLY, MUTE, PEERS, SILENT, TRICKLE, UNACCEPTING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from servicelint.catalog.model import Library, Meaning

BOUND_SECONDS = 1.0
CLIENT_SECONDS = 1.0
LONG_SECONDS = 30.0

WAITS, ENDS, AT_ONCE, REFUSED = "waits", "ends", "ends at once", "is refused"
OUTCOMES = {"forever": WAITS, "immediate": AT_ONCE, "raises": REFUSED}


class Case(NamedTuple):
    """One call against one peer, and what must come of it.

    ``given`` are the fields of its :class:`Call`; a value that can be called is made when the call is.
    """

    fact: str
    peer: str
    expected: str
    remote: Remote
    given: Mapping[str, Mapping[str, Any]]

    def call(self, ports: Mapping[str, int]) -> Call:
        """The call to make."""
        made = {
            field: {key: value() if callable(value) else value for key, value in values.items()}
            for field, values in self.given.items()
        }
        return Call(ports, self.peer, **made)  # type: ignore[arg-type]

    @property
    def name(self) -> str:
        return f"{self.fact} / {self.peer}"


def cases_of(library: Library) -> list[Case]:
    """All that is tried of one library."""
    found: list[Case] = []
    for remote in remotes_of(library):
        found += _of_remote(remote)
    return found


def all_cases(libraries: Iterable[Library]) -> dict[str, Case]:
    """All that is tried, by name."""
    return {case.name: case for library in libraries for case in cases_of(library)}


def _of_remote(remote: Remote) -> Iterator[Case]:
    ready = _is_ready(remote)
    peers = [*PEERS] if ready else [SILENT, HEADERS_ONLY, *PEERS]
    if remote.arity.endswith("_stream") and not ready:
        peers.append(TRICKLE)
    if remote.timeout is None:
        yield _case(remote, "omitted", MUTE, OUTCOMES[remote.client.omitted])
        return
    yield from _omitted(remote, peers[0])
    meaning = remote.library.meanings[remote.timeout.meaning]
    bounded = {remote.timeout.keyword: BOUND_SECONDS}
    for peer in peers:  # of a per-operation bound a trickle would make a call without end
        ends = WAITS if peer in (TRICKLE, DRIP) and meaning.kind == "per-operation" else ENDS
        yield _case(remote, "bounded", peer, ends, keywords=bounded)
    yield from _of_values(remote, meaning, peers[0])
    for keyword in remote.timeout.instead:
        yield _case(remote, f"{keyword} instead", peers[0], ENDS, keywords={keyword: _deadline})
        yield _case(remote, f"{keyword} None instead", peers[0], WAITS, keywords={keyword: None})


def _is_ready(remote: Remote) -> bool:
    """Whether it waits for a connection, not for an answer."""
    return remote.client.arity is None and remote.method.arity is None and remote.name != "request"


def _omitted(remote: Remote, peer: str) -> Iterator[Case]:
    """Left out, with a client that has a bound of its own and with one that has none."""
    assert remote.timeout is not None
    omitted = remote.timeout.omitted
    constructor = remote.client.constructor
    if constructor is None:
        yield _case(remote, "omitted", peer, OUTCOMES[omitted])
        return
    bare = constructor.omitted if omitted == "client-default" else omitted
    yield _case(remote, "omitted", peer, OUTCOMES[bare])
    kept = {constructor.keyword: CLIENT_SECONDS}
    expected = ENDS if omitted == "client-default" else OUTCOMES[omitted]
    yield _case(remote, "omitted, client bounded", peer, expected, client_keywords=kept)
    if expected == ENDS:
        kind = remote.library.meanings[constructor.meaning].kind
        ends = ENDS if kind == "total" else WAITS
        yield _case(remote, "omitted, client bounded", DRIP, ends, client_keywords=kept)
        yield _case(remote, "omitted, client bounded", UNACCEPTING, ENDS, client_keywords=kept)
    for keyword in constructor.instead:
        yield _case(
            remote, f"client's {keyword} instead", peer, expected, client_keywords={keyword: _deadline}
        )
    for fact, value, wait in _values(remote.library.meanings[constructor.meaning]):
        given = {constructor.keyword: value}
        yield _case(remote, f"client's {fact}", peer, OUTCOMES[wait], client_keywords=given)
    short = {constructor.keyword: CLIENT_SECONDS}
    longer = {remote.timeout.keyword: LONG_SECONDS}
    yield _case(remote, "the call's own counts", peer, WAITS, keywords=longer, client_keywords=short)


def _of_values(remote: Remote, meaning: Meaning, peer: str) -> Iterator[Case]:
    assert remote.timeout is not None
    constructor = remote.client.constructor
    for fact, value, wait in _values(meaning):
        given = {remote.timeout.keyword: value}
        is_left = wait == "client-default" and constructor is not None
        yield _case(remote, fact, peer, WAITS if is_left else OUTCOMES[wait], keywords=given)
        if constructor is not None:
            kept = {constructor.keyword: CLIENT_SECONDS}
            expected = ENDS if is_left else OUTCOMES[wait]
            yield _case(
                remote, f"{fact}, client bounded", peer, expected, keywords=given, client_keywords=kept
            )


def _values(meaning: Meaning) -> tuple[tuple[str, Any, str], ...]:
    return (
        ("none", None, meaning.none),
        ("zero", 0, meaning.zero),
        ("negative", -1, meaning.negative),
        ("infinite", math.inf, meaning.infinite),
    )


def _deadline() -> Any:
    """A deadline of grpclib's kind; made when the call is made, for it counts from then on."""
    return resolve("grpclib.metadata.Deadline").from_timeout(BOUND_SECONDS)


def _case(remote: Remote, fact: str, peer: str, expected: str, **details: Any) -> Case:
    return Case(f"{remote.label}: {fact}", peer, expected, remote, details)


def came_true(expected: str, result: dict[str, Any]) -> bool:
    """Whether what became of a call is what was expected."""
    if not result["ended"]:
        return expected == WAITS
    # AioRpcError: the call was over before it was begun; CancelledError: while its request was written
    if result["error"] in ("TimeoutError", "AioRpcError", "CancelledError"):
        is_late = result["seconds"] > BOUND_SECONDS / 2
        return expected == (ENDS if is_late else AT_ONCE)
    return expected == REFUSED and result["error"] in ("OverflowError", "ValueError", "TypeError")
