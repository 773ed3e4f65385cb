"""Brings the sandbox world up: mail servers, web sites and exports, with the settings under which Gapbridge can reach them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.clock import SteppedClock
from app.sandbox import cast, exports
from app.sandbox.editors import Desk, Server
from app.sandbox.mail import Account, PostOffice
from app.sandbox.sites import Sites
from app.sandbox.submission import Bounce, Fault


@dataclass(frozen=True, slots=True)
class World:
    """A running world. `settings` are the values that an installation needs to live in it."""

    clock: SteppedClock
    office: PostOffice
    sites: Sites
    desk: Desk
    exports: list[exports.Export]
    settings: dict[str, Any]
    password: str


@contextmanager
def open_world(folder: Path, clock: SteppedClock) -> Iterator[World]:
    """Start everything on free ports of this machine; `folder` receives the exports."""
    password = secrets.token_urlsafe(12)
    addresses = [cast.OUR_MAILBOX, *(editor.address for editor in cast.EDITORS)]
    with PostOffice([Account(address, password) for address in addresses], clock) as office, Sites() as sites:
        for editor in cast.EDITORS:
            if editor.bounce is not None:
                office.bounces[editor.address] = Bounce(*editor.bounce)
            if editor.refused_at_rcpt:
                office.faults.append(Fault("rcpt", editor.refused_at_rcpt, editor.address, times=None))
            if editor.greylisted:
                office.faults.append(Fault("rcpt", "450 4.2.0 Greylisted, try again later", editor.address))
        server = Server(office.host, office.smtp_port, office.imap_port, dict.fromkeys(addresses, password))
        yield World(
            clock=clock,
            office=office,
            sites=sites,
            desk=Desk(server, sites, clock),
            exports=exports.write_all(folder / "exports", clock.now()),
            settings={
                "fetch_static_hosts": sites.hosts,
                "fetch_allow_private": True,
                "mail_allow_plaintext": True,
            },
            password=password,
        )
