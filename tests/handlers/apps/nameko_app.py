"""Nameko: remote calls, events, HTTP."""

from nameko.events import event_handler
from nameko.rpc import rpc
from nameko.web.handlers import http


class Orders:
    name = "orders"

    @rpc
    def find(self, number):
        return self.render(number)

    @event_handler("payments", "paid")
    def on_paid(self, payload):
        return self.render(payload)

    @http("GET", "/orders/<int:number>")
    def show(self, request, number):
        return self.render(number)

    def render(self, number):
        return str(number)
