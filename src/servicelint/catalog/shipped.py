"""The data files that come with servicelint, as they hold for the versions that a project uses.

A file states what the newest version of its library does. An entry may be ``like`` another one, in the same
file or in another, and then states only what differs. A ``when`` table states what other versions do.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from servicelint.catalog.model import Library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


Tables = dict[str, Any]
Held = frozenset[tuple[str, str]]
"""Conditions that hold: names of libraries, each with the versions that one of its ``when`` tables is for."""

_LIKE = "like"
_LIKENED = ("senders", "clients")
_ONES_OWN = ("aliases", "factories")
_libraries = msgspec.msgpack.Decoder(tuple[Library, ...])


@functools.cache
def shipped_libraries(held: Held = frozenset()) -> tuple[Library, ...]:
    """The libraries of the data files, with the conditions that hold.

    Raises:
        msgspec.ValidationError: if a data file does not fit the model; the message names the file.
    """
    tables = {name: _under(held, read) for name, read in _data_files()}
    _add_to_clients(tables)
    for likened in _LIKENED:
        _liken(tables, likened)
    return tuple(_converted(name, table) for name, table in tables.items())


def packed(held: Held = frozenset()) -> bytes:
    """What :func:`unpacked` makes the libraries from, many times as fast as they are read from files."""
    return msgspec.msgpack.encode(shipped_libraries(held))


def unpacked(data: bytes) -> tuple[Library, ...]:
    """The libraries that were packed.

    Raises:
        msgspec.DecodeError: if it is not what :func:`packed` made.
    """
    return _libraries.decode(data)


def conditions_held(libraries: Iterable[Library], versions: Mapping[str, str]) -> Held:
    """The conditions that hold for a project's versions.

    ``versions`` are version specifiers (``==1.4.2``, ``>=1,<2``) by name of distribution. A range stands for
    the newest of the proven versions that it allows; what is not known is taken to be the newest.
    """
    found = set()
    for library in libraries:
        specifier = versions.get(library.distribution)
        version = _version(library, specifier) if library.when and specifier else None
        if version is not None:
            fitting = [each.versions for each in library.when if _allows(each.versions, version)]
            found |= {(library.library, versions) for versions in fitting}
    return frozenset(found)


def _version(library: Library, specifier: str) -> str | None:
    """The version that a specifier means: the one it pins, else the newest proven one that it allows."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    allowed = SpecifierSet(specifier)
    for each in allowed:
        if each.operator in ("==", "===") and not each.version.endswith("*"):
            return each.version
    proven = {*library.proven, *(version for each in library.when for version in each.proven)}
    fitting = [version for version in proven if allowed.contains(version, prereleases=True)]
    return max(fitting, key=Version, default=None)


def _allows(specifier: str, version: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(specifier).contains(version, prereleases=True)


# -- Reading ------------------------------------------------------------------------------------------


def _data_files() -> Iterator[tuple[str, Tables]]:
    from importlib import resources  # what a run does without that finds the libraries in the cache

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    folder = resources.files("servicelint.catalog") / "data"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            yield file.name, tomllib.loads(file.read_text("utf-8"))


def _under(held: Held, tables: Tables) -> Tables:
    """What a file says where these conditions hold."""
    for when in tables.get("when", ()):
        if (tables["library"], when["versions"]) in held:
            change = {key: value for key, value in when.items() if key not in _OF_CONDITIONS}
            tables = merged(_without(tables, when.get("absent", ())), change)
    return tables


def _without(tables: Tables, absent: Iterable[str]) -> Tables:
    """The tables without some entries."""
    left = dict(tables)
    for group, entries in tables.items():
        if isinstance(entries, dict):
            left[group] = {name: entry for name, entry in entries.items() if name not in absent}
    return left


_OF_CONDITIONS = ("versions", "proven", "absent")


def merged(base: Any, change: Any) -> Any:
    """Tables with a change laid over them: lists of methods merge by names, what is no table is replaced."""
    if isinstance(base, dict) and isinstance(change, dict):
        both = {key: merged(base[key], value) if key in base else value for key, value in change.items()}
        return {**base, **both}
    if _are_methods(base) and _are_methods(change):
        return _merged_methods(base, change)
    return change


def _merged_methods(base: list[Tables], change: list[Tables]) -> list[Tables]:
    """Lists of methods: those of the change stand where the first of their names stood."""
    taken = {name for method in change for name in method["names"]}
    found: list[Tables] = []
    for method in base:
        found += [each for each in change if each not in found and {*each["names"]} & {*method["names"]}]
        left = [name for name in method["names"] if name not in taken]
        found += [{**method, "names": left}] if left else []
    return found + [each for each in change if each not in found]


def _are_methods(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) and "names" in each for each in value)


def _add_to_clients(files: Mapping[str, Tables]) -> None:
    """Tell the clients of the transports and makers that other libraries have for them."""
    clients = {name: client for each in files.values() for name, client in each.get("clients", {}).items()}
    for tables in files.values():
        for name, transports in tables.get("plain-transports", {}).items():
            where = clients[name].get("mounting", clients[name])
            where["transports"] = [*where.get("transports", ()), *transports]
        for name, makers in tables.get("makers", {}).items():
            clients[name]["factories"] = [*clients[name].get("factories", ()), *makers]


def _liken(files: Mapping[str, Tables], group: str) -> None:
    """Fill in the entries of a group that are ``like`` others."""
    owners = {name: tables for tables in files.values() for name in tables.get(group, ())}

    def find(name: str) -> tuple[Tables, Tables]:
        return owners[name], owners[name][group][name]

    filled = {name: _filled_in(name, find, tables) for name, tables in owners.items()}
    for name, tables in owners.items():
        tables[group][name] = filled[name]


def _filled_in(name: str, find: Callable[[str], tuple[Tables, Tables]], into: Tables) -> Tables:
    """An entry with what it shares with the one it is like; the meanings of that one come along."""
    owner, entry = find(name)
    if _LIKE not in entry:
        meanings = owner.get("meanings", {})
        if owner is not into:
            into.setdefault("meanings", {}).update(
                {key: value for key, value in meanings.items() if key not in into.get("meanings", {})}
            )
        return entry
    shared = _filled_in(entry[_LIKE], find, into)
    shared = {key: value for key, value in shared.items() if key not in _ONES_OWN}
    return dict(merged(shared, entry))


def _converted(file_name: str, tables: Tables) -> Library:
    try:
        return msgspec.convert(tables, Library)
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(f"{file_name}: {error}") from None
