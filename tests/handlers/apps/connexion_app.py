"""Connexion: operations that the specification names, and routes of its own."""

from pathlib import Path

import connexion


def find_order(number):
    return str(number)


def place_order(body):
    return render(body)


def render(body):
    return str(body)


app = connexion.FlaskApp(__name__, specification_dir=Path(__file__).parent)
app.add_api("connexion_app.yaml")


@app.route("/health")
def health():
    return "ok"
