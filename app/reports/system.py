"""How the installation stands: its processes, what is due, what failed, its size, and the one thing that matters most."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, make_url, select, text
from sqlmodel import col

from app.container import Container
from app.db.work import UnitOfWork
from app.domain.delivery import OutboundState
from app.installation import hold
from app.mail import resting
from app.models import (
    AuditEvent,
    ImportJob,
    JobFault,
    Link,
    Mailbox,
    Outbound,
    Page,
    Prospect,
    ProviderSchedule,
    SequenceRun,
    Site,
    WorkerBeat,
)

# A process that was not heard of for so long is missed; one that was not heard of for a day is forgotten.
MISSED_AFTER = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(days=1)
MOST_SKEW = 2.0
LEAST_FREE = 0.05
MOST_FAULTS = 50


@dataclass(frozen=True, slots=True)
class Due:
    """One kind of work: how many rows are due now (at most 1,000 are counted), and since when the oldest."""

    kind: str
    count: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes: of the database, and free and whole on the disk of the data."""

    database: int
    free: int
    whole: int

    @property
    def tight(self) -> bool:
        """Whether less than a twentieth of the disk is left."""
        return self.free < self.whole * LEAST_FREE


def workers(uow: UnitOfWork) -> list[tuple[WorkerBeat, bool]]:
    """The processes that run jobs, each with whether it is missed."""
    now = uow.now()
    statement = select(WorkerBeat).where(col(WorkerBeat.seen_at) > now - FORGOTTEN_AFTER)
    found = uow.session.execute(statement.order_by(col(WorkerBeat.started_at))).scalars()
    return [(row, now - row.seen_at > MISSED_AFTER) for row in found]


def faults(uow: UnitOfWork) -> list[JobFault]:
    """The jobs that failed at something unforeseen, newest first."""
    return list(
        uow.session.execute(select(JobFault).order_by(col(JobFault.last_at).desc()).limit(MOST_FAULTS)).scalars()
    )


def due(uow: UnitOfWork) -> list[Due]:
    """What is due now, by kind."""
    kinds: list[tuple[str, Any, tuple[Any, ...]]] = [
        ("mail", Outbound.not_before, (col(Outbound.state) == OutboundState.QUEUED,)),
        ("mailboxes", Mailbox.poll_due_at, (col(Mailbox.active).is_(True),)),
        ("follow-ups", SequenceRun.due_at, ()),
        ("mentions", Prospect.mention_due_at, ()),
        ("links", Link.check_due_at, ()),
        ("pages", Page.check_due_at, ()),
        ("imports", ImportJob.due_at, ()),
        ("fit", Site.fit_due_at, ()),
    ]
    found = []
    for kind, column, more in kinds:
        late: Any = (
            select(col(column).label("at")).where(col(column) <= uow.now(), *more).order_by(col(column)).limit(1000)
        )
        inner = late.subquery()
        count, since = uow.session.execute(select(func.count(), func.min(inner.c.at)).select_from(inner)).one()
        found.append(Due(kind, int(count), since))
    return found


def pulls(uow: UnitOfWork) -> list[tuple[ProviderSchedule, str]]:
    """The pulls that repeat by themselves with the name of their site, the next one first."""
    statement = select(ProviderSchedule, col(Site.name)).join(Site, col(Site.id) == col(ProviderSchedule.site_id))
    found = uow.session.execute(statement.order_by(col(ProviderSchedule.due_at), col(ProviderSchedule.id)))
    return [(row, name) for row, name in found]


def last_backup(uow: UnitOfWork) -> AuditEvent | None:
    """The last backup that `gapbridge backup` has made; others are not known here."""
    statement = select(AuditEvent).where(col(AuditEvent.kind) == "installation", col(AuditEvent.verb) == "backup.made")
    found: AuditEvent | None = (
        uow.session.execute(statement.order_by(col(AuditEvent.at).desc()).limit(1)).scalars().first()
    )
    return found


def space(container: Container, uow: UnitOfWork) -> Space:
    """The size of the database, and the disk."""
    if container.db.is_sqlite:
        place = Path(make_url(container.db.url).database or "")
        size = sum(one.stat().st_size for end in ("", "-wal") if (one := place.with_name(place.name + end)).exists())
    else:
        size = int(uow.session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    folder = container.settings.data_dir
    disk = shutil.disk_usage(folder if folder.exists() else folder.absolute().anchor)
    return Space(size, disk.free, disk.total)


@dataclass(frozen=True, slots=True)
class Alarm:
    """The most important of what is wrong: a name, what it is about, and where it is mended."""

    name: str
    about: str
    href: str


def alarm(uow: UnitOfWork, *, operator: bool) -> Alarm | None:
    """Only the first: sending is held, a worker is missing (operators), a mailbox cannot send or be read, a pull that repeats
    does not come (operators)."""
    skip = hold.refusal(uow.session)
    if skip is not None:
        return Alarm("hold", skip.sentence, "/system" if operator else "")
    known = workers(uow) if operator else []
    missed = [row.name for row, missing in known if missing]
    if missed:
        return Alarm("worker", missed[0], "/system")
    broken = (
        select(Mailbox)
        .where(
            col(Mailbox.active).is_(True),
            resting.resting(uow.now()) | col(Mailbox.poll_error).is_not(None),
        )
        .order_by(col(Mailbox.id))
        .limit(1)
    )
    mailbox = uow.session.execute(broken).scalars().first()
    if mailbox is not None:
        why = resting.why(mailbox, uow.now()) or mailbox.poll_error
        return Alarm("mailbox", f"{mailbox.email}: {why}", f"/mailboxes/{mailbox.id}")
    for schedule, _name in pulls(uow) if operator else []:
        if schedule.last_error is not None and schedule.paused_at is None:
            return Alarm("pull", f"{schedule.provider}: {schedule.last_error}", "/system")
    return None
