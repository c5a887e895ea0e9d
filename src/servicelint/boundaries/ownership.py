"""Which module belongs to which service. A name that fits nothing is an error, never a silent pass."""

from __future__ import annotations

import difflib
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from servicelint.boundaries.patterns import Addresses, Parts, Pattern, pattern
from servicelint.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from servicelint.boundaries.declared import Service
    from servicelint.config import Config
    from servicelint.program.linking.modules import Module, ModuleIndex

SHARED = ""
"""The owner of what all services share."""

STAR = "*"
"""In a service's name: one service for each name that it stands for."""


class _Claim(NamedTuple):
    """A pattern with which something claims modules, and its key in the settings."""

    owner: str
    text: str
    key: str


class Ownership:
    """The services of a program and the owner of each module.

    ``is_whole`` if all of the program's modules are known; only then a name that fits nothing is an error.

    Raises:
        ConfigError: if a name of the settings fits nothing, or two services claim the same module.
    """

    def __init__(self, config: Config, modules: ModuleIndex, *, is_whole: bool = True) -> None:
        self._config = config
        roots = modules.roots
        folder = config.origin.folder if config.origin else ""
        self.addresses = {module: Addresses.of(module, roots, folder) for module in modules.modules}
        self.services = self._expanded(is_whole=is_whole)
        claims = list(self._claims())
        fitting = _fitting([claim.text for claim in claims], self.addresses)
        self._owners = self._owned(claims, fitting)
        self._check_unique()
        if is_whole:
            self._check_names(claims, fitting)

    def owner(self, module: Module) -> str | None:
        """The service a module belongs to, :data:`SHARED`, or None."""
        return self._owners.get(module)

    def service_of(self, module: Module) -> str | None:
        """The service a module belongs to, or None if it is nobody's or everybody's."""
        return self._owners.get(module) or None

    def is_interface(self, module: Module) -> bool:
        """Whether its service lets others import a module."""
        patterns = self.services[self._owners[module]].interface
        return patterns is None or self.fits(patterns, module)

    def fits(self, patterns: Iterable[str], module: Module) -> bool:
        """Whether one of some patterns fits a module."""
        addresses = self.addresses[module]
        return any(pattern(each).distance(addresses) is not None for each in patterns)

    def _expanded(self, *, is_whole: bool) -> dict[str, Service]:
        """The services; one with a ``*`` in its name for each name that its modules' ``*`` stands for."""
        declared = self._config.services
        found = {name: service for name, service in declared.items() if STAR not in name}
        for name, service in declared.items():
            if STAR not in name:
                continue
            captured = self._captured(name, service)
            if is_whole and not captured:
                raise self._error(f"services.{name}.modules", "nothing fits these patterns")
            for capture in sorted(captured):
                found.setdefault(name.replace(STAR, capture), _filled(service, capture))
        return found

    def _captured(self, name: str, service: Service) -> set[str]:
        for number, text in enumerate(service.modules):
            if not pattern(text).has_one_star:
                key = f"services.{name}.modules[{number}]"
                raise self._error(
                    key, "a service named with `*` needs patterns with one `*`, for the same name"
                )
        return {
            capture
            for text in service.modules
            for addresses in self.addresses.values()
            for capture in pattern(text).captures(addresses)
        }

    # --- claims ----------------------------------------------------------------------------------

    def _claims(self) -> Iterable[_Claim]:
        for name, service in self.services.items():
            for number, text in enumerate(service.modules):
                yield _Claim(name, text, f"services.{name}.modules[{number}]")
        for number, text in enumerate(self._config.shared):
            yield _Claim(SHARED, text, f"shared[{number}]")

    def _owned(
        self, claims: Sequence[_Claim], fitting: Mapping[str, Mapping[Module, int]]
    ) -> dict[Module, str]:
        """The owner of each module: whoever claims it most closely."""
        closest: dict[Module, tuple[int, _Claim]] = {}
        for claim in claims:
            for module, distance in fitting[claim.text].items():
                known = closest.get(module)
                if known is None or distance < known[0]:
                    closest[module] = distance, claim
                elif distance == known[0] and claim.owner != known[1].owner:
                    raise self._error(
                        claim.key,
                        f"{module.shown} is claimed as closely by {known[1].key} ({known[1].text!r})",
                    )
        return {module: claim.owner for module, (_, claim) in closest.items()}

    def _check_unique(self) -> None:
        """Check that no two services have the same host, or a queue: whose it is could not be told."""
        owners: dict[tuple[str, str], str] = {}
        for name, service in self.services.items():
            for kind, texts in (("hosts", service.hosts), ("queues", service.queues)):
                for number, text in enumerate(texts):
                    owner = owners.setdefault((kind, text.lower() if kind == "hosts" else text), name)
                    if owner != name:
                        message = f"{text!r} is declared by services.{owner}.{kind} too"
                        raise self._error(f"services.{name}.{kind}[{number}]", message)

    # --- names that fit nothing ------------------------------------------------------------------

    def _check_names(self, claims: Sequence[_Claim], fitting: Mapping[str, Mapping[Module, int]]) -> None:
        for claim in claims:
            if not fitting[claim.text]:
                raise self._no_module(claim.key, claim.text)
        for name, service in self.services.items():
            self._check_service(name, service)
        for number, exemption in enumerate(self._config.exceptions):
            for key, text in (("from", exemption.source), ("to", exemption.target)):
                if not any(self.fits((text,), module) for module in self.addresses):
                    raise self._no_module(f"exceptions[{number}].{key}", text)

    def _check_service(self, name: str, service: Service) -> None:
        own = [module for module, owner in self._owners.items() if owner == name]
        if service.modules and not own:
            raise self._error(f"services.{name}.modules", "all of these modules belong to others")
        for number, text in enumerate(service.interface or ()):
            if not any(self.fits((text,), module) for module in own):
                raise self._no_module(f"services.{name}.interface[{number}]", text, f" of {name}")
        for other in service.depends_on:
            if other == name:
                raise self._error(f"services.{name}.depends-on.{other}", "this is the service itself")
            if other not in self.services:
                hint = _hint(other, [each for each in self.services if each != name])
                raise self._error(f"services.{name}.depends-on.{other}", f"no such service{hint}")

    def _no_module(self, key: str, text: str, whose: str = "") -> ConfigError:
        separator = "/" if pattern(text).is_path else "."
        names = {
            separator.join(name)
            for each in self.addresses.values()
            for name in (each.paths if separator == "/" else each.names)
        }
        return self._error(key, f"no module{whose} fits {text!r}{_hint(text, sorted(names))}")

    def _error(self, key: str, message: str) -> ConfigError:
        origin = self._config.origin
        where = origin.place(key) if origin else key
        return ConfigError(f"{where}: {message}")


def _hint(text: str, known: Sequence[str]) -> str:
    likely = difflib.get_close_matches(text, known, n=1)
    return f"; did you mean {likely[0]!r}?" if likely else ""


def _fitting(texts: Iterable[str], addresses: Mapping[Module, Addresses]) -> dict[str, dict[Module, int]]:
    """For each pattern the modules that it fits, with the distance."""
    found: dict[str, dict[Module, int]] = {text: {} for text in texts}
    plain: defaultdict[tuple[bool, Parts], list[Pattern]] = defaultdict(list)
    wild: list[Pattern] = []
    for each in map(pattern, found):
        (plain[each.is_path, each.parts] if each.is_plain else wild).append(each)
    for module, named in addresses.items():
        likely = [each for start in _beginnings(named) for each in plain.get(start, ())]
        for each in {*likely, *wild}:
            distance = each.distance(named)
            if distance is not None:
                found[each.text][module] = distance
    return found


def _beginnings(addresses: Addresses) -> Iterator[tuple[bool, Parts]]:
    """What a pattern without wildcards has to look like to fit."""
    for is_path, names in ((False, addresses.names), (True, addresses.paths)):
        for name in names:
            for end in range(len(name) + 1):
                yield is_path, name[:end]


def _filled(service: Service, capture: str) -> Service:
    """One of the services that a declaration with a ``*`` stands for."""

    def fill(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(text.replace("*", capture, 1) for text in texts)

    return msgspec.structs.replace(
        service,
        modules=fill(service.modules),
        interface=None if service.interface is None else fill(service.interface),
        hosts=fill(service.hosts),
        queues=fill(service.queues),
    )
