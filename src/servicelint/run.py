"""One run: read the files, link the program, ask the rules, drop what is suppressed."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import traceback
from collections import Counter
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from servicelint import registry
from servicelint.catalog.loader import Catalog, shipped_libraries
from servicelint.facts import codec
from servicelint.facts.record import ModuleFacts, Region, Scope
from servicelint.facts.unreadable import UnreadableSource
from servicelint.finding import Finding, Place
from servicelint.program.modules import Module
from servicelint.program.program import Program
from servicelint.rule import Module as ModuleView
from servicelint.sources.reading import Texts
from servicelint.sources.roots import further_roots, package_folders, source_root
from servicelint.suppression import DIALECTS, Suppressions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from servicelint.config import Config
    from servicelint.rule import Rule
    from servicelint.sources.cache import Cache
    from servicelint.sources.discovery import Selection
    from servicelint.suppression import Dialect


@dataclass
class Result:
    """What a run found: findings in order, and how many call sites ended in which state."""

    findings: list[Finding] = field(default_factory=list)
    sites: dict[str, int] = field(default_factory=dict)
    files: int = 0
    tracebacks: list[str] = field(default_factory=list)


DEEPEST_RECURSION = 6_000
"""Nested expressions within the parser's limits need more than Python's usual 1,000 frames."""

LINKED = b"linked"
"""What the cache says of a program that was checked as a whole: a plugin may ask about all of it."""

_results = msgspec.msgpack.Decoder(Result)


class Run:
    """A program made from a selection of files, ready to be checked.

    ``buffers`` hold the texts of files that stand in an editor instead of on the disk, by path. ``dialects``
    are those of the comments that silence findings.
    """

    def __init__(
        self,
        selection: Selection,
        config: Config,
        root: Path,
        cache: Cache | None = None,
        buffers: Mapping[str, str] | None = None,
        dialects: Collection[Dialect] = DIALECTS,
    ) -> None:
        self.config = config
        self.root = root
        self.dialects = frozenset(dialects)
        self.cache = cache
        self.texts = Texts(buffers)
        self.result = Result(files=len(selection.targets))
        self._unreadable: dict[str, UnreadableSource] = {}
        self._named = {path.as_posix() for path in selection.named}
        paths = [path.as_posix() for path in (*selection.targets, *selection.others)]
        packages = package_folders(paths)
        targets = set(selection.targets)
        modules = [
            self._module(
                path, source_root(path.as_posix(), packages, root.as_posix()), is_target=path in targets
            )
            for path in (*selection.targets, *selection.others)
        ]
        roots = further_roots(paths, root.as_posix())
        roots |= {(root / folder).resolve().as_posix() for folder in config.source_roots}
        catalog = Catalog(shipped_libraries(), config.clients)
        self.program = Program(modules, catalog, roots)

    def _module(self, path: Path, root: str, *, is_target: bool) -> Module:
        name = path.as_posix()
        return Module(
            name, root, lambda: self._text(name), self._facts, shown_path(path), is_target=is_target
        )

    def _text(self, path: str) -> str:
        try:
            return self.texts.text(path)
        except UnreadableSource as error:
            self._unreadable[path] = error
            return error.raw_text

    def _facts(self, path: str, source: str) -> ModuleFacts:
        """The facts of a file, from the cache if it has them."""
        if path in self._unreadable:
            return empty_facts()
        key = facts_key(self.texts.digest(path))
        known = self.cache.get("facts", key) if self.cache else None
        if known is not None:
            with contextlib.suppress(msgspec.DecodeError):  # damaged: made anew
                return codec.decode(known)
        return self._extracted(path, source, key)

    def _extracted(self, path: str, source: str, key: bytes) -> ModuleFacts:
        from servicelint.facts.extract import extract  # brings libcst, which a warm run does without

        try:
            facts = extract(source)
        except UnreadableSource as error:
            self._unreadable[path] = error
            return empty_facts()
        except Exception as error:  # noqa: BLE001 - reported at its file; the others go on
            self.result.tracebacks.append("".join(traceback.format_exception(error)))
            self._unreadable[path] = UnreadableSource(
                1, 1, f"reading it failed, {type(error).__name__}: {error}"
            )
            return empty_facts()
        if self.cache:
            self.cache.put("facts", key, codec.encode(facts))
        return facts

    def check(self, rules: Iterable[Rule]) -> Result:
        """Run rules on every target, unless the cache has what they found on these very files."""
        chosen = list(rules)
        known = self.known(chosen)
        if known is not None:
            self.result = known
            return known
        self._check(chosen)
        if self.cache and not self.result.tracebacks:
            self.cache.put("result", self._key(chosen), msgspec.msgpack.encode(self.result))
        return self.result

    def mark_as_linked(self) -> None:
        """Tell later runs that the cache holds what this one read of the program."""
        if self.cache:
            self.cache.put("program", program_key(self.root), LINKED)

    def known(self, rules: Iterable[Rule]) -> Result | None:
        """What :meth:`check` would find, if the cache knows it."""
        kept = self.cache.get("result", self._key(list(rules))) if self.cache else None
        if kept is not None:
            with contextlib.suppress(msgspec.DecodeError):  # damaged: made anew
                return _results.decode(kept)
        return None

    def _key(self, rules: list[Rule]) -> bytes:
        """What changes when a result may: the files and their contents, settings, rules, servicelint."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (code_version(), str(Path.cwd()), repr(self.config), [rule.code for rule in rules]):
            digest.update(repr(part).encode())
        for module in self.program.modules.modules:
            digest.update(repr((module.path, module.root, module.is_target)).encode())
            digest.update(self.texts.digest(module.path))
        digest.update(repr((sorted(self._named), sorted(self.dialects))).encode())
        return digest.digest()

    def _check(self, chosen: list[Rule]) -> None:
        found = {module: list(self._findings(module, chosen)) for module in self.program.targets}
        for module in self.program.targets:  # what could not be read is known once all has been asked
            findings = [*found[module], *self._failures(module, chosen)]
            if findings:
                suppressions = Suppressions(module.source, self.dialects)
                self.result.findings += [each for each in findings if not suppressions.silences(each)]
            self._count(module)
        self.result.findings.sort(key=lambda finding: finding.order)
        self.result.findings = with_fingerprints(self.result.findings, self.program)

    def _failures(self, module: Module, rules: list[Rule]) -> Iterable[Finding]:
        """What could not be read of a file."""
        rule = next((rule for rule in rules if rule.code == "SVC004"), None)
        if rule is None:
            return
        # every file is read; parsed are those that can matter, and those that were named
        _ = module.facts if module.path in self._named else module.source
        error = self._unreadable.get(module.path)
        if error is not None:
            yield rule.at_place(Place(module.shown, error.line, error.column), reason=error.reason)
        for unread in module.facts.unread if module.is_parsed else ():
            reason = f"too deep or large for the parser, left out: {unread.reason}"
            yield rule.at_place(Place(module.shown, unread.line), reason=reason)

    def _findings(self, module: Module, rules: list[Rule]) -> Iterable[Finding]:
        view = ModuleView(self.program, module, self.config)
        for rule in rules:
            if rule.check is None:
                continue
            try:
                yield from list(rule.check(view))
            except Exception as error:  # noqa: BLE001 - reported as SVC001; the other rules go on
                self.result.tracebacks.append("".join(traceback.format_exception(error)))
                yield crash(module.shown, rule, error)

    def _count(self, module: Module) -> None:
        if module in self.program.crashes:
            return
        try:
            calls = self.program.outbound_calls(module)
        except Exception:  # noqa: BLE001 - the rules that asked the same have reported it
            return
        for call in calls:
            state = call.bound.state
            self.result.sites[state] = self.result.sites.get(state, 0) + 1


def crash(path: str, rule: Rule, error: Exception) -> Finding:
    """The finding that a rule crashed on a file."""
    described = f"{type(error).__name__}: {error}".splitlines()[0]
    return registry.rules()["SVC001"].at_place(Place(path, 1), rule=rule.code, error=described)


def facts_key(digest: bytes) -> bytes:
    """Under what the cache keeps the facts of a content."""
    return digest + code_version().encode()


def program_key(root: Path) -> bytes:
    """Under what the cache keeps whether a program was linked."""
    return hashlib.blake2b(f"{root}\0{code_version()}".encode(), digest_size=16).digest()


@functools.cache
def code_version() -> str:
    """What changes when this code, or the parser, may say something else of the same files."""
    digest = hashlib.blake2b(digest_size=8)
    for folder in (Path(__file__).parent, *registry.folders()):
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".toml"):
                digest.update(path.read_bytes())
    return f"{metadata.version('libcst')} {digest.hexdigest()}"


def empty_facts() -> ModuleFacts:
    """The facts of a file that says nothing."""
    return ModuleFacts(
        [Scope("module", "", -1, [], {}, [], [], [])], [], [], [], [Region("module", -1, 0)], [], []
    )


def shown_path(path: Path) -> str:
    """A path as findings give it: from the working directory, with forward slashes."""
    return Path(os.path.relpath(path)).as_posix()


def with_fingerprints(findings: list[Finding], program: Program) -> list[Finding]:
    """The findings with what stays the same when lines move: rule, path, function, text and rank."""
    lines = {module.shown: module.lines for module in program.targets}
    ranks: Counter[tuple[str, ...]] = Counter()
    marked = []
    for finding in findings:
        text = " ".join(
            "".join(lines.get(finding.place.path, [])[finding.place.line - 1 : finding.end_line]).split()
        )
        key = (finding.code, finding.place.path, finding.function, text)
        digest = hashlib.sha256("\0".join((*key, str(ranks[key]))).encode()).hexdigest()[:20]
        ranks[key] += 1
        marked.append(replace(finding, fingerprint=digest))
    return marked
