"""What became of what was sent: the funnel, the share of wins by week and by cut, and the cases behind each figure.

A case is a prospect with its first pitch that the server accepted and that did not bounce for good; later mails to it (follow-ups,
a reclamation) belong to it. A win is a verified link that was first seen after that pitch: what a person typed is none. The
database sums all cases up to one row for each day and combination of cuts, and everything else is computed from these rows,
so that every figure of a report comes from one statement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, and_, case, cast, extract, false, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain import figures
from app.domain.angles import Angle
from app.domain.delivery import OutboundState
from app.domain.figures import LASTING, Share
from app.domain.pipeline import Stage
from app.domain.reputation import Incident
from app.models import (
    Conversation,
    Inbound,
    Link,
    Mailbox,
    MailboxIncident,
    Outbound,
    OutboundKind,
    Pitch,
    PitchState,
    Prospect,
    SequenceRun,
)
from app.reports.mail import answered
from app.reports.prospects import WAITING
from app.reports.sql import Row, columns, rows

#: The cuts by name, in the order of the page.
CUTS = ("tier", "angle", "template", "mailbox", "person", "authority")
#: The periods that can be asked for, in days; None is all of the time.
PERIODS = (30, 90, 180, 365)
#: Steps of the funnel that are counted in cases, so that they can be listed.
CASE_STEPS = ("delivered", "replied", "agreed", "live", "lasting")
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Scope:
    """What a report is about; None asks nothing. `days` counts back from now, by the first send (and for approvals by theirs)."""

    site_id: int | None = None
    days: int | None = 90
    tier: int | None = None
    angle: str | None = None
    person: str | None = None

    def since(self, now: datetime) -> datetime | None:
        """The beginning of the period."""
        return None if self.days is None else now - timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Sum:
    """Cases that are alike: `day` of the first send (UTC), the cuts, and how many of `n` came how far.

    `days_to_win` is None for cases that are not won; `aged` of the won ones are older than LASTING, and `lasting` stood for it.
    """

    day: date
    tier: int | None
    provider: str | None
    band: int | None
    angle: str | None
    template: str | None
    mailbox: str
    person: str | None
    days_to_win: int | None
    n: int
    replied: int
    agreed: int
    aged: int
    lasting: int

    @property
    def won(self) -> int:
        """How many were won."""
        return 0 if self.days_to_win is None else self.n

    def key(self, cut: str) -> tuple[Any, ...]:
        """Where these cases stand in a cut; authority is on its provider's scale and never mixed with another's."""
        if cut == "authority":
            return (self.provider, *(figures.band_of(self.band) or ())) if self.band is not None else ()
        value = getattr(self, cut)
        return () if value is None else (value,)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel; `of` are those of whom it can be told already, where that is not everybody."""

    name: str
    count: int
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Cohort:
    """The cases of one week (its Monday) and their wins; `open`: it is younger than a win usually takes."""

    week: date
    share: Share
    open: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a cut. `key` is empty where it is not known."""

    key: tuple[Any, ...]
    wins: Share
    replies: Share


@dataclass(frozen=True, slots=True)
class Outreach:
    """A report. `median_days` from the first send to the link is over its wins, None without any."""

    scope: Scope
    funnel: list[Step]
    total: Share
    median_days: int | None
    weeks: list[Cohort]
    cuts: dict[str, list[Line]]


def report(uow: UnitOfWork, scope: Scope) -> Outreach:
    """The whole report: four statements."""
    sums = cube(uow, scope)
    today = uow.now().date()
    median = figures.quantile(_wins_by_days(sums), 0.5)
    return Outreach(
        scope,
        funnel=[*_before(uow, scope), *_steps(sums)],
        total=_share(sums, lambda one: one.won),
        median_days=median,
        weeks=_cohorts(sums, today, median),
        cuts={cut: _lines(sums, cut) for cut in CUTS},
    )


def _share(sums: list[Sum], hits: Callable[[Sum], int]) -> Share:
    return Share(sum(hits(one) for one in sums), sum(one.n for one in sums))


def _wins_by_days(sums: list[Sum]) -> dict[int, int]:
    found: dict[int, int] = {}
    for one in sums:
        if one.days_to_win is not None:
            found[one.days_to_win] = found.get(one.days_to_win, 0) + one.n
    return found


def _steps(sums: list[Sum]) -> list[Step]:
    return [
        Step("delivered", sum(one.n for one in sums)),
        Step("replied", sum(one.replied for one in sums)),
        Step("agreed", sum(one.agreed for one in sums)),
        Step("live", sum(one.won for one in sums)),
        Step("lasting", sum(one.lasting for one in sums), of=sum(one.aged for one in sums)),
    ]


def _cohorts(sums: list[Sum], today: date, median: int | None) -> list[Cohort]:
    weeks: dict[date, list[Sum]] = {}
    for one in sums:
        weeks.setdefault(figures.week_of(one.day), []).append(one)
    if not weeks:
        return []
    # A week in which nothing was sent is a week of the plot, too.
    week, found = min(weeks), []
    while week <= max(weeks):
        found.append(
            Cohort(week, _share(weeks.get(week, []), lambda one: one.won), figures.still_open(week, today, median))
        )
        week += timedelta(days=7)
    return found


def _lines(sums: list[Sum], cut: str) -> list[Line]:
    groups: dict[tuple[Any, ...], list[Sum]] = {}
    for one in sums:
        groups.setdefault(one.key(cut), []).append(one)
    # What is not known comes last.
    return [
        Line(key, _share(groups[key], lambda one: one.won), _share(groups[key], lambda one: one.replied))
        for key in sorted(groups, key=lambda key: (not key, key))
    ]


def _epoch(moment: Any) -> Any:
    return cast(extract("epoch", moment), BigInteger)


def _conditions(scope: Scope) -> list[Any]:
    found: list[Any] = []
    for column, value in (
        (col(Prospect.site_id), scope.site_id),
        (col(Prospect.tier), scope.tier),
        (col(Pitch.angle), scope.angle),
        (col(Pitch.approved_by), scope.person),
    ):
        if value is not None:
            found.append(column == value)
    return found


def _cases(uow: UnitOfWork, scope: Scope) -> Select[Any]:
    """One row for each case, with what it is cut by and how far it came."""
    earlier, now = aliased(Outbound), uow.now()
    mine = col(Outbound.prospect_id)
    seen = and_(
        col(Link.prospect_id) == mine, col(Link.verified).is_(True), col(Link.first_seen_at) >= col(Outbound.sent_at)
    )
    # Sets that are read once and asked for each case, instead of a look into the table for each.
    replied = mine.in_(columns(Inbound.prospect_id).where(answered(), col(Inbound.prospect_id).is_not(None)))
    agreed = mine.in_(columns(Conversation.prospect_id).where(col(Conversation.agreed).is_(True)))
    lasting = (
        columns(Link.id)
        .where(
            seen,
            col(Link.first_seen_at) <= now - LASTING,
            or_(
                col(Link.lost_at).is_(None),
                _epoch(col(Link.lost_at)) - _epoch(col(Link.first_seen_at)) >= int(LASTING.total_seconds()),
            ),
        )
        .exists()
    )
    before = (
        columns(earlier.id)
        .where(
            col(earlier.prospect_id) == mine,
            col(earlier.kind) == OutboundKind.PITCH,
            col(earlier.state) == OutboundState.SENT,
            or_(
                col(earlier.sent_at) < col(Outbound.sent_at),
                and_(col(earlier.sent_at) == col(Outbound.sent_at), col(earlier.id) < col(Outbound.id)),
            ),
        )
        .exists()
    )
    bounced = (
        columns(MailboxIncident.id)
        .where(col(MailboxIncident.outbound_id) == col(Outbound.id), col(MailboxIncident.kind) == Incident.HARD_BOUNCE)
        .exists()
    )
    statement = (
        select(
            col(Outbound.id),
            mine.label("prospect_id"),
            col(Outbound.sent_at),
            col(Outbound.mailbox_id),
            col(Prospect.domain),
            col(Prospect.stage),
            col(Prospect.tier),
            func.lower(col(Prospect.authority_provider)).label("provider"),
            col(Prospect.authority),
            col(Pitch.angle),
            col(Pitch.template_version).label("template"),
            col(Pitch.approved_by).label("person"),
            replied.label("replied"),
            agreed.label("agreed"),
            lasting.label("lasting"),
            select(func.min(col(Link.first_seen_at))).where(seen).correlate(Outbound).scalar_subquery().label("won_at"),
        )
        .join(Prospect, col(Prospect.id) == mine)
        .outerjoin(SequenceRun, col(SequenceRun.id) == col(Outbound.sequence_run_id))
        .outerjoin(Pitch, col(Pitch.id) == col(SequenceRun.pitch_id))
        .where(
            col(Outbound.state) == OutboundState.SENT,
            col(Outbound.kind) == OutboundKind.PITCH,
            ~before,
            ~bounced,
            *_conditions(scope),
        )
    )
    since = scope.since(now)
    return statement if since is None else statement.where(col(Outbound.sent_at) >= since)


def cube(uow: UnitOfWork, scope: Scope) -> list[Sum]:
    """All cases of the scope, summed up where they are alike, by day."""
    one = _cases(uow, scope).subquery()
    band = case(*((one.c.authority >= edge, edge) for edge in (80, 60, 40, 20)), (one.c.authority.is_not(None), 0))
    keys = [
        (_epoch(one.c.sent_at) // _DAY).label("day"),
        one.c.tier,
        one.c.provider,
        band.label("band"),
        one.c.angle,
        one.c.template,
        one.c.mailbox_id,
        one.c.person,
        ((_epoch(one.c.won_at) - _epoch(one.c.sent_at)) // _DAY).label("days_to_win"),
    ]
    aged = func.coalesce(one.c.won_at <= uow.now() - LASTING, false()).label("aged")
    inner = select(*keys, one.c.replied, one.c.agreed, aged, one.c.lasting).subquery()
    names = ["day", "tier", "provider", "band", "angle", "template", "mailbox_id", "person", "days_to_win"]
    grouped = [inner.c[name] for name in names]
    counts = [
        func.sum(case((inner.c[name], 1), else_=0)).label(name) for name in ("replied", "agreed", "aged", "lasting")
    ]
    statement = select(*grouped, func.count().label("n"), *counts).group_by(*grouped)
    addresses = {row[0]: row[1] for row in uow.session.execute(columns(Mailbox.id, Mailbox.email))}
    return [
        Sum(
            day=datetime.fromtimestamp(row["day"] * _DAY, UTC).date(),
            mailbox=addresses[row.pop("mailbox_id")],
            **{name: value for name, value in row.items() if name not in ("day", "mailbox_id")},
        )
        for row in rows(uow, statement)
    ]


def _before(uow: UnitOfWork, scope: Scope) -> list[Step]:
    """The steps before a mail. The list and what is ready in it are of all time; they know of no angle and no person."""
    mine: list[Any] = []
    if scope.site_id is not None:
        mine.append(col(Prospect.site_id) == scope.site_id)
    if scope.tier is not None:
        # The key begins with the tier: a range of an index that holds the key, and no look at the rows.
        low, high = str(scope.tier), str(scope.tier + 1)
        mine += [col(Prospect.rank_key) >= low, col(Prospect.rank_key) < high]
    stages = select(col(Prospect.stage), func.count()).where(*mine).group_by(col(Prospect.stage))
    by_stage: dict[Stage, int] = {row[0]: row[1] for row in uow.session.execute(stages)}
    # All that waits, out of its small index; without those that were checked, it is those that could not be.
    waiting = select(func.count()).where(WAITING, *mine).select_from(Prospect)
    approved = (
        select(func.count(func.distinct(col(Pitch.prospect_id))))
        .join(Prospect, col(Prospect.id) == col(Pitch.prospect_id))
        .where(
            col(Pitch.state) == PitchState.APPROVED,
            # What asks for a lost link is never the first mail to a prospect, which is what is delivered.
            col(Pitch.angle) != Angle.LINK_RECLAMATION.value,
            *_conditions(scope),
        )
    )
    since = scope.since(uow.now())
    if since is not None:
        approved = approved.where(col(Pitch.approved_at) >= since)
    checked = sum(count for stage, count in by_stage.items() if stage is not Stage.PROSPECT)
    waits = int(uow.session.execute(waiting).scalar_one())
    unsure = max(0, waits - by_stage.get(Stage.CHECKED_MENTION, 0))
    return [
        Step("gap", sum(by_stage.values())),
        Step("ready", checked + unsure),
        Step("approved", int(uow.session.execute(approved).scalar_one())),
    ]


def cases(
    uow: UnitOfWork, scope: Scope, step: str, *, before: tuple[datetime, int] | None = None, limit: int = 50
) -> list[Row]:
    """The cases that came to a step of CASE_STEPS, latest first send first; `before` is (sent_at, id) of the last row seen."""
    one = _cases(uow, scope).subquery()
    statement = select(one).order_by(one.c.sent_at.desc(), one.c.id.desc()).limit(limit)
    if step == "live":
        statement = statement.where(one.c.won_at.is_not(None))
    elif step != "delivered":
        statement = statement.where(one.c[step])
    if before is not None:
        statement = statement.where(
            or_(one.c.sent_at < before[0], and_(one.c.sent_at == before[0], one.c.id < before[1]))
        )
    return rows(uow, statement)
