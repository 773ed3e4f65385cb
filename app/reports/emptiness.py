"""Why the queue is empty: which of several reasons, with the figures that go with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.pipeline import Stage
from app.domain.verification import OPEN
from app.models import DomainLease, Prospect, RemovedGap, Snapshot
from app.prospects import leases
from app.reports import mailboxes
from app.reports.prospects import WAITING
from app.reports.sql import columns

_SOON = timedelta(hours=1)
# So many removed domains are looked at to tell which rule removes most.
_LOOKED_AT = 10_000


@dataclass(frozen=True, slots=True)
class Emptiness:
    """A stable name, and what goes with it: how many, of how many (or held by how many), by which rule, until when."""

    name: str
    number: int = 0
    of: int = 0
    rule: str = ""
    at: datetime | None = None


def why_empty(uow: UnitOfWork, caller: str) -> Emptiness:
    """Which of the empty queues this is. Asked only when all lanes are empty."""
    session, now = uow.session, uow.now()
    if session.execute(columns(Prospect.id).limit(1)).first() is None:
        return _no_prospects(uow)
    held = session.execute(
        select(func.count(), func.count(func.distinct(col(DomainLease.holder)))).where(
            leases.running(now), col(DomainLease.holder) != caller
        )
    ).one()
    if held[0]:
        return Emptiness("held", int(held[0]), of=int(held[1]))
    wakes = session.execute(
        select(func.count(), func.min(col(Prospect.snoozed_until))).where(WAITING, col(Prospect.snoozed_until) > now)
    ).one()
    if wakes[0]:
        return Emptiness("snoozed", int(wakes[0]), at=wakes[1])
    # A look that failed is repeated hours later: whoever waits for the page does not wait for that one.
    soon = (col(Prospect.mention_due_at) <= now + _SOON, col(Prospect.stage) == Stage.PROSPECT)
    due = columns(Prospect.id).where(*soon).limit(1)
    if session.execute(due).first() is not None:
        return Emptiness("unchecked")
    claims = select(func.count()).where(col(Prospect.stage) == Stage.PROSPECT, col(Prospect.verification).in_(OPEN))
    if number := session.execute(claims).scalar_one():
        return Emptiness("unverified", int(number))
    return _capped(uow) or Emptiness("done")


def _no_prospects(uow: UnitOfWork) -> Emptiness:
    """No prospect at all: nothing was imported, or rules have removed everything, or there is no gap."""
    found = list(uow.session.execute(columns(RemovedGap.removed_by).limit(_LOOKED_AT)).scalars())
    if found:
        (rule, number), *_ = Counter(rule for rules in found for rule in rules).most_common(1) or [("", 0)]
        return Emptiness("removed", number, of=len(found), rule=rule)
    imported = uow.session.execute(columns(Snapshot.id).limit(1)).first() is not None
    return Emptiness("no-gap" if imported else "no-import")


def _capped(uow: UnitOfWork) -> Emptiness | None:
    """Every mailbox that may send has sent what it may send today."""
    able = [line for line in mailboxes.overview(uow) if line.state not in ("off", "rests")]
    used, cap = sum(line.used for line in able), sum(line.cap for line in able)
    return Emptiness("capped", used, of=cap) if able and used >= cap else None
