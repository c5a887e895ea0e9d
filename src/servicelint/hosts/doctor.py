"""What ``servicelint doctor`` tells: what is installed, what is read, and what of it is broken."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import servicelint
from servicelint import registry
from servicelint.config import Config, ConfigError, load
from servicelint.sources.cache import Cache
from servicelint.sources.discovery import BadPattern, select, why_left_out
from servicelint.sources.roots import SourceRoots, common_folder, further_roots, program_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_WAIT = 60.0
"""Seconds that another linter has to tell which plugins it sees."""
MOST_ROOTS = 5
"""How many source roots are listed."""


class Examination(msgspec.Struct):
    """Lines of text, and what is broken: each with its remedy."""

    lines: list[str] = msgspec.field(default_factory=list)
    broken: list[str] = msgspec.field(default_factory=list)

    def tell(self, subject: str, *texts: str) -> None:
        """Write down something on a subject."""
        for number, text in enumerate(texts):
            self.lines.append(f"{'' if number else subject:<13}{text}".rstrip())

    def complain(self, subject: str, text: str) -> None:
        """Write down something that is broken."""
        self.tell(subject, f"BROKEN: {text}")
        self.broken.append(text)


def examine(start: Path, cache_folder: Path | None = None) -> Examination:
    """Examine the installation, and the program that ``start`` belongs to."""
    found = Examination()
    _installation(found)
    _linter(found, "flake8", _flake8_problem)
    _linter(found, "pylint", _pylint_problem)
    _rules(found)
    _program(found, start, _settings(found, start))
    _cache(found, cache_folder)
    found.tell("Verdict", f"{len(found.broken)} broken" if found.broken else "all is well")
    return found


# --- what is installed ---------------------------------------------------------------------------


def _installation(found: Examination) -> None:
    found.tell("servicelint", f"{servicelint.__version__} in {Path(servicelint.__file__).parent}")
    found.tell(
        "Python", f"{platform.python_version()} ({platform.python_implementation()}), {sys.executable}"
    )
    found.tell("Parser", f"libcst {metadata.version('libcst')}")


def _linter(found: Examination, name: str, problem: Callable[[], str]) -> None:
    version = _version(name)
    if version is None:
        found.tell(name, "not installed beside servicelint")
        return
    reason = problem()
    if reason:
        found.complain(name, f"{version} does not see servicelint: {reason}")
    else:
        found.tell(name, f"{version} sees servicelint")


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _flake8_problem() -> str:
    """Why flake8 does not see the plugin, or ""; it tells itself, in a process of its own."""
    plugins = metadata.entry_points(group="flake8.extension")
    if not any(point.value.startswith("servicelint.") for point in plugins):
        return "its entry point is not installed; reinstall servicelint"
    said = _said("flake8", "--isolated", "--version")
    return "" if "servicelint" in said.lower() else f"it says {' '.join(said.split())[:200]!r}"


def _pylint_problem() -> str:
    """Why pylint can't load the plugin, or ""."""
    options = (f"--rcfile={os.devnull}", "--load-plugins=servicelint.pylint", "--list-msgs-enabled")
    said = _said("pylint", *options)
    return "" if "(W91" in said else f"asked for our messages it says {' '.join(said.split())[-200:]!r}"


def _said(module: str, *arguments: str) -> str:
    """What another linter says, run where the examined tree can't bring in modules or settings of its own."""
    command = [sys.executable, "-m", module, *arguments]
    try:
        with tempfile.TemporaryDirectory() as empty:
            done = subprocess.run(  # noqa: S603 - this interpreter and a fixed module
                command,
                cwd=empty,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=LONGEST_WAIT,
            )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return done.stdout + done.stderr


def _rules(found: Examination) -> None:
    try:
        codes = list(registry.rules())
    except registry.NoRules as error:
        found.complain("Rules", str(error))
        return
    found.tell("Rules", f"{len(codes)} loaded: {', '.join(codes)}")
    for name, reason in registry.failures().items():
        found.complain("", f"{name} can't be loaded: {reason}; update or remove the package that brings it")


# --- what is read --------------------------------------------------------------------------------


def _settings(found: Examination, start: Path) -> Config:
    try:
        config, folder = load(start)
    except ConfigError as error:
        found.complain("Settings", str(error))
        return Config()
    if folder is None:
        found.tell("Settings", "none found: the defaults hold")
    else:
        keys = ", ".join(_keys(config)) or "no key that differs from the defaults"
        file = config.origin.file if config.origin else folder
        found.tell("Settings", f"{file}: {keys}")
    return config


def _keys(config: msgspec.Struct, prefix: str = "") -> Iterator[str]:
    """The keys, with their tables, that differ from the defaults."""
    defaults = type(config)()
    for each in msgspec.structs.fields(config):
        value = getattr(config, each.name)
        if each.name == "origin" or value == getattr(defaults, each.name):
            continue
        if isinstance(value, msgspec.Struct):
            yield from _keys(value, f"{prefix}{each.encode_name}.")
        elif isinstance(value, dict):
            yield from (f"{prefix}{each.encode_name}.{key}" for key in value)
        else:
            yield f"{prefix}{each.encode_name}"


def _program(found: Examination, start: Path, config: Config) -> None:
    root = program_root(common_folder([start]))
    try:
        selection = select([root], root, config.exclude, include_tests=config.include_tests)
    except BadPattern as error:
        found.complain("Files", str(error))
        return
    paths = [path.as_posix() for path in (*selection.targets, *selection.others)]
    sources = SourceRoots(paths, root.as_posix())
    roots = {sources.of(path) for path in paths} | further_roots(paths, root.as_posix())
    shown = sorted(os.path.relpath(folder, root) for folder in roots)
    more = f" and {len(shown) - MOST_ROOTS} more" if len(shown) > MOST_ROOTS else ""
    found.tell("Program", str(root), f"imports start from: {', '.join(shown[:MOST_ROOTS])}{more}")
    reasons = Counter(
        why_left_out(path, root, config.exclude, include_tests=config.include_tests)
        for path in selection.others
    )
    left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    found.tell("Files", f"{len(selection.targets)} checked; left out: {left_out or 'none'}")


def _cache(found: Examination, folder: Path | None) -> None:
    cache = Cache(folder)
    state = cache.state()
    if cache.problem:
        found.complain("Cache", f"{cache.problem}; choose another folder with --cache-dir")
        return
    cache.close()
    size = sum(path.stat().st_size for path in cache.path.parent.glob(f"{cache.path.name}*"))
    kinds = ", ".join(f"{count} {kind}" for kind, count in state.items()) or "empty"
    found.tell("Cache", f"{cache.path}", f"{size / 1e6:.1f} MB ({kinds}), writable")
