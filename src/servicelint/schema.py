"""The JSON schema of the settings, for editors: ``python -m servicelint.schema`` prints it."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from servicelint.config import Config


def schema() -> str:
    """The schema of servicelint.toml and of ``[tool.servicelint]``, as text."""
    described: dict[str, Any] = msgspec.json.schema(Config)
    definitions = described["$defs"]
    definitions["Config"]["properties"].pop("origin")
    definitions.pop("Origin", None)
    for definition in definitions.values():  # msgspec (0.19 to 0.23) doesn't agree on blanks and lines
        if "description" in definition:
            definition["description"] = " ".join(definition["description"].split())
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "servicelint",
        **described,
    }
    return msgspec.json.format(msgspec.json.encode(described), indent=2).decode()


if __name__ == "__main__":
    sys.stdout.write(f"{schema()}\n")
