"""Looks into quiet mailboxes a second, against the bare floor on the same Dovecot, alternating: sign in, open, sign out.

The floor is IMAPClient alone (login, EXAMINE, logout), in as many threads. Ours claims the mailbox, signs in, asks for the numbers
of inbox, spam folder and archive, compares them with the cursors, writes down the result and gives the claim back.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from statistics import median

from imapclient import IMAPClient
from sqlalchemy import update

from app.clock import SystemClock
from app.db import migrate
from app.db.work import Database
from app.inbox import polling
from app.inbox.deps import InboxDeps, by_imap
from app.inbox.parser import MailParser
from app.jobs import SilentDispatcher
from app.mail.credentials import Credentials
from app.models import Mailbox
from app.settings import Settings
from tests.support import databases
from tests.support.dovecot import Dovecot, dovecot
from tests.support.world import VAULT, a_mailbox

SIZES = tuple(int(size) for size in os.environ.get("POLL_SIZES", "10,100,1000").split(","))
KINDS = tuple(os.environ.get("POLL_DATABASES", "sqlite,postgresql").split(","))
THREADS = 8
ROUNDS = 3
# A round ends after this time, whatever the size: what was done until then is the rate.
LONGEST = float(os.environ.get("POLL_SECONDS", "60"))


def bare(server: Dovecot, address: str) -> None:
    client = IMAPClient(server.host, port=server.port, ssl=False, timeout=60)
    client.login(address, server.password)
    client.select_folder("INBOX", readonly=True)
    client.logout()


def rate(look: Callable[[int], object], size: int, longest: float = LONGEST) -> float:
    """Looks a second into mailboxes 1 to `size`, each once, for at most `longest` seconds."""
    started = time.perf_counter()

    def timed(number: int) -> bool:
        if time.perf_counter() - started > longest:
            return False
        look(number)
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        done = sum(pool.map(timed, range(1, size + 1)))
    return done / (time.perf_counter() - started)


def ours(db: Database, deps: InboxDeps, size: int, longest: float = LONGEST) -> float:
    with db.work() as uow:
        uow.session.execute(update(Mailbox).values(poll_due_at=uow.now() - timedelta(seconds=1)))

    def look(mailbox_id: int) -> None:
        assert polling.take_turn(deps, mailbox_id) is not None

    return rate(look, size, longest)


def one(kind: str, size: int) -> None:
    addresses = [f"b{number}@acme.test" for number in range(size)]
    folder = Path(tempfile.mkdtemp())
    name = databases.create_postgres() if kind == "postgresql" else ""
    url = databases.url_of(name) if name else f"sqlite:///{folder}/bench.sqlite"
    migrate.upgrade(url)
    db = Database(url, SystemClock(), SilentDispatcher())
    settings = Settings(_env_file=None, data_dir=folder, mail_allow_plaintext=True)
    try:
        with dovecot(*addresses, folders=(("Archive", "Archive"),)) as server, MailParser() as parser:
            deps = InboxDeps(db, VAULT, settings, parser, by_imap(settings, Credentials(db, settings, VAULT)))
            with db.work() as uow:
                for address in addresses:
                    a_mailbox(uow, address, imap_port=server.port)
            # All of them, so that the rounds after it look into mailboxes that are known.
            first = ours(db, deps, size, 10 * LONGEST)
            floor, found = [], []
            for _ in range(ROUNDS):
                floor.append(rate(lambda number: bare(server, addresses[number - 1]), size))
                found.append(ours(db, deps, size))
            print(
                f"{kind:10} {size:5} mailboxes, {THREADS} threads: {median(found):5.0f} looks/s (first look {first:.0f}/s), bare "
                f"{median(floor):5.0f}/s, ratio {median(found) / median(floor):.2f}; 10,000 mailboxes in "
                f"{10_000 / median(found) / 60:.1f} minutes",
                flush=True,
            )
    finally:
        db.dispose()
        if name:
            databases.drop_postgres(name)
        shutil.rmtree(folder, ignore_errors=True)


def run() -> None:
    """Print a line for each database and size."""
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for kind in KINDS:
        for size in SIZES:
            one(kind, size)


if __name__ == "__main__":
    run()
