"""The SQL of links and their checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import CursorResult, Row, func, select, update
from sqlmodel import Session, col

from app.domain.link_watch import DayState, Trouble
from app.models import Link, LinkCheck, LinkState

#: So many looks back the words of a page are looked for.
_LOOKS_BACK = 10


def due(session: Session, now: datetime) -> Sequence[int]:
    """Links that are to be looked at now, longest due first."""
    statement = (
        select(col(Link.id))
        .where(col(Link.check_due_at) <= now)
        .order_by(col(Link.check_due_at), col(Link.id))
        .limit(1000)
    )
    return session.execute(statement).scalars().all()


def claim(session: Session, link_id: int, now: datetime, until: datetime) -> bool:
    """Take a due check until `until` by compare-and-set; False when it is not due, or another worker has it."""
    result = session.execute(
        update(Link)
        .where(col(Link.id) == link_id, col(Link.check_due_at) <= now)
        .values(check_due_at=until)
        .execution_options(synchronize_session="fetch")
    )
    return cast(CursorResult[object], result).rowcount == 1


def first_seen_facts(session: Session, link_id: int) -> dict[str, object]:
    """What the first check that saw the link wrote down; empty when none did."""
    found = session.execute(
        select(col(LinkCheck.facts))
        .where(col(LinkCheck.link_id) == link_id, col(LinkCheck.verdict) == "linked")
        .order_by(col(LinkCheck.id))
        .limit(1)
    ).scalar_one_or_none()
    return dict(found or {})


def words_when_seen(session: Session, link_id: int) -> tuple[int | None, int | None]:
    """How many words the page had when the link was last seen on it, and how many outside of links; None where no look counted them."""
    statement = (
        select(col(LinkCheck.facts))
        .where(col(LinkCheck.link_id) == link_id, col(LinkCheck.verdict) == "linked")
        .order_by(col(LinkCheck.id).desc())
        .limit(_LOOKS_BACK)
    )
    looks = session.execute(statement).scalars().all()

    def last(figure: str) -> int | None:
        return next((int(facts[figure]) for facts in looks if facts and facts.get(figure) is not None), None)

    return last("words"), last("own_words")


def looks_since(
    session: Session, link_ids: Sequence[int], begin: datetime
) -> Sequence[Row[int, str, bool, DayState | None, Trouble | None, datetime]]:
    """(link, verdict, good fetch, state, trouble, time) of every look at some links since `begin`, in order of time."""
    statement = (
        select(
            col(LinkCheck.link_id),
            col(LinkCheck.verdict),
            col(LinkCheck.good_fetch),
            col(LinkCheck.state),
            col(LinkCheck.trouble),
            col(LinkCheck.at),
        )
        .where(col(LinkCheck.link_id).in_(link_ids), col(LinkCheck.at) >= begin)
        .order_by(col(LinkCheck.link_id), col(LinkCheck.at), col(LinkCheck.id))
    )
    return session.execute(statement).all()


def others_standing(session: Session, link: Link) -> int:
    """How many other verified links of the same prospect are not lost."""
    statement = select(func.count()).where(
        col(Link.prospect_id) == link.prospect_id,
        col(Link.id) != link.id,
        col(Link.state) != LinkState.LOST,
        col(Link.verified).is_(True),
    )
    return int(session.execute(statement).scalar_one())
