"""Which network addresses may be reached for other people's pages, and how a host is read before anything is resolved.

The rule is a list of what is allowed (global unicast), minus the ranges that carry an IPv4 address inside them, because
`ipaddress.is_global` of Python 3.11 lets NAT64, 6to4 and the old site-local range through. The ranges are those of the
IANA special-purpose registries for IPv4 and IPv6.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

import idna

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_V4_REFUSED = tuple(
    ipaddress.IPv4Network(net)
    for net in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and some clouds' metadata service
        "127.0.0.0/8",
        # Azure's platform, from each machine in it (learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16)
        "168.63.129.16/32",
        "169.254.0.0/16",  # link-local, and most clouds' metadata service
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, and one cloud's metadata service
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_V6_ALLOWED = ipaddress.IPv6Network("2000::/3")  # all that is handed out as global unicast
_V6_REFUSED = tuple(
    ipaddress.IPv6Network(net)
    for net in (
        "2001::/23",  # protocol assignments, Teredo among them: carries an IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries an IPv4 address
        "3fff::/20",  # documentation
    )
)
# ISATAP writes an IPv4 address behind one of these in the lower half of any prefix.
_ISATAP = (0x00005EFE, 0x02005EFE)

# What an operator opens with `fetch_allow_private`: this machine and private networks, never link-local or fc00::/7, where
# the clouds keep their metadata services.
_PRIVATE = tuple(
    ipaddress.ip_network(net) for net in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128")
)

_LOCAL_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\Z")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\Z")


def is_public(address: IPAddress) -> bool:
    """Whether `address` is a global unicast address that carries no other address inside it."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in net for net in _V4_REFUSED)
    if address.scope_id is not None or address not in _V6_ALLOWED:
        return False
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return False
    return not any(address in net for net in _V6_REFUSED)


def is_private(address: IPAddress) -> bool:
    """Whether `address` is this machine or in a private network; link-local and metadata addresses are not."""
    return any(address.version == net.version and address in net for net in _PRIVATE)


@dataclass(frozen=True, slots=True)
class Host:
    """A host as it will be used: `name` is lower-case ASCII without a final dot; `address` is set for a literal."""

    name: str
    address: IPAddress | None = None

    @property
    def is_local_name(self) -> bool:
        """Whether the name means this machine or its network by convention, whatever DNS would say."""
        return any(self.name == name or self.name.endswith("." + name) for name in _LOCAL_NAMES)


def parse_host(text: str) -> Host:
    """Read the host of a URL as browsers do (WHATWG URL, host parser). Raises ValueError with a sentence.

    Odd forms of an IPv4 address (`127.1`, `0x7f000001`, `0177.0.0.1`, full-width digits) become the address that they
    mean, so that the rule sees what a resolver would.
    """
    if text.startswith("["):
        return _parse_v6(text)
    try:
        name = text.lower() if text.isascii() else idna.uts46_remap(text, std3_rules=False, transitional=False)
        if not name.isascii():
            name = idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError(f"the host '{text[:80]}' is not a valid name") from error
    name = name.lower().removesuffix(".")
    labels = name.split(".")
    if _NUMBER.match(labels[-1]):
        address = _parse_v4(labels)
        return Host(str(address), address)
    if not name or len(name) > 253 or any(len(label) > 63 or not _LABEL.match(label) for label in labels):
        raise ValueError(f"the host '{text[:80]}' is not a valid name")
    return Host(name)


def _parse_v6(text: str) -> Host:
    try:
        address = ipaddress.IPv6Address(text.removeprefix("[").removesuffix("]").replace("%25", "%", 1))
    except ValueError as error:
        raise ValueError(f"the host '{text[:80]}' is not a valid IPv6 address") from error
    if not text.endswith("]"):
        raise ValueError(f"the host '{text[:80]}' lacks its closing bracket")
    return Host(f"[{address}]", address)


def _parse_v4(labels: list[str]) -> ipaddress.IPv4Address:
    # One to four numbers, decimal, octal or hexadecimal; the last fills the bytes that are left.
    try:
        numbers = [_parse_number(label) for label in labels]
        if len(numbers) > 4 or any(number > 255 for number in numbers[:-1]):
            raise ValueError
        if numbers[-1] >= 256 ** (5 - len(numbers)):
            raise ValueError
    except ValueError as error:
        raise ValueError(f"the host '{'.'.join(labels)[:80]}' is not a valid IPv4 address") from error
    value = numbers[-1] + sum(number << (8 * (3 - index)) for index, number in enumerate(numbers[:-1]))
    return ipaddress.IPv4Address(value)


def _parse_number(label: str) -> int:
    if not _NUMBER.match(label) or len(label) > 40:
        raise ValueError
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    if len(label) > 1 and label.startswith("0"):
        return int(label, 8)
    return int(label)
