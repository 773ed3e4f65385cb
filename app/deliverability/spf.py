"""Reads a domain's SPF record with everything that it includes, and counts as a receiver would (RFC 7208 4.6.4)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from app.deliverability.resolver import BadName, Resolver
from app.domain.mail_dns import Spf, SpfTerm, is_spf, parse_spf

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# A receiver stops at the eleventh; reading on to here lets the fix say how many there are.
_READ_AT_MOST = 40
_MX_HOSTS_AT_MOST = 10


@dataclass(slots=True)
class SpfTree:
    """What the records say together. `lookups` and `void` are the counts of RFC 7208, `names` all that is included."""

    lookups: int = 0
    void: int = 0
    names: set[str] = field(default_factory=set)
    networks: set[_Network] = field(default_factory=set)
    has_macros: bool = False
    faults: list[str] = field(default_factory=list)

    def allows(self, address: str) -> bool:
        """Whether a server at this address is among those named."""
        known = ipaddress.ip_address(address)
        return any(known in network for network in self.networks)


def records_of(resolver: Resolver, domain: str) -> list[str]:
    """The SPF records of a domain: one is right, none and several are not."""
    return [text for text in resolver.txt(domain) if is_spf(text)]


def walk(resolver: Resolver, domain: str, spf: Spf) -> SpfTree:
    """Follow every include and redirect. Raises DnsDown when a part cannot be asked for: then no count is right."""
    tree = SpfTree()
    _read(resolver, domain, spf, tree, (domain,))
    return tree


def _read(resolver: Resolver, domain: str, spf: Spf, tree: SpfTree, path: tuple[str, ...]) -> None:
    if spf.fault:
        tree.faults.append(f"the record of {domain} cannot be read: {spf.fault}")
    for term in spf.heard:
        if term.network is not None and term.qualifier == "+":
            tree.networks.add(term.network)
        if not term.asks or (term.name == "redirect" and spf.redirect is None):
            continue
        tree.lookups += 1
        if tree.lookups > _READ_AT_MOST:
            return
        if term.is_macro:
            tree.has_macros = True
        elif term.name in ("include", "redirect"):
            _follow(resolver, term, tree, path)
        elif term.name != "ptr":
            _look_up(resolver, term, term.domain or domain, tree)


def _follow(resolver: Resolver, term: SpfTerm, tree: SpfTree, path: tuple[str, ...]) -> None:
    name = term.domain.rstrip(".").lower()
    tree.names.add(name)
    if name in path:
        tree.faults.append(f"{name} includes itself")
        return
    try:
        found = records_of(resolver, name)
    except BadName as wrong:
        tree.faults.append(str(wrong))
        return
    if len(found) != 1:
        # RFC 7208 5.2 and 6.1: an include or redirect to a name without exactly one record is a permanent error.
        tree.void += not found
        tree.faults.append(
            f"{term.name}:{name} leads to {len(found) or 'no'} SPF record{'s' if len(found) > 1 else ''}"
        )
        return
    _read(resolver, name, parse_spf(found[0]), tree, (*path, name))


def _look_up(resolver: Resolver, term: SpfTerm, name: str, tree: SpfTree) -> None:
    try:
        hosts = [host for _, host in resolver.mx(name)][:_MX_HOSTS_AT_MOST] if term.name == "mx" else [name]
        addresses = [address for host in hosts if host for address in resolver.addresses(host)]
    except BadName as wrong:
        tree.faults.append(str(wrong))
        return
    tree.void += not addresses
    if term.name != "exists" and term.qualifier == "+":
        # A prefix length after the name (a/24) widens this; leaving it out only makes "not named" less certain.
        tree.networks |= {ipaddress.ip_network(address) for address in addresses}
