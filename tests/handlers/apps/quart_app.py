"""Quart: routes, a blueprint, a websocket, a class-based view."""

from quart import Blueprint, Quart
from quart.views import MethodView

app = Quart(__name__)
orders = Blueprint("orders", __name__)


@app.get("/health")
async def health():
    return "ok"


@orders.route("/orders", methods=["GET", "POST"])
async def all_orders():
    return "[]"


@app.websocket("/feed")
async def feed():
    await feed_once()


async def feed_once():
    return None


class Order(MethodView):
    async def get(self, number):
        return str(number)


orders.add_url_rule("/orders/<int:number>", view_func=Order.as_view("order"))
app.register_blueprint(orders)
