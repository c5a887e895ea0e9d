"""Flask: routes, rules by call, blueprints, class-based views, decorators between, a factory."""

import functools

from flask import Blueprint, Flask
from flask.views import MethodView, View

orders = Blueprint("orders", __name__, url_prefix="/orders")


def signed_in(view):
    @functools.wraps(view)
    def checked(*args, **kwargs):
        return view(*args, **kwargs)

    return checked


@orders.route("/")
@signed_in
def list_orders():
    return "[]"


@orders.post("/")
def place_order():
    return "ok"


def get_order(number):
    return str(number)


def cancel_order(number):
    return str(number)


orders.add_url_rule("/<int:number>", view_func=get_order)
orders.add_url_rule("/<int:number>/cancel", "cancel", signed_in(cancel_order), methods=["POST"])


class User(MethodView):
    def get(self, number):
        return str(number)

    def delete(self, number):
        return self.gone(number)

    def gone(self, number):
        return str(number)


class Listing(View):
    def dispatch_request(self):
        return "[]"


def health():
    return "ok"


def version():
    return "1"


PAGES = [("/health", health)]
PAGES.append(("/version", version))


def archive():
    return "old"


def restore():
    return "back"


def may_archive():
    return "yes"


def may_restore():
    return "yes"


NEEDED = {"archive": may_archive, "restore": may_restore}


def view_of(name):
    return {"archive": archive, "restore": restore}[name]


def endpoints(getter=view_of):
    return [(f"/{name}", getter(name)) for name in ("archive", "restore")]


CHECKS = dict(endpoints(NEEDED.get))


def create_app():
    app = Flask(__name__)
    for path, view in endpoints():
        app.add_url_rule(path, view_func=view)
    app.register_blueprint(orders)
    app.add_url_rule("/users/<int:number>", view_func=User.as_view("user"))
    app.add_url_rule("/users", view_func=signed_in(Listing.as_view("users")))
    for path, page in PAGES:
        app.add_url_rule(path, page.__name__, page)

    @app.get("/ready")
    def ready():
        return "ok"

    return app


def not_a_view():
    return "quiet"
