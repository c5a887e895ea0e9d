"""The route tables of whole applications, read from the running framework.

``python -m tests.handlers.application_tables NAME`` prints the functions that one runs, a line each. A line
that begins with ``if routed`` is a method of a view class that no route names in this configuration: bases,
views that are switched off, what other packages route. It is run by
:mod:`tests.handlers.compare_applications`, in an environment where the application is installed.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.handlers.tables import VERBS, django_views, methods, plain, starlette_endpoints, werkzeug_views

if TYPE_CHECKING:
    from collections.abc import Iterator

ON_SOCKETS = ("open", "on_message", "on_close")
IF_ROUTED = "if routed "


def mlflow() -> Iterator[Any]:
    """Flask inside FastAPI; with log-in; and the small servers that it starts besides."""
    from unittest.mock import MagicMock

    os.environ["MLFLOW_FLASK_SERVER_SECRET_KEY"] = os.environ["MLFLOW_AUTH_ADMIN_PASSWORD"] = "none" * 4
    from mlflow.gateway.app import create_app_from_config
    from mlflow.gateway.config import GatewayConfig
    from mlflow.genai.agent_server import AgentServer
    from mlflow.pyfunc.scoring_server import init
    from mlflow.server import app
    from mlflow.server.auth import create_app
    from mlflow.server.fastapi_app import create_fastapi_app

    yield from werkzeug_views(app)
    yield from starlette_endpoints(create_fastapi_app().routes)
    yield from werkzeug_views(create_app(app))
    gateway = create_app_from_config(GatewayConfig(endpoints=[]))
    for small in (gateway, AgentServer("ResponsesAgent").app, init(MagicMock())):
        yield from starlette_endpoints(small.routes)


def prefect() -> Iterator[Any]:
    """FastAPI, in applications mounted on one another."""
    from unittest.mock import MagicMock, patch

    os.environ["PREFECT_SERVER_METRICS_ENABLED"] = os.environ["PREFECT_TEST_MODE"] = "true"
    from prefect.cli._cloud_utils import login_api
    from prefect.server.api import root
    from prefect.server.api.server import create_app
    from prefect.task_worker import create_status_server
    from prefect.workers import server

    with patch.object(server.uvicorn, "Config") as config:
        server.build_healthcheck_server(MagicMock(), 1)
    health = config.call_args.kwargs.get("app") or config.call_args.args[0]
    for app in (create_app(), login_api, create_status_server(MagicMock()), health, root.router):
        yield from _mounted(app.routes)


def _mounted(routes: Any) -> Iterator[Any]:
    for route in routes:
        inner = getattr(getattr(route, "app", None), "routes", None)
        if getattr(route, "endpoint", None) is None and inner is not None:
            yield from _mounted(inner)
        else:
            yield from starlette_endpoints([route])


def open_webui() -> Iterator[Any]:
    """FastAPI, with an application mounted for Ollama and one for sockets."""
    os.environ |= {"WEBUI_SECRET_KEY": "none", "DATA_DIR": str(Path.cwd()), "OFFLINE_MODE": "true"}
    os.environ |= {"ENABLE_SCIM": "true", "SCIM_AUTH_PROVIDER": "none", "FROM_INIT_PY": "true"}
    os.environ |= {"RAG_EMBEDDING_ENGINE": "openai"}
    from open_webui.main import app

    yield from _mounted(app.routes)


def jupyter_server() -> Iterator[Any]:
    """Tornado."""
    from jupyter_server.serverapp import ServerApp

    server = ServerApp()
    server.initialize(argv=["--no-browser", "--port=0", "--allow-root"])
    for router in (server.web_app.default_router, server.web_app.wildcard_router):
        for target in _targets(router):
            yield from methods(target, (*VERBS, *ON_SOCKETS))


def jupyter_server_views() -> Iterator[Any]:
    """Handlers of Tornado."""
    from tornado.web import RequestHandler

    importlib.import_module("jupyter_server.gateway.handlers")
    for klass in _below(RequestHandler):
        yield from methods(klass, (*VERBS, *ON_SOCKETS, "on_ping", "on_pong"))


def _below(klass: type) -> Iterator[type]:
    for each in klass.__subclasses__():
        yield each
        yield from _below(each)


def _targets(router: Any) -> Iterator[type]:
    for rule in router.rules:
        if hasattr(rule.target, "rules"):
            yield from _targets(rule.target)
        elif isinstance(rule.target, type):
            yield rule.target


WAGTAIL = [
    "wagtail.contrib.forms", "wagtail.contrib.redirects", "wagtail.contrib.settings",
    "wagtail.contrib.styleguide", "wagtail.contrib.simple_translation", "wagtail.contrib.search_promotions",
    "wagtail.locales", "wagtail.embeds", "wagtail.sites", "wagtail.users", "wagtail.snippets",
    "wagtail.documents", "wagtail.images", "wagtail.search", "wagtail.admin", "wagtail", "wagtail.api.v2",
    "wagtail.api.v3", "rest_framework", "ninja", "modelcluster", "taggit",
    *(f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions", "messages", "staticfiles")),
]  # fmt: skip
PROCESSORS = ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"]


def wagtail() -> Iterator[Any]:
    """Django: views that are classes, in view sets that hooks register."""
    import django
    from django.conf import settings

    engine = {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
    engine["OPTIONS"] = {"context_processors": PROCESSORS}
    settings.configure(
        SECRET_KEY="none", ROOT_URLCONF="urls", STATIC_URL="/static/", MEDIA_URL="/media/", USE_TZ=True,
        WAGTAIL_SITE_NAME="site", WAGTAILADMIN_BASE_URL="http://site", TEMPLATES=[engine],
        INSTALLED_APPS=WAGTAIL, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        WAGTAIL_I18N_ENABLED=True, LANGUAGES=[("en", "English"), ("fr", "French")],
        WAGTAIL_CONTENT_LANGUAGES=[("en", "English"), ("fr", "French")],
    )  # fmt: skip
    django.setup()
    from django.urls import include, path

    urls = sys.modules["urls"] = types.ModuleType("urls")
    names = ("wagtail.admin.urls", "wagtail.documents.urls", "wagtail.images.urls", "wagtail.urls")
    urls.urlpatterns = [path(f"{number}/", include(name)) for number, name in enumerate(names)]
    yield from django_views(urls.urlpatterns)
    yield from django_views(_ninja().urls[0])
    yield from django_views(_interface().get_urlpatterns())


def wagtail_views() -> Iterator[Any]:
    """Views of Django."""
    from django.views import View

    for klass in _below(View):
        yield from methods(klass, VERBS)


def _ninja() -> Any:
    from wagtail.api.v3.api import api

    return api


def _interface() -> Any:
    from wagtail.api.v2.router import WagtailAPIRouter
    from wagtail.api.v2.views import PagesAPIViewSet
    from wagtail.documents.api.v2.views import DocumentsAPIViewSet
    from wagtail.images.api.v2.views import ImagesAPIViewSet

    router = WagtailAPIRouter("api")
    for viewset in (PagesAPIViewSet, DocumentsAPIViewSet, ImagesAPIViewSet):
        router.register_endpoint(viewset.__name__, viewset)
    return router


def superset() -> Iterator[Any]:
    """Flask-AppBuilder."""
    os.environ.setdefault("SUPERSET_SECRET_KEY", "none" * 8)
    from superset.app import create_app

    yield from werkzeug_views(create_app())


def superset_views() -> Iterator[Any]:
    """What is exposed by classes of Flask-AppBuilder that only settings switch on."""
    from flask_appbuilder.api import BaseApi
    from flask_appbuilder.baseviews import BaseView

    for name in ("extensions", "embedded", "reports", "reports.logs", "tasks"):
        importlib.import_module(f"superset.{name}.api")
    for klass in (*_below(BaseApi), *_below(BaseView)):
        exposed = (getattr(klass, name, None) for name in dir(klass))
        yield from (each for each in exposed if hasattr(each, "_urls") or hasattr(each, "_action"))


def lines_of(functions: Iterator[Any]) -> set[str]:
    """Module and qualified name of each."""
    found = {plain(function) for function in functions}
    return {f"{each.__module__} {each.__qualname__}" for each in found if hasattr(each, "__qualname__")}


def main(name: str) -> None:
    """Print every function that one application would run."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["HOME"] = folder
        routed = lines_of(globals()[name]())
        views = globals().get(f"{name}_views")
        others = lines_of(views()) - routed if views else set()
    print("\n".join(sorted(routed)))
    print("\n".join(sorted(IF_ROUTED + line for line in others)))


if __name__ == "__main__":
    main(sys.argv[1])
