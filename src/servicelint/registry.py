"""The rules there are: every file of ``servicelint.checkers``, and what other packages add."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from servicelint import plugins
from servicelint.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGE = "servicelint.checkers"
ENTRY_POINTS = "servicelint.checkers"
"""Other packages name their rule modules under this group of entry points."""


class NoRules(Exception):
    """Not one rule could be loaded: the installation is broken."""


class MissingExtra(NoRules):
    """A rule was chosen that needs a library which is not installed."""


EXTRAS = {"sql": "sqlglot"}
"""The extras that rules need, each with the module that it installs."""


@functools.cache
def rules() -> dict[str, Rule]:
    """All rules by code, in the order of their codes.

    Raises:
        NoRules: if there is none: a linter that checks nothing must not look like one that finds nothing.
    """
    found = _loaded()[0]
    if not found:
        raise NoRules(f"no rule was found in {PACKAGE}: reinstall servicelint")
    return {rule.code: rule for rule in sorted(found, key=lambda rule: rule.code)}


def failures() -> dict[str, str]:
    """What should bring a rule and can't be loaded, by its name, and why."""
    return _loaded()[1]


@functools.cache
def _loaded() -> tuple[list[Rule], dict[str, str]]:
    found: list[Rule] = []
    failed: dict[str, str] = {}
    for name, load in _sources():
        try:
            found.append(_rule_of(load()))
        except Exception as error:  # noqa: BLE001, PERF203 - others' code costs its own rule only
            failed[name] = " ".join(f"{type(error).__name__}: {error}".split())
    return found, failed


def _sources() -> Iterator[tuple[str, Callable[[], object]]]:
    package = importlib.import_module(PACKAGE)
    for info in pkgutil.iter_modules(package.__path__):
        name = f"{PACKAGE}.{info.name}"
        yield name, functools.partial(importlib.import_module, name)
    for point in plugins.added(ENTRY_POINTS):
        yield f"{point.name} = {point.value}", point.load


def _rule_of(module: object) -> Rule:
    found = getattr(module, "RULE", None)
    if not isinstance(found, Rule):
        raise TypeError("it has no RULE")
    return found


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


_FAMILIES = {
    "SVC0": "run",
    "SVC1": "deadlines",
    "SVC2": "breakers",
    "SVC3": "request-ids",
    "SVC4": "boundaries",
    "SVC5": "discovery",
    "SVC6": "capacity",
}


def family(rule: Rule) -> str:
    """What the rules of one hundred are about, in a word: ``deadlines`` for SVC101 and those that follow."""
    return _FAMILIES.get(rule.code[:4], rule.code[:4].lower())


DIAGNOSTICS = "SVC0"
"""What codes on the run itself begin with."""


def selected(select: tuple[str, ...], ignore: tuple[str, ...]) -> list[Rule]:
    """The rules whose code begins with one of ``select``; a longer beginning in ``ignore`` wins.

    A rule that is off by default is only selected by its full code. What could not be read or run is told
    whatever is selected, unless it is ignored; nothing if ``select`` fits no rule.

    Raises:
        MissingExtra: if one of them needs a library that is not installed.
    """
    if not any(_longest(code, select) for code in rules()):
        return []
    named = {code.upper() for code in select}
    select = (*select, DIAGNOSTICS)
    chosen = [
        each
        for each in rules().values()
        if (each.on_by_default or each.code in named)
        and _longest(each.code, select) > _longest(each.code, ignore)
    ]
    for rule in chosen:
        if rule.extra and find_spec(EXTRAS[rule.extra]) is None:
            remedy = f"pip install 'servicelint[{rule.extra}]', or leave it out of `select`"
            raise MissingExtra(f"{rule.code} needs {EXTRAS[rule.extra]}: {remedy}")
    return chosen


def _longest(code: str, beginnings: tuple[str, ...]) -> int:
    return max((len(beginning) for beginning in beginnings if code.startswith(beginning.upper())), default=0)
