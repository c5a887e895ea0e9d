"""One run: find out what has changed, link the program, check its modules.

What links is imported where it is needed: a run that the cache answers starts in half the time without.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from servicelint.boundaries.uses import Uses
from servicelint.checking import Checker, ModuleResult, with_fingerprints
from servicelint.config import ConfigError
from servicelint.crashes import Crashes
from servicelint.keys import digest_of, program_key, run_name
from servicelint.knowledge import Knowledge
from servicelint.own_code import code_version
from servicelint.program.linking.modules import Module
from servicelint.program_files import ProgramFiles
from servicelint.reader import Reader
from servicelint.result import Result
from servicelint.sources.import_facts import ImportFacts
from servicelint.sources.known_digests import KnownDigests
from servicelint.sources.shown_paths import shown_path
from servicelint.sources.surroundings import Surroundings
from servicelint.suppression import DIALECTS
from servicelint.workers import at_full_speed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from servicelint import resume
    from servicelint.boundaries.crossings import Boundaries
    from servicelint.config import Config
    from servicelint.finding import Dialect, Finding
    from servicelint.other_processes import Pool
    from servicelint.program.program import Program
    from servicelint.program_files import Listed
    from servicelint.rule import Rule
    from servicelint.sources.cache import Cache
    from servicelint.sources.discovery import Selection
    from servicelint.sources.manifests.record import Deployed


_results = msgspec.msgpack.Decoder(Result)


class Run:
    """A program made from a selection of files, ready to be checked.

    ``buffers`` hold the texts of files that stand in an editor instead of on the disk, by path. ``dialects``
    are those of the comments that silence findings. ``pool`` makes facts beside this process. ``listed`` is
    the program's listing, if one is kept: then no files are looked for.
    """

    def __init__(
        self,
        selection: Selection,
        config: Config,
        root: Path,
        cache: Cache | None = None,
        buffers: Mapping[str, str] | None = None,
        dialects: Collection[Dialect] = DIALECTS,
        pool: Pool | None = None,
        listed: Listed | None = None,
    ) -> None:
        self.config = config
        self.root = root
        self.dialects = frozenset(dialects)
        self.cache = cache
        digests = KnownDigests(cache, run_name(root, (), is_whole=selection.is_whole))
        self.reader = Reader(cache, buffers, pool, digests)
        self.files = ProgramFiles(selection, root, config, self.reader.texts, digests, listed)
        self.today = datetime.date.today()
        standing = self.files.listing.standing if self.files.listing else None
        self._beside = Surroundings(root, cache, standing, code_version, self._note_crash)
        self.unread_folders = selection.unread
        self._is_whole = selection.is_whole
        self._asked = None if selection.asked is None else {path.as_posix() for path in selection.asked}
        self._named = sorted(path.as_posix() for path in selection.named)
        self._earlier: resume.Resumed | None = None
        self._is_partial = False
        self._crashes = Crashes()

    @functools.cached_property
    def _modules(self) -> list[Module]:
        return [
            Module(path, root, self.reader.text, self.reader.facts, shown_path, is_target=is_target)
            for path, root, is_target in self.files.rooted
        ]

    @functools.cached_property
    def _knowledge(self) -> Knowledge:
        return Knowledge(self.root, code_version(), self.cache)

    @functools.cached_property
    def program(self) -> Program:
        """The modules, linked."""
        from servicelint.program.program import Program

        catalog = self._knowledge.catalog(self.config)
        earlier = self._earlier.earlier if self._earlier else None
        program = Program(self._modules, catalog, self.files.roots, earlier, self.reader.elsewhere)
        program.own_breakers.declared = frozenset(self.config.breakers.classes)
        program.mesh.read = lambda: self._beside.manifests.rules
        program.stubs.described_as_open = lambda: self._beside.manifests.open_streams
        program.handlers.operations = lambda: self._beside.manifests.operations
        program.commands = lambda: self._beside.commands
        if self.config.services:
            program.declare(self._boundaries(program))
        return program

    def _boundaries(self, program: Program) -> Boundaries:
        """The declared services.

        Raises:
            ConfigError: if a name in them fits nothing.
        """
        from servicelint.boundaries.crossings import Boundaries
        from servicelint.program.linking.imports import Imports

        imports = Imports(program.modules, self._import_facts.of)
        environments: dict[str, dict[str, str]] = {}
        for name, each in self._deployed:
            environments[name] = each.environment | environments.get(name, {})
        return Boundaries(
            self.config,
            program.modules,
            imports,
            self.today,
            is_whole=self._is_whole,
            hosts=self._hosts,
            environments=environments,
        )

    @functools.cached_property
    def _import_facts(self) -> ImportFacts:
        return ImportFacts(self.cache, program_key(self.root), self.reader.texts.digest)

    @functools.cached_property
    def _hosts(self) -> dict[str, str]:
        """The hosts that manifests name, each with what they call its service."""
        return {host: name for name, each in self._deployed for host in each.hosts}

    @functools.cached_property
    def _deployed(self) -> list[tuple[str, Deployed]]:
        """What manifests deploy, each with the name of its service."""
        services = self.config.services
        return [
            (each.called(services), each) for each in self._beside.manifests.deployed.values() if services
        ]

    def check(self, rules: Iterable[Rule]) -> Result:
        """Run rules on every target, as far as the cache does not tell what they find there.

        Raises:
            ConfigError: if the settings don't fit the program. A crash is a finding at every target.
        """
        chosen = tuple(rules)
        try:
            result = self.resumed(chosen, is_patient=True)
            if result is None:
                with at_full_speed():
                    result = self._told(self._kept(chosen, self._from_nothing(chosen)), chosen)
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001 - reported as SVC001, in every host
            return self._crashed(error)
        return result

    def _crashed(self, error: Exception) -> Result:
        """What is left of a run in which something crashed that all files rest on: that, for each of them."""
        for path in sorted(self._asked or self.files.paths[: self.files.targets]):
            self._crashes.note(shown_path(path), "linking the program", error)
        findings = with_fingerprints(self._crashes.left(), [])
        return Result(findings, files=len(findings), tracebacks=self._crashes.tracebacks)

    def known(self, rules: Iterable[Rule]) -> Result | None:
        """What :meth:`check` would find, if the cache tells just that."""
        chosen = tuple(rules)
        for key in (self._key(chosen), self._partial_key(chosen)) if self.cache else ():
            if self.cache and (kept := self.cache.get("result", key)) is not None:
                with contextlib.suppress(msgspec.DecodeError):  # damaged: made anew
                    result = _results.decode(kept)
                    self._keep_listing(self.cache, chosen)
                    return self._told(result, chosen)
        return None

    def resumed(self, rules: Iterable[Rule], *, is_patient: bool = False) -> Result | None:
        """What :meth:`check` would find, if the cache tells it or has a run to go on from: in no time.

        ``is_patient``: or in some time, if less than from nothing.
        """
        chosen = tuple(rules)
        known = self.known(chosen)
        if known is not None:
            return known
        with at_full_speed():
            result = self._resumed(chosen, is_patient=is_patient)
            return None if result is None else self._told(self._kept(chosen, result), chosen)

    def _kept(self, rules: tuple[Rule, ...], result: Result) -> Result:
        """A result with what is asked anew in each run, put into the cache."""
        self._add_what_is_asked_anew(result, rules)
        result.findings += with_fingerprints(self._crashes.left(), [])
        result.tracebacks += self._crashes.tracebacks
        if self.cache and not result.tracebacks and not self.reader.texts.is_torn:
            key = self._partial_key(rules) if self._is_partial else self._key(rules)
            self.cache.put("result", key, msgspec.msgpack.encode(result))
            self._keep_listing(self.cache, rules)
        return result

    def _keep_listing(self, cache: Cache, rules: tuple[Rule, ...]) -> None:
        self.files.keep(cache, rules, self._identity(rules), self._beside)

    def _told(self, result: Result, rules: tuple[Rule, ...]) -> Result:
        """What is said of a result: of the files asked about, with what could not be read of named ones.

        Kept results tell it all, of every file, and also what is silenced: for hosts with other comments.
        """
        result = replace(result, findings=[*result.findings, *self._unread_when_named(result, rules)])
        result.findings.sort(key=lambda finding: finding.order)
        if self._asked is not None:
            result = result.of({shown_path(path) for path in self._asked})
        told = [each for each in result.findings if self.dialects.isdisjoint(each.silenced_by)]
        return replace(result, findings=told, skipped_manifests=self._skipped_manifests)

    @property
    def _skipped_manifests(self) -> list[str]:
        return self.files.listing.skipped if self.files.listing else self._beside.manifests.skipped

    def _unread_when_named(self, result: Result, rules: tuple[Rule, ...]) -> list[Finding]:
        """What could not be read of files that were named: they are parsed even if nothing leads there."""
        known = {finding.place.path for finding in result.findings if finding.code == "SVC004"}
        names = {path for path in self._named if shown_path(path) not in known}
        modules = [module for module in self._modules if module.path in names] if names else []
        if not modules or not any(rule.code == "SVC004" for rule in rules):
            return []
        with at_full_speed():
            return self._checker(rules).check_reading(modules)

    # --- checking --------------------------------------------------------------------------------

    def _from_nothing(self, rules: tuple[Rule, ...]) -> Result:
        checker = self._checker(rules)
        found = checker.check(self.program.targets)
        result = self._result(found, checker)
        if self.cache and not (result.tracebacks or self.reader.texts.is_torn) and checker.asks_for_calls:
            self._keep(self.cache, rules, found)
        return result

    def _keep(self, cache: Cache, rules: tuple[Rule, ...], found: Mapping[Module, ModuleResult]) -> None:
        from servicelint.kept_run import keep

        name, identity = self._name(rules), self._identity(rules)
        try:
            keep(cache, name, identity, self.program, self.files.contents, found)
        except Exception as error:  # noqa: BLE001 - costs the next run time, and this one no finding
            self._note_crash("keeping the run for the next", error)

    def _note_crash(self, step: str, error: Exception) -> None:
        self._crashes.note(shown_path(self.files.paths[0]), step, error)

    def _resumed(self, rules: tuple[Rule, ...], *, is_patient: bool) -> Result | None:
        """The result, found by asking again only what may have changed since an earlier run."""
        from servicelint import resume
        from servicelint.kept_run import LostShelf

        if not self.cache:
            return None
        try:
            self._earlier = resume.resumed(
                self.cache,
                self._name(rules),
                self._identity(rules),
                self._modules,
                self.files.contents,
                self.files.roots,
                is_patient=is_patient,
            )
            if self._earlier is None:
                return None
            self.program.request_ids(self.config.request_id.headers)  # its answers are compared
            checker = self._checker(rules)
            self._is_partial = self._asked is not None and not is_patient and not checker.asks_for_uses
            if self._is_partial:
                again, found = resume.check_only(self.program, self._earlier, self._asked or ())
            else:
                again, found = resume.check_again(self.program, self._earlier)
            found.update(checker.check(module for module in self.program.targets if module in again))
        except (LostShelf, msgspec.DecodeError):  # damaged: made anew
            self._begin_anew()
            return None
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001 - costs time, and no finding
            self._note_crash("going on from an earlier run", error)
            self._begin_anew()
            return None
        if not all(self._is_surely_read(module) for module, each in found.items() if each.has_unread):
            self._begin_anew()
            return None
        return self._result(found, checker)

    def _is_surely_read(self, module: Module) -> bool:
        """Whether a run from nothing, too, would look into a file; marks may have led there that are gone."""
        return self.program.carriers.is_seed(module)

    def _begin_anew(self) -> None:
        """Forget the earlier run, and all that was linked with it."""
        self._earlier, self._is_partial = None, False
        self.reader.unreadable.clear()
        for made in ("program", "_modules"):
            self.__dict__.pop(made, None)

    def _checker(self, rules: tuple[Rule, ...]) -> Checker:
        return Checker(self.program, self.reader, self.config, rules)

    def _result(self, found: Mapping[Module, ModuleResult], checker: Checker) -> Result:
        sites = {module.shown: each.sites for module, each in found.items() if each.sites}
        findings = sorted((f for each in found.values() for f in each.findings), key=lambda f: f.order)
        tracebacks = [*self.reader.tracebacks, *checker.tracebacks]
        uses = Uses.together(each.uses for each in found.values())
        unknown = sorted((f for each in found.values() for f in each.unknown), key=lambda call: call.place)
        files = len(self.program.targets)
        return Result(findings, dict(sorted(sites.items())), files, tracebacks, uses, unknown=unknown)

    def _add_what_is_asked_anew(self, result: Result, rules: tuple[Rule, ...]) -> None:
        """Add what rules find on imports, if services are declared, and on the program as a whole."""
        checker = self._checker(rules)
        try:
            result.findings += checker.check_anew(result.uses, is_whole=self._is_whole)
            self._import_facts.save(self.program.modules.modules)
        except Exception as error:  # noqa: BLE001 - what rests on calls has been found
            self._note_crash("the look at the program as a whole", error)
        result.findings.sort(key=lambda finding: finding.order)
        result.tracebacks += checker.tracebacks

    # --- what has changed ------------------------------------------------------------------------

    def _name(self, rules: tuple[Rule, ...]) -> bytes:
        """What is asked, whatever the files are by now: a later run with this name replaces an earlier."""
        return run_name(self.root, rules, is_whole=self._is_whole)

    @functools.lru_cache(maxsize=2)  # noqa: B019 - a run is over before memory matters
    def _identity(self, rules: tuple[Rule, ...]) -> bytes:
        """What changes when a result may, but for the files: with services declared, which there are, too."""
        if self.files.listing:
            return self.files.listing.identity
        ended = [each.has_expired(self.today) for each in self.config.exceptions]
        manifests = self._beside.manifests
        held = sorted(self._knowledge.held)
        return digest_of(
            self._name(rules),
            code_version(),
            self.config,
            held,
            ended,
            self.files.rooted if self.config.services else (),
            manifests.rules,
            manifests.open_streams,
            manifests.operations,
            sorted(self._hosts.items()),
            [(name, sorted(each.environment.items())) for name, each in self._deployed],
            self._beside.commands,
            sorted(self.files.roots),
        )

    @functools.lru_cache(maxsize=2)  # noqa: B019 - as above
    def _key(self, rules: tuple[Rule, ...]) -> bytes:
        """What changes when a result may."""
        return digest_of(self._identity(rules), self.files.told)

    def _partial_key(self, rules: tuple[Rule, ...]) -> bytes:
        """The same for what was asked about alone."""
        return digest_of(self._key(rules), sorted(self._asked or ()))
