"""Sanic: routes, a blueprint, a class-based view, routes by call."""

from sanic import Blueprint, Sanic
from sanic.response import text
from sanic.views import HTTPMethodView

app = Sanic("shop_handlers")
orders = Blueprint("orders", url_prefix="/orders")


@app.get("/health")
async def health(request):
    return text("ok")


@orders.route("/", methods=["POST"])
async def place_order(request):
    return text("ok")


class User(HTTPMethodView):
    async def get(self, request, number):
        return text(str(number))


async def version(request):
    return text("1")


@app.websocket("/feed")
async def feed(request, ws):
    await ws.send("hello")


app.add_route(version, "/version")
app.add_route(User.as_view(), "/users/<number>")
app.blueprint(orders)
