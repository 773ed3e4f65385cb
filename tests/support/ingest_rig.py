"""The proof that nothing in a mailbox is missed or acted on twice: pollers are killed while mail arrives, folders are
renumbered and rewound, messages are deleted and moved; then the mailbox's history and the database are laid side by side."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

from sqlalchemy import func, select
from sqlmodel import col

from app.clock import SystemClock
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.inbox import repository, service
from app.inbox.deps import InboxDeps, by_imap
from app.inbox.parser import MailParser
from app.jobs import SilentDispatcher
from app.mail.credentials import Credentials
from app.models import BlockingEvent, Folder, Inbound, InboundState, OutboundKind
from app.outbox import service as outbox
from app.settings import Settings
from tests.support.dovecot import Dovecot, dovecot
from tests.support.letters import letter
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site

ANA = "ana@acme.test"
ROOT = Path(__file__).resolve().parents[2]
_END = timedelta(minutes=10)


@dataclass(frozen=True)
class Plan:
    """How much arrives, and what happens meanwhile. `pause` is the longest wait before a kill, `notice` the
    longest wait after a renumbering, in seconds."""

    messages: int
    kills: int
    renumberings: int
    rewinds: int
    expunges: int
    moves: int
    pause: float = 3.0
    notice: float = 3.0
    seed: int = 20261122


@dataclass
class Ledger:
    """What came of it. `missed` and `doubled` are the promise: messages, and events, by Message-ID."""

    plan: Plan
    arrived: set[str] = field(default_factory=set)
    unseen: int = 0
    stored: int = 0
    generations: int = 0
    stopped: int = 0
    unfinished: dict[str, int] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    events_missed: list[str] = field(default_factory=list)
    events_doubled: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Nothing missed, nothing double, nothing left undone."""
        return not (self.missed or self.doubled or self.events_missed or self.events_doubled or self.unfinished)

    def __str__(self) -> str:
        plan = self.plan
        return (
            f"{len(self.arrived)} messages, {plan.kills} kill -9, {plan.renumberings} UIDVALIDITY changes, {plan.rewinds} UIDNEXT "
            f"rewinds, {plan.expunges} expunges, {plan.moves} moves, {self.seconds:.0f} s: stored {self.stored}, deleted before "
            f"anyone could read them {self.unseen}, generations {self.generations}, folders stopped {self.stopped}; "
            f"missed {len(self.missed)}, double {len(self.doubled)}, events missed {len(self.events_missed)}, "
            f"events double {len(self.events_doubled)}, left undone {sum(self.unfinished.values())}"
        )


class Pollers:
    """A process that forks polling workers; one lives at a time, and is killed."""

    def __init__(self, url: str, data_dir: Path) -> None:
        command = [sys.executable, "-m", "tests.support.poll_nursery", url, str(data_dir)]
        self._nursery = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._pid = self._spawn()

    def _spawn(self) -> int:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write("spawn\n")
        self._nursery.stdin.flush()
        return int(self._nursery.stdout.readline())

    def kill(self) -> None:
        """kill -9, and another takes its place."""
        os.kill(self._pid, signal.SIGKILL)
        self._pid = self._spawn()

    def close(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        self._nursery.communicate(timeout=30)


def _settle(deps: InboxDeps) -> None:
    """Calm looks until everything is read; on a slow machine one is not enough, but each leaves less than the one before."""
    left: int | None = None
    while not (gate := service.sync_until_current(deps, 1, _END)).current:
        with deps.db.read() as uow:
            undone = repository.undone(uow.session, 1)
        assert left is None or 0 < undone < left, gate.reason
        left = undone


def run(url: str, plan: Plan, data_dir: Path) -> Ledger:
    """Everything of the plan in random order, then calm looks, then the ledger."""
    dice = Random(plan.seed)
    started = time.monotonic()
    db = Database(url, SystemClock(), SilentDispatcher())
    settings = Settings(_env_file=None, database_url=url, data_dir=data_dir, mail_allow_plaintext=True)
    ledger = Ledger(plan)
    try:
        with dovecot(ANA) as server, MailParser() as parser:
            deps = InboxDeps(db, VAULT, settings, parser, by_imap(settings, Credentials(db, settings, VAULT)))
            message_id = _prepare(db, settings, server.port)
            pollers = Pollers(url, data_dir)
            try:
                maybe = _storm(db, server, pollers, plan, dice, message_id, ledger)
            finally:
                pollers.close()
            _release(db, ledger)
            _settle(deps)
            _count(db, ledger, maybe)
    finally:
        db.dispose()
    ledger.seconds = time.monotonic() - started
    return ledger


def _prepare(db: Database, settings: Settings, port: int) -> str:
    with db.work() as uow:
        mailbox = a_mailbox(uow, ANA, imap_port=port, plus_addressing=True)
        prospect = a_prospect(uow, a_site(uow), "editor.test")
        row = outbox.enqueue(
            uow, VAULT, settings, conversation=a_conversation(uow, prospect, a_contact(uow, prospect), mailbox),
            kind=OutboundKind.PITCH, subject="Your checklist", body_text="Hello,\n\nyour page names us.\n", body_html=None,
            approved_by="ana", not_before=uow.now(),
        )  # fmt: skip
        row.state, row.sent_at, row.committed_at = OutboundState.SENT, uow.now(), uow.now()
        return row.message_id


def _storm(
    db: Database, server: Dovecot, pollers: Pollers, plan: Plan, dice: Random, message_id: str, ledger: Ledger
) -> set[str]:
    """Returns the Message-IDs of what was deleted before it was stored: nobody can ask for that."""
    steps = (
        ["put"] * plan.messages
        + ["kill"] * plan.kills
        + ["renumber"] * plan.renumberings
        + ["rewind"] * plan.rewinds
        + ["expunge"] * plan.expunges
        + ["move"] * plan.moves
    )
    dice.shuffle(steps)
    maybe: set[str] = set()
    for number, step in enumerate(steps):
        if step == "put":
            ours = f"<k{number}.x@editor.test>"
            raw = letter(subject=f"k{number}", message_id=ours, in_reply_to=message_id)
            server.again(ANA, lambda raw=raw: server.put(ANA, raw))  # type: ignore[misc]
            ledger.arrived.add(ours)
        elif step == "kill":
            # Most blows fall early, in connecting and fetching; some late, in parsing and acting.
            time.sleep(dice.random() ** 3 * plan.pause)
            pollers.kill()
        elif step == "move":
            server.again(ANA, lambda: server.move_any(ANA, dice, "Junk"))
        elif step == "expunge":

            def doomed(victim: str) -> None:
                if not _stored(db, victim):
                    maybe.add(victim)

            server.again(ANA, lambda: server.expunge_any(ANA, dice, doomed))
        else:
            if step == "rewind":
                server.again(ANA, lambda: server.move_any(ANA, dice, "Junk"))
            # Without a list of numbers there is nothing to change yet: nobody has opened the folder.
            with contextlib.suppress(FileNotFoundError):
                before = _generations(db)
                getattr(server, step)(ANA)
                # Most changes are noticed before the next one: five in a row would stop the folder.
                deadline = time.monotonic() + plan.notice
                while _generations(db) == before and time.monotonic() < deadline:
                    time.sleep(0.05)
            _release(db, ledger)
    return maybe


def _generations(db: Database) -> int:
    with db.read() as uow:
        return uow.session.execute(select(func.max(Folder.generation))).scalar_one() or 0


def _stored(db: Database, message_id: str) -> bool:
    with db.read() as uow:
        found = select(col(Inbound.id)).where(col(Inbound.message_id) == message_id)
        return uow.session.execute(found).first() is not None


def _release(db: Database, ledger: Ledger) -> None:
    """What an operator does with a folder that its server has renumbered five times before it could be read."""
    with db.work() as uow:
        for folder in repository.folders_of(uow.session, 1):
            row = repository.lock_folder(uow.session, folder.id)
            if row.stopped_reason:
                ledger.stopped += 1
                row.stopped_reason, row.resets_in_row = None, 0


def _count(db: Database, ledger: Ledger, maybe: set[str]) -> None:
    with db.read() as uow:
        rows = uow.session.execute(select(col(Inbound.id), col(Inbound.message_id), col(Inbound.state))).all()
        events = uow.session.execute(select(col(BlockingEvent.inbound_id))).scalars().all()
    ledger.generations = _generations(db)
    names = {row[0]: row[1] for row in rows}
    times = Counter(names.values())
    happened = Counter(names[inbound_id] for inbound_id in events)
    ledger.stored = len(rows)
    ledger.unseen = len(maybe - set(times))
    ledger.missed = sorted(ledger.arrived - set(times) - maybe)
    ledger.doubled = sorted(name for name, count in times.items() if count > 1)
    ledger.events_missed = sorted(set(times) - set(happened))
    ledger.events_doubled = sorted(name for name, count in happened.items() if count > 1)
    ledger.unfinished = dict(Counter(row[2].value for row in rows if row[2] is not InboundState.DONE))
