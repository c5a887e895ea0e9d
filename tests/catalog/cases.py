"""What to try against misbehaving peers, and what the catalog says must come of it.

The cases are generated from the data. Each names the fact it proves, so that a fact without a case
is noticed. The same list comes out in every process: the one that runs the cases finds them by name.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.catalog import scope_calls
from tests.catalog.calls import (
    Address,
    Call,
    attribute_value,
    bounded_by,
    build_transport,
    call_client,
    call_sender,
    resolve,
    unbounded,
)
from tests.catalog.conformance import first_method, is_shared, present

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from servicelint.catalog.model import Client, Library, Meaning, Method, TimeoutClass, TimeoutParameter

BOUND_SECONDS = 0.3

PLAIN = "plain"
SOCKET_DEFAULT = "socket-default-set"
SHORTENED = "library-defaults-shortened"
GEVENT = "gevent"
EVENTLET = "eventlet"
COMMON_ENVIRONMENTS = (PLAIN, SOCKET_DEFAULT, SHORTENED)

WAITS = "waits"
ENDS = "ends"
PROMPT = "ends at once"
REFUSED = "is refused"

SILENT = "silent"
HEADERS_ONLY = "headers-only"
TRICKLE = "trickle"
TRICKLING_HEADERS = "trickling-headers"
UNACCEPTING = "unaccepting"

# The peers under which a bound of that kind does not end the call.
OUTLASTING = {
    "total": (),
    "per-operation": (TRICKLE, TRICKLING_HEADERS),
    "headers": (HEADERS_ONLY, TRICKLE),
}
# These answers have no body, so only their headers can be slow.
BODILESS = {"head", "ahead", "websocket", "ws_connect", "_ws_connect"}
# These speak TLS, which the peers don't: they see the handshake unanswered.
# These speak to no peer on a port.
UNIX_SOCKETS = "requests_unixsocket."
ENCRYPTED = {"http.client.HTTPSConnection", "urllib3.HTTPSConnectionPool"}


class Case(NamedTuple):
    """One call to be made in one environment against one peer, and what must come of it."""

    fact: str
    environment: str
    peer: str
    expected: str
    run: Callable[[Address], None]

    @property
    def name(self) -> str:
        return f"{self.fact} / {self.peer} / {self.environment}"


class Taker(NamedTuple):
    """Something that takes a timeout: a sender, a method, or a constructor.

    ``run`` makes the call with the keywords given; ``described`` says how it understands them.
    """

    library: Library
    label: str
    run: Callable[[Address, dict[str, Any]], None]
    parameter: TimeoutParameter
    peers: tuple[str, ...]
    # The meaning of its values is shown on the entry that this one is like.
    is_likened: bool = False
    # What None does, where it is the client's own default and the client has no bound.
    client_default: str = ""

    @property
    def meaning(self) -> Meaning:
        return self.library.meanings[self.parameter.meaning]

    @property
    def bound(self) -> Callable[[], Any]:
        return lambda: bounded_by(self.library.library, self.parameter.meaning, BOUND_SECONDS)

    def case(
        self, fact: str, value: Any, expected: str, peer: str = SILENT, environment: str = PLAIN
    ) -> Case:
        """A case that gives the timeout as ``value`` (or as what that makes, when it is called)."""

        def run(address: Address) -> None:
            # Values are made in the process that needs them: some can't be built without raising.
            self.run(address, {self.parameter.keyword: value() if callable(value) else value})

        return Case(f"{self.label}: {fact}", environment, peer, expected, run)


def outcome(wait: str, environment: str) -> str:
    """What must come of a call that the catalog says waits like that, against a silent peer."""
    if wait == "raises":
        return REFUSED
    if wait == "immediate":
        return PROMPT
    ends = {"socket-default": SOCKET_DEFAULT, "library-default": SHORTENED}
    return ENDS if ends.get(wait) == environment else WAITS


def came_true(expected: str, result: dict[str, Any]) -> bool:
    """Whether what became of a call (a result of the runner) is what was expected."""
    if not result["ended"]:
        return expected == WAITS
    if result["error"] == "refused":
        return expected == (PROMPT if result["heard"] else REFUSED)
    described = f"{result['error']} {result['message']}".lower()
    if not result["error"] or any(
        word in described for word in ("timeout", "timed out", "tooslow", "cancel")
    ):
        return expected in (ENDS, PROMPT)
    # A socket whose timeout is zero does not block: it fails with EINPROGRESS or EAGAIN.
    return expected == PROMPT and any(
        word in described for word in ("in progress", "temporarily unavailable")
    )


def all_cases(libraries: Iterable[Library]) -> list[Case]:
    """Every case of every library."""
    return [case for library in libraries for case in cases_of(present(library))]


def cases_of(library: Library) -> Iterator[Case]:
    """Every case of one library."""
    yield from _sender_cases(library)
    for name, client in library.clients.items():
        yield from _client_cases(library, name, client)
    for name, timeout in library.timeouts.items():
        yield from _timeout_class_cases(library, name, timeout)
    for name, scope in library.scopes.items():
        yield from scope_cases(name, scope)


# -- Senders and clients ------------------------------------------------------------------------------


def _sender_cases(library: Library) -> Iterator[Case]:
    for name, sender in library.senders.items():

        def run(address: Address, keywords: dict[str, Any], name: str = name, sender: Any = sender) -> None:
            call_sender(library, name, sender, Call(address, keywords=keywords))

        omitted = sender.timeout.omitted if sender.timeout else sender.omitted
        yield from _omitted_cases(name, omitted, run)
        if sender.default_kind:
            yield from _default_kind_cases(name, sender.default_kind, run)
        if sender.timeout:
            peers = _peers(name.rpartition(".")[2], name)
            taker = Taker(
                library, name, run, sender.timeout, peers, is_shared(library, sender, sender.timeout)
            )
            yield from _value_cases(taker)


def _peers(method: str, owner: str) -> tuple[str, ...]:
    if owner in ENCRYPTED:
        return (SILENT,)
    if method in BODILESS:
        return (SILENT, TRICKLING_HEADERS)
    return (SILENT, HEADERS_ONLY, TRICKLE, TRICKLING_HEADERS)


def _omitted_cases(
    label: str,
    omitted: str,
    run: Callable[[Address, dict[str, Any]], None],
    environments: tuple[str, ...] = COMMON_ENVIRONMENTS,
) -> Iterator[Case]:
    for environment in environments:
        expected = outcome(omitted, environment)
        yield Case(f"{label}: omitted", environment, SILENT, expected, lambda address: run(address, {}))


def _default_kind_cases(
    label: str, kind: str, run: Callable[[Address, dict[str, Any]], None]
) -> Iterator[Case]:
    for peer, fact in ((TRICKLING_HEADERS, "default kind"), (UNACCEPTING, "default kind, connecting")):
        expected = WAITS if peer in OUTLASTING[kind] else ENDS
        yield Case(f"{label}: {fact}", SHORTENED, peer, expected, _bare(run))


def _value_cases(taker: Taker) -> Iterator[Case]:
    """Everything that can be given as one timeout argument."""
    meaning = taker.meaning
    peers = (SILENT, HEADERS_ONLY, TRICKLE) if taker.is_likened else taker.peers
    for peer in (peer for peer in peers if peer in taker.peers):
        expected = WAITS if peer in OUTLASTING[meaning.kind] else ENDS
        yield taker.case("bounded" if peer == SILENT else "kind", taker.bound, expected, peer)
    yield taker.case("connecting", taker.bound, ENDS, UNACCEPTING)
    for environment in (PLAIN,) if taker.is_likened else COMMON_ENVIRONMENTS:
        expected = outcome(taker.client_default or meaning.none, environment)
        yield taker.case("none", None, expected, environment=environment)
    if taker.is_likened:
        return
    zero = taker.client_default if meaning.zero == "client-default" else meaning.zero
    yield taker.case("zero", 0, outcome(zero, PLAIN))
    yield taker.case("negative", -1, outcome(meaning.negative, PLAIN))
    yield taker.case("infinite", math.inf, outcome(meaning.infinite, PLAIN))
    yield from _pair_cases(taker)
    for name in meaning.objects:
        yield taker.case(f"object {name} bounded", lambda name=name: _object(name, BOUND_SECONDS), ENDS)  # type: ignore[misc]
        yield taker.case(f"object {name} unbounded", lambda name=name: _object(name, None), WAITS)  # type: ignore[misc]


def _pair_cases(taker: Taker) -> Iterator[Case]:
    pair, answer = taker.meaning.pair, taker.meaning.answer
    if pair:
        bounds_answer = tuple(BOUND_SECONDS if part == answer else None for part in pair)
        bounds_the_rest = tuple(None if part == answer else BOUND_SECONDS for part in pair)
        yield taker.case("pair, answer bounded", bounds_answer, ENDS)
        yield taker.case("pair, answer bounded", bounds_answer, WAITS, UNACCEPTING)
        yield taker.case("pair, the rest bounded", bounds_the_rest, WAITS)
        yield taker.case("pair, the rest bounded", bounds_the_rest, ENDS, UNACCEPTING)


def _object(name: str, seconds: float | None) -> Any:
    """A timeout object that bounds every part, or none."""
    if name.startswith("aiohttp."):
        return resolve(name)(total=seconds)
    if name.startswith("urllib3."):
        return resolve(name)(connect=seconds, read=seconds)
    return resolve(name)(seconds)


def _client_cases(library: Library, name: str, client: Client) -> Iterator[Case]:
    if client.constructor:
        constructor = client.constructor

        def build(address: Address, keywords: dict[str, Any]) -> None:
            call_client(name, client, Call(address, first_method(client), client_keywords=keywords))

        peers = _peers(first_method(client), name)
        taker = Taker(library, name, build, constructor, peers, is_shared(library, client, constructor))
        yield from _omitted_cases(name, constructor.omitted, build)
        if client.default_kind:
            yield from _default_kind_cases(name, client.default_kind, build)
        yield from _value_cases(taker)
    elif client.default_kind:
        by_default = _caller(name, client, first_method(client), {})
        yield from _default_kind_cases(name, client.default_kind, by_default)
    elif client.site != "method":
        yield from _omitted_cases(name, client.omitted, _caller(name, client, "anything", {}))
    for method in client.methods:
        if method.sends:
            yield from _method_cases(library, name, client, method)
    yield from _attribute_cases(library, name, client)
    yield from _transport_cases(library, name, client)


def _caller(
    name: str, client: Client, method: str, client_keywords: dict[str, Any]
) -> Callable[[Address, dict[str, Any]], None]:
    def run(address: Address, keywords: dict[str, Any]) -> None:
        made = {key: value() if callable(value) else value for key, value in client_keywords.items()}
        call_client(name, client, Call(address, method, keywords=keywords, client_keywords=made))

    return run


def _built(library: Library, client: Client, *, bounded: bool) -> dict[str, Any]:
    """Keywords that build a client with or without a bound, where its constructor takes one."""
    if client.constructor is None:
        return {}
    keyword, meaning = client.constructor.keyword, client.constructor.meaning
    if bounded:
        return {keyword: lambda: bounded_by(library.library, meaning, BOUND_SECONDS)}
    return {keyword: lambda: unbounded(library.library, meaning)}


def _method_cases(library: Library, name: str, client: Client, method: Method) -> Iterator[Case]:
    for first, spelling in ((spelling == method.names[0], spelling) for spelling in method.names):
        label = f"{name}.{spelling}"
        in_unbounded = _caller(name, client, spelling, _built(library, client, bounded=False))
        in_bounded = _caller(name, client, spelling, _built(library, client, bounded=True))
        environments = COMMON_ENVIRONMENTS if first else (PLAIN,)
        omitted = method.timeout.omitted if method.timeout else ""
        if omitted == "client-default" or (not omitted and client.constructor):
            fact = f"{label}: omitted"
            yield Case(f"{fact}, client bounded", PLAIN, SILENT, ENDS, _bare(in_bounded))
            for environment in environments:
                expected = outcome(_unbounded_wait(library, client), environment)
                yield Case(f"{fact}, client unbounded", environment, SILENT, expected, _bare(in_unbounded))
        else:
            yield from _omitted_cases(label, omitted or client.omitted, in_bounded, environments)
        if method.timeout:
            peers = _peers(spelling, name)
            shared = is_shared(library, client, method.timeout)
            falls_back = library.meanings[method.timeout.meaning].none == "client-default"
            default = _unbounded_wait(library, client) if falls_back else ""
            taker = Taker(library, label, in_unbounded, method.timeout, peers, shared, default)
            yield from _value_cases(taker) if first else _spelling_cases(taker)
            yield from _overruling_cases(taker, in_bounded)


def _unbounded_wait(library: Library, client: Client) -> str:
    """What a client does that was built without a bound: with some, None is not for ever."""
    if client.constructor is None:
        return client.omitted
    meaning = client.constructor.meaning
    is_none = unbounded(library.library, meaning) is None
    return library.meanings[meaning].none if is_none else "forever"


def _bare(run: Callable[[Address, dict[str, Any]], None]) -> Callable[[Address], None]:
    return lambda address: run(address, {})


def _spelling_cases(taker: Taker) -> Iterator[Case]:
    """The few cases that every spelling of a method gets."""
    yield taker.case("bounded", taker.bound, ENDS)
    yield taker.case("none", None, outcome(taker.client_default or taker.meaning.none, PLAIN))


def _overruling_cases(taker: Taker, in_bounded: Callable[[Address, dict[str, Any]], None]) -> Iterator[Case]:
    """The call's own None counts, whatever the client was built with."""
    overruling = taker._replace(run=in_bounded)
    expected = ENDS if taker.client_default else outcome(taker.meaning.none, PLAIN)
    yield overruling.case("none, client bounded", None, expected)


def _attribute_cases(library: Library, name: str, client: Client) -> Iterator[Case]:
    if not client.attribute:
        return
    for fact, built_bounded, seconds, expected in (
        ("attribute bounds", False, BOUND_SECONDS, ENDS),
        ("attribute unbounds", True, None, WAITS),
    ):

        def run(address: Address, bounded: bool = built_bounded, seconds: float | None = seconds) -> None:
            keywords = {key: make() for key, make in _built(library, client, bounded=bounded).items()}
            call = Call(
                address,
                first_method(client),
                client_keywords=keywords,
                prepare=lambda made: setattr(made, client.attribute, attribute_value(name, seconds)),
            )
            call_client(name, client, call)

        yield Case(f"{name}: {fact}", PLAIN, SILENT, expected, run)


def _transport_cases(library: Library, name: str, client: Client) -> Iterator[Case]:
    """The library's own transports leave a call as it is; one of a team's own can bound it."""
    method = first_method(client)
    for transport in client.transports:
        given = {**_built(library, client, bounded=False), client.transport: _maker(transport)}
        yield Case(f"{name}: {transport}", PLAIN, SILENT, WAITS, _bare(_caller(name, client, method, given)))
        own = {**given, client.transport: _maker(transport, _bounding_transport)}
        if not transport.endswith("SafeTransport"):  # it would speak TLS to a peer that doesn't
            yield Case(
                f"{name}: own {transport}", PLAIN, SILENT, ENDS, _bare(_caller(name, client, method, own))
            )
    if client.mounting:
        mounting = client.mounting
        for transport in mounting.transports[: 1 if client.like else None]:
            if transport.startswith(UNIX_SOCKETS):
                continue

            def run(address: Address, transport: str = transport) -> None:
                def mount(made: Any) -> None:
                    getattr(made, mounting.method)("http://", _bounding_transport(transport))

                call_client(name, client, Call(address, first_method(client), prepare=mount))

            yield Case(f"{name}: own {transport}", PLAIN, SILENT, ENDS, run)


def _maker(name: str, make: Callable[[str], Any] = build_transport) -> Callable[[], Any]:
    return lambda: make(name)


def _bounding_transport(name: str) -> Any:
    """A transport such as teams write: the library's own, with a bound."""
    base = resolve(name)

    class Bounding(base):  # type: ignore[misc,valid-type]
        def send(self, request: Any, **keywords: Any) -> Any:
            return super().send(request, **{**keywords, "timeout": BOUND_SECONDS})

        def make_connection(self, host: Any) -> Any:
            connection = super().make_connection(host)
            connection.timeout = BOUND_SECONDS
            return connection

        def handle_request(self, request: Any) -> Any:
            request.extensions["timeout"]["read"] = BOUND_SECONDS
            return super().handle_request(request)

        async def handle_async_request(self, request: Any) -> Any:
            request.extensions["timeout"]["read"] = BOUND_SECONDS
            return await super().handle_async_request(request)

    return build_transport(name, Bounding)


# -- Timeout classes ----------------------------------------------------------------------------------


def _timeout_class_cases(library: Library, name: str, timeout: TimeoutClass) -> Iterator[Case]:
    taker = _taker_of(library, name)
    for number, part in enumerate(timeout.answer):
        beside = _beside(timeout, number)
        label = f"{name}.{part.parameter}"

        def give(value: Any, parameter: str = part.parameter, beside: dict[str, Any] = beside) -> Any:
            return lambda: resolve(name)(**{**beside, parameter: value})

        trickle = ENDS if part.kind == "total" else WAITS
        yield taker.case(f"{label} bounded", give(BOUND_SECONDS), ENDS)
        connecting = ENDS if part.connects else WAITS
        yield taker.case(f"{label} connecting", give(BOUND_SECONDS), connecting, UNACCEPTING)
        yield taker.case(f"{label} kind", give(BOUND_SECONDS), trickle, TRICKLE)
        for fact, value, wait in (
            ("none", None, part.none),
            ("zero", 0, part.zero),
            ("negative", -1, part.negative),
        ):
            if timeout.decided_by == "first":
                bounded_rest = dict.fromkeys(_after(timeout, number), BOUND_SECONDS)
                made = give(value, beside=bounded_rest)
            else:
                made = give(value)
            yield taker.case(f"{label} {fact}", made, outcome(wait, PLAIN))
        if timeout.decided_by == "any":
            for environment in COMMON_ENVIRONMENTS:
                expected = outcome(part.omitted, environment)
                left_out = lambda beside=beside: resolve(name)(**beside)  # noqa: E731
                yield taker.case(f"{label} omitted", left_out, expected, environment=environment)
    yield from _unset_cases(taker, name, timeout)


def _after(timeout: TimeoutClass, number: int) -> list[str]:
    return [part.parameter for part in timeout.answer[number + 1 :]]


def _beside(timeout: TimeoutClass, number: int) -> dict[str, Any]:
    """The other parts, given as None so that they bound nothing: those that could not decide first."""
    if timeout.decided_by == "first":
        return dict.fromkeys(_after(timeout, number))
    return {part.parameter: None for part in timeout.answer if part is not timeout.answer[number]}


def _unset_cases(taker: Taker, name: str, timeout: TimeoutClass) -> Iterator[Case]:
    for environment in COMMON_ENVIRONMENTS if timeout.unset != "raises" else (PLAIN,):
        expected = outcome(timeout.unset, environment)
        only_connect = lambda: resolve(name)(connect=BOUND_SECONDS)  # noqa: E731
        yield taker.case(f"{name} unset", _maker(name), expected, environment=environment)
        yield taker.case(f"{name} unset but connect", only_connect, expected, environment=environment)
    if timeout.pair:
        for fact, answer, rest, expected in (
            ("answer bounded", BOUND_SECONDS, None, ENDS),
            ("the rest bounded", None, BOUND_SECONDS, WAITS),
        ):
            values = tuple(answer if part == timeout.answer[0].parameter else rest for part in timeout.pair)
            made = lambda values=values: resolve(name)(values)  # noqa: E731
            yield taker.case(f"{name} pair, {fact}", made, expected)


def _taker_of(library: Library, timeout: str) -> Taker:
    """A callable of the library that takes the timeout class: a function, else a method."""
    for name, sender in library.senders.items():
        if sender.timeout and timeout in library.meanings[sender.timeout.meaning].objects:

            def run(
                address: Address, keywords: dict[str, Any], name: str = name, sender: Any = sender
            ) -> None:
                call_sender(library, name, sender, Call(address, keywords=keywords))

            return Taker(library, timeout, run, sender.timeout, ())
    raise LookupError(f"no sender of {library.library} takes {timeout}")


# -- Scopes -------------------------------------------------------------------------------------------


def scope_cases(name: str, scope: Any) -> Iterator[Case]:
    """A scope ends what it can cancel, and nothing else."""

    def case(fact: str, environment: str, expected: str, limit: float | None, *, blocking: bool) -> Case:
        def run(address: Address) -> None:
            scope_calls.wait_inside(name, scope, limit, address, blocking=blocking)

        return Case(f"{name}: {fact}", environment, SILENT, expected, run)

    none = REFUSED if scope.none == "raises" else WAITS
    if scope.cancels == "green-threads":
        green = GEVENT if name.startswith("gevent.") else EVENTLET
        yield case("ends blocking code", green, ENDS, BOUND_SECONDS, blocking=True)
        yield case("none", green, none, None, blocking=True)
        yield case(
            "ends blocking code only where sockets are patched", PLAIN, WAITS, BOUND_SECONDS, blocking=True
        )
    else:
        yield case("ends what is awaited", PLAIN, ENDS, BOUND_SECONDS, blocking=False)
        yield case("ends connecting", PLAIN, ENDS, BOUND_SECONDS, blocking=False)._replace(peer=UNACCEPTING)
        yield case("none", PLAIN, none, None, blocking=False)
        yield case("leaves blocking code alone", PLAIN, WAITS, BOUND_SECONDS, blocking=True)
