"""What the catalog says of single symbols that carry ids, held against the real ones.

A check takes the library and the name of an entry, and yields a complaint for every fact that is not so.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement

from servicelint.catalog.shipped import shipped_libraries
from tests.request_ids.services import ID, SPAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from servicelint.catalog.correlation import Instrumentation
    from servicelint.catalog.model import Library

WITHDRAWN = {
    "asgi_correlation_id.extensions.celery.load_correlation_ids",
    "asgi_correlation_id.extensions.celery.load_celery_current_and_parent_ids",
}
"""Gone with asgi-correlation-id 5; a case installs an earlier version."""
WRAPPING = {"logfire.instrument_celery": "opentelemetry.instrumentation.celery.CeleryInstrumentor"}
"""What is another instrumentation in other clothes."""
EXTRACTING = ("extract(", "_start_internal_or_server_span(")
"""What OpenTelemetry's sources call to take an id over."""
INSPECTED = {"pika", "tornado"}
"""The clients that take over ids as well, which no case receives with."""


def libraries_of(requirement: str) -> set[str]:
    """The catalog's libraries that a distribution brings."""
    wanted = Requirement(requirement).name.lower().replace("_", "-")
    return {each.library for each in shipped_libraries() if each.distribution.lower() == wanted}


def complaints(library: Library, group: str, name: str) -> Iterator[str]:
    """What the real libraries contradict in one entry of a group."""
    entry = getattr(library, group)[name]
    _with_django()
    if group != "launchers":
        yield from (f"there is no {each}" for each in (name, *entry.aliases) if is_missing(each))
    if group == "instrumentations":
        yield from _of_instrumentation(library, name, entry)
    elif group != "launchers":
        yield from _of_held(group, (name, *entry.aliases))


def resolved(name: str) -> Any:
    """What a qualified name stands for: a module, or something in it.

    Raises:
        ImportError: if there is no such module.
        AttributeError: if it holds nothing so called.
    """
    module, _, rest = name, "", ""
    while module:
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name not in (module, module.partition(".")[0]) and not module.startswith(
                f"{error.name}."
            ):
                raise
            module, _, last = module.rpartition(".")
            rest = f"{last}.{rest}" if rest else last
            continue
        for part in filter(None, rest.split(".")):
            found = getattr(found, part)
        return found
    raise ImportError(name)


def is_missing(name: str) -> bool:
    """Whether a library that is installed has nothing by that name."""
    package = name.partition(".")[0]
    pytest.importorskip("opentelemetry.instrumentation" if package == "opentelemetry" else package)
    if name in WITHDRAWN:
        return False
    try:
        resolved(name)
    except ModuleNotFoundError as error:  # what it is for may not be installed
        return package == (error.name or "").partition(".")[0]
    except (ImportError, AttributeError):
        return True
    return False


def _of_instrumentation(library: Library, name: str, entry: Instrumentation) -> Iterator[str]:
    if name in WITHDRAWN:
        return
    found = resolved(name)
    if entry.on_import is not inspect.ismodule(found):
        yield f"{name} is a module, or not"
    family = [found, *(resolved(each) for each in entry.aliases if entry.methods)]
    for method in entry.methods:
        if not any(callable(getattr(each, method, None)) for each in family):
            yield f"{name} has no {method}"
    if name.endswith("Instrumentor"):
        yield from _of_instrumentor(name, found, entry)
    if name in WRAPPING:
        wrapped = library.instrumentations[WRAPPING[name]]
        package = Path(inspect.getfile(resolved(name.partition(".")[0]))).parent
        sources = "".join(each.read_text("utf-8") for each in package.rglob(f"{name.rpartition('_')[2]}.py"))
        if (entry.covers, entry.continues) != (wrapped.covers, wrapped.continues):
            yield f"{name} does something else than what it wraps"
        if WRAPPING[name].rpartition(".")[2] not in sources:
            yield f"{name} does not wrap {WRAPPING[name]}"


def _of_instrumentor(name: str, found: Any, entry: Instrumentation) -> Iterator[str]:
    """An instrumentor of OpenTelemetry tells what it is for; its sources put ids on, and take them over."""
    told = [libraries_of(each) for each in found().instrumentation_dependencies()]
    if not INSPECTED & set().union(*told):
        return
    if not all(each & {*entry.covers} for each in told if each) or not {*entry.covers} <= set().union(*told):
        yield f"{name} is for {told}"
    sources = "".join(map(inspect.getsource, _modules_of(found)))
    if "inject(" not in sources:
        yield f"{name} puts no id on anything"
    publishing = {library.library for library in shipped_libraries() if library.queues}
    kind = "message" if publishing & {*entry.covers} else "request"
    taken_over = (kind,) if any(each in sources for each in EXTRACTING) else ()
    if entry.continues != taken_over:
        yield f"{name} takes over what comes in, or does not"


def _modules_of(found: Any) -> list[Any]:
    """The modules of the part of a package in which something is defined."""
    prefix = ".".join(found.__module__.split(".")[:3])
    return [each for name, each in sys.modules.items() if name.startswith(prefix) and each]


# --- what holds an id --------------------------------------------------------------------------------


@contextlib.contextmanager
def _in_trace() -> Iterator[None]:
    """Within a trace of OpenTelemetry that has the id."""
    from opentelemetry import context, propagate

    token = context.attach(propagate.extract({"traceparent": f"00-{ID}-{SPAN}-01"}))
    yield
    context.detach(token)


def _injected(inject: Callable[[dict[str, str]], object]) -> object:
    headers: dict[str, str] = {}
    with _in_trace():
        inject(headers)
    return headers


def _by_class(name: str) -> Callable[[], object]:
    return lambda: _injected(lambda headers: resolved(name)().inject(headers))


def _by_sentry() -> object:
    import sentry_sdk

    sentry_sdk.continue_trace({"sentry-trace": f"{ID}-{SPAN}-1"})
    return sentry_sdk.get_traceparent()


def _by_datadog() -> object:
    from ddtrace.propagation.http import HTTPPropagator
    from ddtrace.trace import Context

    headers: dict[str, str] = {}
    HTTPPropagator.inject(Context(trace_id=int(ID, 16), span_id=int(SPAN, 16), sampling_priority=1), headers)
    return headers


def _by_variable(name: str) -> Callable[[], object]:
    def kept() -> object:
        variable = resolved(name)
        token = variable.set(ID)
        try:
            return variable.get()
        finally:
            variable.reset(token)

    return kept


def _with_django() -> None:
    """Parts of Django's world can't be imported before it is set up."""
    pytest.importorskip("django_guid")
    from django.conf import settings

    from tests.request_ids.instrumentation_cases import guided

    if not settings.configured:
        guided()


def _by_guid() -> object:
    _with_django()
    import django_guid

    django_guid.set_guid(ID)
    return django_guid.get_guid()


def _by_starlette_context() -> object:
    import starlette_context

    with starlette_context.request_cycle_context({"X-Request-ID": ID}):
        return starlette_context.context.data


def _by_structlog() -> object:
    import structlog

    with structlog.contextvars.bound_contextvars(), contextlib.ExitStack() as stack:
        structlog.contextvars.bind_contextvars(request_id=ID)
        stack.callback(structlog.contextvars.clear_contextvars)
        return structlog.contextvars.merge_contextvars(None, "", {})


def _filtered(name: str) -> object:
    """What a filter of the log writes on a line."""
    line = logging.makeLogRecord({})
    resolved(name)().filter(line)
    return vars(line)


def _by_filter(name: str) -> Callable[[], object]:
    def line() -> object:
        variable = resolved("asgi_correlation_id.correlation_id")
        token = variable.set(ID)
        try:
            return _filtered(name)
        finally:
            variable.reset(token)

    return line


def _by_guid_filter() -> object:
    _by_guid()
    return _filtered("django_guid.log_filters.CorrelationId")


def _by_loguru() -> object:
    from loguru import logger

    lines: list[object] = []
    sink = logger.add(lambda message: lines.append(message.record["extra"]), level="INFO")
    with logger.contextualize(request_id=ID):
        logger.info("a line")
    logger.remove(sink)
    return lines


def _by_instrumented_log() -> object:
    from opentelemetry.instrumentation.logging import LoggingInstrumentor

    LoggingInstrumentor().instrument(set_logging_format=True)
    try:
        with _in_trace():
            return vars(logging.getLogRecordFactory()("", logging.INFO, "", 1, "a line", (), None))
    finally:
        LoggingInstrumentor().uninstrument()


HELD: Mapping[str, tuple[str, Callable[[], object]]] = {
    "opentelemetry.propagate.inject": (
        "injectors", lambda: _injected(resolved("opentelemetry.propagate.inject"))
    ),
    "opentelemetry.trace.propagation.tracecontext.TraceContextTextMapPropagator": (
        "injectors", _by_class("opentelemetry.trace.propagation.tracecontext.TraceContextTextMapPropagator")
    ),
    "sentry_sdk.get_traceparent": ("injectors", _by_sentry),
    "ddtrace.propagation.http.HTTPPropagator": ("injectors", _by_datadog),
    "asgi_correlation_id.correlation_id": (
        "context_keepers", _by_variable("asgi_correlation_id.correlation_id")
    ),
    "asgi_correlation_id.context.correlation_id": (
        "context_keepers", _by_variable("asgi_correlation_id.context.correlation_id")
    ),
    "django_guid.get_guid": ("context_keepers", _by_guid),
    "starlette_context.context": ("context_keepers", _by_starlette_context),
    "structlog.contextvars.bind_contextvars": ("context_keepers", _by_structlog),
    "asgi_correlation_id.CorrelationIdFilter": (
        "log_fields", _by_filter("asgi_correlation_id.CorrelationIdFilter")
    ),
    "asgi_correlation_id.log_filters.CorrelationIdFilter": (
        "log_fields", _by_filter("asgi_correlation_id.log_filters.CorrelationIdFilter")
    ),
    "django_guid.log_filters.CorrelationId": ("log_fields", _by_guid_filter),
    "structlog.contextvars.merge_contextvars": ("log_fields", _by_structlog),
    "loguru.logger.contextualize": ("log_fields", _by_loguru),
    "opentelemetry.instrumentation.logging.LoggingInstrumentor": ("log_fields", _by_instrumented_log),
}  # fmt: skip
"""What each is: an injector, a keeper or a field of the log; and how it is tried: the id is there then."""


def _of_held(group: str, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        kind, run = HELD.get(name, ("", None))
        if kind != group or run is None:
            yield f"{name} is none of {group}"
        elif ID not in str(run()) and ID[16:] not in str(run()):
            yield f"{name} has no id"
