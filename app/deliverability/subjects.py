"""What is checked of a sending domain: its name, the servers that it sends through, its keys; and the addresses behind a host."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.deliverability.resolver import Resolver
from app.models import Security


@dataclass(frozen=True, slots=True)
class Submission:
    """The server that a mailbox of the domain hands its mail to."""

    host: str
    port: int
    security: Security


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: a domain, the servers that it sends through, and its DKIM selectors.

    `named` were given by the operator: one without a key is a fault. `learned` were seen in signatures; anybody can write a
    signature with our name on it, so one without a key says nothing.
    """

    domain: str
    servers: tuple[Submission, ...] = ()
    named: tuple[str, ...] = ()
    learned: tuple[str, ...] = ()


# Says what is wrong with a TLS session to a server, or None when it stands; raises OSError when it cannot be tried.
TlsProbe = Callable[[Submission], str | None]


def addresses_of(resolver: Resolver, host: str) -> list[str]:
    """The addresses of a host; of an address the address itself."""
    return [host] if is_literal(host) else resolver.addresses(host)


def is_literal(host: str) -> bool:
    """Whether a host is written as an address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def public(addresses: Sequence[str]) -> list[str]:
    """Those of the addresses that the whole network reaches."""
    return [address for address in addresses if ipaddress.ip_address(address).is_global]
