"""The flake8 plugin: one object a file, one session a process.

flake8 imports this in every run, also in those that check nothing: what costs time is imported when the
first file is checked.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from servicelint.hosts.options import SCOPE_HELP, SCOPE_OPTION, SCOPES

if TYPE_CHECKING:
    import argparse
    import ast
    from collections.abc import Iterator, Sequence

    from flake8.options.manager import OptionManager

    from servicelint.hosts.earlier_answers import Row
    from servicelint.hosts.session import Session

PREFIX = "SVC"
"""What all codes begin with; flake8 drops those that do not begin with the entry point's name."""

STDIN = "-"


class Plugin:
    """servicelint, as flake8 asks it: with a file's lines and the path they belong to."""

    _options: ClassVar[argparse.Namespace]
    _session: ClassVar[Session | None] = None

    def __init__(self, tree: ast.AST, filename: str, lines: Sequence[str]) -> None:
        """Take one file; that there is a ``tree`` tells flake8 to ask once a file."""
        del tree
        self.filename = filename
        self.lines = lines

    @staticmethod
    def add_options(manager: OptionManager) -> None:
        """Declare the options."""
        manager.add_option(
            f"--{SCOPE_OPTION}", choices=SCOPES, default="auto", parse_from_config=True, help=SCOPE_HELP
        )

    @classmethod
    def parse_options(cls, options: argparse.Namespace) -> None:
        """Keep the options for the first file. flake8 would take a TypeError here for another signature."""
        cls._options = options
        cls._session = None

    def run(self) -> Iterator[tuple[int, int, str, type[Plugin]]]:
        """Yield line, column from 0, code with message, and the plugin.

        Raises:
            ExecutionError: if the settings can't be used; flake8 prints it and exits with 1.
        """
        if not _is_wanted(self._options):
            return
        for line, column, text in self._rows():
            yield line, column, text, Plugin

    def _rows(self) -> list[Row]:
        """What is found, from an earlier answer if an editor asks again."""
        if not _is_single(self._options):
            return self._found()
        from servicelint.hosts.earlier_answers import EarlierAnswers

        text = self._text
        earlier = EarlierAnswers(
            self.filename, text, [self._options.servicelint_scope, _named(self._options)]
        )
        rows = earlier.told()
        if rows is None:
            rows = self._found()
            session = type(self)._session
            if session and session.lasting:
                earlier.keep(rows, *session.lasting)
        return rows

    @property
    def _text(self) -> str | None:
        return "".join(self.lines) if STDIN in self._options.filenames else None

    def _found(self) -> list[Row]:
        from flake8.exceptions import ExecutionError

        from servicelint.hosts.session import SetupError

        cls = type(self)
        try:
            if cls._session is None:
                cls._session = _session(self._options, self.filename)
            found = cls._session.findings(self.filename, self._text)
        except SetupError as error:
            raise ExecutionError(f"servicelint: {error}") from None
        return [(each.place.line, each.place.column - 1, f"{each.code} {each.message}") for each in found]


def _is_single(options: argparse.Namespace) -> bool:
    """Whether one file is asked about, as editors do."""
    names = options.filenames
    return len(names) == 1 and not os.path.isdir(names[0])


def _is_wanted(options: argparse.Namespace) -> bool:
    """Whether flake8 may report any of our codes at all."""
    chosen = [*(options.select or [PREFIX]), *(options.extend_select or [])]
    return any(code.startswith(PREFIX) or PREFIX.startswith(code) for code in chosen)


def _session(options: argparse.Namespace, filename: str) -> Session:
    from servicelint.hosts.session import Session
    from servicelint.sources.roots import common_folder
    from servicelint.suppression import DIALECTS

    paths = [Path(filename if name == STDIN else name) for name in options.filenames]
    return Session(
        common_folder(paths),
        dialects=DIALECTS - {"noqa"},  # that one is flake8's own business
        scope=options.servicelint_scope,
        is_single=_is_single(options),
        named=_named(options),
    )


def _named(options: argparse.Namespace) -> list[str]:
    """The rules that were named by their full code."""
    chosen = [*(options.select or []), *(options.extend_select or [])]
    return [code for code in chosen if re.fullmatch(rf"{PREFIX}\d{{3}}", code)]
