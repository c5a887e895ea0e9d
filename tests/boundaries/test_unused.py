"""Declarations that nothing uses are told at their line of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint import registry
from servicelint.config import load
from servicelint.run import Run
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
        ("pyproject.toml", 7, "that orders depends on users by import is declared and nothing uses it"),
        (
            "pyproject.toml", 24,
            "the exception from shop.billing to shop.orders is declared and nothing uses it",
        ),
    ]  # fmt: skip
