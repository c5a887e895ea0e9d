"""The rules there are: every file of ``servicelint.checkers``, and what other packages add."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from importlib.metadata import entry_points
from pathlib import Path

from servicelint.rule import Rule

PACKAGE = "servicelint.checkers"
ENTRY_POINTS = "servicelint.checkers"
"""Other packages name their rule modules under this group of entry points."""


class NoRules(Exception):
    """Not one rule could be loaded: the installation is broken."""


@functools.cache
def rules() -> dict[str, Rule]:
    """All rules by code, in the order of their codes.

    Raises:
        NoRules: if there is none: a linter that checks nothing must not look like one that finds nothing.
    """
    package = importlib.import_module(PACKAGE)
    modules = [
        importlib.import_module(f"{PACKAGE}.{info.name}") for info in pkgutil.iter_modules(package.__path__)
    ]
    modules += [point.load() for point in entry_points(group=ENTRY_POINTS)]
    found = [module.RULE for module in modules if isinstance(getattr(module, "RULE", None), Rule)]
    if not found:
        raise NoRules(f"no rule was found in {PACKAGE}: reinstall servicelint")
    return {rule.code: rule for rule in sorted(found, key=lambda rule: rule.code)}


def folders() -> list[Path]:
    """The folders that hold the rules that come with servicelint."""
    return [Path(folder) for folder in importlib.import_module(PACKAGE).__path__]


def rule(code_or_name: str) -> Rule | None:
    """A rule by its code, its name or its pylint id."""
    wanted = code_or_name.lower()
    for each in rules().values():
        if wanted in (each.code.lower(), each.name, each.pylint_id.lower()):
            return each
    return None


DIAGNOSTICS = "SVC0"
"""What codes on the run itself begin with."""


def selected(select: tuple[str, ...], ignore: tuple[str, ...]) -> list[Rule]:
    """The rules whose code begins with one of ``select``; a longer beginning in ``ignore`` wins.

    A rule that is off by default is only selected by its full code. What could not be read or run is told
    whatever is selected, unless it is ignored; nothing if ``select`` fits no rule.
    """
    if not any(_longest(code, select) for code in rules()):
        return []
    named = {code.upper() for code in select}
    select = (*select, DIAGNOSTICS)
    return [
        each
        for each in rules().values()
        if (each.on_by_default or each.code in named)
        and _longest(each.code, select) > _longest(each.code, ignore)
    ]


def _longest(code: str, beginnings: tuple[str, ...]) -> int:
    return max((len(beginning) for beginning in beginnings if code.startswith(beginning.upper())), default=0)
