"""Links to win back: what was lost, and what is worth less, each with its reason and the draft that asks for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Select, and_, case, func, literal, or_, select, tuple_
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.delivery import HAS_LEFT
from app.models import Contact, Conversation, Link, LinkState, Outbound, Pitch, PitchState, Prospect
from app.reports.sql import Row, columns, rows

Kind = Literal["lost", "changed"]

_ANGLE = "link-reclamation"


def listing(
    uow: UnitOfWork,
    *,
    site_id: int | None = None,
    kind: Kind | None = None,
    before: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Links that a reader of a page no longer has, or has in a lesser form, newest trouble first.

    `kind`: "lost" (two good fetches without the link, far enough apart) or "changed" (seen worth less on two looks as far
    apart); None: both. A link that could not be checked is in neither for that. `before` is (since, link id) of the last row of
    the page before.

    Each row: link_id, site_id, prospect_id, domain, source_url, target_url, anchor, kind, trouble
    (`app.domain.link_watch.Trouble`), detail (its proof), since (when it was first found so), last_seen_at, lost_at, stage; and
    of the pitch that asks for a lost one: pitch_id, pitch_state ("draft": ready to be looked at; "approved": on its way or gone;
    None: there is none), pitch_subject, and conversation_id of the old thread that it goes on with.
    """
    lost = col(Link.state) == LinkState.LOST
    changed = and_(col(Link.state) != LinkState.LOST, col(Link.changed_proved_at).is_not(None))
    since = case((lost, func.coalesce(col(Link.first_missing_at), col(Link.lost_at))), else_=col(Link.changed_at))
    wanted = {"lost": lost, "changed": changed, None: or_(lost, changed)}[kind]
    statement = (
        columns(
            col(Link.id).label("link_id"),
            Link.site_id,
            Link.prospect_id,
            Prospect.domain,
            Link.source_url,
            Link.target_url,
            Link.anchor,
            case((lost, literal("lost")), else_=literal("changed")).label("kind"),
            Link.trouble,
            col(Link.trouble_detail).label("detail"),
            since.label("since"),
            Link.last_seen_at,
            Link.lost_at,
            Prospect.stage,
        )
        .join(Prospect, col(Prospect.id) == col(Link.prospect_id))
        .where(col(Link.verified).is_(True), wanted)
    )
    if site_id is not None:
        statement = statement.where(col(Link.site_id) == site_id)
    if before is not None:
        statement = statement.where(tuple_(since, col(Link.id)) < before)
    found = rows(uow, statement.order_by(since.desc(), col(Link.id).desc()).limit(limit))
    prospects = [row["prospect_id"] for row in found if row["kind"] == "lost"]
    pitches, threads = _pitches(uow, prospects), _threads(uow, prospects)
    for row in found:
        pitch = pitches.get(row["prospect_id"]) if row["kind"] == "lost" else None
        if pitch is not None and pitch["created_at"] < row["since"]:
            pitch = None  # it asked for an earlier loss
        for name in ("pitch_id", "pitch_state", "pitch_subject"):
            row[name] = pitch[name] if pitch is not None else None
        row["conversation_id"] = threads.get(row["prospect_id"]) if row["kind"] == "lost" else None
    return found


def drafts(uow: UnitOfWork, pitch_ids: list[int]) -> dict[int, Row]:
    """The drafts of a page of the list, by id: id, version, subject, body_text."""
    if not pitch_ids:
        return {}
    statement = columns(Pitch.id, Pitch.version, Pitch.subject, Pitch.body_text).where(col(Pitch.id).in_(pitch_ids))
    return {row["id"]: row for row in rows(uow, statement)}


def is_draft_of(uow: UnitOfWork, pitch_id: int, prospect_id: int) -> bool:
    """Whether this is a draft that asks this prospect for a lost link."""
    statement = columns(Pitch.id).where(
        col(Pitch.id) == pitch_id,
        col(Pitch.prospect_id) == prospect_id,
        col(Pitch.angle) == _ANGLE,
        col(Pitch.state) == PitchState.DRAFT,
    )
    return uow.session.execute(statement).first() is not None


def contacts(uow: UnitOfWork, prospect_ids: list[int]) -> dict[int, Row]:
    """Whom each prospect is written to: the contact of its newest conversation, else a person before a role address."""
    if not prospect_ids:
        return {}
    talked = (
        select(func.max(col(Conversation.id))).where(col(Conversation.contact_id) == col(Contact.id)).scalar_subquery()
    )
    statement = (
        columns(Contact.prospect_id, Contact.name, Contact.email)
        .where(col(Contact.prospect_id).in_(prospect_ids))
        .order_by(func.coalesce(talked, 0), col(Contact.is_role_address).desc(), col(Contact.id).desc())
    )
    return {row["prospect_id"]: row for row in rows(uow, statement)}


def _threads(uow: UnitOfWork, prospect_ids: list[int]) -> dict[int, int]:
    """The newest conversation of each prospect in which a mail has left."""
    statement: Select[int, int] = (
        select(col(Conversation.prospect_id), func.max(col(Conversation.id)))
        .join(Outbound, col(Outbound.conversation_id) == col(Conversation.id))
        .where(col(Conversation.prospect_id).in_(prospect_ids), col(Outbound.state).in_(HAS_LEFT))
        .group_by(col(Conversation.prospect_id))
    )
    return {row[0]: row[1] for row in uow.session.execute(statement)} if prospect_ids else {}


def _pitches(uow: UnitOfWork, prospect_ids: list[int]) -> dict[int, dict[str, Any]]:
    """The newest reclamation of each prospect that was not withdrawn."""
    if not prospect_ids:
        return {}
    statement = (
        columns(
            col(Pitch.id).label("pitch_id"),
            col(Pitch.prospect_id),
            col(Pitch.state).label("pitch_state"),
            col(Pitch.subject).label("pitch_subject"),
            col(Pitch.created_at),
        )
        .where(
            col(Pitch.prospect_id).in_(prospect_ids),
            col(Pitch.angle) == _ANGLE,
            col(Pitch.state) != PitchState.WITHDRAWN,
        )
        .order_by(col(Pitch.id))
    )
    return {row["prospect_id"]: row for row in rows(uow, statement)}
