"""Who works on a domain: a lease in the database, one for each registrable domain over sites, people and API keys.

A lease keeps two people from working on the same thing; it is no lock. What keeps two mails from going out is the
conversation that is open for a domain, in the database.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app.db.work import UnitOfWork
from app.domain.ahead import SKEW, ahead_in, over_in
from app.domain.said import say
from app.errors import BadInput, Conflict, FieldProblem, Skip
from app.models import DomainLease, Prospect
from app.prospects import service

HELD_FOR = timedelta(minutes=10)
SOFT_FOR = timedelta(minutes=2)


def _furthest(now: datetime) -> datetime:
    return now + HELD_FOR + SKEW


def running(now: datetime) -> ColumnElement[bool]:
    """That a lease has not run out: for statements that join it."""
    found: ColumnElement[bool] = ahead_in(col(DomainLease.until), now, _furthest(now))
    return found


def claim(uow: UnitOfWork, prospect: Prospect, *, holder: str, name: str, soft: bool = False) -> bool:
    """Take or renew the lease on a prospect's domain; False when somebody else holds it.

    `holder` is a caller (`Principal.caller`). A soft lease is for the item that is shown next; it never weakens a hold, so
    one that this holder has already stays as it is: what was open when a decision was taken back is the next item again.
    """
    dialect = postgresql if uow.session.get_bind().dialect.name == "postgresql" else sqlite
    now = uow.now()
    values = {
        "prospect_id": prospect.id,
        "holder": holder,
        "holder_name": name,
        "until": now + (SOFT_FOR if soft else HELD_FOR),
        "soft": soft,
        "note": None,
        "taken_from": None,
    }
    over = over_in(col(DomainLease.until), now, _furthest(now))
    free = over | (col(DomainLease.holder) == holder)
    if soft:
        free = over | ((col(DomainLease.holder) == holder) & col(DomainLease.soft))
    statement = dialect.insert(DomainLease).values(domain=prospect.domain, **values)
    taken = uow.session.execute(
        statement.on_conflict_do_update(index_elements=["domain"], set_=values, where=free).returning(
            col(DomainLease.domain)
        )
    ).first()
    if taken is not None or not soft:
        return taken is not None
    row = held(uow.session, prospect.domain, now)
    return row is not None and row.holder == holder


def release(uow: UnitOfWork, domain: str, *, holder: str) -> None:
    """Give a domain back; what is not held is no error."""
    uow.session.execute(delete(DomainLease).where(col(DomainLease.domain) == domain, col(DomainLease.holder) == holder))


def take_over(uow: UnitOfWork, prospect_id: int, *, holder: str, name: str, reason: str) -> DomainLease:
    """Take a domain from whoever holds it, on record. Raises BadInput (field `why`) without a reason."""
    if not reason.strip():
        raise BadInput(say("say why you take it over"), FieldProblem("why", say("Enter a reason; the holder sees it")))
    prospect = service.get(uow, prospect_id)
    before = held(uow.session, prospect.domain, uow.now())
    row = uow.session.get(DomainLease, prospect.domain) or DomainLease(
        domain=prospect.domain, prospect_id=prospect.id, holder=holder, holder_name=name, until=uow.now()
    )
    row.taken_from = before.holder if before is not None and before.holder != holder else None
    row.holder, row.holder_name, row.prospect_id = holder, name, prospect.id
    row.until, row.soft, row.note = uow.now() + HELD_FOR, False, f"{name}: {reason.strip()}"
    uow.session.add(row)
    service.note(uow, prospect.id, "lease_taken_over", actor=name, reason=reason.strip(), taken_from=row.taken_from)
    uow.session.flush()
    return row


def held(session: Session, domain: str, now: datetime) -> DomainLease | None:
    """The lease on a domain that has not run out."""
    found: DomainLease | None = session.execute(
        select(DomainLease).where(col(DomainLease.domain) == domain, running(now))
    ).scalar_one_or_none()
    return found


def refusal(session: Session, domain: str, now: datetime, caller: str | None) -> Skip | None:
    """Why `caller` may not act on a domain now; None when nobody else holds it."""
    row = held(session, domain, now)
    if row is None or row.holder == caller:
        return None
    return Skip(
        "leased",
        say("{holder_name} works on {domain} now.", holder_name=row.holder_name, domain=domain),
        until=row.until.isoformat(),
    )


def require(uow: UnitOfWork, prospect: Prospect, *, holder: str, name: str) -> None:
    """Hold the domain for what is done now. Raises Conflict that names who has it."""
    if not claim(uow, prospect, holder=holder, name=name):
        row = held(uow.session, prospect.domain, uow.now())
        raise Conflict(
            say(
                "{value} works on {domain} now; nothing was done",
                value=row.holder_name if row else "Somebody else",
                domain=prospect.domain,
            )
        )
