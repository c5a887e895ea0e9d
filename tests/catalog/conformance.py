"""The cheap proofs: what the catalog says of a library, held against the imported library itself.

A check takes a :class:`Library` and yields a complaint for every fact that is not so. The tests run
them over the shipped catalog, and over mutated copies of it to show that they notice.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import sys
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import structs

from servicelint.catalog.record import Parameter
from tests.catalog.calls import (
    METHOD_EXTRAS,
    Address,
    Call,
    attribute_value,
    bounded_by,
    build_client,
    build_transport,
    call_client,
    call_sender,
    leading_arguments,
    resolve,
)
from tests.catalog.libraries import LIBRARIES
from tests.catalog.witnesses import SOCKET_DEFAULT, ReachedError, seen_by, watching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicelint.catalog.model import (
        Client,
        Library,
        Method,
        Mounting,
        Scope,
        Sender,
        TimeoutParameter,
    )
    from tests.catalog.witnesses import Witness

# A name that is never looked up: the witness ends every call before that.
ELSEWHERE = Address("peer.invalid", 80)
# Whole numbers, as some take nothing else, and no library's own default.
CALL_SECONDS = 4.0
CLIENT_SECONDS = 7.0
BOGUS = "servicelint_bogus"
TIMEOUT_CLASSES = {name: entry for library in LIBRARIES for name, entry in library.timeouts.items()}
URL_PARAMETERS = {"fullurl", "str_or_url", "request", "token_url", "uri", "url"}
NEVER = (99,)
NO_PEER = Parameter(keyword="base_url")
"""What a client takes if nothing is said, which few do."""
POINTS = {"deadline", "when"}
GREEN = {"eventlet", "gevent"}
# Left out, their default is the longest; None means that of the HTTP method.
DEFAULT_BY_METHOD = {"niquests.request", "niquests.arequest"}
# The catalog gives the position that older versions know; newer ones refuse so many arguments.
KEYWORD_ONLY_SINCE = {"http.client.HTTPSConnection": (3, 12)}
REMOVED_SINCE = {"urllib.request.URLopener": (3, 14), "urllib.request.FancyURLopener": (3, 14)}
# Only their scopes are in the catalog, and not all of them install on every Python.
OPTIONAL = {"async_timeout", "eventlet", "gevent", "trio"}
# Abstract classes that make an object of one of their own choosing.
CONCRETE = {"tornado.httpclient.AsyncHTTPClient": "tornado.simple_httpclient.SimpleAsyncHTTPClient"}
ADDED_SINCE = {
    "asyncio.timeout": (3, 11),
    "asyncio.timeout_at": (3, 11),
    "asyncio.Timeout": (3, 11),
}


class Site(NamedTuple):
    """One callable that the catalog describes: a sender, or one method of a client under one name."""

    library: Library
    owner: str
    described: Sender | Client
    method: Method | None
    name: str

    @property
    def label(self) -> str:
        return f"{self.owner}.{self.name}" if self.method else self.owner

    @property
    def timeout(self) -> TimeoutParameter | None:
        return self.method.timeout if self.method else self.described.timeout  # type: ignore[union-attr]

    @property
    def function(self) -> Any:
        return resolve(self.label)

    def call(self, **details: Any) -> None:
        """Make the call with what ``details`` adds to it (fields of :class:`Call`)."""
        call = Call(ELSEWHERE, self.name, **details)
        if self.method:
            call_client(self.owner, self.described, call)  # type: ignore[arg-type]
        else:
            call_sender(self.library, self.owner, self.described, call)  # type: ignore[arg-type]

    def seen(self, **details: Any) -> Any:
        """The timeout that arrives at the library's lowest function."""
        return seen_by(self.library.library, lambda: self.call(**details)).timeout


def senders_of(library: Library) -> Iterator[Site]:
    """The library's plain functions."""
    for name, sender in library.senders.items():
        yield Site(library, name, sender, None, name)


def methods_of(library: Library) -> Iterator[Site]:
    """Every sending method of the library's clients, one by one."""
    for owner, client in library.clients.items():
        for method in client.methods:
            for name in method.names:
                if method.sends:
                    yield Site(library, owner, client, method, name)


def sites_of(library: Library) -> list[Site]:
    """All callables of the library that send."""
    return [*senders_of(library), *methods_of(library)]


def first_method(client: Client) -> str:
    """A method that stands for the client; its name is of no account where any attribute sends."""
    return next((method.names[0] for method in client.methods if method.sends), "anything")


def present(library: Library) -> Library:
    """The library without the entries that this version of Python no longer or not yet has."""
    return structs.replace(
        library,
        clients={name: client for name, client in library.clients.items() if is_present(name)},
        scopes={name: scope for name, scope in library.scopes.items() if is_present(name)},
    )


def is_present(name: str) -> bool:
    """Whether this Python has what the standard library added or removed, or an optional library."""
    if not ADDED_SINCE.get(name, (0,)) <= sys.version_info < REMOVED_SINCE.get(name, NEVER):
        return False
    package = name.partition(".")[0]
    return package not in OPTIONAL or importlib.util.find_spec(package) is not None


OWNERS = {name: library for library in LIBRARIES for name in (*library.clients, *library.senders)}


def is_shared(library: Library, entry: Sender | Client, parameter: TimeoutParameter) -> bool:
    """Whether what an entry's values mean is what they mean on the entry that it is like, and shown there."""
    owner = OWNERS.get(entry.like)
    meaning = library.meanings.get(parameter.meaning)
    return owner is not None and owner.meanings.get(parameter.meaning) == meaning


def tell(check: Callable[[], Iterator[str]], label: str) -> Iterator[str]:
    """The complaints of ``check``; that it can't even be carried out is one too."""
    try:
        yield from check()
    except (LookupError, AttributeError, ImportError, TypeError, ValueError) as error:
        yield f"{label}: {type(error).__name__}: {error}"


# -- Names --------------------------------------------------------------------------------------------


def names_and_aliases(library: Library) -> Iterator[str]:
    """Each name and each alias import to one and the same object."""
    groups = (library.senders, library.clients, library.timeouts, library.scopes)
    for name, entry in ((name, entry) for group in groups for name, entry in group.items()):
        yield from tell(lambda name=name, entry=entry: _aliases_of(name, entry), name)  # type: ignore[misc]


def _aliases_of(name: str, entry: Any) -> Iterator[str]:
    found = resolve(name)
    if not callable(found):
        yield f"{name} can't be called"
    for alias in entry.aliases:
        if resolve(alias) is not found:
            yield f"{alias} is not {name}"


def kinds_of_objects(library: Library) -> Iterator[str]:
    """Clients and timeouts are classes, senders are not, and the clients have the methods listed."""
    for name in library.senders:
        if inspect.isclass(resolve(name)):
            yield f"{name} is a class, not a function"
    for name in (*library.clients, *library.timeouts):
        if not inspect.isclass(resolve(name)):
            yield f"{name} is not a class"
    for name, client in library.clients.items():
        for method in client.methods:
            for spelling in (*method.names, *method.through):
                if not callable(getattr(resolve(name), spelling, None)):
                    yield f"{name} has no method {spelling}"


def factories(library: Library) -> Iterator[str]:
    """A factory returns an instance of its class."""
    for name, client in library.clients.items():
        for factory in client.factories:
            yield from tell(lambda f=factory, name=name: _factory(f, name), factory)  # type: ignore[misc]


def _factory(factory: str, name: str) -> Iterator[str]:
    make = resolve(factory)
    taken = inspect.signature(make).parameters
    leading = (ELSEWHERE.url,) if "url" in taken else (resolve(name)(),) if "sess" in taken else ()
    made = make(*leading)
    if not isinstance(made, resolve(name)):
        yield f"{factory} returns {type(made).__name__}"


def references(library: Library) -> Iterator[str]:
    """Every meaning that is named is defined, and every one defined is used."""
    used = {parameter.meaning for _, parameter in parameters_of(library)}
    for meaning in used ^ set(library.meanings):
        yield f"meaning {meaning} is used or defined, not both"


def parameters_of(library: Library) -> Iterator[tuple[str, TimeoutParameter]]:
    """All timeout parameters of the library, each with a label."""
    for name, sender in library.senders.items():
        if sender.timeout:
            yield name, sender.timeout
    for name, client in library.clients.items():
        if client.constructor:
            yield name, client.constructor
        if client.mounting and client.mounting.timeout:
            yield f"{name}.{client.mounting.method}", client.mounting.timeout
        for method in client.methods:
            if method.timeout:
                yield f"{name}.{method.names[0]}", method.timeout


# -- Where a call goes, and whether it waits ----------------------------------------------------------


def urls_and_blocking(library: Library) -> Iterator[str]:
    """With the URL where the catalog places it, awaited or not as it says, a call goes to that host."""
    for site in sites_of(library):
        yield from tell(lambda site=site: _goes_there(site), site.label)  # type: ignore[misc]
    for name, client in library.clients.items():
        if client.site != "method":
            yield from tell(lambda n=name, c=client: _sends(library, n, c), name)  # type: ignore[misc]


def _goes_there(site: Site) -> Iterator[str]:
    seen = seen_by(site.library.library, site.call)
    if seen.host != ELSEWHERE.host:
        yield f"{site.label} went to {seen.host}"
    if seen.awaited == site.described.blocking:
        yield f"{site.label} sends {'when awaited' if seen.awaited else 'when called'}"
    url = (site.method or site.described).url  # type: ignore[union-attr]
    if url is not None and positional_parameters(_named(site.function))[url] not in URL_PARAMETERS:
        yield f"{site.label} takes {positional_parameters(site.function)[url]} at {url}"


def _sends(library: Library, name: str, client: Client) -> Iterator[str]:
    seen = seen_by(library.library, lambda: call_client(name, client, Call(ELSEWHERE)))
    if seen.host != ELSEWHERE.host:
        yield f"{name} went to {seen.host}"
    if seen.awaited == client.blocking:
        yield f"{name} sends {'when awaited' if seen.awaited else 'when called'}"


# -- Timeout parameters -------------------------------------------------------------------------------


def keywords(library: Library) -> Iterator[str]:
    """The timeout's keyword is taken and arrives; a bogus one in its place is refused."""
    for label, parameter, seen in takers_of(library):
        yield from tell(lambda a=label, p=parameter, s=seen: _keyword(library, a, p, s), label)  # type: ignore[misc]


def _keyword(library: Library, label: str, parameter: TimeoutParameter, seen: Any) -> Iterator[str]:
    value = bounded_by(library.library, parameter.meaning, CALL_SECONDS)
    arrived = seen(keywords={parameter.keyword: value})
    if arrived != CALL_SECONDS:
        yield f"{label}({parameter.keyword}=...) arrives as {arrived}"
    try:
        arrived = seen(keywords={BOGUS: value})
    except LookupError as refused:
        if BOGUS not in str(refused):
            yield f"{label}({BOGUS}=...) is refused for another reason: {refused}"
    else:
        if arrived == CALL_SECONDS:
            yield f"{label} takes any keyword for its timeout"


def takers_of(library: Library) -> Iterator[tuple[str, TimeoutParameter, Callable[..., Any]]]:
    """Every timeout parameter with a function that says what arrives when it is given.

    The function takes ``arguments`` (after the leading ones) and ``keywords`` for the callable itself.
    """
    for site in sites_of(library):
        if site.timeout:
            yield site.label, site.timeout, site.seen
    for name, client in library.clients.items():
        if client.constructor:
            yield name, client.constructor, _constructor_taker(library, name, client)


def _constructor_taker(library: Library, name: str, client: Client) -> Callable[..., Any]:
    def seen(arguments: tuple[Any, ...] = (), keywords: dict[str, Any] | None = None) -> Any:
        call = Call(
            ELSEWHERE, first_method(client), client_arguments=arguments, client_keywords=keywords or {}
        )
        return seen_by(library.library, lambda: call_client(name, client, call)).timeout

    return seen


def positions(library: Library) -> Iterator[str]:
    """A timeout given at its position arrives; one without a position can't be given without its name."""
    for label, parameter, seen in takers_of(library):
        yield from tell(lambda a=label, p=parameter, s=seen: _position(library, a, p, s), label)  # type: ignore[misc]


def _position(library: Library, label: str, parameter: TimeoutParameter, seen: Any) -> Iterator[str]:
    by_position = positional_parameters(_named(resolve(label)))
    if parameter.position is None or takes_keyword_only(label):
        if parameter.keyword in by_position:
            yield f"{label} takes {parameter.keyword} at {by_position.index(parameter.keyword)}"
        return
    if by_position[parameter.position : parameter.position + 1] != [parameter.keyword]:
        yield f"{label} takes {by_position} by position"
        return
    value = bounded_by(library.library, parameter.meaning, CALL_SECONDS)
    arrived = seen(arguments=(*_fillers(library, label, parameter.position), value))
    if arrived != CALL_SECONDS:
        yield f"{label}: the argument at {parameter.position} arrives as {arrived}"


def takes_keyword_only(label: str) -> bool:
    """Whether this Python refuses the position that older ones have: nothing can be shown of it then."""
    return sys.version_info >= KEYWORD_ONLY_SINCE.get(label, NEVER)


def positional_parameters(function: Any) -> list[str]:
    """The parameters that can be given by position, without ``self``."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # written in C, without a signature
        return []
    names = [p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    return names[1:] if names[:1] == ["self"] else names


def _named(function: Any) -> Any:
    """The function itself, or the one it hands all positional arguments on to: its base class's method."""
    if not hasattr(function, "__code__"):
        return function
    parameters = inspect.signature(function).parameters.values()
    takes_any = any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters)
    if not takes_any or inspect.isclass(function):
        return function
    owner, _, name = function.__qualname__.rpartition(".")
    bases = inspect.getmro(vars(sys.modules[function.__module__])[owner])[1:]
    return next((getattr(base, name) for base in bases if hasattr(base, name)), function)


def _fillers(library: Library, label: str, position: int) -> list[Any]:
    """The defaults of the parameters between the leading arguments and the timeout."""
    function = _named(resolve(label))
    parameters = inspect.signature(function).parameters
    given = _leading_count(library, label)
    needed = METHOD_EXTRAS.get(label, {})
    names = positional_parameters(function)[given:position]
    return [needed.get(name, parameters[name].default) for name in names]


def _leading_count(library: Library, label: str) -> int:
    if label in library.clients:  # a constructor: host and port, or nothing
        return len([p for p in positional_parameters(resolve(label)) if p in ("host", "port")])
    site = next(site for site in sites_of(library) if site.label == label)
    described = site.method or site.described
    return len(leading_arguments(label, described.url, ELSEWHERE))  # type: ignore[union-attr]


def omissions(library: Library) -> Iterator[str]:
    """What arrives when the timeout is left out is what the catalog says, down to the seconds."""
    for site in sites_of(library):
        yield from tell(lambda site=site: _omission(site), site.label)  # type: ignore[misc]
    for name, client in library.clients.items():
        yield from tell(lambda n=name, c=client: _client_omission(library, n, c), name)  # type: ignore[misc]


def _omission(site: Site) -> Iterator[str]:
    if site.timeout:
        omitted = site.timeout.omitted
    elif site.method:
        omitted = "client-default" if site.described.constructor else site.described.omitted  # type: ignore[union-attr]
    else:
        omitted = site.described.omitted
    details = _bounded_client(site) if site.method else {}
    arrived = site.seen(**details)
    if arrived != _arriving(omitted, site.described):
        yield f"{site.label} without a timeout: {arrived} arrives, not {omitted}"


def _bounded_client(site: Site) -> dict[str, Any]:
    """Details of a call whose client has a bound of its own, where clients can have one."""
    constructor = site.described.constructor  # type: ignore[union-attr]
    if not constructor:
        return {}
    value = bounded_by(site.library.library, constructor.meaning, CLIENT_SECONDS)
    return {"client_keywords": {constructor.keyword: value}}


def _arriving(wait: str, described: Sender | Client) -> Any:
    return {
        "forever": None,
        "socket-default": SOCKET_DEFAULT,
        "client-default": CLIENT_SECONDS,
        "library-default": described.default_seconds or "a default that has no seconds",
    }.get(wait, wait)


def _client_omission(library: Library, name: str, client: Client) -> Iterator[str]:
    call = Call(ELSEWHERE, first_method(client))
    arrived = seen_by(library.library, lambda: call_client(name, client, call)).timeout
    said = {client.omitted, *([client.constructor.omitted] if client.constructor else [])}
    for omitted in said:
        if arrived != _arriving(omitted, client):
            yield f"{name} without a timeout: {arrived} arrives, not {omitted}"


def nones(library: Library) -> Iterator[str]:
    """What arrives when the timeout is None is what its meaning says."""
    for label, parameter, seen in takers_of(library):
        yield from tell(lambda a=label, p=parameter, s=seen: _none(library, a, p, s), label)  # type: ignore[misc]


def _none(library: Library, label: str, parameter: TimeoutParameter, seen: Any) -> Iterator[str]:
    owner = label if label in library.senders or label in library.clients else label.rpartition(".")[0]
    described = library.senders.get(owner) or library.clients[owner]
    meaning = library.meanings[parameter.meaning].none
    if meaning == "raises":
        with contextlib.suppress(LookupError):
            yield f"{label}({parameter.keyword}=None): {seen(keywords={parameter.keyword: None})} arrives"
        return
    if label in DEFAULT_BY_METHOD:
        return
    given: dict[str, Any] = {"keywords": {parameter.keyword: None}}
    if meaning == "client-default" and described.constructor:  # type: ignore[union-attr]
        given["client_keywords"] = {described.constructor.keyword: CLIENT_SECONDS}  # type: ignore[union-attr]
    arrived = seen(**given)
    if arrived != _arriving(meaning, described):
        yield f"{label}({parameter.keyword}=None): {arrived} arrives, not {meaning}"


def pairs(library: Library) -> Iterator[str]:
    """Of a tuple, the part that the catalog says bounds the answer arrives as the wait for it."""
    for label, parameter, seen in takers_of(library):
        meaning = library.meanings[parameter.meaning]
        if meaning.pair:
            values = tuple(float(number) for number in range(1, len(meaning.pair) + 1))
            arrived = seen(keywords={parameter.keyword: values})
            if arrived != values[meaning.pair.index(meaning.answer)]:
                yield f"{label}({parameter.keyword}={values}) arrives as {arrived}"


def defaults(library: Library) -> Iterator[str]:
    """A library default has its seconds and its kind, and nothing else has."""
    for name, described in (*library.senders.items(), *library.clients.items()):
        timeout = described.timeout if name in library.senders else described.constructor  # type: ignore[union-attr]
        given = [timeout, *(method.timeout for method in getattr(described, "methods", ()))]
        expected = any(each is not None and each.omitted == "library-default" for each in given)
        if (described.default_seconds is not None, described.default_kind is not None) != (
            expected,
            expected,
        ):
            yield f"{name}: default {described.default_seconds} {described.default_kind}"


# -- What can bound a client from outside a call ------------------------------------------------------


def attributes(library: Library) -> Iterator[str]:
    """Assigning to a client's timeout attribute changes the bound of the calls that follow."""
    for name, client in library.clients.items():
        if client.attribute:
            yield from tell(lambda n=name, c=client: _attribute(library, n, c), name)  # type: ignore[misc]


def _attribute(library: Library, name: str, client: Client) -> Iterator[str]:
    def assign(instance: Any) -> None:
        if not hasattr(instance, client.attribute):
            raise AttributeError(client.attribute)
        setattr(instance, client.attribute, attribute_value(name, CALL_SECONDS))

    call = Call(ELSEWHERE, first_method(client), prepare=assign)
    arrived = seen_by(library.library, lambda: call_client(name, client, call)).timeout
    if arrived != CALL_SECONDS:
        yield f"{name}.{client.attribute} = ... arrives as {arrived}"


def chains(library: Library) -> Iterator[str]:
    """A subclass that overrides a client's methods sees a call pass those of its chain, in that order."""
    for site in methods_of(library):
        yield from tell(lambda site=site: _chain(site), site.label)  # type: ignore[misc]


def _chain(site: Site) -> Iterator[str]:
    passed: list[str] = []
    with watching(site.library.library) as witness:
        spies = {name: _spy(site.owner, name, passed, witness) for name in _overridable(site)}
        with contextlib.suppress(ReachedError):
            site.call(client_class=spying_subclass(site.owner, spies))
    if tuple(passed) != site.method.through:  # type: ignore[union-attr]
        yield f"{site.label} passes {passed}"


def _overridable(site: Site) -> set[str]:
    """The client's methods that a call might pass: all in the catalog, without those of the call's own group.

    Which method of its own group it passes can depend on the arguments (``urllib3``: on the HTTP method).
    """
    methods = [method for method in site.described.methods if not method.returns]  # type: ignore[union-attr]
    known = {name for method in methods for name in (*method.names, *method.through)}
    return known - set(site.method.names)  # type: ignore[union-attr]


def spying_subclass(owner: str, members: dict[str, Any]) -> type:
    """A subclass of a client class with some members of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # aiohttp discourages subclasses
        return type("Spying", (resolve(CONCRETE.get(owner, owner)),), members)


def _spy(owner: str, name: str, passed: list[str], witness: Witness) -> Any:
    original = getattr(resolve(owner), name)

    def spy(self: Any, *arguments: Any, **keywords: Any) -> Any:
        if not witness.seen:  # what comes after sending is cleaning up
            passed.append(name)
        return original(self, *arguments, **keywords)

    return spy


def mountings(library: Library) -> Iterator[str]:
    """A mounted transport's hook sees every call, with its timeout where the catalog says."""
    for name, client in library.clients.items():
        if client.mounting:
            yield from tell(lambda n=name, c=client: _mounting(library, n, c), name)  # type: ignore[misc]


def _mounting(library: Library, name: str, client: Client) -> Iterator[str]:
    mounting = client.mounting
    if mounting is None:
        return
    # Those of other libraries are shown on the client that this one is like.
    for transport in mounting.transports[: 1 if client.like else None]:
        hook = getattr(resolve(transport), mounting.hook)
        # The first is the library's own; others may take it by keyword only, as Requests itself gives it.
        is_own = transport == mounting.transports[0]
        if is_own and mounting.timeout and mounting.timeout.position is not None:
            taken = positional_parameters(hook)
            if taken[mounting.timeout.position] != mounting.timeout.keyword:
                yield f"{transport}.{mounting.hook} takes {taken} by position"
        passed: list[Any] = []
        mounted = type("Mounted", (resolve(transport),), {mounting.hook: _hook(hook, passed)})
        mounted = build_transport(transport, mounted)
        mount = _mounter(mounting.method, mounted)
        for site in methods_of(library):
            if site.owner == name:
                site.seen(prepare=mount)
        if len(passed) != len([site for site in methods_of(library) if site.owner == name]):
            yield f"{transport}.{mounting.hook} saw {len(passed)} calls"


def _hook(original: Any, passed: list[Any]) -> Any:
    def hook(self: Any, *arguments: Any, **keywords: Any) -> Any:
        passed.append(keywords)
        # The witness replaced the class's method after `original` was taken.
        return super(type(self), self).send(*arguments, **keywords)

    return hook


def _mounter(method: str, transport: Any) -> Callable[[Any], None]:
    return lambda session: getattr(session, method)("http://", transport)


def transports(library: Library) -> Iterator[str]:
    """The keyword for a transport exists, at its position; the library's own transports set no bound."""
    for name, client in library.clients.items():
        if client.transport:
            yield from tell(lambda n=name, c=client: _transport(library, n, c), name)  # type: ignore[misc]


def _transport(library: Library, name: str, client: Client) -> Iterator[str]:
    taken = positional_parameters(resolve(name))
    position = taken.index(client.transport) if client.transport in taken else None
    if position != client.transport_position:
        yield f"{name} takes {client.transport} at {position}"
    bare = seen_by(library.library, lambda: call_client(name, client, Call(ELSEWHERE, first_method(client))))
    for transport in client.transports:
        given = {client.transport: build_transport(transport)}
        call = Call(ELSEWHERE, first_method(client), client_keywords=given)
        seen = seen_by(library.library, lambda call=call: call_client(name, client, call))  # type: ignore[misc]
        if seen != bare:
            yield f"{name} through {transport}: {seen}"


def handed_out_clients(library: Library) -> Iterator[str]:
    """A method that hands out a client returns that class, with the timeout of the one that made it."""
    for name, client in library.clients.items():
        for method in client.methods:
            if method.returns:
                yield from tell(lambda n=name, m=method: _handed_out(library, n, m), name)  # type: ignore[misc]


HANDING_OUT: dict[str, Callable[[Any], Any]] = {
    "connection_from_host": lambda manager: manager.connection_from_host(ELSEWHERE.host),
    "connection_from_url": lambda manager: manager.connection_from_url(ELSEWHERE.url),
    "connection_from_context": lambda manager: manager.connection_from_context(_pool_context(manager)),
    "connection_from_pool_key": lambda manager: manager.connection_from_pool_key(
        manager.key_fn_by_scheme["http"](_pool_context(manager)), _pool_context(manager)
    ),
}


def _pool_context(manager: Any) -> dict[str, Any]:
    return {**manager.connection_pool_kw, "scheme": "http", "host": ELSEWHERE.host, "port": 80}


def _handed_out(library: Library, name: str, method: Method) -> Iterator[str]:
    client = library.clients[name]
    if client.constructor is None:
        return
    given = {client.constructor.keyword: CLIENT_SECONDS}
    for handing_out in method.names:
        made = HANDING_OUT[handing_out](build_client(name, Call(ELSEWHERE, client_keywords=given)))
        if not isinstance(made, resolve(method.returns)):
            yield f"{name}.{handing_out} returns {type(made).__name__}"
        seen = seen_by(library.library, lambda made=made: made.request("GET", "/")).timeout  # type: ignore[misc]
        if (seen == CLIENT_SECONDS) is not method.inherits:
            yield f"{name}.{handing_out}: the client's timeout arrives as {seen}"


def requests_built_ahead(library: Library) -> Iterator[str]:
    """A method that only prepares a request takes the timeout the catalog says, and doesn't send."""
    for name, client in library.clients.items():
        for method in client.methods:
            if not method.sends and not method.returns:
                yield from tell(lambda n=name, m=method: _built_ahead(library, n, m), name)  # type: ignore[misc]


def _built_ahead(library: Library, name: str, method: Method) -> Iterator[str]:
    instance = build_client(name, Call(ELSEWHERE, client_keywords={"timeout": CLIENT_SECONDS}))
    if method.timeout is None:
        return
    for build in method.names:
        leading = leading_arguments(f"{name}.{build}", method.url, ELSEWHERE)
        default = inspect.signature(getattr(instance, build)).parameters[method.timeout.keyword].default
        is_left = type(default).__name__ == "UseClientDefault"
        if method.timeout.omitted != ("client-default" if is_left else "forever"):
            yield f"{name}.{build}: left out the timeout is {default}"
        if method.timeout.meaning not in library.meanings:
            yield f"{name}.{build}: there is no meaning {method.timeout.meaning}"
        for keywords, expected in (
            ({method.timeout.keyword: CALL_SECONDS}, CALL_SECONDS),
            ({}, CLIENT_SECONDS),
        ):
            request = getattr(instance, build)(*leading, **keywords)
            if request.extensions["timeout"]["read"] != expected:
                yield f"{name}.{build}({keywords}) has {request.extensions}"


def mounted_parameters(library: Library) -> Iterator[str]:
    """A transport's hook takes the timeout as it is said, and its constructor retries; left out is None."""
    for name, client in library.clients.items():
        if client.mounting:
            yield from tell(lambda m=client.mounting: _mounted_parameters(library, m), name)  # type: ignore[misc]


def _mounted_parameters(library: Library, mounting: Mounting) -> Iterator[str]:
    transport = resolve(mounting.transports[0])
    if mounting.retries:
        yield from _parameter_at(transport, mounting.retries.keyword, mounting.retries.position)
    if mounting.timeout:
        hook = getattr(transport, mounting.hook)
        yield from _parameter_at(hook, mounting.timeout.keyword, mounting.timeout.position)
        default = inspect.signature(hook).parameters[mounting.timeout.keyword].default
        if default is not None or mounting.timeout.omitted != library.meanings[mounting.timeout.meaning].none:
            yield f"{hook}: left out the timeout is {default}"


def _parameter_at(function: Any, keyword: str, position: int | None) -> Iterator[str]:
    taken = positional_parameters(function)
    found = taken.index(keyword) if keyword in taken else None
    if found != position or keyword not in inspect.signature(function).parameters:
        yield f"{function} takes {keyword} at {found}"


def peers(library: Library) -> Iterator[str]:
    """A client is built with whom it talks to, where and as the catalog says."""
    for name, client in library.clients.items():
        if client.peer != NO_PEER:
            yield from tell(
                lambda n=name, p=client.peer: _parameter_at(resolve(n), p.keyword, p.position),  # type: ignore[misc]
                name,
            )


def options(library: Library) -> Iterator[str]:
    """A client that is given its options one by one has that method, and the options exist."""
    for name, client in library.clients.items():
        if client.setter:
            module = resolve(name.rpartition(".")[0])
            constructor = client.constructor
            known = (constructor.keyword, *constructor.instead) if constructor else ()
            if not callable(getattr(resolve(name), client.setter, None)):
                yield f"{name} has no {client.setter}"
            yield from (f"there is no option {each}" for each in known if not hasattr(module, each))
        elif client.constructor and client.constructor.instead:
            yield f"{name} takes {client.constructor.instead}"


# -- Timeout classes and scopes -----------------------------------------------------------------------


def timeout_classes(library: Library) -> Iterator[str]:
    """A timeout class takes its parameters in that order, and refuses to be built where the catalog says."""
    for name, timeout in library.timeouts.items():
        taken = positional_parameters(resolve(name))
        if tuple(taken) != timeout.parameters:
            yield f"{name} takes {taken} by position"
        known = inspect.signature(resolve(name)).parameters
        for part in timeout.answer:
            if part.parameter not in known:
                yield f"{name} has no parameter {part.parameter}"
        if _is_refused(resolve(name)) != (timeout.unset == "raises"):
            yield f"{name}() is not {timeout.unset}"
        if timeout.pair and not _pair_is(resolve(name), timeout.pair):
            yield f"{name} takes another tuple than {timeout.pair}"


def _is_refused(cls: Any) -> bool:
    try:
        cls()
    except ValueError:
        return True
    return False


def _pair_is(cls: Any, names: tuple[str, ...]) -> bool:
    values = tuple(float(number) for number in range(1, len(names) + 1))
    made = cls(values)
    return tuple(getattr(made, name) for name in names) == values


def deciding_parts(library: Library) -> Iterator[str]:
    """Of two parts of a timeout class the first that is given decides, or any that is finite bounds."""
    takers = list(takers_of(library))
    for name, timeout in library.timeouts.items():
        label, parameter, seen = next(
            each for each in takers if name in library.meanings[each[1].meaning].objects
        )
        open_part, finite = timeout.answer[:2]
        made = resolve(name)(**{open_part.parameter: None, finite.parameter: CALL_SECONDS})
        arrived = seen(keywords={parameter.keyword: made})
        if (arrived == CALL_SECONDS) is not (timeout.decided_by == "any"):
            yield f"{label}: {made} arrives as {arrived}"


def pair_names(library: Library) -> Iterator[str]:
    """The parts of a tuple are called as those of the class that may stand for it, or of urllib3's."""
    for name, meaning in library.meanings.items():
        if meaning.pair:
            known = inspect.signature(resolve([*meaning.objects, "urllib3.Timeout"][0])).parameters
            yield from (f"{name}: there is no {part}" for part in meaning.pair if part not in known)


def objects(library: Library) -> Iterator[str]:
    """A timeout object that a meaning lists can be given, and its bound arrives."""
    for label, parameter, seen in takers_of(library):
        for name in library.meanings[parameter.meaning].objects:
            yield from tell(
                lambda a=label, p=parameter, s=seen, n=name: _object(a, p, s, n),  # type: ignore[misc]
                label,
            )


def _object(label: str, parameter: TimeoutParameter, seen: Any, name: str) -> Iterator[str]:
    arrived = seen(keywords={parameter.keyword: resolve(name)(CALL_SECONDS)})
    if arrived != CALL_SECONDS:
        yield f"{label}({parameter.keyword}={name}(...)) arrives as {arrived}"
    # What an object leaves open means the same wherever it is given: requests takes urllib3's.
    unset = TIMEOUT_CLASSES[name].unset
    if unset != "raises":
        arrived = seen(keywords={parameter.keyword: resolve(name)(connect=CALL_SECONDS)})
        if arrived != {"forever": None, "socket-default": SOCKET_DEFAULT}.get(unset, unset):
            yield f"{label}({parameter.keyword}={name}(connect=...)) arrives as {arrived}"


def scopes(library: Library) -> Iterator[str]:
    """A scope takes its limit by that keyword at that position, and what it waits for where it says."""
    for name, scope in library.scopes.items():
        yield from tell(lambda n=name, s=scope: _scope(n, s), name)  # type: ignore[misc]


def _scope(name: str, scope: Scope) -> Iterator[str]:
    parameters = inspect.signature(resolve(name)).parameters
    taken = positional_parameters(resolve(name))
    if scope.keyword not in parameters:
        yield f"{name} has no parameter {scope.keyword}"
    position = taken.index(scope.keyword) if scope.keyword in taken else None
    if position != scope.position:
        yield f"{name} takes {scope.keyword} at {position}"
    if scope.is_point is not (scope.keyword in POINTS):
        yield f"{name} takes a point in time, or a length of it"
    if (scope.cancels == "green-threads") is not (resolve(name).__module__.partition(".")[0] in GREEN):
        yield f"{name} ends something else than {scope.cancels}"
    if (scope.stops == "waiting") is not ("fs" in taken):
        yield f"{name} stops {scope.stops}"
    waits_for = {"fs", "fut", "function"} & set(taken)
    awaitable = taken.index(waits_for.pop()) if waits_for else None
    if awaitable != scope.awaitable:
        yield f"{name} waits for its argument {awaitable}"


CHECKS: tuple[Callable[[Library], Iterator[str]], ...] = (
    names_and_aliases,
    kinds_of_objects,
    factories,
    references,
    urls_and_blocking,
    keywords,
    positions,
    omissions,
    nones,
    pairs,
    defaults,
    attributes,
    chains,
    mountings,
    transports,
    handed_out_clients,
    requests_built_ahead,
    mounted_parameters,
    peers,
    options,
    timeout_classes,
    deciding_parts,
    pair_names,
    objects,
    scopes,
)
