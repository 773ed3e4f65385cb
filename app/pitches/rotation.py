"""Which mailbox begins a conversation. Once begun, a conversation stays in its mailbox."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlmodel import Session, col

from app.db.work import UnitOfWork
from app.deliverability import service as deliverability
from app.domain.delivery import OutboundState
from app.domain.pacing import Candidate, choose_mailbox, ramp_cap
from app.domain.places import language_of
from app.domain.said import say
from app.models import Mailbox, MailboxDay, MailboxPacing, MailboxSite, Outbound, Prospect
from app.pitches import repository


def choose(uow: UnitOfWork, prospect: Prospect) -> tuple[Mailbox, str] | None:
    """The mailbox for a new conversation with `prospect`, and why it; None when none can send for its site.

    A mailbox whose sending domain is held is taken only where every one is, so that the refusal can name the hold.
    """
    session = uow.session
    able = [
        box for box in repository.healthy_mailboxes(session, uow.now()) if _serves(session, box.id, prospect.site_id)
    ]
    free = [box for box in able if deliverability.hold_of(session, box.email) is None] or able
    found = {one.id: one for one in _candidates(session, free, prospect.site_id, uow.now())}
    language = language_of(prospect.language)[0]
    best = choose_mailbox(list(found.values()), language)
    if best is None:
        return None
    mailbox = next(box for box in free if box.id == best.id)
    taken = {"mailbox": mailbox.email, "taken": best.used + best.waiting, "cap": best.cap}
    if best.language and best.language == language:
        written = say("{mailbox}: {taken} of today's {cap} are taken, it writes {language}", **taken, language=language)
        return mailbox, written
    return mailbox, say("{mailbox}: {taken} of today's {cap} are taken", **taken)


def _serves(session: Session, mailbox_id: int, site_id: int) -> bool:
    sites = session.execute(select(col(MailboxSite.site_id)).where(col(MailboxSite.mailbox_id) == mailbox_id)).scalars()
    served = set(sites)
    return not served or site_id in served


def _candidates(session: Session, boxes: list[Mailbox], site_id: int, now: datetime) -> list[Candidate]:
    ids = [box.id for box in boxes]
    near = select(MailboxDay).where(
        col(MailboxDay.mailbox_id).in_(ids), col(MailboxDay.day) >= now.date() - timedelta(days=1)
    )
    days = {(day.mailbox_id, day.day): day for day in session.execute(near).scalars()}
    pacing = {
        one.mailbox_id: one
        for one in session.execute(select(MailboxPacing).where(col(MailboxPacing.mailbox_id).in_(ids))).scalars()
    }
    own = set(session.execute(select(col(MailboxSite.mailbox_id)).where(col(MailboxSite.site_id) == site_id)).scalars())
    worked = _counts(
        session,
        select(col(MailboxDay.mailbox_id), func.count())
        .where(col(MailboxDay.mailbox_id).in_(ids), col(MailboxDay.used) > 0)
        .group_by(col(MailboxDay.mailbox_id)),
    )
    waiting = _counts(
        session,
        select(col(Outbound.mailbox_id), func.count())
        .where(col(Outbound.mailbox_id).in_(ids), col(Outbound.state) == OutboundState.QUEUED)
        .group_by(col(Outbound.mailbox_id)),
    )
    found = []
    for box in boxes:
        ramp, day = pacing.get(box.id), days.get((box.id, now.astimezone(ZoneInfo(box.time_zone)).date()))
        start, step = (ramp.ramp_start, ramp.ramp_step) if ramp else (None, 0)
        cap = day.cap if day else ramp_cap(box.daily_cap, start, step, worked.get(box.id, 0))
        found.append(
            Candidate(
                box.id,
                cap=cap,
                used=day.used if day else 0,
                waiting=waiting.get(box.id, 0),
                language=ramp.language if ramp else None,
                own_site=box.id in own,
                faults=box.failures,
            )
        )
    return found


def _counts(session: Session, statement: Select[int, int]) -> dict[int, int]:
    return {row[0]: row[1] for row in session.execute(statement)}
