"""The schema for editors says what the settings are."""

from __future__ import annotations

import json
from pathlib import Path

from servicelint.schema import schema

FILE = Path(__file__).parents[1] / "docs" / "servicelint.schema.json"


def test_it_is_that_of_the_settings() -> None:
    assert FILE.read_text("utf-8") == f"{schema()}\n", (
        "run: python -m servicelint.schema > docs/servicelint.schema.json"
    )


def test_it_knows_every_key() -> None:
    definitions = json.loads(schema())["$defs"]
    assert set(definitions["Service"]["properties"]) >= {
        "modules",
        "interface",
        "depends-on",
        "hosts",
        "breaker",
    }
    assert set(definitions["Exemption"]["required"]) == {"from", "to", "reason"}
    assert all(
        not each.get("additionalProperties", True) for each in definitions.values() if "properties" in each
    )
