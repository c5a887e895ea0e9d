"""What can be seen without waiting: names, positions, what makes what, what an interceptor is told.

A check takes a library and yields a complaint for every fact that is not so. Calls that are made here go to
a method that answers, or are refused at once.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.catalog.calls import resolve
from tests.catalog.remote_calls.making import EMPTY, Call, Remote, make, remotes_of
from tests.catalog.remote_calls.server import PROMPT, path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from servicelint.catalog.model import (
        CallDetails,
        Channel,
        Client,
        Library,
        Slot,
        Stub,
        TimeoutParameter,
    )

ARITIES = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")
BAD_CONFIG = json.dumps({"methodConfig": [{"name": [{}], "timeout": 5}]})
"""A service config that is refused: a duration is a text."""

SECONDS = 20.0
BOGUS = "servicelint_bogus"
PROTO = """
syntax = "proto3";
package {package};
message Nothing {}
service Peer {
  rpc UnaryUnary(Nothing) returns (Nothing);
  rpc UnaryStream(Nothing) returns (stream Nothing);
  rpc StreamUnary(stream Nothing) returns (Nothing);
  rpc StreamStream(stream Nothing) returns (stream Nothing);
}
"""


# --- names ----------------------------------------------------------------------------------------


def names(library: Library, _: Mapping[str, int]) -> Iterator[str]:
    """What is named exists: classes, functions that make channels, methods, aliases."""
    for name, entry in (*library.clients.items(), *library.details.items()):
        if not inspect.isclass(resolve(name)):
            yield f"{name} is no class"
        for alias in entry.aliases:
            if resolve(alias) is not resolve(name):
                yield f"{alias} is not {name}"
    for name in library.channels:
        if not callable(resolve(name)):  # a function, or the channel's own class
            yield f"{name} makes nothing"


def methods(library: Library, _: Mapping[str, int]) -> Iterator[str]:
    """What is named as a method is one."""
    for name in library.remaining:
        if list(inspect.signature(resolve(name)).parameters) != ["self"]:
            yield f"{name} takes arguments"
    for remote in remotes_of(library):
        if not callable(getattr(_real_class(remote), remote.name, None)):
            yield f"{remote.label} is no method"


def _real_class(remote: Remote) -> Any:
    """The class itself, or what gRPC's abstract one is in use."""
    return resolve(remote.owner)


def shown_names(library: Library, _: Mapping[str, int]) -> Iterator[str]:
    """A title is a function of the library that makes such an object."""
    for name, client in library.clients.items():
        if client.title and client.title not in client.factories:
            yield f"{name} is shown as {client.title}, which does not make it"


def meanings(library: Library, _: Mapping[str, int]) -> Iterator[str]:
    """Every meaning that is named is defined, and the other way round."""
    used = {parameter.meaning for _, parameter in _parameters(library)}
    yield from (f"meaning {name}" for name in used ^ set(library.meanings))


def _parameters(library: Library) -> Iterator[tuple[Callable[..., Any], TimeoutParameter]]:
    for remote in remotes_of(library):
        if remote.timeout:
            yield getattr(_real_class(remote), remote.name), remote.timeout
    for name, client in library.clients.items():
        if client.constructor:
            yield resolve(name).__init__, client.constructor


def parameters(library: Library, _: Mapping[str, int]) -> Iterator[str]:
    """A timeout's keyword is a parameter, at its position or by name only; so are those in its place."""
    for function, parameter in _parameters(library):
        signature = inspect.signature(function)
        if parameter.keyword not in signature.parameters:
            yield f"{function.__qualname__} has no parameter {parameter.keyword}"
        elif _position(signature, parameter.keyword) != parameter.position:
            yield f"{function.__qualname__} takes {parameter.keyword} elsewhere"
        yield from (
            f"{function.__qualname__}: no {name}"
            for name in parameter.instead
            if name not in signature.parameters
        )


def _position(signature: inspect.Signature, name: str) -> int | None:
    """Where a parameter can be given by position, ``self`` not counted."""
    by_position = [
        each.name
        for each in signature.parameters.values()
        if each.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ]
    by_position = by_position[1:] if by_position[:1] == ["self"] else by_position
    return by_position.index(name) if name in by_position else None


def refusals(library: Library, ports: Mapping[str, int]) -> Iterator[str]:
    """A call takes its timeout's keyword, and refuses one that doesn't exist."""
    for remote in remotes_of(library):
        if remote.timeout is None:
            continue
        make(remote, Call(ports, PROMPT, keywords={remote.timeout.keyword: SECONDS}))
        try:
            make(remote, Call(ports, PROMPT, keywords={BOGUS: SECONDS}))
        except TypeError:
            continue
        yield f"{remote.label} takes any keyword"


def blocking(library: Library, ports: Mapping[str, int]) -> Iterator[str]:
    """A call ends in a thread without an event loop, or has to be awaited, as the catalog says."""
    for remote in remotes_of(library):
        yield from _answered(remote, ports)


def _answered(remote: Remote, ports: Mapping[str, int]) -> Iterator[str]:
    try:
        make(remote, Call(ports, PROMPT))
    except Exception as error:  # noqa: BLE001 - which one depends on the fact that is wrong
        yield f"{remote.label}: {error!r}"


def absent(library: Library, _: Mapping[str, int]) -> Iterator[str]:
    """What HTTP clients may have these have not."""
    for name, client in library.clients.items():
        stated = (client.transport, client.mounting, client.default_seconds, client.default_kind, client.site)
        if stated != ("", None, None, None, "method"):
            yield f"{name}: {stated}"
        for method in client.methods:
            if method.through or method.url is not None or method.inherits:
                yield f"{name}.{method.names}: {method}"


def others(library: Library, ports: Mapping[str, int]) -> Iterator[str]:
    """A deadline that has passed ends a call at once, given by any keyword that may stand for the timeout."""
    for remote in remotes_of(library):
        constructor = remote.client.constructor
        for keyword in remote.timeout.instead if remote.timeout else ():
            yield from _ends_at_once(remote, Call(ports, PROMPT, keywords={keyword: _passed()}), keyword)
        for keyword in constructor.instead if constructor else ():
            call = Call(ports, PROMPT, client_keywords={keyword: _passed()})
            yield from _ends_at_once(remote, call, keyword)


def _passed() -> Any:
    """A deadline that has passed."""
    return resolve("grpclib.metadata.Deadline").from_timeout(0)


def attributes(library: Library, ports: Mapping[str, int]) -> Iterator[str]:
    """A client's attribute holds what it was built with, and counts."""
    for name, client in library.clients.items():
        if client.attribute and client.constructor is None:
            yield f"{name} is built without a timeout"
    for remote in remotes_of(library):
        client = remote.client
        if not client.attribute or client.constructor is None:
            continue

        def prepare(made: Any, client: Client = client) -> None:
            assert client.constructor is not None
            if getattr(made, client.attribute) != SECONDS:
                raise AttributeError(client.attribute)
            setattr(made, client.attribute, 0)

        call = Call(ports, PROMPT, client_keywords={client.constructor.keyword: SECONDS}, prepare=prepare)
        yield from _ends_at_once(remote, call, client.attribute)


def _ends_at_once(remote: Remote, call: Call, what: str) -> Iterator[str]:
    try:
        make(remote, call)
    except TimeoutError:
        return
    yield f"{remote.label}: {what} counts for nothing"


# --- what makes what ------------------------------------------------------------------------------


def makers(library: Library, ports: Mapping[str, int]) -> Iterator[str]:
    """A factory makes the client, a channel's method the class of a remote method."""
    for name, client in library.clients.items():
        for factory in client.factories:
            made = _made_by(factory, ports)
            if not isinstance(made, resolve(name)):
                yield f"{factory} makes {type(made)}"
        for method in client.methods:
            for each in method.names if method.returns else ():
                made = getattr(_made_by(client.factories[0], ports), each)(path(PROMPT, each))
                if not isinstance(made, resolve(method.returns)) or type(made).__mro__[1:] == (object,):
                    yield f"{name}.{each} makes {type(made)}"


def _made_by(factory: str, ports: Mapping[str, int], **keywords: Any) -> Any:
    """What a factory makes, with whatever it needs before."""
    function, grpc = resolve(factory), resolve("grpc")
    leading: list[Any] = [f"127.0.0.1:{ports['grpc']}"]
    if factory.endswith("secure_channel") and not factory.endswith("insecure_channel"):
        leading.append(grpc.local_channel_credentials())
    if next(iter(inspect.signature(function).parameters)) == "channel":
        leading = [grpc.insecure_channel(leading[0])]
    if factory == "grpc.intercept_channel":
        leading.append(_spy("grpc.ClientCallDetails", []))
    return _in_a_loop(lambda: function(*leading, **keywords))


def _in_a_loop(make_it: Callable[[], Any]) -> Any:
    async def making() -> Any:
        return make_it()

    return asyncio.run(making())


def arities(library: Library, ports: Mapping[str, int]) -> Iterator[str]:
    """Remote methods stream as it is said: as the channel's method that makes them, and as their name is."""
    makes = {
        method.returns: name
        for client in library.clients.values()
        for method in client.methods
        for name in method.names
        if method.returns
    }
    for name, client in library.clients.items():
        camel = "".join(part.title() for part in (client.arity or "").split("_"))
        if client.arity and not name.rpartition(".")[2].startswith(camel):
            yield f"{name} does not stream as {client.arity}"
        if name in makes and makes[name] != client.arity:
            yield f"{name} is made by {makes[name]}"
        for method in client.methods:
            named = [each.removeprefix("_") for each in method.names if each.removeprefix("_") in ARITIES]
            if not method.returns and named != ([method.arity] if method.arity else []):
                yield f"{method.names} do not stream as {method.arity}"


# --- channels -------------------------------------------------------------------------------------


def channels(library: Library, ports: Mapping[str, int]) -> Iterator[str]:
    """What a channel's maker is given arrives: options, interceptors, the channel that it is built around."""
    for name, channel in library.channels.items():
        for field in ("target", "options", "interceptors", "wraps"):
            slot: Slot | None = getattr(channel, field)
            if slot is not None:
                yield from _slot_of(name, field, slot)
        yield from _unstated(name, channel)
        if channel.options:
            yield from _config_arrives(library, name, channel, ports)
        if channel.interceptors:
            yield from _interceptor_arrives(library, name, channel, ports)


def _slot_of(name: str, field: str, slot: Slot) -> Iterator[str]:
    signature = inspect.signature(resolve(name))
    if slot.rest:
        last = list(signature.parameters.values())[slot.position or 0 :][:1]
        if not last or last[0].kind is not inspect.Parameter.VAR_POSITIONAL or slot.keyword:
            yield f"{name} takes its {field} otherwise"
    elif slot.keyword not in signature.parameters or _position(signature, slot.keyword) != slot.position:
        yield f"{name} takes its {field} elsewhere"


def _unstated(name: str, channel: Channel) -> Iterator[str]:
    """Every parameter of these names is stated."""
    for field, parameter in (("options", "options"), ("interceptors", "interceptors"), ("wraps", "channel")):
        if (parameter in inspect.signature(resolve(name)).parameters) != (
            getattr(channel, field) is not None
        ):
            yield f"{name}: {field}"


def _channel_class(library: Library, name: str) -> Any:
    return next(client for client in library.clients.values() if name in client.factories)


def _config_arrives(library: Library, name: str, channel: Channel, ports: Mapping[str, int]) -> Iterator[str]:
    """A service config under the option's name is read: one that can't be is refused."""
    assert channel.options is not None
    client = _channel_class(library, name)
    given = {channel.options.keyword: [(client.service_config, BAD_CONFIG)]}
    status = _status_of(library, client, name, ports, given)
    if "INVALID_ARGUMENT" not in status:
        yield f"{name} with a bad {client.service_config}: {status}"


def _interceptor_arrives(
    library: Library, name: str, channel: Channel, ports: Mapping[str, int]
) -> Iterator[str]:
    for details, described in library.details.items():
        if (".aio." in details) != (".aio." in name):
            continue
        for arity in ARITIES:
            noted: list[Any] = []
            _intercepted(name, channel, ports, arity, _spy(details, noted, described.hook))
            yield from _told(f"{name} {arity}", details, described, noted)


def _told(label: str, name: str, described: CallDetails, noted: list[Any]) -> Iterator[str]:
    """What an interceptor was told is as described."""
    if len(noted) != 1:
        yield f"{label}: the interceptor saw {len(noted)} calls"
        return
    [told] = noted
    details = told[described.details]
    if not callable(told[described.continuation]) or not isinstance(details, resolve(name)):
        yield f"{label}: the interceptor was told {told}"
    elif getattr(details, described.timeout.keyword) != SECONDS:
        yield f"{label}: the timeout is elsewhere"
    elif details[described.timeout.position or 0] != SECONDS:
        yield f"{label}: the timeout is at another position"
    elif getattr(getattr(details, described.replace)(timeout=1), "timeout", 0) != 1:
        yield f"{label}: not replaced"


def _spy(details: str, noted: list[Any], hook: str = "intercept_") -> Any:
    """An interceptor of every kind that notes what it is told."""
    module = details.rpartition(".")[0]
    kinds = ["UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream"]

    def intercept(_self: Any, *told: Any) -> Any:
        noted.append(told)
        return next(each for each in told if callable(each))(*told[1:])

    async def intercept_async(_self: Any, *told: Any) -> Any:
        noted.append(told)
        return await next(each for each in told if callable(each))(*told[1:])

    is_async = ".aio" in module
    if not is_async:
        members = {f"{hook}{arity}": intercept for arity in ARITIES}
        return type("Spy", tuple(resolve(f"{module}.{kind}ClientInterceptor") for kind in kinds), members)()
    return [
        type("Spy", (resolve(f"{module}.{kind}ClientInterceptor"),), {f"{hook}{arity}": intercept_async})()
        for kind, arity in zip(kinds, ARITIES, strict=True)
    ]


def _intercepted(name: str, channel: Channel, ports: Mapping[str, int], arity: str, spy: Any) -> None:
    """Make a call over a channel with an interceptor, given where the catalog says."""
    slot = channel.interceptors
    assert slot is not None
    target, credentials = f"127.0.0.1:{ports['grpc']}", resolve("grpc").local_channel_credentials()
    fillers = [target, credentials, None, None] if name.endswith(".secure_channel") else [target, None, None]
    if slot.rest:
        arguments = [resolve("grpc").insecure_channel(target), *[spy] * 1]
        _call_blocking(resolve(name)(*arguments[: (slot.position or 0) + 1]), arity)
        return
    asyncio.run(_call_awaited(lambda: resolve(name)(*fillers[: slot.position], spy), arity))


def _request(arity: str) -> Any:
    return iter([EMPTY]) if arity.startswith("stream") else EMPTY


def _call_blocking(channel: Any, arity: str, method: str = PROMPT) -> None:
    made = getattr(channel, arity)(path(method, arity))(_request(arity), timeout=SECONDS)
    if arity.endswith("_stream"):
        list(made)


async def _call_awaited(make_channel: Callable[[], Any], arity: str) -> None:
    async with make_channel() as channel:
        made = getattr(channel, arity)(path(PROMPT, arity))(_request(arity), timeout=SECONDS)
        if arity.endswith("_stream"):
            async for _ in made:
                pass
        else:
            await made


def _status_of(
    library: Library, client: Any, name: str, ports: Mapping[str, int], given: dict[str, Any]
) -> str:
    try:
        if client.blocking:
            _call_blocking(_made_by(name, ports, **given), "unary_unary")
        else:
            target = [f"127.0.0.1:{ports['grpc']}"]
            if name.endswith(".secure_channel"):
                target.append(resolve("grpc").local_channel_credentials())
            asyncio.run(_call_awaited(lambda: resolve(name)(*target, **given), "unary_unary"))
    except resolve("grpc.RpcError") as error:
        return str(error.code())
    return "answered"


# --- what is generated for servers -------------------------------------------------------------


def servers(library: Library, _: Mapping[str, int]) -> Iterator[str]:
    """The generated classes for servers, and their modules, are called as is said, and inherit so."""
    for pattern in library.generated:
        [*classes] = _of_base(pattern.base) if pattern.base else _of_servers(pattern.module_suffix)
        if not any(each == f"Peer{pattern.class_suffix}" for each in classes):
            yield f"generated are {classes}"
        yield from (f"nothing imports {each}" for each in pattern.beside if resolve(each) is None)


def _of_servers(suffix: str) -> Iterator[str]:
    """The classes for servers in the generated modules whose names end like this."""
    modules = [generated(each) for each in PLUGINS]
    for module in modules:
        if suffix and module.__name__.partition("_")[2].partition("_")[2] == suffix.lstrip("_"):
            stated = {name for name in vars(module) if name.startswith("Peer")}
            yield from stated - {"PeerStub", "Peer"}


def _of_base(name: str) -> Iterator[str]:
    """The same for betterproto, whose compiler is not installed, by the template that it fills in."""
    base = resolve(name)
    templates = (Path(inspect.getfile(resolve(name.partition(".")[0]))).parent / "templates").iterdir()
    text = "".join(each.read_text("utf-8") for each in templates)
    if f"from {base.__module__} import {base.__name__}" in text:
        found = re.findall(rf"class {{{{ service.py_name }}}}(\w+)\({base.__name__}\)", text)
        yield from (f"Peer{each}" for each in found)


# --- stubs ----------------------------------------------------------------------------------------


def stubs(library: Library, _: Mapping[str, int]) -> Iterator[str]:
    """The generated code has the names, the constructor and the methods that the catalog says."""
    for stub in library.stubs.values():
        module = generated(library.library)
        if not module.__name__.endswith(stub.module) or module.__name__ == stub.module:
            yield f"the generated module is called {module.__name__}"
        signature = inspect.signature(module.PeerStub.__init__)
        if _position(signature, stub.channel.keyword) != stub.channel.position:
            yield f"a stub takes its channel elsewhere: {signature}"
        for channel, methods in stub.methods.items():
            yield from _methods_of(module, channel, methods, stub)


def _methods_of(module: Any, channel: str, methods: Mapping[str, str], stub: Stub) -> Iterator[str]:
    made = _in_a_loop(lambda: module.PeerStub(**{stub.channel.keyword: CHANNELS[channel]()}))
    source = inspect.getsource(module)
    words = dict(re.findall(r"self\.(\w+) = [\w.]*?\.?(\w+)\(", source))
    if set(words.values()) != set(methods):
        yield f"the generated code makes methods by {set(words.values())}"
        return
    for name, word in words.items():
        if not isinstance(getattr(made, name), resolve(methods[word])):
            yield f"{name} over {channel} is a {type(getattr(made, name))}"


CHANNELS: dict[str, Callable[[], Any]] = {
    "grpc.Channel": lambda: resolve("grpc").insecure_channel("127.0.0.1:1"),
    "grpc.aio.Channel": lambda: resolve("grpc.aio").insecure_channel("127.0.0.1:1"),
    "grpclib.client.Channel": lambda: resolve("grpclib.client").Channel("127.0.0.1", 1),
}
PLUGINS = {"grpc": "grpc_python", "grpclib": "grpclib_python"}


@functools.cache
def generated(library: str) -> Any:
    """The module that the library's generator makes of :data:`PROTO`."""
    folder = Path(tempfile.mkdtemp())
    (folder / f"peer_{library}.proto").write_text(PROTO.replace("{package}", library))
    subprocess.run(
        [
            *(sys.executable, "-m", "grpc_tools.protoc", "-I.", "--python_out=."),
            *(f"--{PLUGINS[library]}_out=.", f"peer_{library}.proto"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
        # The generators that this process would import, wherever it was told to look for them.
        env={"PATH": str(Path(sys.executable).parent), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    sys.path.insert(0, str(folder))
    ending = "_pb2_grpc" if library == "grpc" else "_grpc"
    return importlib.import_module(f"peer_{library}{ending}")


CHECKS: tuple[Callable[[Library, Mapping[str, int]], Iterator[str]], ...] = (
    names, methods, shown_names, meanings, parameters, refusals, blocking, absent, others, attributes, makers,
    arities, channels, servers, stubs,
)  # fmt: skip
