"""What is known of each library, as one Markdown page: for the docs, and for ``rules --libraries``."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from servicelint.catalog.model import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from servicelint.catalog.model import Library, Sender, Wait

_HEAD = """\
# Libraries

What servicelint knows of each library, and the versions that it was proven with: run, not read about.
Where a project pins other versions, what holds for those is used; what is not pinned is taken to be the
newest. Other clients can be described in the settings, under `[tool.servicelint.clients]`. This page is
what `servicelint rules --libraries` prints."""

_LEFT_OUT: dict[Wait, str] = {
    "forever": "waits for ever",
    "socket-default": "`socket.setdefaulttimeout`, else it waits for ever",
    "raises": "is refused",
    "immediate": "fails at once",
}


def libraries_page(libraries: Iterable[Library]) -> str:
    """The page: a section for each kind of knowledge, in it each library by its title."""
    known = sorted(libraries, key=lambda library: library.title.lower())
    parts = [_HEAD]
    for title, is_in, describe in _SECTIONS:
        entries = [_entry(library, describe) for library in known if is_in(library)]
        if entries:
            parts += [f"## {title}", *entries]
    return "\n\n".join(parts)


def _entry(library: Library, describe: Callable[[Library], Iterator[str]]) -> str:
    lines = [f"### {library.title}", "", *(f"- {line}" for line in (*_versions(library), *describe(library)))]
    notes = " ".join(library.notes.split())
    return "\n".join([*lines, "", notes] if notes else lines)


def _versions(library: Library) -> Iterator[str]:
    name = f"`{library.distribution}` " if library.distribution else ""
    if library.proven:
        yield f"{name}proven with {', '.join(library.proven)}"
    elif name:
        yield f"{name}compared with the newest release"
    for other in library.when:
        yield f"other facts for `{other.versions}`, proven with {', '.join(other.proven)}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


# -- Calls that wait ----------------------------------------------------------------------------------


def _calls(library: Library) -> Iterator[str]:
    if library.senders:
        yield f"functions: {_names(library.senders)}"
    if library.clients:
        yield f"clients: {_names(library.clients)}"
    for names, text in _defaults(library):
        yield f"without a timeout, {names}{text}"
    for client, transports in library.plain_transports.items():
        yield f"transports for `{client}` that set no timeout: {_names(transports)}"
    if library.plain_interceptors:
        yield f"interceptors that set no timeout: {_names(library.plain_interceptors)}"
    for client, makers in library.makers.items():
        yield f"{_names(makers)} returns a `{client}`"


def _defaults(library: Library) -> list[tuple[str, str]]:
    """What bounds a call that is given nothing, and whose calls those are where they differ."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    entries: dict[str, Sender | Client] = {**library.senders, **library.clients}
    for name, entry in entries.items():
        found[_left_out(entry)].append(name)
    if len(found) == 1:
        return [("", text) for text in found]
    return [(f"{_names(names)}: ", text) for text, names in found.items()]


def _left_out(entry: Sender | Client) -> str:
    given = entry.constructor if isinstance(entry, Client) else entry.timeout
    wait = given.omitted if given else entry.omitted
    if wait != "library-default":
        return _LEFT_OUT.get(wait, _LEFT_OUT.get(entry.omitted, "waits for ever"))
    kinds = {"total": "for the whole exchange", "per-operation": "for each wait for bytes"}
    return f"{entry.default_seconds or 0:g} s {kinds.get(entry.default_kind or '', '')}".strip()


# -- Everything else ----------------------------------------------------------------------------------


def _messages(library: Library) -> Iterator[str]:
    for name, client in sorted(library.queues.items()):
        for publishing in client.publishing:
            carried = "in its message object" if publishing.envelope else "takes no headers"
            if publishing.headers:
                where = "each entry's " if publishing.entries else ""
                carried = f"headers as {where}`{publishing.headers.keyword}`"
            methods = ", ".join(f"`{name}.{method}`" for method in publishing.names)
            yield f"publishes: {methods} ({carried}{'' if publishing.blocking else ', awaited'})"
    for name, task in sorted(library.tasks.items()):
        yield f"`{name}` makes a function a `{task.makes}`"


def _guards(library: Library) -> Iterator[str]:
    if library.breakers:
        yield f"circuit breakers: {_names(library.breakers)}"
    if library.retries:
        yield f"retries: {_names(library.retries)}"


def _handlers(library: Library) -> Iterator[str]:
    if library.apps:
        yield f"applications and routers: {_names(library.apps)}"
    if library.registrars:
        yield f"registered by: {_names(library.registrars)}"
    if library.handler_classes:
        yield f"classes of handlers: {_names(library.handler_classes)}"


def _ids(library: Library) -> Iterator[str]:
    yield f"put the id of a request on calls, or take it over: {_names(library.instrumentations)}"
    if library.launchers:
        yield f"commands that switch such on: {_names(library.launchers)}"
    if library.injectors:
        yield f"put the id into a mapping: {_names(library.injectors)}"
    if library.context_keepers:
        yield f"keep the id while a request is handled: {_names(library.context_keepers)}"
    if library.log_fields:
        yield f"write the id on lines of the log: {_names(library.log_fields)}"


def _databases(library: Library) -> Iterator[str]:
    yield f"stand for tables: {_names(library.table_classes)}"
    yield f"name tables: {_names(library.table_names)}"
    yield f"connect to a database: {_names(library.connections)}"
    yield f"are given SQL, whatever they belong to: {_names(library.takers)}"


def _scopes(library: Library) -> Iterator[str]:
    awaited = [name for name, scope in library.scopes.items() if scope.cancels == "awaited"]
    green = set(library.scopes) - set(awaited)
    yield f"end what is awaited inside them: {_names(awaited)}"
    yield f"end blocking calls too, where the sockets are patched: {_names(green)}"


_SECTIONS: tuple[tuple[str, Callable[[Library], bool], Callable[[Library], Iterator[str]]], ...] = (
    ("HTTP", lambda each: each.protocol == "http" and _has_calls(each), _calls),
    ("gRPC", lambda each: each.protocol == "grpc" and _has_calls(each), _calls),
    ("Scopes that bound time", lambda each: bool(each.scopes), _scopes),
    ("Queues", lambda each: bool(each.queues or each.tasks), _messages),
    ("Databases", lambda each: bool(each.connections), _databases),
    ("Circuit breakers and retries", lambda each: bool(each.breakers or each.retries), _guards),
    ("Request ids", lambda each: bool(each.instrumentations), _ids),
    ("Handlers", lambda each: bool(each.apps or each.registrars or each.handler_classes), _handlers),
)


def _has_calls(library: Library) -> bool:
    return bool(
        library.senders
        or library.clients
        or library.plain_transports
        or library.plain_interceptors
        or library.makers
        or library.stubs
    )
