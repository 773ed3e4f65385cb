"""The proof that no follow-up leaves once an answer lies in the mailbox: an answer is appended at a random moment around
the gate, again and again; and that none leaves at all while the mailbox cannot be read."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from app.clock import SteppedClock
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.inbox import service as inbox
from app.inbox.deps import InboxDeps, by_imap
from app.inbox.parser import MailParser
from app.jobs import SilentDispatcher
from app.mail.credentials import Credentials
from app.models import Mailbox, Outbound, OutboundKind, Site
from app.outbox import service as outbox
from app.outbox.delivery import drain
from app.outbox.gating import GateResult
from app.settings import Settings
from tests.support.dovecot import dovecot
from tests.support.letters import letter
from tests.support.smtp_sink import Sink, sink
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site

# A Monday morning: the hour of the day must not keep a follow-up from leaving.
START = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
ReplyGate = Callable[[int], GateResult]
Wrap = Callable[[ReplyGate], ReplyGate]


@dataclass
class Ledger:
    """`late` is the promise: follow-ups that left although the gate began after the server had the answer."""

    schedules: int = 0
    sent: int = 0
    stopped: int = 0
    held: int = 0
    answered_first: int = 0
    during: int = 0
    late: list[str] = field(default_factory=list)
    gates: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        gates = sorted(self.gates) or [0.0]
        return (
            f"{self.schedules} schedules, {self.seconds:.0f} s: follow-ups sent {self.sent}, stopped {self.stopped}, held "
            f"{self.held}; answer in the mailbox before the gate began {self.answered_first}, while the gate looked "
            f"{self.during}; left although the gate began after the answer was there {len(self.late)}; gate p50 "
            f"{gates[len(gates) // 2] * 1000:.0f} ms, p99 {gates[len(gates) * 99 // 100] * 1000:.0f} ms"
        )


class _Lane:
    """One mailbox, in which one schedule after the other is played."""

    def __init__(self, db: Database, settings: Settings, deps: InboxDeps, mailbox_id: int, ledger: Ledger) -> None:
        self.db, self.settings, self.deps = db, settings, deps
        self.mailbox_id, self.ledger = mailbox_id, ledger
        self.began = self.ended = 0.0
        # How long a turn takes here, from its start to the end of its gate: answers must fall around it.
        self.pace = 0.1

    def follow_up(self, number: str) -> tuple[int, str]:
        """A pitch that was sent, and its follow-up, due now; the follow-up's id and the pitch's Message-ID."""
        with self.db.work() as uow:
            domain = f"site{number}.test"
            prospect = a_prospect(uow, uow.session.get_one(Site, 1), domain, stage=Stage.PITCHED)
            mailbox = uow.session.get_one(Mailbox, self.mailbox_id)
            conversation = a_conversation(uow, prospect, a_contact(uow, prospect), mailbox)
            rows = []
            for step, kind in enumerate((OutboundKind.PITCH, OutboundKind.FOLLOW_UP)):
                row = outbox.enqueue(
                    uow, VAULT, self.settings, conversation=conversation, kind=kind, subject="Your checklist",
                    body_text="Hello,\n\nyour page names us.\n", body_html=None, approved_by="ana",
                    not_before=uow.now(), step_no=step,
                )  # fmt: skip
                if kind is OutboundKind.PITCH:
                    row.state, row.sent_at, row.committed_at = OutboundState.SENT, uow.now(), uow.now()
                rows.append(row)
        return rows[1].id, rows[0].message_id

    def send(self, wrap: Wrap) -> None:
        real = wrap(inbox.gate_of(self.deps))

        def timed(mailbox_id: int) -> GateResult:
            self.began = time.monotonic()
            answer = real(mailbox_id)
            self.ended = time.monotonic()
            self.ledger.gates.append(self.ended - self.began)
            return answer

        self.began = self.ended = 0.0
        started = time.monotonic()
        drain(self.db, self.settings, VAULT, timed, self.mailbox_id)
        if self.ended:
            self.pace = 0.8 * self.pace + 0.2 * (self.ended - started)

    def state(self, row_id: int) -> OutboundState:
        with self.db.read() as uow:
            return uow.session.get_one(Outbound, row_id).state


@contextlib.contextmanager
def _rig(url: str, data_dir: Path, lanes: int, imap_port: int, **changes: object) -> Iterator[tuple[list[_Lane], Sink]]:
    settings = Settings(_env_file=None, database_url=url, data_dir=data_dir, mail_allow_plaintext=True)
    settings = settings.model_copy(update=changes)
    db = Database(url, SteppedClock(START), SilentDispatcher())
    ledger = Ledger()
    try:
        with sink() as smtp, MailParser() as parser:
            deps = InboxDeps(db, VAULT, settings, parser, by_imap(settings, Credentials(db, settings, VAULT)))
            with db.work() as uow:
                a_site(uow)
                boxes = [
                    a_mailbox(
                        uow, f"ana{lane}@acme.test", imap_port=imap_port, smtp_port=smtp.port, daily_cap=10**6,
                        polled_at=uow.now(),
                    ).id
                    for lane in range(lanes)
                ]  # fmt: skip
            yield [_Lane(db, settings, deps, box, ledger) for box in boxes], smtp
    finally:
        db.dispose()


def race(
    url: str, data_dir: Path, schedules: int, *, seed: int = 20261122, lanes: int = 4, wrap: Wrap = lambda gate: gate
) -> Ledger:
    """An answer is appended at a random moment around the gate; `wrap` may plant a fault into the gate."""
    addresses = [f"ana{lane}@acme.test" for lane in range(lanes)]
    archive = (("Archive", "Archive"),)
    with dovecot(*addresses, folders=archive) as server, _rig(url, data_dir, lanes, server.port) as (made, _):
        ledger = made[0].ledger
        started = time.monotonic()
        numbers = itertools.count()

        def play(lane: _Lane) -> None:
            address = addresses[made.index(lane)]
            dice = Random(f"{seed}:{address}")
            with ThreadPoolExecutor(1) as editor:
                for _ in range(schedules // lanes):
                    number = str(next(numbers))
                    row_id, message_id = lane.follow_up(number)
                    sender = f"Dana <dana@site{number}.test>"
                    raw = letter(sender=sender, to=address, in_reply_to=message_id)
                    folder = dice.choices(["INBOX", "Junk", "Archive"], [6, 2, 2])[0]
                    wait = dice.random() * 1.6 * lane.pace

                    def append(wait: float = wait, raw: bytes = raw, folder: str = folder) -> float:
                        time.sleep(wait)
                        server.put(address, raw, folder=folder)
                        return time.monotonic()

                    told = editor.submit(append)
                    lane.send(wrap)
                    _judge(lane, row_id, number, told.result())

        with ThreadPoolExecutor(lanes) as pool:
            list(pool.map(play, made))
        ledger.seconds = time.monotonic() - started
    return ledger


_LOCK = threading.Lock()


def _judge(lane: _Lane, row_id: int, number: str, there: float) -> None:
    state = lane.state(row_id)
    ledger = lane.ledger
    with _LOCK:
        ledger.schedules += 1
        ledger.sent += state is OutboundState.SENT
        ledger.held += state is OutboundState.QUEUED
        ledger.stopped += state is OutboundState.CANCELLED
        if lane.began > there:
            ledger.answered_first += 1
            if state is not OutboundState.CANCELLED and state is not OutboundState.QUEUED:
                ledger.late.append(number)
        elif lane.ended > there:
            ledger.during += 1


# --- a mailbox that cannot be read ------------------------------------------------------------------------------------------


def _refusing(connection: socket.socket) -> None:
    connection.sendall(b"* OK ready\r\n")
    while line := connection.recv(4096):
        tag = line.split(b" ", 1)[0]
        answer = b"* CAPABILITY IMAP4rev1\r\n%b OK\r\n" if b"CAPABILITY" in line.upper() else b"%b NO not now\r\n"
        connection.sendall(answer % tag)


def _hanging(connection: socket.socket) -> None:
    connection.sendall(b"* OK ready\r\n")
    while connection.recv(4096):
        pass


def _leaving(connection: socket.socket) -> None:
    connection.sendall(b"* OK ready\r\n")
    connection.recv(4096)


def _not_ready(connection: socket.socket) -> None:
    connection.sendall(b"* BYE overloaded\r\n")


BROKEN = {"refusing": _refusing, "hanging": _hanging, "leaving": _leaving, "overloaded": _not_ready}


@contextlib.contextmanager
def _broken(how: str) -> Iterator[int]:
    """The port of an IMAP server that cannot be read; nobody listens there for `down`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if how == "down":
            listener.close()
            yield port
            return

        def serve(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                BROKEN[how](connection)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield port
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def unreadable(
    url: str, data_dir: Path, runs: int, *, lanes: int = 4, wrap: Wrap = lambda gate: gate
) -> tuple[Counter[str], int]:
    """Follow-ups that are due while IMAP is down, refuses, hangs, or hangs up; how many runs of each, and how many left."""
    kinds = ["down", *BROKEN]
    done: Counter[str] = Counter()
    brief = {"imap_timeout": timedelta(seconds=0.3), "gate_budget": timedelta(seconds=0.3)}
    with contextlib.ExitStack() as stack:
        ports = {how: stack.enter_context(_broken(how)) for how in kinds}
        made, smtp = stack.enter_context(_rig(url, data_dir, lanes, ports["down"], **brief))
        numbers = itertools.count()

        def play(lane: _Lane) -> None:
            for turn in range(runs // lanes):
                how = kinds[turn % len(kinds)]
                with lane.db.work() as uow:
                    mailbox = uow.session.get_one(Mailbox, lane.mailbox_id)
                    mailbox.imap_port = ports[how]
                    # As if the next look were due: a mailbox that is known to be shut is not asked at all.
                    mailbox.poll_due_at = uow.now() - timedelta(minutes=1)
                row_id, _ = lane.follow_up(str(next(numbers)))
                lane.send(wrap)
                assert lane.began > 0, "the gate was not asked"
                assert lane.state(row_id) in (OutboundState.QUEUED, OutboundState.SENT)
                with _LOCK:
                    done[how] += 1

        with ThreadPoolExecutor(lanes) as pool:
            list(pool.map(play, made))
        return done, len(smtp.messages)
