"""Flask-RESTful: resources."""

from flask import Flask
from flask_restful import Api, Resource

app = Flask(__name__)
api = Api(app)


class Orders(Resource):
    def get(self):
        return []

    def put(self):
        return self.answer()

    def answer(self):
        return "ok"


api.add_resource(Orders, "/orders")
