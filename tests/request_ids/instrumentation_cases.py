"""How each instrumentation of the catalog is switched on, in a service of which framework."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.request_ids.instrumentations import configure_django, switched_on, tracing

if TYPE_CHECKING:
    from collections.abc import Callable


OTEL = "opentelemetry.instrumentation."
REQUESTS = f"{OTEL}requests.RequestsInstrumentor"


def nothing() -> None:
    """Switch nothing on."""


def same(app: Any) -> Any:
    """The application as it is."""
    return app


class Case(NamedTuple):
    """The framework of a service, what is done before the application is made, and what is done to it.

    ``command`` is what the service is started by, ``beside`` what else of the catalog is switched on.
    """

    framework: str
    before: Callable[[], None] = nothing
    after: Callable[[Any], Any] = same
    command: str = ""
    beside: tuple[str, ...] = ()


def quiet(case: str) -> dict[str, str]:
    """Settings that keep a case's agent from looking for a server of its own."""
    if case.startswith("opentelemetry"):
        return {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
    return {"DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false"}


def outbound(*names: str) -> Case:
    """Instrumentors of clients, beside that of Flask."""

    def before() -> None:
        tracing()
        for name in ("flask.FlaskInstrumentor", *names):
            switched_on(name)

    beside = ("flask.FlaskInstrumentor", *names)
    return Case("flask", before, beside=tuple(OTEL + name for name in beside))


def inbound(framework: str, name: str) -> Case:
    """The instrumentor of a framework, beside that of requests."""

    def before() -> None:
        tracing()
        switched_on("requests.RequestsInstrumentor")
        switched_on(name)

    return Case(framework, before, beside=(REQUESTS,))


def by_app(framework: str, name: str) -> Case:
    """The same by ``instrument_app``."""

    def before() -> None:
        tracing()
        switched_on("requests.RequestsInstrumentor")

    def after(app: Any) -> Any:
        switched_on(name, "instrument_app", app=app)
        return app

    return Case(framework, before, after, beside=(REQUESTS,))


def wrapped(framework: str, name: str) -> Case:
    """OpenTelemetry's middleware around an application."""

    def before() -> None:
        tracing()
        switched_on("requests.RequestsInstrumentor")

    def after(app: Any) -> Any:
        return importlib.import_module(f"opentelemetry.instrumentation.{name}").OpenTelemetryMiddleware(app)

    return Case(framework, before, after, beside=(REQUESTS,))


def called(name: str, framework: str = "flask", **options: Any) -> Case:
    """A function that switches everything on."""

    def before() -> None:
        module, _, function = name.rpartition(".")
        getattr(importlib.import_module(module), function)(**options)

    return Case(framework, before)


def imported(name: str) -> Case:
    """A module whose import switches everything on."""
    return Case("flask", lambda: void(importlib.import_module(name)))


def void(_: object) -> None:
    """Nothing."""


def elastic(app: Any) -> Any:
    from elasticapm.contrib.flask import ElasticAPM

    ElasticAPM(app, service_name="service", disable_send=True, cloud_provider=False)
    return app


def correlated(app: Any) -> Any:
    from asgi_correlation_id import CorrelationIdMiddleware

    app.add_middleware(CorrelationIdMiddleware, validator=None)
    return app


def contextual(app: Any) -> Any:
    from starlette_context import plugins
    from starlette_context.middleware import RawContextMiddleware

    app.add_middleware(
        RawContextMiddleware, plugins=(plugins.RequestIdPlugin(), plugins.CorrelationIdPlugin())
    )
    return app


def guided() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = ""
    configure_django("django_guid.middleware.guid_middleware")


def logged(name: str, **options: Any) -> Case:
    def before() -> None:
        import logfire

        logfire.configure(send_to_logfire=False, console=False)
        getattr(logfire, name)(**options)

    def after(app: Any) -> Any:
        import logfire

        logfire.instrument_flask(app)
        return app

    return Case("flask", before, after, beside=("logfire.instrument_flask",))


CASES: dict[str, Case] = {
    "nothing": Case("flask"),
    "outbound alone": Case(
        "flask", lambda: (tracing(), switched_on("requests.RequestsInstrumentor"))[1], beside=(REQUESTS,)
    ),
    f"{OTEL}requests.RequestsInstrumentor": outbound("requests.RequestsInstrumentor"),
    f"{OTEL}httpx.HTTPXClientInstrumentor": outbound("httpx.HTTPXClientInstrumentor"),
    f"{OTEL}aiohttp_client.AioHttpClientInstrumentor": outbound("aiohttp_client.AioHttpClientInstrumentor"),
    f"{OTEL}urllib3.URLLib3Instrumentor": outbound("urllib3.URLLib3Instrumentor"),
    f"{OTEL}urllib.URLLibInstrumentor": outbound("urllib.URLLibInstrumentor"),
    f"{OTEL}grpc.GrpcInstrumentorClient": outbound("grpc.GrpcInstrumentorClient"),
    f"{OTEL}celery.CeleryInstrumentor": outbound("celery.CeleryInstrumentor"),
    f"{OTEL}boto3sqs.Boto3SQSInstrumentor": outbound("boto3sqs.Boto3SQSInstrumentor"),
    f"{OTEL}threading.ThreadingInstrumentor": outbound(
        "requests.RequestsInstrumentor", "threading.ThreadingInstrumentor"
    ),
    f"{OTEL}tornado.TornadoInstrumentor": inbound("tornado", "tornado.TornadoInstrumentor"),
    f"{OTEL}fastapi.FastAPIInstrumentor": inbound("fastapi", "fastapi.FastAPIInstrumentor"),
    f"{OTEL}starlette.StarletteInstrumentor": inbound("starlette", "starlette.StarletteInstrumentor"),
    f"{OTEL}flask.FlaskInstrumentor": inbound("flask", "flask.FlaskInstrumentor"),
    f"{OTEL}django.DjangoInstrumentor": Case(
        "django",
        lambda: (
            tracing(),
            configure_django(),
            switched_on("requests.RequestsInstrumentor"),
            switched_on("django.DjangoInstrumentor"),
        )[0],
        beside=(REQUESTS,),
    ),
    f"{OTEL}falcon.FalconInstrumentor": inbound("falcon", "falcon.FalconInstrumentor"),
    f"{OTEL}pyramid.PyramidInstrumentor": inbound("pyramid", "pyramid.PyramidInstrumentor"),
    f"{OTEL}aiohttp_server.AioHttpServerInstrumentor": inbound(
        "aiohttp", "aiohttp_server.AioHttpServerInstrumentor"
    ),
    f"{OTEL}fastapi.FastAPIInstrumentor of an app": by_app("fastapi", "fastapi.FastAPIInstrumentor"),
    f"{OTEL}flask.FlaskInstrumentor of an app": by_app("flask", "flask.FlaskInstrumentor"),
    f"{OTEL}asgi.OpenTelemetryMiddleware": wrapped("starlette", "asgi"),
    f"{OTEL}wsgi.OpenTelemetryMiddleware": wrapped("pyramid", "wsgi"),
    f"{OTEL}auto_instrumentation.initialize": called(f"{OTEL}auto_instrumentation.initialize"),
    "ddtrace.patch_all": called("ddtrace.patch_all"),
    "ddtrace.auto": imported("ddtrace.auto"),
    "sentry_sdk.init": called("sentry_sdk.init", dsn="http://a@127.0.0.1:9/1"),
    "sentry_sdk.init with traces": called(
        "sentry_sdk.init", dsn="http://a@127.0.0.1:9/1", traces_sample_rate=1.0
    ),
    "instana": imported("instana"),
    "elasticapm.contrib.flask.ElasticAPM": Case("flask", nothing, elastic),
    "logfire.instrument_requests": logged("instrument_requests"),
    "logfire.instrument_httpx": logged("instrument_httpx"),
    "logfire.instrument_aiohttp_client": logged("instrument_aiohttp_client"),
    "logfire.instrument_celery": logged("instrument_celery"),
    "opentelemetry-instrument": Case("flask", command="opentelemetry-instrument"),
    "ddtrace-run": Case("flask", command="ddtrace-run"),
    "elasticapm-run": Case("flask", command="elasticapm-run"),
    "asgi_correlation_id.CorrelationIdMiddleware": Case("starlette", nothing, correlated),
    "starlette_context.middleware.RawContextMiddleware": Case("starlette", nothing, contextual),
    "django_guid.middleware.guid_middleware": Case("django", guided),
}
