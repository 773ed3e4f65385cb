"""Everything that happened with one prospect, in one order: stages, checks, mail out with its attempts, mail in, links."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.db.work import UnitOfWork
from app.models import Inbound, Link, LinkCheck, MentionCheck, Outbound, SendAttempt, StageEvent
from app.reports.sql import columns

# What a person wrote down; it moves nothing.
NOTED = "noted"
Kind = Literal["event", "mention-check", "mail-out", "mail-in", "link-check"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `id` is that of the row behind it; `data` holds its facts by name."""

    at: datetime
    kind: Kind
    id: int
    title: str
    actor: str | None = None
    detail: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


# The order of what happened in one moment: a mail is in the history before the stage that follows from it.
_ORDER = {"mention-check": 0, "mail-out": 1, "mail-in": 2, "link-check": 3, "event": 4}


#: The kinds of entry that hold mail, for those who may read it.
MAIL = frozenset({"mail-in", "mail-out"})


def of_prospect(uow: UnitOfWork, prospect_id: int) -> list[Entry]:
    """The timeline, oldest first."""
    found = [
        *_events(uow, prospect_id),
        *_checks(uow, prospect_id),
        *_sent(uow, prospect_id),
        *_received(uow, prospect_id),
        *_links(uow, prospect_id),
    ]
    return sorted(found, key=lambda entry: (entry.at, _ORDER[entry.kind], entry.id))


def folded(lines: list[Entry]) -> list[Entry]:
    """The same with each run of equal looks at one link in one line, which says in `data` how many (`times`) and until when."""
    found: list[Entry] = []
    latest: dict[str | None, Entry] = {}
    for line in lines:
        before = latest.get(line.detail) if line.kind == "link-check" else None
        if before is not None and before.title == line.title:
            before.data["times"], before.data["until"] = before.data.get("times", 1) + 1, line.at
            continue
        if line.kind == "link-check":
            latest[line.detail] = line
        found.append(line)
    return found


def last_note(prospect_id: Any) -> Any:
    """The id of the newest note of a person about a prospect (its id, or the column of it), for a statement that reads more."""
    one = aliased(StageEvent)
    notes = select(func.max(col(one.id))).where(col(one.prospect_id) == prospect_id, col(one.event) == NOTED)
    return notes.scalar_subquery()


def _rows(uow: UnitOfWork, statement: Select[Any]) -> list[Any]:
    return list(uow.session.execute(statement))


def _events(uow: UnitOfWork, prospect_id: int) -> list[Entry]:
    statement: Select[Any] = columns(StageEvent).where(col(StageEvent.prospect_id) == prospect_id)
    return [
        Entry(
            at=line.at,
            kind="event",
            id=line.id,
            title=line.event,
            actor=line.actor,
            detail=line.reason,
            data={"from_stage": line.from_stage.value, "to_stage": line.to_stage.value, **line.data},
        )
        for line in uow.session.execute(statement).scalars()
    ]


def _checks(uow: UnitOfWork, prospect_id: int) -> list[Entry]:
    statement: Select[Any] = columns(MentionCheck).where(col(MentionCheck.prospect_id) == prospect_id)
    return [
        Entry(
            at=check.checked_at,
            kind="mention-check",
            id=check.id,
            title=check.verdict.value,
            detail=check.quote or check.reason,
            data={"url": check.url, "pages": check.pages},
        )
        for check in uow.session.execute(statement).scalars()
    ]


def _sent(uow: UnitOfWork, prospect_id: int) -> list[Entry]:
    attempts: dict[int, list[dict[str, Any]]] = {}
    tried: Select[Any] = (
        columns(
            SendAttempt.outbound_id,
            SendAttempt.attempt_no,
            SendAttempt.stage,
            SendAttempt.outcome,
            SendAttempt.code,
            SendAttempt.text,
            SendAttempt.at,
        )
        .join(Outbound, col(Outbound.id) == col(SendAttempt.outbound_id))
        .where(col(Outbound.prospect_id) == prospect_id)
        .order_by(col(SendAttempt.id))
    )
    for row in _rows(uow, tried):
        attempts.setdefault(row.outbound_id, []).append(
            {
                "attempt_no": row.attempt_no,
                "stage": row.stage,
                "outcome": row.outcome,
                "code": row.code,
                "text": row.text,
                "at": row.at.isoformat(),
            }
        )
    statement: Select[Any] = columns(
        Outbound.id,
        Outbound.kind,
        Outbound.state,
        Outbound.to_address,
        Outbound.subject,
        Outbound.message_id,
        Outbound.step_no,
        Outbound.approved_by,
        Outbound.created_at,
        Outbound.sent_at,
        Outbound.hold_reason,
    ).where(col(Outbound.prospect_id) == prospect_id)
    return [
        Entry(
            at=row.sent_at or row.created_at,
            kind="mail-out",
            id=row.id,
            title=row.subject,
            actor=row.approved_by,
            detail=row.hold_reason,
            data={
                "mail": row.kind.value,
                "state": row.state.value,
                "to": row.to_address,
                "message_id": row.message_id,
                "step_no": row.step_no,
                "attempts": attempts.get(row.id, []),
            },
        )
        for row in _rows(uow, statement)
    ]


def _received(uow: UnitOfWork, prospect_id: int) -> list[Entry]:
    statement: Select[Any] = columns(
        Inbound.id,
        Inbound.kind,
        Inbound.rule,
        Inbound.intent,
        Inbound.subject,
        Inbound.from_address,
        Inbound.text,
        Inbound.match_kind,
        Inbound.received_at,
        Inbound.stored_at,
    ).where(col(Inbound.prospect_id) == prospect_id)
    return [
        Entry(
            at=row.received_at or row.stored_at,
            kind="mail-in",
            id=row.id,
            title=row.subject or "",
            actor=row.from_address,
            detail=row.text,
            data={"mail": row.kind, "rule": row.rule, "intent": row.intent, "match": row.match_kind},
        )
        for row in _rows(uow, statement)
    ]


def _links(uow: UnitOfWork, prospect_id: int) -> list[Entry]:
    statement: Select[Any] = (
        columns(LinkCheck.id, LinkCheck.at, LinkCheck.verdict, LinkCheck.good_fetch, Link.source_url, Link.target_url)
        .join(Link, col(Link.id) == col(LinkCheck.link_id))
        .where(col(Link.prospect_id) == prospect_id)
    )
    return [
        Entry(
            at=row.at,
            kind="link-check",
            id=row.id,
            title=row.verdict,
            detail=row.source_url,
            data={"good_fetch": row.good_fetch, "target_url": row.target_url},
        )
        for row in _rows(uow, statement)
    ]
