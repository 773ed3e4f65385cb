"""Messages a second of the whole ingest against IMAPClient's bare fetch, alternating on the same Dovecot.

The floor only brings the bytes over (UID FETCH in batches of 50 and BODY.PEEK[], as we do) and throws them away. Ours
stores each message durably, parses it in the limited child, matches it with 500 sent mails, and acts: a twentieth of
the messages are replies that stop a sequence. Half of the messages are short plain text, the others have an HTML part.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

from imapclient import IMAPClient
from sqlalchemy import func, select
from sqlmodel import col

from app.clock import SystemClock
from app.db import migrate
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.inbox.deps import InboxDeps, by_imap
from app.inbox.parser import MailParser
from app.inbox.processing import process_pending
from app.inbox.sync import sync_mailbox
from app.jobs import SilentDispatcher
from app.mail.credentials import Credentials
from app.models import BlockingEvent, Inbound, InboundState, Outbound, OutboundKind
from app.outbox import service
from app.settings import Settings
from tests.support import databases
from tests.support.dovecot import Dovecot, dovecot
from tests.support.letters import letter
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site

MESSAGES = 1_000
SENT = 500
ROUNDS = 3
BATCH = 50
ANA = "ana@acme.test"
TEXT = (
    "Hello Ana,\n\nthank you for the note. We will look at the page next week.\n\nBest regards,\nDana\n\n"
    "On Mon, 1 Jun 2026 at 09:00, Ana <ana@acme.test> wrote:\n" + "> your checklist of tools names us\n" * 40
)


def _rich(number: int, headers: str) -> bytes:
    html = (
        "<html><body>"
        + "".join(f"<p>paragraph {n}: some words for an editor</p>" for n in range(30))
        + "</body></html>"
    )
    return (
        f"From: Reader <reader{number}@far{number}.test>\r\nTo: {ANA}\r\nSubject: About number {number}\r\n"
        f"Date: Mon, 01 Jun 2026 10:00:00 +0000\r\nMessage-ID: <rich.{number}@far.test>\r\n{headers}MIME-Version: 1.0\r\n"
        'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n'
        + TEXT.replace("\n", "\r\n")
        + "\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        + html
        + "\r\n--b--\r\n"
    ).encode()


def fill(server: Dovecot, replies: list[str]) -> None:
    """Put the messages into the mailbox."""
    for number in range(MESSAGES):
        answered = {"in_reply_to": replies[number // 20]} if number % 20 == 0 else {}
        if number % 2 == 0:
            raw = letter(TEXT, sender=f"Reader <reader{number}@far{number}.test>", **answered)
        else:
            raw = _rich(number, "")
        server.put(ANA, raw)


def bare(server: Dovecot) -> float:
    """Messages a second when IMAPClient alone fetches them."""
    client = IMAPClient(server.host, port=server.port, ssl=False, timeout=60)
    client.login(ANA, server.password)
    client.select_folder("INBOX", readonly=True)
    started = time.perf_counter()
    uids = client.search(["UID", "1:*"])
    got = sum(len(client.fetch(uids[at : at + BATCH], ["BODY.PEEK[]"])) for at in range(0, len(uids), BATCH))
    seconds = time.perf_counter() - started
    client.logout()
    assert got == MESSAGES, got
    return got / seconds


def prepare(url: str, port: int) -> tuple[Database, list[str]]:
    """A migrated database with sent mails; returns their Message-IDs."""
    migrate.upgrade(url)
    db = Database(url, SystemClock(), SilentDispatcher())
    settings = Settings(_env_file=None, mail_allow_plaintext=True, send_window="always")
    ids = []
    with db.work() as uow:
        site, box = a_site(uow), a_mailbox(uow, ANA, imap_port=port)
        for number in range(SENT):
            prospect = a_prospect(uow, site, f"site{number}.test", stage=Stage.PITCHED)
            row = service.enqueue(
                uow,
                VAULT,
                settings,
                conversation=a_conversation(uow, prospect, a_contact(uow, prospect), box),
                kind=OutboundKind.PITCH,
                subject="Your checklist",
                body_text="Hello Dana,\n\nyour checklist names us.\n",
                body_html=None,
                approved_by="ana",
                not_before=uow.now(),
            )
            row.state, row.sent_at, row.committed_at = OutboundState.SENT, uow.now(), uow.now()
            ids.append(row.message_id)
    return db, ids


def ours(db: Database, replies: int) -> tuple[float, float]:
    """Messages a second of fetch and store alone, and of the whole way."""
    with MailParser() as parser, tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, mail_allow_plaintext=True, data_dir=Path(folder))
        deps = InboxDeps(db, VAULT, settings, parser, by_imap(settings, Credentials(db, settings, VAULT)))
        parser.parse(letter())
        started = time.perf_counter()
        result = sync_mailbox(deps, 1, budget=timedelta(minutes=10))
        stored_after = time.perf_counter() - started
        process_pending(deps, 1)
        seconds = time.perf_counter() - started
    assert result.current, result.reason
    with db.read() as uow:
        done = uow.session.execute(
            select(func.count()).select_from(Inbound).where(col(Inbound.state) == InboundState.DONE)
        ).scalar_one()
        stopped = uow.session.execute(select(func.count()).select_from(BlockingEvent)).scalar_one()
        sent = uow.session.execute(select(func.count()).select_from(Outbound)).scalar_one()
    assert (done, stopped, sent) == (MESSAGES, replies, SENT), (done, stopped, sent)
    return MESSAGES / stored_after, MESSAGES / seconds


@contextlib.contextmanager
def database(kind: str) -> Iterator[str]:
    """An empty database for one round."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/bench.sqlite"
        return
    name = databases.create_postgres()
    try:
        yield databases.url_of(name)
    finally:
        databases.drop_postgres(name)


def run() -> None:
    """Print the medians of the rounds and their ratios to the bare fetch."""
    results: dict[str, list[float]] = {}
    for kind in ("sqlite", "postgresql"):
        for _ in range(ROUNDS):
            with database(kind) as url, dovecot(ANA) as server:
                db, ids = prepare(url, server.port)
                fill(server, ids)
                bare(server)  # the server's caches are warm for both
                results.setdefault("bare IMAPClient fetch", []).append(bare(server))
                stored, whole = ours(db, MESSAGES // 20)
                results.setdefault(f"fetch and store, {kind}", []).append(stored)
                results.setdefault(f"whole ingest, {kind}", []).append(whole)
                db.dispose()
    floor = median(results["bare IMAPClient fetch"])
    print(
        f"{MESSAGES} messages of about {len(TEXT)} bytes of text, batches of {BATCH}, {ROUNDS} rounds for each database"
    )
    for name, rates in results.items():
        print(
            f"{name:28} {median(rates):8.0f}/s   (min {min(rates):.0f}, max {max(rates):.0f})   {median(rates) / floor:5.2f} of bare"
        )


if __name__ == "__main__":
    run()
