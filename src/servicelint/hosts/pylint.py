"""The pylint plugin: a checker a family of rules, all asking one session.

pylint's own tree of a file is not looked at. It only tells which file it is: what is found does not depend
on what is installed beside pylint.
"""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from pylint.checkers import BaseChecker

from servicelint import registry
from servicelint.hosts.options import SCOPE_HELP, SCOPE_OPTION, SCOPES
from servicelint.hosts.session import Session, SetupError
from servicelint.sources.reading import decode_source
from servicelint.sources.roots import common_folder
from servicelint.suppression import DIALECTS

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from astroid import nodes
    from pylint.lint import PyLinter
    from pylint.typing import ExtraMessageOptions, MessageDefinitionTuple, Options

    from servicelint.finding import Finding
    from servicelint.rule import Rule

_SCOPE: Options = (
    (
        SCOPE_OPTION,
        {"default": "auto", "type": "choice", "choices": SCOPES, "metavar": "<scope>", "help": SCOPE_HELP},
    ),
)


def register(linter: PyLinter) -> None:
    """Add the checkers. pylint calls this in each worker too; under older versions they are there already."""
    if any(isinstance(checker, FamilyChecker) for checker in linter.get_checkers()):
        return
    asking = Asking(linter)
    families = groupby(registry.rules().values(), key=registry.family)
    for number, (family, rules) in enumerate(families):
        linter.register_checker(
            FamilyChecker(linter, family, list(rules), asking, _SCOPE if not number else ())
        )


class FamilyChecker(BaseChecker):
    """The rules of one family: pylint wants the ids of a checker to agree in their first digits.

    It keeps nothing from file to file, so it does not matter which process checks which file.
    """

    def __init__(
        self, linter: PyLinter, family: str, rules: Sequence[Rule], asking: Asking, options: Options
    ) -> None:
        self.name = f"servicelint-{family}"
        self.msgs = {rule.pylint_id: _message(rule) for rule in rules}
        self.options = options
        self._asking = asking
        super().__init__(linter)

    def open(self) -> None:
        """Look at what is enabled before comments in a file can change it."""
        self._asking.begin()

    def visit_module(self, node: nodes.Module) -> None:
        """Report on a file."""
        for finding in self._asking.findings(node):
            if f"W9{finding.code[-3:]}" in self.msgs:
                self._report(node, finding)

    def _report(self, node: nodes.Module, finding: Finding) -> None:
        self.add_message(
            finding.name,
            node=node,
            line=finding.place.line,
            col_offset=finding.place.column - 1,
            end_lineno=finding.end_line or finding.place.line,
            end_col_offset=max(finding.end_column, finding.place.column) - 1,
            args=(finding.message,),
        )


class Asking:
    """What the checkers of one process share: they are all called for each file."""

    def __init__(self, linter: PyLinter) -> None:
        self.linter = linter
        self._session: Session | None = None

    def begin(self) -> None:
        """Make the session, unless it is there: in a worker, checkers are opened anew for each file."""
        if self._session is None:
            config = self.linter.config
            enabled = self.linter.is_message_enabled
            off = [rule for rule in registry.rules().values() if not rule.on_by_default]
            paths = _paths(config)
            self._session = Session(
                common_folder(paths),
                dialects=DIALECTS - {"pylint"},  # that one is pylint's own business
                scope=config.servicelint_scope,
                is_single=config.from_stdin or (len(paths) == 1 and os.path.isfile(paths[0])),
                named=[rule.code for rule in off if enabled(rule.pylint_id)],
            )

    def findings(self, node: nodes.Module) -> list[Finding]:
        """The findings of a file.

        Raises:
            SystemExit: with one clear line, if the settings can't be used.
        """
        assert self._session is not None  # noqa: S101 - pylint opens checkers first
        text = _text(node) if self.linter.config.from_stdin else None
        try:
            return self._session.findings(node.file, text)
        except SetupError as error:
            raise SystemExit(f"servicelint: {error}") from None


def _paths(config: Namespace) -> list[Path]:
    """What pylint was asked about; nothing if its version does not tell, or if it is a module's name."""
    paths = [Path(name) for name in getattr(config, "files", ())]
    return paths if config.from_stdin or all(map(os.path.exists, paths)) else []


def _message(rule: Rule) -> MessageDefinitionTuple:
    options: ExtraMessageOptions = {"default_enabled": rule.on_by_default}
    return "%s", rule.name, rule.documentation.strip(), options


def _text(node: nodes.Module) -> str:
    """What stands in the editor; only there, a file is not read from the disk."""
    with node.stream() as stream:
        return decode_source(stream.read())
