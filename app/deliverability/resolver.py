"""Asks the DNS. There are three answers: records, none, and "could not ask", which is an exception so that nobody mistakes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver
import dns.reversename

from app.domain.said import say
from app.errors import Unavailable
from app.settings import Settings, dns_server


class DnsDown(Unavailable):
    """The DNS gave no answer (time-out, refusal, server failure): nothing is known, and nothing may be concluded."""

    code = "dns-down"


class BadName(ValueError):
    """A name that cannot exist in the DNS."""


class Resolver:
    """Looks names up at the configured servers, or at those of the machine. Safe to use from several threads."""

    def __init__(self, servers: Sequence[str] = (), timeout: timedelta = timedelta(seconds=5)) -> None:
        self._timeout = timeout.total_seconds()
        self._servers = tuple(servers)
        self._made: dns.resolver.Resolver | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Resolver:
        """The resolver that `GAPBRIDGE_DNS_RESOLVERS` and `GAPBRIDGE_DNS_TIMEOUT` describe."""
        return cls(settings.dns_resolvers, settings.dns_timeout)

    @property
    def is_chosen(self) -> bool:
        """Whether the installation names its own servers, which may know names that the public DNS does not."""
        return bool(self._servers)

    def txt(self, name: str) -> list[str]:
        """The TXT records of a name, each with its strings joined (RFC 7208 3.3), in a settled order."""
        return sorted(b"".join(record.strings).decode("utf-8", "replace") for record in self._ask(name, "TXT"))

    def mx(self, name: str) -> list[tuple[int, str]]:
        """(preference, host) of the MX records, best first; the host "" is that of a null MX (RFC 7505)."""
        return sorted((record.preference, _plain(record.exchange)) for record in self._ask(name, "MX"))

    def addresses(self, name: str) -> list[str]:
        """The IPv4 and IPv6 addresses of a name."""
        return [record.address for kind in ("A", "AAAA") for record in self._ask(name, kind)]

    def names_of(self, address: str) -> list[str]:
        """The names that the reverse zone gives to an address."""
        return [_plain(record.target) for record in self._ask(str(dns.reversename.from_address(address)), "PTR")]

    def _ask(self, name: str, kind: str) -> list[Any]:
        try:
            answer = self._resolver().resolve(name, kind, lifetime=self._timeout, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (
            dns.exception.Timeout,
            dns.resolver.NoNameservers,
            dns.resolver.NoResolverConfiguration,
            OSError,
        ) as why:
            raise DnsDown(
                say(
                    "the DNS did not answer for {kind} of {name} ({error})",
                    kind=kind,
                    name=name,
                    error=type(why).__name__,
                )
            ) from why
        except (dns.exception.DNSException, UnicodeError) as wrong:
            raise BadName(f"'{name}' is no name that the DNS can hold") from wrong
        return list(answer)

    def _resolver(self) -> dns.resolver.Resolver:
        if self._made is None:
            made = dns.resolver.Resolver(configure=not self._servers)
            if self._servers:
                made.nameservers = [dns.nameserver.Do53Nameserver(*dns_server(server)) for server in self._servers]
            self._made = made
        return self._made


def _plain(name: object) -> str:
    return str(name).rstrip(".").lower()
