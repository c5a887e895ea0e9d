"""Falcon: resources, suffixes, sinks, middleware."""

import falcon


class Timing:
    def process_request(self, req, resp):
        req.context.started = True


class Orders:
    def on_get(self, req, resp):
        resp.text = "[]"

    def on_post(self, req, resp):
        self.answer(resp)

    def on_get_one(self, req, resp, number):
        resp.text = number

    def answer(self, resp):
        resp.text = "ok"


class Health:
    def on_get(self, req, resp):
        resp.text = "ok"


def anything(req, resp):
    resp.text = "?"


def create_app():
    app = falcon.App(middleware=[Timing()])
    orders = Orders()
    app.add_route("/orders", orders)
    app.add_route("/orders/{number}", orders, suffix="one")
    app.add_route("/health", Health())
    app.add_sink(anything, "/any")
    return app
