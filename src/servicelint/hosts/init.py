"""``servicelint init``: propose the services of a repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from servicelint.hosts.failure import Fail

if TYPE_CHECKING:
    from servicelint.proposal.proposal import Proposal


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path())
@click.option("--write", "is_written", is_flag=True, help="Write the proposal into the settings.")
@click.option("--from-repository", is_flag=True, help="Leave settings of import-linter and tach alone.")
def init(folder: Path, is_written: bool, from_repository: bool) -> None:
    """Propose the services of FOLDER (by default, the working directory) as settings.

    Settings of import-linter or tach are translated. Without these, services are looked for in compose files,
    Kubernetes manifests and folders with a Dockerfile or project file of their own.
    """
    from servicelint.config import ConfigError
    from servicelint.proposal.discovery import discovered
    from servicelint.proposal.proposal import text
    from servicelint.proposal.writing import AlreadyDeclared, target, write

    root = folder.resolve()
    try:
        path, table = target(root)
        proposal = (None if from_repository else _translated(root)) or discovered(root)
    except (
        AlreadyDeclared,
        ConfigError,
        ValueError,
    ) as error:  # unreadable TOML and INI are ValueErrors
        raise Fail(str(error)) from None
    if not proposal.services:
        raise Fail("no services were found: nothing is deployed here, and no folder is a project of its own")
    if is_written:
        write(proposal, path, table)
        click.echo(f"{len(proposal.services)} services written to {path}", err=True)
        for note in proposal.notes:
            click.echo(f"note: {note}", err=True)
    else:
        click.echo(text(proposal, table), nl=False)


def _translated(root: Path) -> Proposal | None:
    from servicelint.proposal import import_linter, tach

    return import_linter.translated(root) or tach.translated(root)
