"""How each instrumentation of the catalog is switched on, in a service of which framework."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.request_ids.clients import INTERCEPTORS, TRACE_CONFIGS
from tests.request_ids.services import SERVER_INTERCEPTORS, configure_django

if TYPE_CHECKING:
    from collections.abc import Callable


OTEL = "opentelemetry.instrumentation."
AUTO = f"{OTEL}auto_instrumentation.initialize"
REQUESTS = f"{OTEL}requests.RequestsInstrumentor"


def switched_on(name: str, method: str = "instrument", **options: Any) -> None:
    """Call a method of an OpenTelemetry instrumentor."""
    module, _, klass = f"opentelemetry.instrumentation.{name}".rpartition(".")
    getattr(getattr(importlib.import_module(module), klass)(), method)(**options)


def tracing() -> None:
    """The provider that OpenTelemetry needs, or nothing is sampled."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    trace.set_tracer_provider(TracerProvider())


def nothing() -> None:
    """Switch nothing on."""


def same(app: Any) -> Any:
    """The application as it is."""
    return app


class Case(NamedTuple):
    """The framework of a service, what is done before the application is made, and what is done to it.

    ``command`` is what the service is started by, ``beside`` what else of the catalog is switched on, and
    ``kept`` tells what a library keeps as the id while the request is handled. ``needs`` is what has to be
    installed for it alone.
    """

    framework: str
    before: Callable[[], None] = nothing
    after: Callable[[Any], Any] = same
    command: str = ""
    beside: tuple[str, ...] = ()
    kept: Callable[[], object] = nothing
    needs: str = ""


def quiet(case: str) -> dict[str, str]:
    """Settings that keep a case's agent from looking for a server of its own."""
    if case.startswith("opentelemetry"):
        return {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
    if case.startswith("newrelic"):
        settings = {
            "DEVELOPER_MODE": "true",
            "LICENSE_KEY": "0" * 40,
            "APP_NAME": "a",
            "STARTUP_TIMEOUT": "10",
        }
        return {f"NEW_RELIC_{name}": value for name, value in settings.items()}
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


def given(hooks: list[Any], name: str) -> Case:
    """What a function of OpenTelemetry makes is given to the client of its library."""

    def before() -> None:
        tracing()
        switched_on("flask.FlaskInstrumentor")
        module, _, function = f"{OTEL}{name}".rpartition(".")
        hooks.append(getattr(importlib.import_module(module), function)())

    return Case("flask", before, beside=(f"{OTEL}flask.FlaskInstrumentor",))


def served(name: str) -> Case:
    """A server of gRPC under OpenTelemetry: its instrumentor, or the interceptor that this function makes."""

    def before() -> None:
        tracing()
        switched_on("requests.RequestsInstrumentor")
        module, _, function = f"{OTEL}{name}".rpartition(".")
        found = getattr(importlib.import_module(module), function)
        if isinstance(found, type):
            found().instrument()
        else:
            SERVER_INTERCEPTORS.append(found())

    return Case("grpc", before, beside=(REQUESTS,))


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


def imported(name: str, framework: str = "flask") -> Case:
    """A module whose import switches everything on."""
    return Case(framework, lambda: void(importlib.import_module(name)))


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


def guided(*integrations: str) -> None:
    """Django with django-guid; its integrations are made before its settings are read."""
    os.environ["DJANGO_SETTINGS_MODULE"] = ""
    configure_django("django_guid.middleware.guid_middleware")
    from django.conf import settings

    made = [resolved(each)() for each in integrations]
    settings.DJANGO_GUID = {"INTEGRATIONS": made}


def resolved(name: str) -> Any:
    """What a qualified name stands for."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


def read(name: str, *method: str) -> Callable[[], object]:
    """What a library's variable holds, or its function returns."""
    return lambda: getattr(resolved(name), *method)() if method else resolved(name)()


def with_celery() -> None:
    resolved("asgi_correlation_id.extensions.celery.load_correlation_ids")()


def flask_with_id(app: Any) -> Any:
    resolved("flask_log_request_id.RequestID")(app)
    return app


def new_relic() -> None:
    import newrelic.agent

    newrelic.agent.initialize()
    newrelic.agent.register_application(timeout=10)


def logged(name: str, **options: Any) -> Case:
    """One of Logfire's, beside that of requests; that of a framework is given the application."""

    def before() -> None:
        import logfire

        logfire.configure(send_to_logfire=False, console=False)
        getattr(logfire, name)(**options)

    def after(app: Any) -> Any:
        import logfire

        logfire.instrument_flask(app)
        return app

    return Case("flask", before, after, beside=("logfire.instrument_flask",))


def logged_framework(framework: str) -> Case:
    """Logfire's instrumentation of a framework, beside that of requests."""

    def before() -> None:
        import logfire

        logfire.configure(send_to_logfire=False, console=False)
        logfire.instrument_requests()

    def after(app: Any) -> Any:
        getattr(resolved("logfire.DEFAULT_LOGFIRE_INSTANCE"), f"instrument_{framework}")(app)
        return app

    return Case(framework, before, after, beside=("logfire.instrument_requests",))


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
    f"{OTEL}pika.PikaInstrumentor": outbound("pika.PikaInstrumentor"),
    f"{OTEL}aio_pika.AioPikaInstrumentor": outbound("aio_pika.AioPikaInstrumentor"),
    f"{OTEL}kafka.KafkaInstrumentor": outbound("kafka.KafkaInstrumentor"),
    f"{OTEL}confluent_kafka.ConfluentKafkaInstrumentor": outbound(
        "confluent_kafka.ConfluentKafkaInstrumentor"
    ),
    f"{OTEL}aiokafka.AIOKafkaInstrumentor": outbound("aiokafka.AIOKafkaInstrumentor"),
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
    f"{OTEL}celery.CeleryInstrumentor in a worker": inbound("celery", "celery.CeleryInstrumentor"),
    f"{OTEL}fastapi.FastAPIInstrumentor in a worker": inbound("celery", "fastapi.FastAPIInstrumentor"),
    f"{OTEL}fastapi.FastAPIInstrumentor of an app": by_app("fastapi", "fastapi.FastAPIInstrumentor"),
    f"{OTEL}flask.FlaskInstrumentor of an app": by_app("flask", "flask.FlaskInstrumentor"),
    f"{OTEL}asgi.OpenTelemetryMiddleware": wrapped("starlette", "asgi"),
    f"{OTEL}wsgi.OpenTelemetryMiddleware": wrapped("pyramid", "wsgi"),
    AUTO: called(AUTO),
    f"{AUTO} for gRPC": called(AUTO, "grpc"),
    f"{AUTO} in a worker": called(AUTO, "celery"),
    "ddtrace.patch_all": called("ddtrace.patch_all"),
    "ddtrace.patch_all for gRPC": called("ddtrace.patch_all", "grpc"),
    "ddtrace.patch_all in a worker": called("ddtrace.patch_all", "celery"),
    "ddtrace.patch": called(
        "ddtrace.patch", flask=True, requests=True, httpx=True, aiohttp=True, grpc=True, botocore=True
    ),
    "ddtrace.auto": imported("ddtrace.auto"),
    "sentry_sdk.init": called("sentry_sdk.init", dsn="http://a@127.0.0.1:9/1"),
    "sentry_sdk.init with traces": called(
        "sentry_sdk.init", dsn="http://a@127.0.0.1:9/1", traces_sample_rate=1.0
    ),
    "sentry_sdk.init for gRPC": called("sentry_sdk.init", "grpc", dsn="http://a@127.0.0.1:9/1"),
    "sentry_sdk.init in a worker": called("sentry_sdk.init", "celery", dsn="http://a@127.0.0.1:9/1"),
    "instana": imported("instana"),
    "instana for gRPC": imported("instana", "grpc"),
    "instana in a worker": imported("instana", "celery"),
    "elasticapm.contrib.flask.ElasticAPM": Case("flask", nothing, elastic),
    "logfire.instrument_requests": logged("instrument_requests"),
    "logfire.instrument_httpx": logged("instrument_httpx"),
    "logfire.instrument_aiohttp_client": logged("instrument_aiohttp_client"),
    "logfire.instrument_celery": logged("instrument_celery"),
    "opentelemetry-instrument": Case("flask", command="opentelemetry-instrument"),
    "ddtrace-run": Case("flask", command="ddtrace-run"),
    "elasticapm-run": Case("flask", command="elasticapm-run"),
    "newrelic.agent.initialize": Case("flask", new_relic),
    "newrelic-admin run-program": Case("flask", command="newrelic-admin run-program"),
    f"{OTEL}aiohttp_client.create_trace_config": given(TRACE_CONFIGS, "aiohttp_client.create_trace_config"),
    f"{OTEL}grpc.client_interceptor": given(INTERCEPTORS, "grpc.client_interceptor"),
    f"{OTEL}grpc.GrpcInstrumentorServer": served("grpc.GrpcInstrumentorServer"),
    f"{OTEL}grpc.server_interceptor": served("grpc.server_interceptor"),
    "logfire.instrument_fastapi": logged_framework("fastapi"),
    "logfire.instrument_starlette": logged_framework("starlette"),
    "asgi_correlation_id.CorrelationIdMiddleware": Case(
        "starlette", nothing, correlated, kept=read("asgi_correlation_id.correlation_id", "get")
    ),
    "asgi_correlation_id.extensions.celery.load_correlation_ids": Case(
        "starlette", with_celery, correlated, beside=("asgi_correlation_id.CorrelationIdMiddleware",),
        kept=read("asgi_correlation_id.correlation_id", "get"), needs="asgi-correlation-id==4.3.4",
    ),
    "starlette_context.middleware.RawContextMiddleware": Case(
        "starlette", nothing, contextual, kept=read("starlette_context.context", "copy")
    ),
    "django_guid.middleware.guid_middleware": Case("django", guided, kept=read("django_guid.get_guid")),
    "django_guid.integrations.CeleryIntegration": Case(
        "django", lambda: guided("django_guid.integrations.CeleryIntegration"),
        beside=("django_guid.middleware.guid_middleware",), kept=read("django_guid.get_guid"),
    ),
    "flask_log_request_id.RequestID": Case(
        "flask", nothing, flask_with_id, kept=read("flask_log_request_id.current_request_id"),
        needs="flask==2.2.5 werkzeug==2.2.3",
    ),
}  # fmt: skip
