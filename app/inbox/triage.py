"""The clock and the class of received messages: started by the worker that acts on one, ended by what a person does."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.calendar import PLAIN_WEEK
from app.domain.pacing import ALWAYS, Hours, parse_window
from app.domain.triage import Promise, ReplyClass, due_at, suggested, wants_people
from app.models import Inbound, Mailbox, Triage
from app.settings import Settings


def begin(uow: UnitOfWork, settings: Settings, row: Inbound) -> Triage:
    """Note the machine's class and start the clock; doing it twice changes nothing."""
    found = uow.session.get(Triage, row.id)
    if found is not None:
        return found
    about = suggested(row.kind, row.intent)
    made = Triage(
        inbound_id=row.id,
        suggested=about.value if about else None,
        waits=wants_people(row.kind, row.rule) and row.handled_at is None,
    )
    until(made, row, due(uow, settings, row, about))
    uow.session.add(made)
    return made


def due(uow: UnitOfWork, settings: Settings, row: Inbound, about: ReplyClass | None) -> datetime:
    """Until when this message wants its answer, by the hours of its mailbox."""
    mailbox = uow.session.get_one(Mailbox, row.mailbox_id)
    hours = None
    if settings.reply_hours != ALWAYS:
        hours = Hours(ZoneInfo(mailbox.time_zone), PLAIN_WEEK, *parse_window(settings.reply_hours))
    promise = Promise(settings.reply_within, settings.reply_within_later, settings.classify_within)
    return due_at(row.received_at or row.stored_at, about, hours, promise)


def until(line: Triage, row: Inbound, due_at: datetime | None) -> None:
    """Let its time end at `due_at` (aware); None: it has no clock."""
    line.due_at = due_at
    line.late_at = max(due_at, row.stored_at) if due_at is not None and row.prospect_id is not None else None


def of(uow: UnitOfWork, row: Inbound) -> Triage:
    """Where the message stands; a message that no worker has acted on (in quarantine) gets a line without a clock."""
    found = uow.session.get(Triage, row.id)
    if found is None:
        found = Triage(inbound_id=row.id)
        uow.session.add(found)
        uow.session.flush()
    return found


def wait(uow: UnitOfWork, row: Inbound) -> None:
    """A person is to act on it, also where the machine thought that nobody is."""
    line = of(uow, row)
    line.waits, line.sleeps = True, False
    until(line, row, line.due_at or uow.now())
    row.handled_by = row.handled_at = None


def finish(uow: UnitOfWork, row: Inbound, *, actor: str) -> None:
    """A person has dealt with it: its clock stops."""
    line = of(uow, row)
    line.waits = line.sleeps = False
    row.handled_by, row.handled_at = actor, uow.now()


def sleep(uow: UnitOfWork, row: Inbound, back_at: datetime) -> None:
    """It comes back by itself at `back_at`, and nobody has to act before."""
    line = of(uow, row)
    line.waits, line.sleeps = True, True
    until(line, row, back_at)


def waiting_in(uow: UnitOfWork, conversation_id: int) -> list[tuple[Triage, Inbound]]:
    """The messages of a conversation that wait for somebody, oldest first."""
    statement = (
        select(Triage, Inbound)
        .join(Inbound, col(Inbound.id) == col(Triage.inbound_id))
        .where(col(Inbound.conversation_id) == conversation_id, col(Triage.waits).is_(True))
        .order_by(col(Inbound.id))
    )
    return [(line, row) for line, row in uow.session.execute(statement)]


def answered_by(uow: UnitOfWork, outbound_id: int) -> list[tuple[Triage, Inbound]]:
    """The messages whose wait this answer of ours has ended."""
    statement = (
        select(Triage, Inbound)
        .join(Inbound, col(Inbound.id) == col(Triage.inbound_id))
        .where(col(Triage.answered_by) == outbound_id)
    )
    return [(line, row) for line, row in uow.session.execute(statement)]
