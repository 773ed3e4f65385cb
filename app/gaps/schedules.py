"""Pulls that repeat by themselves, within the budget. A pull that goes wrong is tried again at its next date and spends nothing before."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import BadInput, FieldProblem, GapbridgeError, NotFound
from app.gaps import prices, pulls
from app.gaps.pulls import Deps
from app.jobs import Job
from app.log import get_logger
from app.models import ProviderSchedule
from app.settings import Settings

log = get_logger("gaps")

#: So often, and after so long, an import is tried again whose rows have all come: that costs nothing. By then a pull that was killed
#: counts as silent, and its rows are free.
_MOST_TRIES = 3
_AGAIN = timedelta(hours=3)


def schedule(
    uow: UnitOfWork, settings: Settings, site_id: int, provider: str, *, rows: int, every_days: int, actor: str
) -> ProviderSchedule:
    """Let a pull repeat by itself, first now, or change the one that there is: its next date is the one that it had, or sooner.

    Raises BadInput (see `prices.plan`), and where no budget is set: nobody is there to look at the price.
    """
    planned = prices.plan(uow, settings, site_id, provider, rows)
    if planned.left is None:
        raise BadInput(
            say(
                "{provider} has no budget; set GAPBRIDGE_PROVIDER_BUDGETS={provider}=... ({unit} a month) first",
                provider=provider,
                unit=planned.unit,
            ),
            FieldProblem("provider", say("A budget for the month is needed")),
        )
    if not 1 <= every_days <= 365:
        raise BadInput(
            say("every {every_days} days", every_days=every_days),
            FieldProblem("every_days", say("A number from 1 to 365")),
        )
    found = _of(uow, site_id, provider)
    before = {"rows": found.rows, "every_days": found.every_days} if found else None
    row = found or ProviderSchedule(
        site_id=site_id,
        provider=provider,
        rows=rows,
        every_days=every_days,
        due_at=uow.now(),
        created_by=actor,
        created_at=uow.now(),
    )
    row.rows, row.every_days = rows, every_days
    row.due_at = min(row.due_at, uow.now() + timedelta(days=every_days))
    uow.session.add(row)
    uow.session.flush()
    after = {"site": site_id, "rows": rows, "every_days": every_days}
    audit.record(uow, "pull.scheduled", "pull", row.id, name=provider, before=before, after=after, actor=actor)
    if row.due_at <= uow.now() and row.paused_at is None:
        uow.ring(Job.GAPS_PULL, row.id)
    return row


def get(uow: UnitOfWork, schedule_id: int) -> ProviderSchedule:
    """One pull that repeats by itself. Raises NotFound."""
    found = uow.session.get(ProviderSchedule, schedule_id)
    if found is None:
        raise NotFound(say("there is no scheduled pull {schedule_id}", schedule_id=schedule_id))
    return found


def find(uow: UnitOfWork, site_id: int, provider: str) -> ProviderSchedule:
    """The one of a site and a provider. Raises NotFound."""
    found = _of(uow, site_id, provider)
    if found is None:
        raise NotFound(say("nothing is pulled from {provider} by itself for this site", provider=provider))
    return found


def _of(uow: UnitOfWork, site_id: int, provider: str) -> ProviderSchedule | None:
    statement = select(ProviderSchedule).where(
        col(ProviderSchedule.site_id) == site_id, col(ProviderSchedule.provider) == provider
    )
    found: ProviderSchedule | None = uow.session.execute(statement).scalar_one_or_none()
    return found


def pause(uow: UnitOfWork, schedule_id: int, *, actor: str) -> ProviderSchedule:
    """Let a pull rest until somebody resumes it; one that runs at this moment goes on. Raises NotFound."""
    row = get(uow, schedule_id)
    if row.paused_at is None:
        row.paused_at = uow.now()
        audit.record(uow, "pull.paused", "pull", row.id, name=row.provider, after={"site": row.site_id}, actor=actor)
    return row


def resume(uow: UnitOfWork, schedule_id: int, *, actor: str) -> ProviderSchedule:
    """End the rest: the next pull is at its date, at once where that has passed meanwhile. Raises NotFound."""
    row = get(uow, schedule_id)
    if row.paused_at is not None:
        row.paused_at = None
        audit.record(uow, "pull.resumed", "pull", row.id, name=row.provider, after={"site": row.site_id}, actor=actor)
    return row


def unschedule(uow: UnitOfWork, schedule_id: int, *, actor: str) -> ProviderSchedule:
    """End a pull that repeats by itself: the row as it was. Raises NotFound."""
    row = get(uow, schedule_id)
    before = {"site": row.site_id, "rows": row.rows, "every_days": row.every_days}
    audit.record(uow, "pull.unscheduled", "pull", row.id, name=row.provider, before=before, actor=actor)
    uow.session.delete(row)
    uow.session.flush()
    return row


def run_schedule(deps: Deps, schedule_id: int) -> None:
    """Do a scheduled pull if it is due. It is moved to its next date before anything is asked, so that whatever goes wrong spends once.

    Once all rows have come the import may be tried again soon. What went wrong stands in `last_error`.
    """
    with deps.db.work() as uow:
        row = uow.session.get(ProviderSchedule, schedule_id)
        now = uow.now()
        if row is None or row.due_at > now or row.paused_at is not None:
            return
        # One conditional statement, so that of two workers one gets it.
        claimed = uow.session.execute(
            update(ProviderSchedule)
            .where(
                col(ProviderSchedule.id) == schedule_id,
                col(ProviderSchedule.due_at) == row.due_at,
                col(ProviderSchedule.paused_at).is_(None),
            )
            .values(
                due_at=now + timedelta(days=row.every_days),
            )
        )
        if not getattr(claimed, "rowcount", 0):
            return
        site_id, provider, rows, every_days = row.site_id, row.provider, row.rows, row.every_days
        given_up = {"tries": 0} if row.tries >= _MOST_TRIES else {}

    def rows_are_here() -> None:
        with deps.db.work() as uow:
            uow.session.execute(
                update(ProviderSchedule)
                .where(col(ProviderSchedule.id) == schedule_id, col(ProviderSchedule.tries) < _MOST_TRIES)
                .values(due_at=uow.now() + _AGAIN, tries=ProviderSchedule.tries + 1)
            )

    try:
        done = pulls.pull(deps, site_id, provider, rows, actor=pulls.SCHEDULE, rows_are_here=rows_are_here)
    except GapbridgeError as refused:
        log.warning("provider.schedule_failed", schedule_id=schedule_id, provider=provider, reason=refused.detail)
        _note(deps, schedule_id, last_error=refused.detail, **given_up)
    except Exception as error:
        log.exception("provider.schedule_failed", schedule_id=schedule_id, provider=provider)
        _note(deps, schedule_id, last_error=f"{type(error).__name__}: {error}", **given_up)
    else:
        result = {name: done[name] for name in ("rows", "cost", "unit", "gaps", "added")}
        next_at = now + timedelta(days=every_days)
        _note(deps, schedule_id, due_at=next_at, tries=0, last_error=None, last_result=result)


def schedules_of(uow: UnitOfWork, site_id: int | None = None) -> list[ProviderSchedule]:
    """The pulls that repeat by themselves, of a site or of all, the next one first."""
    statement = select(ProviderSchedule).order_by(col(ProviderSchedule.due_at), col(ProviderSchedule.id))
    if site_id is not None:
        statement = statement.where(col(ProviderSchedule.site_id) == site_id)
    return list(uow.session.execute(statement).scalars())


def due_schedules(session: Session, now: datetime) -> list[int]:
    """The schedules that want a pull now, the longest due first."""
    statement = select(col(ProviderSchedule.id)).where(
        col(ProviderSchedule.due_at) <= now, col(ProviderSchedule.paused_at).is_(None)
    )
    return list(session.execute(statement.order_by(col(ProviderSchedule.due_at))).scalars())


def _note(deps: Deps, schedule_id: int, **values: object) -> None:
    with deps.db.work() as uow:
        values["last_at"] = uow.now()
        uow.session.execute(update(ProviderSchedule).where(col(ProviderSchedule.id) == schedule_id).values(**values))
