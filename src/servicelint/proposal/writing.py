"""Writing a proposal into a repository's settings, never over services that are declared there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tomlkit

from servicelint.config import OWN_FILE, SHARED_FILE
from servicelint.proposal.proposal import add_to, below, text

if TYPE_CHECKING:
    from pathlib import Path

    from servicelint.proposal.proposal import Proposal

TABLE = ("tool", "servicelint")


class AlreadyDeclared(Exception):
    """The settings declare services; the message names the file."""


def target(root: Path) -> tuple[Path, tuple[str, ...]]:
    """The file that a proposal belongs into, and the table in it.

    Raises:
        AlreadyDeclared: if it declares services already.
    """
    own, shared = root / OWN_FILE, root / SHARED_FILE
    path, table = (shared, TABLE) if shared.is_file() and not own.is_file() else (own, ())
    settings = tomlkit.parse(path.read_text("utf-8")) if path.is_file() else tomlkit.document()
    if "services" in below(settings, table):
        raise AlreadyDeclared(f"{path}: services are declared here already; nothing is proposed over them")
    return path, table


def write(proposal: Proposal, path: Path, table: tuple[str, ...]) -> None:
    """Add a proposal to a file that :func:`target` has named; what stands in it stays as it is."""
    if not path.is_file():
        path.write_text(text(proposal, table), "utf-8")
        return
    settings = tomlkit.parse(path.read_text("utf-8"))
    add_to(below(settings, table), proposal)
    path.write_text(tomlkit.dumps(settings), "utf-8")
