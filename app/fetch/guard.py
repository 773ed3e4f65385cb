"""The gate before every connection: a name is resolved once, every answer is checked, and the checked address is connected to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp.abc import AbstractResolver, ResolveResult

from app.domain.said import say
from app.fetch.address import IPAddress, is_private, is_public
from app.fetch.ports import Reason
from app.fetch.urls import Url

Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""Resolves a host name to its addresses. Raises OSError when there is none."""

Endpoint = tuple[IPAddress, int]
_AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]


class Refusal(OSError):
    """The guard does not let this connection be made. An OSError, because that is what passes through the connector."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class Guard(AbstractResolver):
    """Decides about URLs and addresses, and resolves names for the connector.

    `static` maps names to `address:port`; the operator has written these down, so they are refused only when they are
    private and `static_private` is off. `allow_private` opens this machine and private networks, on every port: for the sandbox
    and for tests.
    """

    def __init__(
        self,
        *,
        static: Mapping[str, str] | None = None,
        static_private: bool = False,
        allow_private: bool = False,
        lookup: Lookup | None = None,
        ports: frozenset[int] = frozenset({80, 443}),
    ) -> None:
        self._static = {name.lower(): _endpoint(name, value) for name, value in (static or {}).items()}
        self._pinned = frozenset(self._static.values())
        self._static_private = static_private
        self._allow_private = allow_private
        self._lookup = lookup or system_lookup
        self._ports = ports

    def is_static(self, url: Url) -> bool:
        """Whether the operator wrote down the address of this host."""
        return url.host.name in self._static

    async def is_private_host(self, url: Url) -> bool:
        """Whether the host lies on this machine or in a private network, where that is open; else False."""
        pinned = self._static.get(url.host.name)
        if pinned is not None:
            return is_private(pinned[0])
        if not self._allow_private:
            return False
        if url.host.address is not None:
            return is_private(url.host.address)
        try:
            answers = await self._lookup(url.host.name)
        except OSError:
            return False
        return bool(answers) and all(is_private(ipaddress.ip_address(answer)) for answer in answers)

    def check_url(self, url: Url) -> None:
        """What can be said before resolving: the port, a literal address, a name that always means this machine."""
        if url.host.name in self._static:
            return
        if url.port not in self._ports and not self._allow_private:
            raise Refusal(
                Reason.BLOCKED_PORT,
                say("Port {port} is not one that web pages are fetched from (80, 443).", port=url.port),
            )
        if url.host.address is not None:
            self._check(url.host.address, url.port, url.host.name)
        elif url.host.is_local_name and not self._allow_private:
            raise Refusal(
                Reason.BLOCKED_ADDRESS, say("'{name}' means this machine or its own network.", name=url.host.name)
            )

    def _check(self, address: IPAddress, port: int, name: str) -> None:
        if self._static_private and (address, port) in self._pinned:
            return
        if not is_public(address) and not (self._allow_private and is_private(address)):
            raise Refusal(
                Reason.BLOCKED_ADDRESS,
                say(
                    "'{name}' leads to {address}, which is not a public address; pages are fetched from "
                    "public ones only.",
                    name=name,
                    address=address,
                ),
            )

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """For the connector: the checked addresses of `host`. One bad answer among them refuses all."""
        known = self._static.get(host.lower().removesuffix("."))
        if known is not None:
            found: list[Endpoint] = [known]
        else:
            answers = await self._lookup(host)
            found = [(ipaddress.ip_address(answer), port) for answer in answers]
        if not found:
            raise OSError(f"no address for {host}")
        for address, at_port in found:
            self._check(address, at_port, host)
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=at_port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address, at_port in found
        ]

    async def close(self) -> None:
        """Nothing is held."""

    def open_socket(self, info: _AddressInfo) -> socket.socket:
        """For the connector: every connection passes here with its final address, so it is checked here once more."""
        family, kind, proto, _, target = info
        address = ipaddress.ip_address(target[0])
        self._check(address, target[1], str(address))
        pinned = (address, target[1]) in self._pinned
        if target[1] not in self._ports and not self._allow_private and not pinned:
            raise Refusal(
                Reason.BLOCKED_PORT, say("Port {target} is not one that web pages are fetched from.", target=target[1])
            )
        return socket.socket(family, kind, proto)


async def system_lookup(host: str) -> list[str]:
    """The machine's own resolver."""
    infos = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


def _endpoint(name: str, value: str) -> Endpoint:
    address, _, port = value.rpartition(":")
    try:
        return ipaddress.ip_address(address.removeprefix("[").removesuffix("]")), int(port)
    except ValueError as error:
        raise ValueError(f"the fixed address of '{name}' must be address:port, not '{value}'") from error
