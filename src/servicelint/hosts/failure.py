"""How a command ends that can't do what it was asked."""

from __future__ import annotations

import click

FAILED = 2
"""The exit status."""


class Fail(click.ClickException):
    """A usage or configuration error: one clear line, exit status 2."""

    exit_code = FAILED

    def show(self, file: object = None) -> None:  # noqa: ARG002 - click's signature
        """Print the one line."""
        click.echo(f"servicelint: {self.message}", err=True)
