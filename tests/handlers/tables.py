"""What each framework itself says it would run: its table of routes, read at run time.

Run as ``python -m tests.handlers.tables NAME``, which prints the functions of one application, a line each.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VERBS = ("get", "head", "post", "put", "patch", "delete", "options")


def plain(function: Any) -> Any:
    """A function without what frameworks and decorators wrap around it."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif inspect.ismethod(function):
            function = function.__func__
        else:
            return function


def methods(klass: type, names: tuple[str, ...]) -> Iterator[Any]:
    """The methods of a class, or of its bases, with these names."""
    return (getattr(klass, name) for name in names if callable(getattr(klass, name, None)))


def werkzeug_views(app: Any) -> Iterator[Any]:
    """The views of Flask and Quart."""
    for view in app.view_functions.values():
        klass = getattr(plain(view), "view_class", None) or getattr(view, "view_class", None)
        if klass is None:
            yield view
        else:
            yield from methods(klass, (*VERBS, "dispatch_request"))


def starlette_endpoints(routes: Any) -> Iterator[Any]:
    """The endpoints of Starlette and FastAPI."""
    for route in routes:
        if getattr(route, "original_router", None) is not None:  # FastAPI keeps included routers as they are
            yield from starlette_endpoints(route.original_router.routes)
            continue
        endpoint = getattr(route, "endpoint", None)
        if endpoint is None:
            yield from starlette_endpoints(getattr(route, "routes", None) or [])
        elif isinstance(endpoint, type):
            yield from methods(endpoint, (*VERBS, "on_connect", "on_receive", "on_disconnect"))
        else:
            yield endpoint


def flask_app(module: Any) -> Iterator[Any]:
    return werkzeug_views(module.create_app())


def quart_app(module: Any) -> Iterator[Any]:
    return werkzeug_views(module.app)


restx_app = restful_app = quart_app


def fastapi_app(module: Any) -> Iterator[Any]:
    return starlette_endpoints(module.app.routes)


starlette_app = fastapi_app


def litestar_app(module: Any) -> Iterator[Any]:
    for route in module.app.routes:
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]:
            yield handler.fn


def django_views(patterns: Any) -> Iterator[Any]:
    """The views of Django, REST framework and Ninja."""
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from django_views(pattern.url_patterns)
            continue
        view = pattern.callback
        klass = getattr(view, "view_class", None) or getattr(view, "cls", None)
        kept = [cell.cell_contents for cell in getattr(view, "__closure__", None) or ()]
        operations = [each for path in kept for each in getattr(path, "operations", ())]
        if operations:
            yield from (operation.view_func for operation in operations)
        elif klass is None:
            yield view
        elif getattr(view, "actions", None):
            yield from methods(klass, tuple(view.actions.values()))
        elif klass.__qualname__ == "WrappedAPIView":
            yield from _closure(klass)
        else:
            yield from methods(klass, VERBS)


def _closure(klass: type) -> Iterator[Any]:
    """The function that REST framework's ``api_view`` made a class of."""
    handler = next(getattr(klass, name) for name in VERBS if hasattr(klass, name))
    yield from (cell.cell_contents for cell in handler.__closure__ if callable(cell.cell_contents))


def django_app(module: Any) -> Iterator[Any]:
    return django_views(module.urlpatterns)


def aiohttp_app(module: Any) -> Iterator[Any]:
    for route in module.create_app().router.routes():
        if isinstance(route.handler, type):
            yield from methods(route.handler, VERBS)
        else:
            yield route.handler


def sanic_app(module: Any) -> Iterator[Any]:
    for route in module.app.router.routes:
        klass = getattr(route.handler, "view_class", None)
        if klass is not None:
            yield from methods(klass, VERBS)
        elif isinstance(route.handler, functools.partial):  # a websocket's
            yield from (each for each in route.handler.args if callable(each))
        else:
            yield route.handler


def falcon_app(module: Any) -> Iterator[Any]:
    app = module.create_app()
    nodes = list(app._router._roots)
    while nodes:
        node = nodes.pop()
        nodes += node.children
        yield from (node.method_map or {}).values()
    yield from (sink for _, sink, _ in app._sinks)


def bottle_app(module: Any) -> Iterator[Any]:
    import bottle

    for app in (module.app, bottle.default_app()):
        yield from (route.callback for route in app.routes)


def tornado_app(module: Any) -> Iterator[Any]:
    for rule in module.create_app().wildcard_router.rules:
        yield from methods(rule.target, (*VERBS, "open", "on_message", "on_close"))


def pyramid_app(module: Any) -> Iterator[Any]:
    for view in module.create_app().registry.introspector.get_category("views"):
        described = view["introspectable"]
        function = described["callable"]
        yield getattr(function, described["attr"]) if described["attr"] else function


def connexion_app(module: Any) -> Iterator[Any]:
    yield from (module.find_order, module.place_order, module.health)


def mcp_app(module: Any) -> Iterator[Any]:
    server = module.server
    for manager in (server._tool_manager, server._resource_manager, server._prompt_manager):
        for name in ("_tools", "_templates", "_prompts"):
            yield from (each.fn for each in getattr(manager, name, {}).values())


def celery_app(module: Any) -> Iterator[Any]:
    module.app.finalize()
    yield from (task.run for task in module.app.tasks.values())


def consumers_app(module: Any) -> Iterator[Any]:
    yield from (module.on_order, *module.consume_parcels(_Nothing()).callbacks)


class _Nothing:
    """A connection to nowhere."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: self


def faust_app(module: Any) -> Iterator[Any]:
    yield from (agent.fun for agent in module.app.agents.values())


def nameko_app(module: Any) -> Iterator[Any]:
    from nameko.extensions import is_entrypoint

    klass = module.Orders
    for name in dir(klass):
        function = getattr(klass, name)
        if any(is_entrypoint(each) for each in getattr(function, "nameko_entrypoints", ())):
            yield function


def grpc_app(module: Any) -> Iterator[Any]:
    for handler in module.create_server()._state.generic_handlers:
        for method in handler._method_handlers.values():
            yield method.unary_unary or method.unary_stream


def grpclib_app(module: Any) -> Iterator[Any]:
    yield from (handler.func for handler in module.create_server()._mapping.values())


def module_of(name: str) -> str:
    """The module that holds an application's handlers."""
    return f"tests.handlers.apps.{name}{'.server' if name.startswith('grpc') else ''}"


def main(name: str) -> None:
    """Print the functions that one application would run."""
    module = importlib.import_module(module_of(name))
    table: Callable[[Any], Iterator[Any]] = globals()[name]
    found = {plain(function) for function in table(module)}
    names = {f"{each.__module__} {each.__qualname__}" for each in found if each.__module__ == module.__name__}
    print("\n".join(sorted(names)))


if __name__ == "__main__":
    main(sys.argv[1])
