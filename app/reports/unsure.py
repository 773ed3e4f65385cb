"""Mails of which nobody knows whether they have arrived, once the machine has looked for the last time: a person decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlmodel import Session, col

from app.db.work import UnitOfWork
from app.domain.delivery import RECONCILE_AFTER, OutboundState
from app.models import Outbound, Prospect
from app.reports.counts import MOST
from app.reports.sql import Row, columns, rows

#: So long after it was written the machine has looked for it for the last time.
WAITS_AFTER = RECONCILE_AFTER[-1]
_AMBIGUOUS = col(Outbound.state) == OutboundState.AMBIGUOUS
# What restored data has put before a person was never committed in it.
_since: Any = func.coalesce(col(Outbound.committed_at), col(Outbound.not_before))


@dataclass(frozen=True, slots=True)
class Unsure:
    """Mails that wait for a decision: how many (up to MOST), and the first of them: id, domain, to_address, subject, since."""

    count: int
    first: list[Row]


def waiting(until: datetime, since: datetime | None = None) -> Select[Any]:
    """What waits for a decision at `until` (with `since`: only what began to wait after that): id, domain, to_address, subject, since."""
    statement = (
        columns(Outbound.id, Prospect.domain, Outbound.to_address, Outbound.subject, _since.label("since"))
        .join(Prospect, col(Prospect.id) == col(Outbound.prospect_id))
        .where(_AMBIGUOUS, _since <= until - WAITS_AFTER)
    )
    return statement if since is None else statement.where(_since > since - WAITS_AFTER)


def count_waiting(session: Session, until: datetime, since: datetime | None = None) -> int:
    """How many wait for a decision, up to MOST."""
    found = waiting(until, since).limit(MOST).subquery()
    return int(session.execute(select(func.count()).select_from(found)).scalar_one())


def to_decide(uow: UnitOfWork, *, limit: int = 5) -> Unsure:
    """Those that wait, the oldest first."""
    count = count_waiting(uow.session, uow.now())
    if not count:
        return Unsure(0, [])
    return Unsure(count, rows(uow, waiting(uow.now()).order_by(_since, col(Outbound.id)).limit(limit)))


def count_all(uow: UnitOfWork) -> int:
    """How many are unsure at all, also those that the machine still looks for; up to MOST."""
    found = select(col(Outbound.id)).where(_AMBIGUOUS).limit(MOST).subquery()
    return int(uow.session.execute(select(func.count()).select_from(found)).scalar_one())
