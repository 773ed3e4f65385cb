"""Brings the sandbox world up: mail servers, web sites and exports, with the settings under which Gapbridge can reach them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
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
    """A running world.

    `settings` are the values that an installation needs to live in it. `mail` is where our mailbox is served, too.
    `deliver` returns when every mail that was accepted has reached its mailbox. `password` opens every account.
    """

    clock: SteppedClock
    mail: Server
    sites: Sites
    desk: Desk
    exports: list[exports.Export]
    settings: dict[str, Any]
    password: str
    deliver: Callable[[], None]


@contextmanager
def open_world(folder: Path, clock: SteppedClock) -> Iterator[World]:
    """Start everything on free ports of this machine; `folder` receives the exports."""
    password = secrets.token_urlsafe(12)
    addresses = all_addresses()
    with PostOffice([Account(address, password) for address in addresses], clock) as office:
        for editor in cast.EDITORS:
            if editor.bounce is not None:
                office.bounces[editor.address] = Bounce(*editor.bounce)
            if editor.refused_at_rcpt:
                office.faults.append(Fault("rcpt", editor.refused_at_rcpt, editor.address, times=None))
            if editor.greylisted:
                office.faults.append(Fault("rcpt", "450 4.2.0 Greylisted, try again later", editor.address))
        server = Server(office.host, office.smtp_port, office.imap_port, dict.fromkeys(addresses, password))
        # Our post office delivers before it says 250.
        with world_around(folder, clock, server, deliver=lambda: None) as world:
            yield world


def all_addresses() -> list[str]:
    """Everybody who has a mailbox in the world, we first."""
    return [cast.OUR_MAILBOX, *(editor.address for editor in cast.EVERYBODY)]


@contextmanager
def world_around(folder: Path, clock: SteppedClock, server: Server, *, deliver: Callable[[], None]) -> Iterator[World]:
    """The world on a mail server that runs already."""
    with Sites() as sites:
        yield World(
            clock=clock,
            mail=server,
            sites=sites,
            desk=Desk(server, sites, clock),
            exports=exports.write_all(folder / "exports", clock.now()),
            settings={
                "fetch_static_hosts": sites.hosts,
                "fetch_allow_private": True,
                "mail_allow_plaintext": True,
                # The demo is run at any hour of any day, and its mailbox has no name to lose.
                "send_window": "always",
                "ramp_start": None,
            },
            password=server.passwords[cast.OUR_MAILBOX],
            deliver=deliver,
        )
