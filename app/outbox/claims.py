"""The SQL of the queue: which mail is next, what stands before it, and what may not leave any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import and_, bindparam, exists, func, or_, select, update
from sqlmodel import Session

from app.domain.blocking import ENDS
from app.domain.delivery import IN_FLIGHT, OutboundState
from app.domain.said import say
from app.models import Outbound, OutboundKind
from app.outbox.conditions import (
    CONVERSATION_OPEN,
    DOMAIN_HOLDS,
    FENCE,
    IN_SLOT,
    NOW,
    OUTBOUND,
    PERIOD,
    RECIPIENT_DAY,
    RESTING,
    ROW,
    SITE_DAY,
    SPELLINGS,
    SUPPRESSED,
    UTC_DAY,
    WAITING,
    blocked,
    run,
)

# What may have left before this data was restored is neither sent nor taken out before it is known (app.outbox.release).
_KNOWN = OUTBOUND.c.evidence.is_(None)
_CANCEL = tuple(
    update(OUTBOUND)
    .where(WAITING, _KNOWN, condition)
    .values(state=OutboundState.CANCELLED, hold_reason=reason)
    .returning(OUTBOUND.c.id, OUTBOUND.c.kind)
    for condition, reason in (
        (blocked(*sorted(ENDS)), say("stopped: an answer, opt-out, bounce or link came first")),
        (~CONVERSATION_OPEN, say("stopped: the conversation was closed")),
        (and_(OUTBOUND.c.expires_at <= NOW, ~RESTING), say("expired: it had waited too long to be worth sending")),
    )
)
# Of what stands before a mail, no more are counted than this: nobody plans by the ten-thousandth.
_COUNTED = 10_000
_other = OUTBOUND.alias("other")
_CAPPED = or_(
    exists(
        select(SITE_DAY.c.site_id).where(
            SITE_DAY.c.site_id == OUTBOUND.c.site_id,
            SITE_DAY.c.day == UTC_DAY,
            SITE_DAY.c.used >= SITE_DAY.c.cap,
        )
    ),
    exists(
        select(RECIPIENT_DAY.c.recipient).where(
            RECIPIENT_DAY.c.recipient == OUTBOUND.c.recipient,
            RECIPIENT_DAY.c.day == PERIOD,
            RECIPIENT_DAY.c.used >= RECIPIENT_DAY.c.cap,
        )
    ),
)
# Sites whose follow-ups need all that their cap leaves of today (app.outbox.plan).
_KEPT = OUTBOUND.c.site_id.in_(bindparam("b_kept", expanding=True))
_MAY_LEAVE = and_(
    _KNOWN,
    OUTBOUND.c.expires_at > NOW,
    CONVERSATION_OPEN,
    ~DOMAIN_HOLDS,
    ~RESTING,
    ~blocked(),
    ~exists(select(_other.c.id).where(_other.c.prospect_id == OUTBOUND.c.prospect_id, _other.c.state.in_(IN_FLIGHT))),
)


def _lane(kind: OutboundKind, *more: Any, by_age: bool = False) -> Any:
    # The index of the queue holds one kind after the other in the order of their slots. When not everything can leave today,
    # today's share is small, and is taken in the order of approval.
    order = (OUTBOUND.c.id,) if by_age else (OUTBOUND.c.not_before, OUTBOUND.c.id)
    return (
        select(OUTBOUND.c.id)
        .where(WAITING, OUTBOUND.c.kind == kind, IN_SLOT, _MAY_LEAVE, *more)
        .order_by(*order)
        .limit(1)
        .with_for_update(skip_locked=True, of=OUTBOUND)
        .scalar_subquery()
    )


def _claim_from(*lanes: Any) -> Any:
    return (
        update(OUTBOUND)
        .where(OUTBOUND.c.id == func.coalesce(*lanes), OUTBOUND.c.state == OutboundState.QUEUED)
        .values(state=OutboundState.CLAIMED, fence=FENCE, hold_reason=None)
        .returning(*OUTBOUND.columns)
    )


# What a person wrote first, then follow-ups, then new pitches.
_CLAIM = _claim_from(
    _lane(OutboundKind.REPLY), _lane(OutboundKind.FOLLOW_UP, ~_CAPPED), _lane(OutboundKind.PITCH, ~_CAPPED, ~_KEPT)
)
_CLAIM_SHARE = _claim_from(
    _lane(OutboundKind.REPLY),
    _lane(OutboundKind.FOLLOW_UP, ~_CAPPED, OUTBOUND.c.id <= bindparam("b_follow_ups"), by_age=True),
    _lane(OutboundKind.PITCH, ~_CAPPED, ~_KEPT, OUTBOUND.c.id <= bindparam("b_pitches"), by_age=True),
)
_TODAY = (
    select(OUTBOUND.c.id)
    .where(
        WAITING,
        OUTBOUND.c.kind == bindparam("b_kind", type_=OUTBOUND.c.kind.type),
        OUTBOUND.c.not_before < bindparam("b_end", type_=OUTBOUND.c.not_before.type),
        or_(OUTBOUND.c.closes_at.is_(None), OUTBOUND.c.closes_at > NOW),
        _MAY_LEAVE,
    )
    .limit(bindparam("b_most"))
)
# The oldest by the columns of the index alone, and then those of them that may leave: a long queue is not read row by row.
_OLD = (
    select(OUTBOUND.c.id)
    .where(
        WAITING,
        OUTBOUND.c.kind == bindparam("b_kind", type_=OUTBOUND.c.kind.type),
        OUTBOUND.c.not_before < bindparam("b_end", type_=OUTBOUND.c.not_before.type),
    )
    .order_by(OUTBOUND.c.id)
    .limit(bindparam("b_look"))
)
_OLDEST = (
    select(OUTBOUND.c.id).where(OUTBOUND.c.id.in_(_OLD), _MAY_LEAVE).order_by(OUTBOUND.c.id).limit(bindparam("b_most"))
)
_FRONT = (
    select(OUTBOUND.c.site_id, OUTBOUND.c.recipient)
    .where(WAITING, OUTBOUND.c.kind.in_((OutboundKind.FOLLOW_UP, OutboundKind.PITCH)), OUTBOUND.c.not_before <= NOW)
    .limit(200)
    .subquery()
)
_CAPPED_IN_FRONT = (
    select(SITE_DAY.c.site_id, RECIPIENT_DAY.c.recipient)
    .select_from(
        _FRONT.outerjoin(
            SITE_DAY,
            and_(
                SITE_DAY.c.site_id == _FRONT.c.site_id,
                SITE_DAY.c.day == UTC_DAY,
                SITE_DAY.c.used >= SITE_DAY.c.cap,
            ),
        ).outerjoin(
            RECIPIENT_DAY,
            and_(
                RECIPIENT_DAY.c.recipient == _FRONT.c.recipient,
                RECIPIENT_DAY.c.day == PERIOD,
                RECIPIENT_DAY.c.used >= RECIPIENT_DAY.c.cap,
            ),
        )
    )
    .where(or_(SITE_DAY.c.site_id.is_not(None), RECIPIENT_DAY.c.recipient.is_not(None)))
    .distinct()
)
_OF_SEVERAL = and_(
    OUTBOUND.c.mailbox_id.in_(bindparam("b_mailboxes", expanding=True)), OUTBOUND.c.state == OutboundState.QUEUED
)
_LOWEST = bindparam("b_lowest", type_=OUTBOUND.c.id.type)
_OLDER = (
    select(OUTBOUND.c.mailbox_id, OUTBOUND.c.kind, func.count())
    .where(_OF_SEVERAL, OUTBOUND.c.id < _LOWEST)
    .group_by(OUTBOUND.c.mailbox_id, OUTBOUND.c.kind)
)
_AMONG = (
    select(OUTBOUND.c.id, OUTBOUND.c.mailbox_id, OUTBOUND.c.kind)
    .where(_OF_SEVERAL, OUTBOUND.c.id >= _LOWEST, OUTBOUND.c.id <= ROW)
    .order_by(OUTBOUND.c.id)
)
_FOLLOW_UPS = (
    select(OUTBOUND.c.mailbox_id, OUTBOUND.c.not_before)
    .where(
        _OF_SEVERAL,
        OUTBOUND.c.kind == OutboundKind.FOLLOW_UP,
        OUTBOUND.c.not_before < bindparam("b_end", type_=OUTBOUND.c.not_before.type),
        or_(OUTBOUND.c.closes_at.is_(None), OUTBOUND.c.closes_at > NOW),
        _MAY_LEAVE,
    )
    .order_by(OUTBOUND.c.not_before)
    .limit(_COUNTED)
)
_FOLLOW_UPS_OF_SITES = (
    select(OUTBOUND.c.site_id, OUTBOUND.c.mailbox_id, func.count())
    .where(
        OUTBOUND.c.state == OutboundState.QUEUED,
        OUTBOUND.c.kind == OutboundKind.FOLLOW_UP,
        OUTBOUND.c.site_id.in_(bindparam("b_sites", expanding=True)),
        OUTBOUND.c.not_before < bindparam("b_end", type_=OUTBOUND.c.not_before.type),
        or_(OUTBOUND.c.closes_at.is_(None), OUTBOUND.c.closes_at > NOW),
        _MAY_LEAVE,
    )
    .group_by(OUTBOUND.c.site_id, OUTBOUND.c.mailbox_id)
)
_PUT_OFF = (
    update(OUTBOUND)
    .where(
        WAITING,
        OUTBOUND.c.kind.in_(bindparam("b_kinds", expanding=True, type_=OUTBOUND.c.kind.type)),
        OUTBOUND.c.not_before <= NOW,
    )
    .values(not_before=bindparam("b_until"), hold_reason=bindparam("b_why"))
)
_IS_SUPPRESSED = select(SUPPRESSED)


def cancel_stopped(session: Session, mailbox_id: int, expired: datetime | None) -> list[int]:
    """Cancel what may not leave any more: blocked for good, its conversation closed, or expired by that time (None: nothing is).

    The ids of people's answers.
    """
    stopped = list(run(session, _CANCEL[2], b_mailbox=mailbox_id, b_now=expired)) if expired is not None else []
    for statement in _CANCEL[:2]:
        stopped += run(session, statement, b_mailbox=mailbox_id)
    return [row[0] for row in stopped if row[1] == OutboundKind.REPLY]


def claim(
    session: Session,
    mailbox_id: int,
    fence: int,
    now: datetime,
    *,
    period: date,
    up_to: tuple[int, int] | None = None,
    kept: Collection[int] = (),
) -> Outbound | None:
    """Claim the next due row, QUEUED -> CLAIMED under our fence; None when nothing is due.

    `period` is the first day of the present period of recipients' caps; `up_to` the ids of the youngest follow-up and pitch
    that may leave today when not all may, `kept` the sites whose pitches wait for their follow-ups. The object is a copy outside of any
    session: what is known of it changes only through the statements here.
    """
    values: dict[str, Any] = {"b_mailbox": mailbox_id, "b_fence": fence, "b_now": now, "b_period": period}
    values["b_kept"] = list(kept)
    values["b_utc_day"] = now.astimezone(UTC).date()
    statement = _CLAIM
    if up_to is not None:
        statement = _CLAIM_SHARE
        values["b_follow_ups"], values["b_pitches"] = up_to
    row = run(session, statement, **values).mappings().first()
    return None if row is None else Outbound(**row)


def put_off(
    session: Session, mailbox_id: int, kinds: Sequence[OutboundKind], now: datetime, *, until: datetime, why: str
) -> int:
    """Let all that is due of `kinds` wait until `until`, with the reason; how many mails."""
    values = {"b_mailbox": mailbox_id, "b_kinds": list(kinds), "b_now": now, "b_until": until, "b_why": why}
    return int(run(session, _PUT_OFF, **values).rowcount)


def waiting_today(
    session: Session, mailbox_id: int, kind: OutboundKind, now: datetime, end: datetime, most: int
) -> int:
    """How many mails of `kind` may leave between `now` and `end`, counted up to `most`."""
    values = {"b_mailbox": mailbox_id, "b_kind": kind, "b_now": now, "b_end": end, "b_most": most}
    return len(run(session, _TODAY, **values).all())


def nth_oldest(session: Session, mailbox_id: int, kind: OutboundKind, now: datetime, end: datetime, n: int) -> int:
    """The id of the n-th oldest mail (from 1) that may leave before `end`, among the few hundred oldest."""
    values = {"b_mailbox": mailbox_id, "b_kind": kind, "b_now": now, "b_end": end, "b_most": n, "b_look": 4 * n + 200}
    found = run(session, _OLDEST, **values).scalars().all()
    return int(found[-1]) if found else 0


def capped_in_front(
    session: Session, mailbox_id: int, now: datetime, period: date
) -> list[tuple[int | None, str | None]]:
    """Sites and recipients whose cap is reached, of the mails that stand first in the queue."""
    values = {"b_mailbox": mailbox_id, "b_now": now, "b_utc_day": now.astimezone(UTC).date(), "b_period": period}
    return [(row[0], row[1]) for row in run(session, _CAPPED_IN_FRONT, **values)]


def older_than(session: Session, rows: Sequence[Outbound]) -> dict[int, int]:
    """For each of `rows`: how many waiting mails of its mailbox and kind were approved before it. Two statements."""
    if not rows:
        return {}
    ids = [row.id for row in rows]
    values = {"b_mailboxes": sorted({row.mailbox_id for row in rows}), "b_lowest": min(ids), "b_row": max(ids)}
    counted = {(found[0], found[1]): int(found[2]) for found in run(session, _OLDER, **values)}
    before: dict[int, int] = {}
    for found in run(session, _AMONG, **values):
        line = (found[1], found[2])
        before[found[0]] = counted.get(line, 0)
        counted[line] = before[found[0]] + 1
    return {row_id: before.get(row_id, 0) for row_id in ids}


def follow_ups_before(
    session: Session, mailbox_ids: Sequence[int], now: datetime, end: datetime
) -> dict[int, list[datetime]]:
    """By mailbox: when each follow-up that may leave between `now` and `end` may do so, the earliest first."""
    found: dict[int, list[datetime]] = {}
    for row in run(session, _FOLLOW_UPS, b_mailboxes=list(mailbox_ids), b_now=now, b_end=end):
        found.setdefault(row[0], []).append(row[1])
    return found


def follow_ups_of_sites(
    session: Session, site_ids: Collection[int], now: datetime, end: datetime
) -> list[tuple[int, int, int]]:
    """(site, mailbox, how many) of the follow-ups of these sites that may leave between `now` and `end`."""
    found = run(session, _FOLLOW_UPS_OF_SITES, b_sites=list(site_ids), b_now=now, b_end=end)
    return [(row[0], row[1], int(row[2])) for row in found]


def is_suppressed(session: Session, *, keys: Sequence[str], spellings: Sequence[str], site_id: int) -> bool:
    """Whether a rule forbids writing to the address with these `keys` and `spellings` (app.prospects.suppression)."""
    said = dict(zip(SPELLINGS, spellings, strict=True))
    return bool(run(session, _IS_SUPPRESSED, **said, b_keys=list(keys), b_site=site_id).scalar_one())
