"""Bottle: an application of its own and the default one."""

import bottle

app = bottle.Bottle()


@app.route("/health")
def health():
    return "ok"


@app.post("/orders")
def place_order():
    return "ok"


def version():
    return "1"


def users():
    return "[]"


app.route("/version", callback=version)
app.route("/users", "GET", users)


@bottle.get("/default")
def default():
    return "default"
