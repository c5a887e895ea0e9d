"""Settings: ``[tool.servicelint]`` of a pyproject.toml, or servicelint.toml. All times are seconds."""

from __future__ import annotations

import os
import re
import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import msgspec

from servicelint.boundaries.declared import Dependency, Exemption, Protocol, Service, TypeChecking
from servicelint.catalog.model import Client
from servicelint.catalog.record import Record
from servicelint.regex import regex

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

OWN_FILE = "servicelint.toml"
SHARED_FILE = "pyproject.toml"

_VALUES = (*get_args(Protocol), *get_args(TypeChecking))
"""What settings can be that have a few values only."""

_STAYS_OPEN = regex(r"watch|subscri|listen|stream", re.IGNORECASE)
"""Names of methods whose streams are meant to stay open."""


class ConfigError(Exception):
    """Settings that can't be used; the message names the file, the key and the remedy."""


class Timeouts(Record, frozen=True):
    """What the deadline rules compare with.

    ``max-seconds`` is the longest timeout that is not a finding, ``budget-seconds`` the longest that a call
    may take with all its retries. ``streams``: whether a gRPC stream that is meant to stay open needs no
    deadline. Which ones are is told by their methods' names, by comments in `.proto` files, or by
    ``open-streams``: patterns of ``Method`` or ``Stub.Method``.
    """

    max_seconds: float | None = None
    budget_seconds: float | None = None
    streams: Literal["allow", "report"] = "allow"
    open_streams: tuple[str, ...] = ()

    def may_stay_open(self, method: str) -> bool:
        """Whether the streaming method ``Stub.Method`` (or ``/service/Method``) is meant to stay open."""
        if not method or self.streams == "report":
            return False
        name = re.split(r"[./]", method)[-1]
        is_named = any(fnmatchcase(each, pattern) for pattern in self.open_streams for each in (name, method))
        return is_named or _STAYS_OPEN.search(name) is not None


class Origin(NamedTuple):
    """Where settings stand: the file, the table in it and the folder that their paths start from."""

    file: str
    table: str
    folder: str

    def place(self, key: str) -> str:
        """A key as messages name it."""
        return f"{self.file}: {'.'.join(part for part in (self.table, key) if part)}"


class Breakers(Record, frozen=True):
    """What the rules on circuit breakers know of the team's own.

    ``classes`` are dotted names of breakers that have no telling shape. ``everywhere``: calls that no handler
    reaches want a breaker too.
    """

    classes: tuple[str, ...] = ()
    everywhere: bool = False


class Retries(Record, frozen=True):
    """What the rules on retries leave alone.

    ``idempotent`` holds patterns of functions (``orders.client.*``) whose POST and PATCH may be repeated.
    """

    idempotent: tuple[str, ...] = ()


class RequestId(Record, frozen=True):
    """By which headers the id of a request goes. ``internal-only``: calls to public hosts need none."""

    headers: tuple[str, ...] = (
        "X-Request-ID", "X-Correlation-ID", "traceparent", "b3", "X-B3-TraceId", "X-B3-SpanId",
        "X-B3-ParentSpanId", "X-B3-Sampled", "X-Amzn-Trace-Id", "X-Cloud-Trace-Context", "grpc-trace-bin",
        "sentry-trace", "uber-trace-id", "x-datadog-trace-id", "x-datadog-parent-id",
        "x-datadog-sampling-priority",
    )  # fmt: skip
    internal_only: bool = True


class Config(Record, frozen=True):
    """The settings of a run. Without a file, the defaults below.

    ``select`` and ``ignore`` hold rule codes or beginnings of them. ``exclude`` holds patterns as in
    .gitignore, relative to the file's folder. ``source-roots`` are folders that imports start from, besides
    those found. ``root`` ends the search for settings further up. ``clients`` describes the team's own.

    ``services`` are the team's, by name; ``shared`` are patterns of modules that all of them may import,
    ``shared-tables`` of database tables that all may use, ``exceptions`` are imports that are let through;
    ``type-checking`` is what is said of imports for types.
    ``origin`` is no setting.
    """

    root: bool = False
    select: tuple[str, ...] = ("SVC",)
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    source_roots: tuple[str, ...] = ()
    include_tests: bool = False
    timeouts: Timeouts = Timeouts()
    retries: Retries = Retries()
    breakers: Breakers = Breakers()
    request_id: RequestId = RequestId()
    clients: dict[str, Client] = msgspec.field(default_factory=dict)
    services: dict[str, Service] = msgspec.field(default_factory=dict)
    shared: tuple[str, ...] = ()
    shared_tables: tuple[str, ...] = ()
    exceptions: tuple[Exemption, ...] = ()
    type_checking: TypeChecking = "deny"
    origin: Origin | None = None


PROGRAM_KEYS = (
    "source_roots",
    "clients",
    "services",
    "shared",
    "shared_tables",
    "exceptions",
    "type_checking",
    "origin",
)
"""What holds for a whole program, and so comes from the topmost settings."""


def load(start: Path) -> tuple[Config, Path | None]:
    """The settings that hold for ``start`` and the folder they stand in, searched upwards.

    The search ends at a file with ``root = true`` and at the top of a version-controlled tree; of several
    files the nearest counts, but what is the program's own (:data:`PROGRAM_KEYS`) comes from the topmost.

    Raises:
        ConfigError: if a file can't be read or holds unknown keys or wrong types.
    """
    found = list(_upwards(start if os.path.isdir(start) else start.parent))
    if not found:
        return Config(), None
    (nearest, folder), (topmost, _) = found[0], found[-1]
    for config, _ in found[:-1]:
        if config.services and config.origin:
            top = topmost.origin.file if topmost.origin else ""
            message = (
                f"services are declared for the whole program, in {top}, unless `root = true` stands here"
            )
            raise ConfigError(f"{config.origin.place('services')}: {message}")
    return msgspec.structs.replace(nearest, **{key: getattr(topmost, key) for key in PROGRAM_KEYS}), folder


def _upwards(folder: Path) -> Iterator[tuple[Config, Path]]:
    """The settings in a folder and those above it, with their folders, the nearest first."""
    for each in (folder, *folder.parents):
        found = read_folder(each)
        if found is not None:
            yield found, each
        if (found is not None and found.root) or os.path.exists(each / ".git"):
            return


def read_folder(folder: Path) -> Config | None:
    """The settings in one folder, or None if it has none.

    Raises:
        ConfigError: as for :func:`load`.
    """
    own, shared = folder / OWN_FILE, folder / SHARED_FILE
    if os.path.isfile(own):
        return decode(_parsed(own), own, "")
    if os.path.isfile(shared):
        table = _own_table(_parsed(shared))
        return None if table is None else decode(table, shared, "tool.servicelint")
    return None


def read_file(path: Path) -> Config:
    """The settings in a named file, of either form.

    Raises:
        ConfigError: as for :func:`load`, and if the file does not exist.
    """
    if not os.path.isfile(path):
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
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply") from None
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from None
    return table


def decode(table: dict[str, Any], path: Path, prefix: str) -> Config:
    """Typed settings from a table.

    Raises:
        ConfigError: if it holds unknown keys or wrong types; the message gives the key's path.
    """
    origin = Origin(str(path), prefix, path.resolve().parent.as_posix())
    if isinstance(table, dict) and "origin" in table:
        raise ConfigError(f"{origin.place('origin')}: unknown key")
    try:
        return msgspec.structs.replace(msgspec.convert(table, Config), origin=origin)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_explained(_with_keys(table, str(error)), prefix)}") from None


_ANY_KEY = "[...]"
"""How msgspec (0.22) writes any key of a mapping in the place of an error."""


def _with_keys(table: Any, message: str) -> str:
    """msgspec's message with the keys that it leaves out: those that fail with the same message alone."""
    text, _, place = message.partition(" - at `$.")
    steps: list[str] = []
    named = ""
    for step in re.findall(r"\[\.\.\.\]|\[\d+\]|[^.\[\]`]+", place):
        if step == _ANY_KEY:
            keys = [key for key in _at(table, steps) if _fails(_reduced(table, steps, key), message)]
            if not keys:
                return message
            step = keys[0]  # noqa: PLW2901 - the name it stands for
            table = _reduced(table, steps, step)
        steps.append(step)
        named += step if step.startswith("[") else f".{step}"
    return f"{text} - at `${named}`" if steps else message


def _at(table: Any, steps: list[str]) -> Any:
    for step in steps:
        table = table[step] if isinstance(table, dict) else {}
    return table


def _reduced(table: Any, steps: list[str], key: str) -> Any:
    """The settings with one key only in the table that ``steps`` lead to."""
    if not steps:
        return {key: table[key]}
    return {**table, steps[0]: _reduced(table[steps[0]], steps[1:], key)}


def _fails(table: Any, message: str) -> bool:
    try:
        msgspec.convert(table, Config)
    except msgspec.ValidationError as error:
        return str(error) == message
    return False


def _explained(message: str, prefix: str) -> str:
    """msgspec's message with the key's full path in front and, for an unknown key, what may be meant."""
    text, _, place = message.partition(" - at `")
    place = place.rstrip("`").removeprefix("$").lstrip(".")
    where = ".".join(part for part in (prefix, place) if part)
    unknown = re.fullmatch(r"Object contains unknown field `(.+)`", text)
    if unknown is None:
        value = re.fullmatch(r"Invalid enum value '(.+)'", text)
        return f"{where}: {text[:1].lower()}{text[1:]}{_hint(value[1], _VALUES) if value else ''}"
    key = unknown.group(1)
    place = ".".join(part for part in (where, key) if part)
    return f"{place}: unknown key{_hint(key, _keys())}"


def _hint(given: str, known: Iterable[str]) -> str:
    import difflib  # only what is wrong is compared

    likely = difflib.get_close_matches(given, list(known), n=1)
    return f"; did you mean `{likely[0]}`?" if likely else ""


def _keys() -> list[str]:
    types: tuple[type[msgspec.Struct], ...] = (
        Config, Timeouts, Retries, Breakers, Client, Service, Dependency, Exemption,
    )  # fmt: skip
    names = [field.encode_name for each in types for field in msgspec.structs.fields(each)]
    return [name for name in names if name != "origin"]
