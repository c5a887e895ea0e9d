"""Declarations that nothing uses are told at their line of the settings."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from servicelint import registry
from servicelint.config import load
from servicelint.run import Run
from servicelint.sources.cache import Cache
from servicelint.sources.discovery import select

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SETTINGS = """\
[tool.servicelint]
root = true

[tool.servicelint.services.orders]
modules = ["shop.orders"]
interface = ["shop.orders.api", "shop.orders.models"]
depends-on = { billing = "import", users = ["http", "import"] }

[tool.servicelint.services.billing]
modules = ["shop.billing"]
depends-on = { orders = "http" }

[tool.servicelint.services.users]
modules = ["shop.users"]
depends-on = {
  orders = "import" }

[[tool.servicelint.exceptions]]
from = "shop.billing"
to = "shop.users"
reason = "used"

[[tool.servicelint.exceptions]]
from = "shop.billing"
to = "shop.orders"
reason = "not used"
"""
FILES = {
    "shop/orders/api.py": "import shop.billing.models\n",
    "shop/orders/models.py": "",
    "shop/billing/models.py": "import shop.users.models\n",
    "shop/users/models.py": "import shop.orders.api\n",
}


def test_unused_declarations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {**FILES, "pyproject.toml": SETTINGS.replace("{\n  orders", "{ orders")}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    run = Run(select([tmp_path], tmp_path), load(tmp_path)[0], tmp_path)
    found = run.check(registry.selected(("SVC407",), ())).findings
    assert [(each.place.path, each.place.line, each.message) for each in found] == [
        (
            "pyproject.toml", 6,
            "shop.orders.models in the interface of orders is declared and nothing uses it",
        ),
        ("pyproject.toml", 7, "that orders depends on users by http is declared and nothing uses it"),
        ("pyproject.toml", 7, "that orders depends on users by import is declared and nothing uses it"),
        ("pyproject.toml", 11, "that billing depends on orders by http is declared and nothing uses it"),
        (
            "pyproject.toml", 24,
            "the exception from shop.billing to shop.orders is declared and nothing uses it",
        ),
    ]  # fmt: skip


CALLING = """\
[tool.servicelint]
root = true

[tool.servicelint.services.orders]
modules = ["shop.orders"]
depends-on = { users = ["http", "grpc"], billing = ["queue", "http"], mail = "http" }

[tool.servicelint.services.users]
modules = ["shop.users"]
depends-on = { orders = "http", billing = "grpc" }

[tool.servicelint.services.billing]
modules = ["shop.billing"]
queues = ["invoices"]

[tool.servicelint.services.mail]
hosts = ["mail"]
depends-on = { users = "http" }
"""
CALLS = {
    "shop/orders/calls.py": (
        "import requests\nimport kafka\n\n"
        "def call():\n    requests.get('http://users/1', timeout=3)\n"
        "    kafka.KafkaProducer().send('invoices')\n"
    ),
    "shop/users/calls.py": (
        "import requests\n\ndef call(url):\n    requests.get(url, timeout=3)  # nobody knows where\n"
    ),
    "shop/billing/calls.py": "",
}


def test_unused_dependencies_by_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found_unused(tmp_path, monkeypatch, CALLING, CALLS) == [
        (6, "that orders depends on users by grpc is declared and nothing uses it"),
        (6, "that orders depends on billing by http is declared and nothing uses it"),
        (6, "that orders depends on mail by http is declared and nothing uses it"),
        (10, "that users depends on billing by grpc is declared and nothing uses it"),
    ]


def test_a_shared_call_to_anywhere_may_be_any_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = {**CALLS, "shop/common.py": CALLS["shop/users/calls.py"]}
    assert found_unused(tmp_path, monkeypatch, CALLING, shared) == [
        (6, "that orders depends on users by grpc is declared and nothing uses it"),
        (10, "that users depends on billing by grpc is declared and nothing uses it"),
    ]


def found_unused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, settings: str, files: dict[str, str]
) -> list[tuple[int, str]]:
    """The lines of the settings and the messages of what is told of them; the same in a run that goes on."""
    monkeypatch.chdir(folder)
    for name, text in {**files, "pyproject.toml": settings}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    found = []
    with contextlib.closing(Cache(folder / "cache")) as cache:
        for ending in ("", "\n"):
            file = folder / "shop/billing/calls.py"
            file.write_text(file.read_text("utf-8") + ending, "utf-8")
            run = Run(select([folder], folder), load(folder)[0], folder, cache)
            rules = registry.selected(("SVC407",), ())
            found.append([(each.place.line, each.message) for each in run.check(rules).findings])
    assert found[0] == found[1]
    return found[0]
