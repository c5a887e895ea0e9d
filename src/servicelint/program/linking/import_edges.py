"""One module's import of another, and where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from servicelint.facts.logical_lines import count_newlines, indent_of

if TYPE_CHECKING:
    from servicelint.facts.imports import ImportFact
    from servicelint.program.linking.modules import Module


class Import(NamedTuple):
    """A module's import of another module of the program."""

    importer: Module
    fact: ImportFact
    target: Module

    @property
    def name(self) -> str:
        """The imported module, as the import calls it if it gives more of its name than its root does."""
        stem = self.target.path.removesuffix(".py").removesuffix("/__init__")
        written = (f"{self.fact.module}.{self.fact.member}", self.fact.module)
        names = [self.target.name]
        if not self.fact.level:
            names += [name for name in written if stem.endswith(f"/{name.replace('.', '/')}")]
        return max(names, key=len)

    @property
    def line(self) -> int:
        """The line of the statement, from 1."""
        return _line(self.importer.source, self.fact.statement)


class Spot(NamedTuple):
    """Where a piece of source stands: lines and columns from 1, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


def spot(module: Module, fact: ImportFact) -> Spot:
    """Where the imported name stands."""
    text = module.source
    return Spot(
        _line(text, fact.start), indent_of(text, fact.start) + 1,
        _line(text, fact.end), indent_of(text, fact.end) + 1,
    )  # fmt: skip


def _line(text: str, offset: int) -> int:
    return count_newlines(text, 0, offset) + 1
