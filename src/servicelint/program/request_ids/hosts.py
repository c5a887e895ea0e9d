"""Whose host a call goes to: the team's own, or one of somebody else with a public name."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from servicelint.program.outbound import OutboundCall
    from servicelint.program.program import Program
    from servicelint.program.sites import Site

_INTERNAL = (".local", ".internal", ".svc", ".lan", ".localdomain", ".intranet", ".corp", ".consul", ".test")


def goes_public(program: Program, call: OutboundCall) -> bool:
    """Whether a call goes to hosts of others only, as far as they are written out or a setting's default."""
    ref = call.sends or call.ref
    sites = [site for site in program.sites.of(ref.module) if site.ref == ref]
    hosts = {host for site in sites for host in _hosts(program, site, call)}
    declared = program.boundaries.hosts if program.boundaries else {}
    return bool(hosts) and all(is_public(host) and host not in declared for host in hosts)


def _hosts(program: Program, site: Site, call: OutboundCall) -> set[str]:
    """The hosts that a call site sends to: its own, else those that callers hand it."""
    own = {address.host for address in program.addresses.of(site)}
    if "" not in own:
        return own
    handed = [
        each for each in program.service_calls.wrappers.of_sites_in(site.ref.module) if each.site is site
    ]
    if call.is_wrapper:
        handed = [each for each in handed if each.ref == call.ref]
    return {each.host for each in handed} | (own - {""}) if handed else own


def is_public(host: str) -> bool:
    """Whether a host has a public name or address."""
    if "." not in host or host.endswith(_INTERNAL):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return True
