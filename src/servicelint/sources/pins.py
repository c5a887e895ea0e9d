"""Which versions of libraries a project uses, read from its lock files and requirements.

Nothing is imported or resolved. Of several files the one that says most precisely what is installed counts:
lock files, then requirements files, then pyproject.toml. A file that can't be read says nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from servicelint.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

_BEGINS_NAME = regex(r"[A-Za-z0-9][\w.-]*")

Pins = dict[str, str]
"""Version specifiers (``==1.4.2``, ``>=1,<2``) by the normalized name of a distribution."""

_PATTERNS = (
    "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "requirements*.txt", "requirements/*.txt",
    "pyproject.toml",
)  # fmt: skip

LARGEST = 20_000_000
"""Bytes; what is larger is no list of requirements."""


def pin_files(root: Path) -> list[Path]:
    """The files of a project that may say which versions it uses, the most precise ones first."""
    found = [path for pattern in _PATTERNS for path in sorted(root.glob(pattern))]
    return [path for path in found if _is_small_file(path)]


def _is_small_file(path: Path) -> bool:
    try:
        return os.path.isfile(path) and path.stat().st_size <= LARGEST
    except OSError:
        return False


def pins(files: Iterable[Path], names: Collection[str]) -> Pins:
    """What the files say of some distributions; of each, the first file that speaks of it counts."""
    found: Pins = {}
    wanted = {normalized(name) for name in names}
    for path in files:
        for name, stated in _stated(path, wanted):
            specifier = _specifier(stated) if name in wanted and name not in found else ""
            if specifier:
                found[name] = specifier
    return found


def _specifier(stated: str) -> str:
    """The specifier of what a file states: a specifier, or a whole requirement; "" if it is neither."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        if _BEGINS_NAME.match(stated):
            return str(Requirement(stated).specifier)
        return str(SpecifierSet(stated))
    except (InvalidRequirement, InvalidSpecifier):
        return ""


def normalized(name: str) -> str:
    """A distribution's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _stated(path: Path, wanted: set[str]) -> Iterator[tuple[str, str]]:
    """What one file says, if it holds one of the wanted names at all: large files are seldom parsed."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):  # no such file as its name says
        text = path.read_text("utf-8-sig")
        if any(re.search(re.escape(name).replace("\\-", "[-_.]"), text, re.IGNORECASE) for name in wanted):
            read = _READERS.get(path.name, _requirements)
            yield from [(normalized(name), specifier) for name, specifier in read(text)]


def _locked(text: str) -> Iterator[tuple[str, str]]:
    """uv.lock, poetry.lock, pdm.lock: tables ``[[package]]``."""
    for package in tomllib.loads(text).get("package", ()):
        if "version" in package:  # a workspace's own packages may have none
            yield package["name"], f"=={package['version']}"


def _pipfile(text: str) -> Iterator[tuple[str, str]]:
    import json  # few projects have one

    for section in ("default", "develop"):
        for name, package in json.loads(text).get(section, {}).items():
            yield name, package.get("version", "")


def _project(text: str) -> Iterator[tuple[str, str]]:
    """pyproject.toml: the standard's dependencies and poetry's."""
    table = tomllib.loads(text)
    project = table.get("project", {})
    extras = project.get("optional-dependencies", {}).values()
    groups = table.get("dependency-groups", {}).values()
    for group in (project.get("dependencies", ()), *extras, *groups):
        for line in group:
            if isinstance(line, str):
                yield from _requirement(line)
    poetry = table.get("tool", {}).get("poetry", {})
    sections = [poetry, *poetry.get("group", {}).values()]
    for section in sections:
        for name, constraint in section.get("dependencies", {}).items():
            yield name, _from_poetry(constraint)


def _from_poetry(constraint: Any) -> str:
    """poetry's own ways to write a range as a specifier: ``^1.2``, ``~1.2``, ``1.2``; "" for any."""
    text = constraint.get("version", "") if isinstance(constraint, dict) else constraint
    text = "" if text == "*" or not isinstance(text, str) else text.replace(" ", "")
    caret = re.fullmatch(r"\^(\d+)((?:\.\d+)*)", text)
    if caret:
        return _below_next(text[1:].split("."))
    tilde = re.fullmatch(r"~(\d+)(?:\.(\d+))?((?:\.\d+)*)", text)
    if tilde:
        parts = text[1:].split(".")
        return f">={text[1:]},=={'.'.join(parts[:2])}.*"
    return f"=={text}" if re.match(r"\d", text) else text


def _below_next(parts: list[str]) -> str:
    """``^1.2.3``: up to the next change of the first part that is not zero."""
    significant = next((number for number, part in enumerate(parts) if part != "0"), len(parts) - 1)
    return f">={'.'.join(parts)},=={'.'.join(parts[: significant + 1])}.*"


def _requirements(text: str) -> Iterator[tuple[str, str]]:
    for line in text.replace("\\\n", " ").splitlines():
        yield from _requirement(line)


def _requirement(line: str) -> Iterator[tuple[str, str]]:
    """One requirement, without comment and options; a line that is only those is none."""
    stated = line.partition(" #")[0].partition(" --")[0].strip()
    name = _BEGINS_NAME.match(stated)
    if name:
        yield name[0], stated


_READERS: dict[str, Callable[[str], Iterator[tuple[str, str]]]] = {
    "uv.lock": _locked,
    "poetry.lock": _locked,
    "pdm.lock": _locked,
    "Pipfile.lock": _pipfile,
    "pyproject.toml": _project,
}
