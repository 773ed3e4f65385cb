"""How values of settings are written: durations as seconds, DNS servers with a port, names of providers."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator


def _seconds(value: object) -> object:
    # A variable of the environment is text, and pydantic reads text as ISO 8601 only.
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def dns_server(text: str) -> tuple[str, int]:
    """The address and port of a DNS server, from `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`."""
    host, mark, port = text.rpartition(":")
    try:
        if not mark or (":" in host and not host.startswith("[")):
            return str(ipaddress.ip_address(text)), 53
        return str(ipaddress.ip_address(host.strip("[]"))), int(port)
    except ValueError:
        raise ValueError(f"'{text}' is no address or address:port of a DNS server") from None


#: The paid tools whose APIs can be pulled (app/gaps/providers).
PROVIDER_NAMES = ("ahrefs", "semrush", "moz", "majestic", "dataforseo", "se-ranking")

Duration = Annotated[timedelta, BeforeValidator(_seconds)]
