"""Tornado: handlers, a websocket, one with arguments, inherited methods."""

import tornado.web
from tornado.websocket import WebSocketHandler


class Base(tornado.web.RequestHandler):
    def answer(self, text):
        self.write(text)


class Health(Base):
    def get(self):
        self.answer("ok")


class Orders(Base):
    async def get(self):
        self.answer("[]")

    async def post(self):
        self.answer("ok")


class Feed(WebSocketHandler):
    def on_message(self, message):
        self.write_message(message)


def create_app():
    return tornado.web.Application([(r"/health", Health), (r"/orders", Orders, {}), (r"/feed", Feed)])
