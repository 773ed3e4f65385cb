"""The list of links, how many there are in each state, and when they are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.models import Link, LinkCheck, LinkState, Prospect
from app.reports.sql import Row, columns, rows

_COLUMNS = (
    Link.id,
    Link.site_id,
    Link.prospect_id,
    Prospect.domain,
    Link.source_url,
    Link.target_url,
    Link.state,
    Link.verified,
    Link.override_reason,
    Link.rel,
    Link.dofollow,
    Link.anchor,
    Link.context,
    Link.first_seen_at,
    Link.last_seen_at,
    Link.last_checked_at,
    Link.first_missing_at,
    Link.changed_at,
    Link.lost_at,
    Link.trouble,
    Link.trouble_detail,
    Link.check_due_at,
)


def listing(
    uow: UnitOfWork,
    *,
    site_id: int | None = None,
    state: LinkState | None = None,
    prospect_id: int | None = None,
    link_id: int | None = None,
    link_ids: Sequence[int] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Row]:
    """Links, newest first, with the prospect's domain; of `link_ids` only, where they are given."""
    statement = columns(*_COLUMNS).join(Prospect, col(Prospect.id) == col(Link.prospect_id))
    for attribute, value in (
        (Link.site_id, site_id),
        (Link.state, state),
        (Link.prospect_id, prospect_id),
        (Link.id, link_id),
    ):
        if value is not None:
            statement = statement.where(attribute == value)  # type: ignore[arg-type]
    if link_ids is not None:
        statement = statement.where(col(Link.id).in_(link_ids))
    if before is not None:
        statement = statement.where(col(Link.id) < before)
    return rows(uow, statement.order_by(col(Link.id).desc()).limit(limit))


def counts(uow: UnitOfWork) -> dict[LinkState, int]:
    """How many links are in each state; states without any are left out."""
    statement = select(col(Link.state), func.count()).group_by(col(Link.state))
    return {row[0]: int(row[1]) for row in uow.session.execute(statement)}


def runs(uow: UnitOfWork) -> tuple[datetime | None, datetime | None]:
    """When a link was last looked at, and when the next look is due; None where there is none."""
    last = select(col(LinkCheck.at)).order_by(col(LinkCheck.id).desc()).limit(1)
    following = (
        select(col(Link.check_due_at))
        .where(col(Link.check_due_at).is_not(None))
        .order_by(col(Link.check_due_at))
        .limit(1)
    )
    return uow.session.execute(last).scalar_one_or_none(), uow.session.execute(following).scalar_one_or_none()
