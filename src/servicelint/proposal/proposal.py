"""A proposal for the services of a repository, and its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import tomlkit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomlkit import TOMLDocument
    from tomlkit.items import InlineTable, Table


class Proposed(msgspec.Struct):
    """One proposed service. ``depends_on`` maps others to protocols; ``reason`` tells where it was found."""

    modules: list[str] = msgspec.field(default_factory=list)
    interface: list[str] | None = None
    depends_on: dict[str, set[str]] = msgspec.field(default_factory=dict)
    hosts: set[str] = msgspec.field(default_factory=set)
    reason: str = ""

    def depend(self, other: str, protocol: str) -> None:
        """Have it depend on another service."""
        self.depends_on.setdefault(other, set()).add(protocol)


class Exempted(msgspec.Struct):
    """One proposed exception."""

    source: str
    target: str
    reason: str


class Proposal(msgspec.Struct):
    """What is proposed. ``notes`` are on what was left out, or has to be looked at."""

    origin: str
    services: dict[str, Proposed] = msgspec.field(default_factory=dict)
    shared: list[str] = msgspec.field(default_factory=list)
    exceptions: list[Exempted] = msgspec.field(default_factory=list)
    type_checking: str = ""
    notes: list[str] = msgspec.field(default_factory=list)


def add_to(table: TOMLDocument | Table, proposal: Proposal) -> None:
    """Write a proposal into a table of settings that declares no services yet."""
    if proposal.type_checking and "type-checking" not in table:
        table["type-checking"] = proposal.type_checking
    if proposal.shared and "shared" not in table:
        table["shared"] = _array(proposal.shared)
    services = tomlkit.table(is_super_table=True)
    for name, service in proposal.services.items():
        services[name] = _service(service)
    table["services"] = services
    if proposal.exceptions and "exceptions" not in table:
        exceptions = tomlkit.aot()
        for each in proposal.exceptions:
            entry = tomlkit.table()
            entry.update({"from": each.source, "to": each.target, "reason": each.reason})
            exceptions.append(entry)
        table["exceptions"] = exceptions


def text(proposal: Proposal, prefix: Iterable[str] = ()) -> str:
    """The proposal as TOML, below the tables called ``prefix``, with its notes in front."""
    document = tomlkit.document()
    for line in (f"Proposed by servicelint init, from {proposal.origin}.", *proposal.notes):
        document.add(tomlkit.comment(line))
    add_to(below(document, prefix), proposal)
    return tomlkit.dumps(document)


def below(document: TOMLDocument, prefix: Iterable[str]) -> Any:
    """The table that a path of names leads to, made where it is missing."""
    table: Any = document
    for name in prefix:
        if name not in table:
            table[name] = tomlkit.table(is_super_table=name != "servicelint")
        table = table[name]
    return table


def _service(service: Proposed) -> Table:
    table = tomlkit.table()
    if service.reason:
        table.add(tomlkit.comment(service.reason))
    table["modules"] = _array(service.modules)
    if service.interface is not None:
        table["interface"] = _array(service.interface)
    if service.depends_on:
        table["depends-on"] = _inline(service.depends_on)
    if service.hosts:
        table["hosts"] = _array(sorted(service.hosts))
    return table


def _array(values: Iterable[str]) -> Any:
    array = tomlkit.array()
    array.extend(values)
    return array.multiline(len(array) > 4)


def _inline(depends_on: dict[str, set[str]]) -> InlineTable:
    table = tomlkit.inline_table()
    for other, protocols in sorted(depends_on.items()):
        names = sorted(protocols)
        table[other] = names[0] if len(names) == 1 else names
    return table


def unique_names(dotted: Iterable[str]) -> dict[str, str]:
    """A short name for each dotted name: its last part, or as many as tell it from the others."""
    wanted = list(dict.fromkeys(dotted))
    found: dict[str, str] = {}
    for name in wanted:
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            short = "-".join(parts[-count:])
            if not any("-".join(other.split(".")[-count:]) == short for other in wanted if other != name):
                break
        found[name] = short
    return found
