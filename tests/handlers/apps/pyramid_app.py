"""Pyramid: view configuration, views by call, a class of views."""

from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.view import view_config


@view_config(route_name="health")
def health(request):
    return Response("ok")


class Orders:
    def __init__(self, request):
        self.request = request

    @view_config(route_name="orders", request_method="GET")
    def all(self):
        return Response("[]")

    @view_config(route_name="orders", request_method="POST")
    def place(self):
        return self.answer()

    def answer(self):
        return Response("ok")


def version(request):
    return Response("1")


def create_app():
    config = Configurator()
    for name in ("health", "orders", "version"):
        config.add_route(name, f"/{name}")
    config.add_view(version, route_name="version")
    config.scan(__name__)
    return config.make_wsgi_app()
