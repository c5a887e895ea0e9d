"""The options that the plugins of other linters share; importing them costs nothing."""

from __future__ import annotations

from typing import Literal

Scope = Literal["auto", "program", "file"]
SCOPES: tuple[Scope, ...] = ("auto", "program", "file")
SCOPE_OPTION = "servicelint-scope"
SCOPE_HELP = (
    "What servicelint reads to judge a file: its whole program, the file with what it imports, or (auto, the "
    "default) the program, unless a single file is checked whose program is not in the cache yet."
)
