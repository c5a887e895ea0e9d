"""What the plugins of other linters share: the findings of one file, its program linked once a process.

A plugin is asked file by file and never told about the whole run. The first file that is asked about makes
the program; the others get their share of what was found. Processes beside each other (the workers of one
run) take turns: the first one works, those that waited read its result from the cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections import defaultdict
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from servicelint import registry
from servicelint.config import Config, ConfigError, load
from servicelint.crashes import Crashes
from servicelint.hosts.options import SCOPE_OPTION, SCOPES
from servicelint.keys import run_name
from servicelint.program_files import listed
from servicelint.run import Run
from servicelint.sources.cache import Cache
from servicelint.sources.discovery import BadPattern, Selection, is_checked, select
from servicelint.sources.neighbourhood import neighbourhood
from servicelint.sources.roots import is_everything, is_marked_root, program_root
from servicelint.sources.turns import turn
from servicelint.workers import at_full_speed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from servicelint.finding import Dialect, Finding
    from servicelint.hosts.options import Scope
    from servicelint.program_files import Listed
    from servicelint.result import Result
    from servicelint.rule import Rule

Findings = dict[Path, list["Finding"]]
"""By absolute path."""


class SetupError(Exception):
    """Nothing can be checked; the message says in one line why, and what to do."""


class Session:
    """One run of a host, in one process.

    Args:
        start: the folder that the host was asked about: programs and settings are looked for from here up.
        dialects: whose comments silence findings; a host leaves out those that it reads itself.
        scope: what is read to judge a file, see :data:`servicelint.hosts.options.SCOPE_HELP`.
        is_single: whether the host was asked about one file only, as editors do.
        named: rules that were named by their full code, and so run even if they are off by default.

    Raises:
        SetupError: if the scope is none; flake8 does not look at what its settings say.
    """

    def __init__(
        self,
        start: Path,
        dialects: Collection[Dialect],
        *,
        scope: Scope = "auto",
        is_single: bool = False,
        named: Collection[str] = (),
    ) -> None:
        if scope not in SCOPES:
            raise SetupError(f"{SCOPE_OPTION}: {scope!r} is none of {', '.join(SCOPES)}")
        self.start = _absolute(start)
        self.dialects = dialects
        self.named = tuple(sorted(named))
        self.scope: Scope = "program" if scope == "auto" and not is_single else scope
        self._programs: dict[Path, _Program] = {}
        self._by_folder: dict[Path, _Program] = {}
        self._has_complained = False
        self._is_single = is_single
        self.lasting: tuple[Path, bytes | None] | None = None
        """The root of a program, if the last findings hold for as long as nothing in it changes.

        With it, how all but the asked file stood, if that is known.
        """

    def findings(self, path: str, text: str | None = None) -> list[Finding]:
        """The findings of a file, in order. ``text`` is its content, if that is not what stands on the disk.

        Raises:
            SetupError: if the settings can't be used.
        """
        file = _absolute(Path(path))
        self.lasting = None
        try:
            program = self._by_folder.get(file.parent) or self._program_of(file.parent)
            return self._found(program, file, text).get(file, [])
        except (ConfigError, BadPattern, registry.NoRules) as error:
            raise SetupError(str(error)) from None
        except Exception as error:  # noqa: BLE001 - the host goes on with its own checks and other files
            self.lasting = None
            crashes = Crashes()
            crashes.note(path, "servicelint", error)
            return crashes.left()

    def _found(self, program: _Program, file: Path, text: str | None) -> Findings:
        if program.found is not None and text is None and file.suffix == ".py":
            return program.found
        if not program.covers(file):
            self.lasting = program.root, None
            return {}
        with self._cache() as cache, at_full_speed(is_last=self._is_single):
            if self.scope == "file" or file.suffix != ".py" or is_everything(program.root):
                return program.checked_alone(cache, file, text)
            if self.scope == "auto":
                found = program.resumed(cache, file, text)
                if found is None:
                    return self._alone(program, cache, file, text)
                self.lasting = program.root, program.stood
                return found
            self.lasting = program.root, None
            found = program.checked(cache, {} if text is None else {file: text})
            if text is None:
                program.found = found
            return found

    def _alone(self, program: _Program, cache: Cache, file: Path, text: str | None) -> Findings:
        """The findings of a file without its program, because that would take long: that is said once."""
        key = str(program.root).encode()
        if cache.get("told", key) is None:
            cache.put("told", key, b"")
            _say(
                f"the cache does not hold {program.root} as it is now, so a file is checked with what it "
                f"imports only; run once: servicelint check {program.root}"
            )
        return program.checked_alone(cache, file, text)

    @contextlib.contextmanager
    def _cache(self) -> Iterator[Cache]:
        """The cache, saved at the end; what is wrong with it is said once."""
        cache = Cache()
        try:
            yield cache
        finally:
            cache.close()
            if cache.problem and not self._has_complained:
                self._has_complained = True
                _say(cache.problem)

    def _program_of(self, folder: Path) -> _Program:
        """The program that the files of a folder belong to: that of ``start``, or one below or beside it."""
        start, root = self.start, program_root(self.start)
        own = program_root(folder)
        if not folder.is_relative_to(root) or (is_marked_root(own) and not is_marked_root(root)):
            start = root = own
        program = self._programs.get(root)
        if program is None:
            program = self._programs[root] = self._read(root, load(start)[0])
        self._by_folder[folder] = program
        return program

    def _read(self, root: Path, config: Config) -> _Program:
        chosen = (*config.select, *self.named)
        rules = registry.selected(chosen, config.ignore)
        if not rules:
            raise ConfigError(f"no rule matches `select`: {', '.join(chosen) or 'it is empty'}")
        return _Program(root, config, rules, self.dialects)


class _Program:
    """A program with its settings. ``found`` are the findings in it, once they were asked for.

    ``stood`` tells how all but the file stood that was asked about last, if that is known.
    """

    def __init__(self, root: Path, config: Config, rules: list[Rule], dialects: Collection[Dialect]) -> None:
        self.root = root
        self.config = config
        self.rules = rules
        self.dialects = dialects
        self.found: Findings | None = None
        self.stood: bytes | None = None

    def covers(self, file: Path) -> bool:
        """Whether a check of the program reports on a file; one with another ending was named, so it does."""
        tests = self.config.include_tests
        return file.suffix != ".py" or is_checked(file, self.root, self.config.exclude, include_tests=tests)

    def checked(self, cache: Cache, buffers: Mapping[Path, str] = MappingProxyType({})) -> Findings:
        """The findings in the whole program."""
        run = self._whole(cache, buffers)
        found = self._resumed(run)
        if found is not None:
            return found
        with turn(cache.folder / self._turn):
            found = self._findings(run)
            cache.save()  # before the next one has its turn
        return found

    def resumed(self, cache: Cache, file: Path, text: str | None) -> Findings | None:
        """The findings in the whole program, if the cache has a run of it to go on from."""
        if not cache.has("run", run_name(self.root, self.rules)):
            return None
        return self._resumed(self._whole(cache, {} if text is None else {file: text}, frozenset({file})))

    @property
    def _turn(self) -> str:
        """The file that processes take turns on."""
        return f"{hashlib.blake2b(str(self.root).encode(), digest_size=8).hexdigest()}.turn"

    def checked_alone(self, cache: Cache, file: Path, text: str | None) -> Findings:
        """The findings of a file as it and what it imports show them."""
        near = neighbourhood(file, self.root, self.config.source_roots, text)
        selection = Selection(sorted({file, *near}), named={file}, is_whole=False)
        return self._findings(self._run(selection, cache, {} if text is None else {file: text}))

    def _whole(self, cache: Cache, buffers: Mapping[Path, str], asked: frozenset[Path] | None = None) -> Run:
        config = self.config
        known = listed(cache, self.root, self.rules, config)
        self.stood = None
        if known and {path.as_posix() for path in buffers} <= set(known[0].paths):
            listing, changed = known
            self.stood = listing.standing if changed <= {path.as_posix() for path in asked or ()} else None
            return self._run(Selection(asked=asked), cache, buffers, known)
        selection = select((self.root,), self.root, config.exclude, include_tests=config.include_tests)
        if not buffers.keys() <= set(selection.targets):  # one may not be on the disk yet
            selection.targets = sorted({*selection.targets, *buffers}, key=str)
        selection.asked = asked
        return self._run(selection, cache, buffers)

    def _run(
        self,
        selection: Selection,
        cache: Cache,
        buffers: Mapping[Path, str],
        known: Listed | None = None,
    ) -> Run:
        texts = {path.as_posix(): text for path, text in buffers.items()}
        return Run(selection, self.config, self.root, cache, texts, self.dialects, listed=known)

    def _resumed(self, run: Run) -> Findings | None:
        result = run.resumed(self.rules)
        return None if result is None else _by_file(result)

    def _findings(self, run: Run) -> Findings:
        return _by_file(run.check(self.rules))


def _by_file(result: Result) -> Findings:
    found: Findings = defaultdict(list)
    for finding in result.findings:
        found[_absolute(Path(finding.place.path))].append(finding)
    return found


def _say(line: str) -> None:
    """Tell people something, beside what the host reports."""
    sys.stderr.write(f"servicelint: {line}\n")


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - a link keeps the name it was given by
