"""Flask-RESTX: namespaces and resources."""

from flask import Flask
from flask_restx import Api, Namespace, Resource

app = Flask(__name__)
api = Api(app)
orders = api.namespace("orders")
users = Namespace("users")


@orders.route("/")
class Orders(Resource):
    @orders.doc("all")
    def get(self):
        return []

    def post(self):
        return self.answer()

    def answer(self):
        return "ok"


class User(Resource):
    def get(self, number):
        return number


users.add_resource(User, "/<int:number>")
api.add_namespace(users)
