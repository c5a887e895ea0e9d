"""Handlers that an OpenAPI file names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicelint import registry
from servicelint.config import Config
from servicelint.run import Run
from servicelint.sources.cache import Cache
from servicelint.sources.discovery import select
from servicelint.sources.manifests.operations import operations

if TYPE_CHECKING:
    from pathlib import Path

SERVICE = """\
import requests


def listed(user):
    return requests.get("http://stock/", timeout=3).json()


class Orders:
    @staticmethod
    def placed(body):
        return requests.post("http://stock/", json=body, timeout=3).json()
"""
MAIN = """\
import connexion
from flask import request

app = connexion.FlaskApp(__name__)
app.add_api("openapi.yaml")


@app.route("/id")
def shown():
    return request.headers["X-Request-ID"]
"""
SPECIFICATION = """\
openapi: "3.0.0"
paths:
  /orders:
    x-openapi-router-controller: shop.orders
    get: {operationId: listed}
    post: {operationId: Orders.placed}
"""


def write(folder: Path, specification: str) -> None:
    (folder / "shop").mkdir(exist_ok=True)
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "orders.py").write_text(SERVICE)
    (folder / "shop" / "main.py").write_text(MAIN)
    (folder / "openapi.yaml").write_text(specification)


def handlers(folder: Path) -> dict[str, str]:
    program = Run(select([folder], folder), Config(), folder).program
    return {each.name: each.route for each in program.handlers.all() if each.framework == "OpenAPI"}


def test_functions_and_methods_are_found_with_their_paths(tmp_path: Path) -> None:
    write(tmp_path, SPECIFICATION)
    assert handlers(tmp_path) == {"listed": "/orders", "Orders.placed": "/orders"}


def test_names_that_lead_nowhere_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, SPECIFICATION.replace("listed", "gone").replace("Orders.placed", "Orders.gone"))
    assert handlers(tmp_path) == {}


def test_an_edit_of_the_file_is_seen_by_the_next_run(tmp_path: Path) -> None:
    folder = tmp_path / "program"
    folder.mkdir()
    write(folder, "openapi: '3.0.0'\npaths: {}\n")
    assert dropped(folder, tmp_path) == []
    write(folder, SPECIFICATION)
    assert dropped(folder, tmp_path) == [5, 11]
    write(folder, SPECIFICATION.replace("Orders.placed", "elsewhere"))
    assert dropped(folder, tmp_path) == [5]


def dropped(folder: Path, scratch: Path) -> list[int]:
    """The lines of the calls that drop the id, found with a cache."""
    cache = Cache(scratch / "cache")
    run = Run(select([folder], folder), Config(), folder, cache)
    found = run.check(registry.selected(("SVC301",), ()))
    cache.close()
    return [each.place.line for each in found.findings]


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"openapi": "3.0.0"},
        {"openapi": "3.0.0", "paths": []},
        {"openapi": "3.0.0", "paths": {"/": None, "/a": {"get": 3, "post": {}}}},
        {"openapi": "3.0.0", "paths": {"/": {"get": {"operationId": 5}}}},
        {"openapi": "3.0.0", "paths": {"/": {"get": {"operationId": "readItems"}}}},
    ],
)
def test_documents_that_name_no_function(document: object) -> None:
    assert list(operations(document)) == []


def test_version_two_has_a_controller_of_another_name() -> None:
    described = {"operationId": "listed", "x-swagger-router-controller": "shop.orders"}
    document = {"swagger": "2.0", "paths": {5: {"get": described}}}
    assert list(operations(document)) == [("shop.orders.listed", "5")]
