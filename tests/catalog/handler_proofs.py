"""What the catalog says of frameworks, held against the real ones: names, positions, keywords, methods.

What each framework runs for a whole application is shown in ``tests/handlers``.
"""

from __future__ import annotations

import fnmatch
import inspect
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servicelint.catalog.inbound import VERBS
from tests.catalog.calls import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from servicelint.catalog.inbound import App, HandlerClass, Registration
    from servicelint.catalog.model import Library

PATHS = {"path", "prefix", "rule", "uri", "uri_template", "url", "urls"}
"""What frameworks call the parameter that takes a path; Django calls it ``route``, its first one."""
HANDLERS = {
    "action", "behavior", "callback", "cls", "dependency", "endpoint", "f", "fn", "func", "function",
    "handler", "middleware_class", "on_message_callback", "resource", "subscriber", "tween_factory", "view",
    "view_func", "viewset",
}  # fmt: skip
"""What they call the parameter that takes a handler. Starlette calls it ``route``, its second one."""
HANDLERS_IN_FRONT = {"middleware", "sink"}
"""The same, where it is the first one: further on it takes a list."""
TAKE_ANYTHING = {"args", "kwargs", "options", "settings"}
SERVED = {"__call__", "listen", "main", "make_wsgi_app", "run", "urls", "wait_for_termination", "worker_main"}
"""What makes an application be served; a part of one has none of these, or is called a router."""
HOOKED = {
    "after", "authentication", "before", "depends", "error", "errorhandler", "exception", "forbidden", "hook",
    "interceptor", "middleware", "notfound", "on", "permission", "preprocessor", "processor", "provide",
    "subscriber", "teardown", "tween",
}  # fmt: skip
"""Words in a library's own names of what is run on the way of a request."""
QUEUES = ("celery.", "dramatiq.", "faust.", "kombu.", "nameko.events.", "nameko.messaging.", "pika.")
REMOTE_CALLS = ("grpc.", "nameko.rpc.")
WITHDRAWN = {
    "celery.decorators.task", "celery.task.Task",  # before Celery 5
    "connexion.AioHttpApp",  # before Connexion 3
    "django.conf.urls.url",  # before Django 4
    "mcp.server.fastmcp.FastMCP", "mcp.server.fastmcp.server.FastMCP",  # before MCP 2, as the methods below
    *(f"mcp.server.lowlevel.Server.{name}" for name in (
        "call_tool", "list_tools", "read_resource", "list_resources", "list_resource_templates", "get_prompt",
        "list_prompts", "completion")),
    "rest_framework.decorators.detail_route", "rest_framework.decorators.list_route",  # before 3.10
    *(f"starlette.applications.Starlette.{name}" for name in (
        "route", "websocket_route", "add_websocket_route", "middleware", "exception_handler")),  # before 1.0
}  # fmt: skip
"""What only releases before the installed ones have."""


class Unknown(Exception):
    """The installed release doesn't have it, so that nothing can be said."""


# --- the real library -----------------------------------------------------------------------------


def found(name: str) -> Any:
    """What a name stands for; None if the library has nothing by that name.

    Raises:
        Unknown: if the library itself isn't installed.
    """
    try:
        return resolve(name)
    except AttributeError:
        return None
    except ImportError:
        try:
            resolve(name.partition(".")[0])
        except ImportError:
            raise Unknown(name) from None
        return None


def parameters_of(function: Callable[..., Any]) -> list[str]:
    """The names of what a callable takes, ``self`` left out; or its class, if all is handed on to that."""
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    owner = getattr(function, "__self__", None)
    return parameters_of(owner) if inspect.isclass(owner) and names == ["args", "kwargs"] else names


def family(library: Library, name: str) -> list[Any]:
    """The real classes that an application's entry stands for, and those whose entries are like it."""
    likes = [library.apps[name].like] + [each for each, app in library.apps.items() if app.like == name]
    entries = [name, *(each for each in likes if each in library.apps)]
    names = [each for one in entries for each in (one, *library.apps[one].aliases)]
    return [each for each in map(known, names) if each is not None]


def known(name: str) -> Any:
    """The same as ``found``, None as well where the library isn't installed."""
    try:
        return found(name)
    except Unknown:
        return None


@cache
def words_of(package: str) -> frozenset[str]:
    """The words in the sources of an installed package: it looks up hooks by their names."""
    place = Path(sys.modules[package].__file__ or "")
    files = place.parent.rglob("*.py") if place.name == "__init__.py" else [place]
    return frozenset(
        word for file in files for word in re.findall(r"\w+", file.read_text("utf-8", "replace"))
    )


# --- proofs ---------------------------------------------------------------------------------------


def complaints(library: Library) -> Iterator[str]:
    """What the real library contradicts in what is said of its handlers."""
    for name, app in library.apps.items():
        yield from _missing((name, *app.aliases, *app.factories, *app.returns.values()))
        yield from _of_app(library, name, app)
        yield from _standing(name, app)
    for name, registration in library.registrars.items():
        names = (name, *registration.aliases)
        yield from _missing(names)
        yield from _of_kind(name, registration.kind, keyword=registration.keyword, route=registration.route)
        for each in filter(None, map(known, names)):
            if callable(each):
                yield from _of_registration(each, registration)
                yield from _unnamed([each], registration.methods)
    for name, handler_class in library.handler_classes.items():
        yield from _missing((name, *handler_class.aliases))
        yield from _of_kind(name, handler_class.kind)
        yield from _of_class(name, handler_class)


def _standing(name: str, app: App) -> Iterator[str]:
    """What contradicts that it is the application itself or a part of it, and which one it is like."""
    klass = known(name)
    if klass is not None:
        has = {each for base in klass.__mro__ for each in vars(base)}
        served = SERVED & has if not klass.__name__.endswith("Router") else ()
        if app.is_root is not bool(served):
            yield f"{name} is an application or a part of one: {served}"
    likened = known(app.like) if app.like else None
    if app.like and likened is None:
        yield f"there is no {app.like}"


def _of_kind(name: str, kind: str, *, keyword: str = "", route: int | None = None) -> Iterator[str]:
    """What the library's own names contradict in what code is said to be run for."""
    told = kind_told(name, keyword, route)
    if kind != told:
        yield f"{name} is for a {told}"


def kind_told(name: str, keyword: str, route: int | None) -> str:
    """What code is run for, by the name of what registers it and of the argument that takes it."""
    told = f"{name.rpartition('.')[2]} {keyword}"
    words = {each.lower() for each in re.findall("[A-Z]?[a-z]+", told)}
    if name.startswith(QUEUES) and route is None:
        return "message"
    if name.startswith("mcp.") and route is None:
        return "tool"
    if words & HOOKED and route is None:
        return "hook"
    if "websocket" in told.lower():
        return "websocket"
    return "rpc" if name.startswith(REMOTE_CALLS) else "request"


def _missing(names: tuple[str, ...]) -> Iterator[str]:
    return (f"there is no {name}" for name in names if is_missing(name) and name not in WITHDRAWN)


def is_missing(name: str) -> bool:
    """Whether the library is here and has nothing by that name."""
    try:
        return found(name) is None
    except Unknown:
        return False


def _of_app(library: Library, name: str, app: App) -> Iterator[str]:
    classes = family(library, name)
    if not classes:
        return
    methods = {each: registration for registration in app.registrations for each in registration.names}
    for method in app.returns:
        if not any(hasattr(klass, method) for klass in classes):
            yield f"{name} has no {method}"
    for method, registration in methods.items():
        if f"{name}.{method}" in WITHDRAWN and not hasattr(classes[0], method):
            continue
        having = [getattr(klass, method) for klass in classes if callable(getattr(klass, method, None))]
        if not having:
            yield f"{name} has no {method}"
        else:
            yield from _of_registration(having[0], registration)
            yield from _unnamed(classes[:1], registration.methods)
        yield from _of_kind(
            f"{name}.{method}", registration.kind, keyword=registration.keyword, route=registration.route
        )


def _of_registration(function: Callable[..., Any], registration: Registration) -> Iterator[str]:
    parameters = parameters_of(function)
    route, handler = positions(parameters)
    if registration.kind != "tool" and registration.route != route:
        yield f"{function}: its path is not at {registration.route} of {parameters}"
    if registration.handler != handler:
        yield f"{function}: its handler is not at {registration.handler} of {parameters}"
    named = {*parameters}
    if TAKE_ANYTHING & named:
        named |= HANDLERS | HANDLERS_IN_FRONT
    if registration.keyword and registration.keyword not in named:
        yield f"{function} takes no {registration.keyword}"
    if registration.keyword in parameters and handler not in (None, parameters.index(registration.keyword)):
        yield f"{function}: {registration.keyword} is not what takes the handler"


def positions(parameters: list[str]) -> tuple[int | None, int | None]:
    """The positions of path and handler, by the parameters' names."""
    paths = [at for at, name in enumerate(parameters) if name in PATHS or (name == "route" and at == 0)]
    handlers = [
        at
        for at, name in enumerate(parameters)
        if name in HANDLERS or (name in HANDLERS_IN_FRONT and at == 0) or (name == "route" and at == 1)
    ]
    if "view_func" in parameters:  # Flask's endpoint is a name
        handlers = [parameters.index("view_func")]
    return next(iter(paths), None), next(iter(handlers), None)


def _of_class(name: str, described: HandlerClass) -> Iterator[str]:
    klass = known(name)
    if klass is not None:
        yield from _unnamed(klass.__mro__, (*described.methods, *described.hooks))


def _unnamed(owners: Sequence[Any], methods: tuple[str, ...]) -> Iterator[str]:
    """The methods that the sources of their owners' packages don't name, HTTP's own left out."""
    packages = {each.__module__.partition(".")[0] for each in owners} - {"builtins"}
    words = frozenset[str]().union(*map(words_of, packages))
    for method in {*methods} - {*VERBS}:
        if method not in words and not ("*" in method and fnmatch.filter(words, method)):
            yield f"{owners[0]}: nothing names {method}"
