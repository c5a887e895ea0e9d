"""Settings: ``[tool.servicelint]`` of a pyproject.toml, or servicelint.toml. All times are seconds."""

from __future__ import annotations

import difflib
import re
import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from servicelint.catalog.model import Client
from servicelint.catalog.record import Record

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

OWN_FILE = "servicelint.toml"
SHARED_FILE = "pyproject.toml"

_STAYS_OPEN = re.compile(r"watch|subscri|listen|stream", re.IGNORECASE)
"""Names of methods whose streams are meant to stay open."""


class ConfigError(Exception):
    """Settings that can't be used; the message names the file, the key and the remedy."""


class Timeouts(Record, frozen=True):
    """What the deadline rules compare with; ``max-seconds`` is the longest timeout that is not a finding.

    ``streams``: whether a gRPC stream that is meant to stay open needs no deadline. Which ones are is told by
    their methods' names, or by ``open-streams``: patterns of ``Method`` or ``Stub.Method``.
    """

    max_seconds: float | None = None
    streams: Literal["allow", "report"] = "allow"
    open_streams: tuple[str, ...] = ()

    def may_stay_open(self, method: str) -> bool:
        """Whether the streaming method ``Stub.Method`` (or ``/service/Method``) is meant to stay open."""
        if not method or self.streams == "report":
            return False
        name = re.split(r"[./]", method)[-1]
        is_named = any(fnmatchcase(each, pattern) for pattern in self.open_streams for each in (name, method))
        return is_named or _STAYS_OPEN.search(name) is not None


class Config(Record, frozen=True):
    """The settings of a run. Without a file, the defaults below.

    ``select`` and ``ignore`` hold rule codes or beginnings of them. ``exclude`` holds patterns as in
    .gitignore, relative to the file's folder. ``source-roots`` are folders that imports start from, besides
    those found. ``root`` ends the search for settings further up. ``clients`` describes the team's own.
    """

    root: bool = False
    select: tuple[str, ...] = ("SVC",)
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    source_roots: tuple[str, ...] = ()
    include_tests: bool = False
    timeouts: Timeouts = Timeouts()
    clients: dict[str, Client] = msgspec.field(default_factory=dict)


def load(start: Path) -> tuple[Config, Path | None]:
    """The settings that hold for ``start`` and the folder they stand in, searched upwards.

    The search ends at a file with ``root = true`` and at the top of a version-controlled tree; of several
    files the nearest counts.

    Raises:
        ConfigError: if a file can't be read or holds unknown keys or wrong types.
    """
    folder = start if start.is_dir() else start.parent
    for each in (folder, *folder.parents):
        found = read_folder(each)
        if found is not None:
            return found, each
        if (each / ".git").exists():
            break
    return Config(), None


def read_folder(folder: Path) -> Config | None:
    """The settings in one folder, or None if it has none.

    Raises:
        ConfigError: as for :func:`load`.
    """
    own, shared = folder / OWN_FILE, folder / SHARED_FILE
    if own.is_file():
        return decode(_parsed(own), own, "")
    if shared.is_file():
        table = _own_table(_parsed(shared))
        return None if table is None else decode(table, shared, "tool.servicelint")
    return None


def read_file(path: Path) -> Config:
    """The settings in a named file, of either form.

    Raises:
        ConfigError: as for :func:`load`, and if the file does not exist.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    table = _parsed(path)
    if path.name == SHARED_FILE:
        return decode(_own_table(table) or {}, path, "tool.servicelint")
    return decode(table, path, "")


def _own_table(shared: dict[str, Any]) -> Any:
    """What a pyproject.toml says under ``tool.servicelint``, or None."""
    tools = shared.get("tool")
    return tools.get("servicelint") if isinstance(tools, dict) else None


def _parsed(path: Path) -> dict[str, Any]:
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from None
    return table


def decode(table: dict[str, Any], path: Path, prefix: str) -> Config:
    """Typed settings from a table.

    Raises:
        ConfigError: if it holds unknown keys or wrong types; the message gives the key's path.
    """
    try:
        return msgspec.convert(table, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_explained(str(error), prefix)}") from None


def _explained(message: str, prefix: str) -> str:
    """msgspec's message with the key's full path in front and, for an unknown key, what may be meant."""
    text, _, place = message.partition(" - at `")
    place = place.rstrip("`").removeprefix("$").lstrip(".")
    where = ".".join(part for part in (prefix, place) if part)
    unknown = re.fullmatch(r"Object contains unknown field `(.+)`", text)
    if unknown is None:
        return f"{where}: {text[:1].lower()}{text[1:]}"
    key = unknown.group(1)
    likely = difflib.get_close_matches(key, _keys(), n=1)
    hint = f"; did you mean `{likely[0]}`?" if likely else ""
    return f"{'.'.join(part for part in (where, key) if part)}: unknown key{hint}"


def _keys() -> list[str]:
    types: tuple[type[msgspec.Struct], ...] = (Config, Timeouts, Client)
    return [field.encode_name for each in types for field in msgspec.structs.fields(each)]
