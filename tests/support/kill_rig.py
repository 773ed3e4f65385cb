"""The proof of the first promise: workers are killed and stopped at random points while they send, replies are lost,
and afterwards the ledger of the database and the messages at the server are laid side by side."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlmodel import col

from app.clock import SystemClock
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.jobs import SilentDispatcher
from app.models import MailboxDay, Outbound, OutboundKind
from app.outbox import service
from app.settings import Settings
from tests.support.smtp_sink import Sink, losing_replies, proxy, sink
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Plan:
    """How much to send and how hard to hit. `delay` is the most that the wire waits before each command, in seconds."""

    sends: int
    kills: int
    stops: int
    lost_replies: float
    workers: int = 2
    mailboxes: int = 3
    delay: float = 0.03
    seed: int = 1


@dataclass(frozen=True)
class Ledger:
    """What came of it. `duplicates` and `lost` are the promise; `ambiguous_delivered` of the unsure had arrived."""

    sends: int
    kills: int
    stops: int
    states: dict[str, int]
    delivered: int
    duplicates: int
    lost: int
    unflagged: int
    ambiguous_delivered: int
    cap_difference: int
    seconds: float

    def __str__(self) -> str:
        states = ", ".join(f"{name} {count}" for name, count in sorted(self.states.items()))
        return (
            f"{self.sends} sends, {self.kills} kill -9, {self.stops} SIGSTOP, {self.seconds:.0f} s: {states}; "
            f"at the server {self.delivered}; duplicates {self.duplicates}, lost {self.lost}, "
            f"arrived but not flagged {self.unflagged}, ambiguous of which arrived {self.ambiguous_delivered}, "
            f"cap counters off by {self.cap_difference}"
        )


def run(url: str, plan: Plan) -> Ledger:
    """Send everything under fire and return the ledger. Raises AssertionError when rows are stuck at the end."""
    dice = random.Random(plan.seed)
    db = Database(url, SystemClock(), SilentDispatcher())
    started = time.monotonic()
    try:
        with sink() as server, proxy(server.port, losing_replies(plan.lost_replies, plan.seed), plan.delay) as port:
            _fill(db, plan, port)
            kills, stops = _fire(db, url, plan, dice)
            return _count(db, server, plan, kills, stops, time.monotonic() - started)
    finally:
        db.dispose()


def _fill(db: Database, plan: Plan, port: int) -> None:
    settings = Settings(_env_file=None, mail_allow_plaintext=True)
    with db.work() as uow:
        site = a_site(uow)
        mailboxes = [
            a_mailbox(
                uow, f"ana{n}@acme.test", smtp_port=port, daily_cap=10**6, polled_at=uow.now() + timedelta(days=1)
            )
            for n in range(plan.mailboxes)
        ]
        for number in range(plan.sends):
            prospect = a_prospect(uow, site, f"site{number}.test", stage=Stage.CHECKED_MENTION)
            service.enqueue(
                uow,
                VAULT,
                settings,
                conversation=a_conversation(
                    uow, prospect, a_contact(uow, prospect), mailboxes[number % plan.mailboxes]
                ),
                kind=OutboundKind.PITCH,
                subject="Your checklist",
                body_text="Hello Dana,\n\nyour checklist names us.\n" * 20,
                body_html=None,
                approved_by="ana",
                not_before=uow.now(),
            )


def _fire(db: Database, url: str, plan: Plan, dice: random.Random) -> tuple[int, int]:
    nursery = subprocess.Popen(
        [sys.executable, "-m", "tests.support.send_nursery", url, "1"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert nursery.stdin is not None
    assert nursery.stdout is not None

    def spawn() -> int:
        nursery.stdin.write("spawn\n")
        nursery.stdin.flush()
        return int(nursery.stdout.readline())

    alive = [spawn() for _ in range(plan.workers)]
    stopped: list[tuple[float, int]] = []
    awake: list[tuple[float, int]] = []
    blows = [signal.SIGKILL] * plan.kills + [signal.SIGSTOP] * plan.stops
    dice.shuffle(blows)
    kills = stops = 0
    # The blows are spread over the work itself and not over the clock: a slow machine is hit as often as a fast one.
    marks = sorted(dice.uniform(0.01, 0.95) * plan.sends for _ in blows)
    deadline = time.monotonic() + 120 + plan.sends * 0.5
    try:
        while True:
            done, open_rows = _progress(db)
            if not open_rows:
                break
            assert time.monotonic() < deadline, f"{open_rows} rows are stuck"
            while marks and done >= marks[0]:
                marks.pop(0)
                time.sleep(dice.random() * 0.05)
                victim = dice.choice(alive)
                blow = blows.pop()
                os.kill(victim, blow)
                alive.remove(victim)
                if blow is signal.SIGSTOP:
                    # Longer than its lease: it wakes as a zombie whose mailbox belongs to somebody else.
                    stopped.append((time.monotonic() + 2.5, victim))
                    stops += 1
                else:
                    kills += 1
                alive.append(spawn())
            _wake(stopped, awake)
            time.sleep(0.02)
        for _, pid in stopped:
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.5)
    finally:
        for pid in [*alive, *(pid for _, pid in (*stopped, *awake))]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        nursery.stdin.close()
        nursery.wait(10)
        nursery.stdout.close()
    return kills, stops


def _wake(stopped: list[tuple[float, int]], awake: list[tuple[float, int]]) -> None:
    """Let stopped workers go on when their time is over, and end them some seconds later: others have their place."""
    now = time.monotonic()
    for at, pid in [one for one in stopped if now > one[0]]:
        os.kill(pid, signal.SIGCONT)
        stopped.remove((at, pid))
        awake.append((now + 3.0, pid))
    for at, pid in [one for one in awake if now > one[0]]:
        os.kill(pid, signal.SIGKILL)
        awake.remove((at, pid))


def _progress(db: Database) -> tuple[int, int]:
    with db.read() as uow:
        counts = dict(
            uow.session.execute(select(col(Outbound.state), func.count()).group_by(col(Outbound.state))).all()
        )
    still = sum(
        counts.get(state, 0) for state in (OutboundState.QUEUED, OutboundState.CLAIMED, OutboundState.COMMITTED)
    )
    return sum(counts.values()) - still, still


def _count(db: Database, server: Sink, plan: Plan, kills: int, stops: int, seconds: float) -> Ledger:
    arrived = server.ids()
    with db.read() as uow:
        rows = uow.session.execute(select(col(Outbound.message_id), col(Outbound.state))).all()
        used = uow.session.execute(select(func.sum(MailboxDay.used))).scalar_one()
    states = Counter(state.value for _, state in rows)
    spent = sum(1 for _, state in rows if state in (OutboundState.SENT, OutboundState.AMBIGUOUS))
    return Ledger(
        sends=plan.sends,
        kills=kills,
        stops=stops,
        states=dict(states),
        delivered=sum(arrived.values()),
        duplicates=sum(count - 1 for count in arrived.values()),
        lost=sum(1 for message_id, state in rows if state is OutboundState.SENT and not arrived[message_id]),
        unflagged=sum(
            1
            for message_id, state in rows
            if arrived[message_id] and state not in (OutboundState.SENT, OutboundState.AMBIGUOUS)
        ),
        ambiguous_delivered=sum(
            1 for message_id, state in rows if state is OutboundState.AMBIGUOUS and arrived[message_id]
        ),
        cap_difference=used - spent,
        seconds=seconds,
    )
