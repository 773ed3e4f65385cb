"""The pages of the inbox: what waits by the time it is due, what nobody could place, what is done, and one conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from typing import Any

from sqlalchemy import Select, and_, func, literal, or_, select, tuple_
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.domain.inbound import OWN_COPY
from app.domain.said import say
from app.errors import NotFound
from app.mail.render.templates import ANSWER
from app.models import (
    BlockingEvent,
    Contact,
    Conversation,
    Folder,
    Inbound,
    InboundLocation,
    InboundState,
    Mailbox,
    Outbound,
    Pitch,
    Prospect,
    SequenceRun,
    StageEvent,
    TemplateVersion,
    Triage,
)
from app.reports.mail import FOR_PEOPLE
from app.reports.sql import Row, columns, rows
from app.reports.timeline import last_note

_SNIPPET = 200
_LINE = (
    Inbound.id,
    Inbound.state,
    Inbound.kind,
    Inbound.from_address,
    Inbound.from_name,
    Inbound.subject,
    Inbound.received_at,
    Inbound.stored_at,
    Prospect.domain,
    Triage.suggested,
    Triage.chosen,
    Triage.due_at,
    Triage.waits,
    Triage.sleeps,
)


def _lines() -> Select[Any]:
    return (
        columns(*_LINE, func.substr(col(Inbound.text), 1, _SNIPPET).label("snippet"))
        .join(Triage, col(Triage.inbound_id) == col(Inbound.id), isouter=True)
        .join(Prospect, col(Prospect.id) == col(Inbound.prospect_id), isouter=True)
    )


def awake(now: datetime) -> Any:
    """Whether a message waits for somebody now: what sleeps does so from its time on."""
    return and_(col(Triage.waits).is_(True), or_(col(Triage.sleeps).is_(False), col(Triage.due_at) <= now))


def who_waits(now: datetime) -> Select[Any]:
    """What is awake, with its person and prospect: id, who, domain, due_at."""
    return (
        columns(
            Inbound.id,
            func.coalesce(col(Inbound.from_name), col(Inbound.from_address)).label("who"),
            Prospect.domain,
            Triage.due_at,
        )
        .select_from(Triage)
        .join(Inbound, col(Inbound.id) == col(Triage.inbound_id))
        .join(Prospect, col(Prospect.id) == col(Inbound.prospect_id))
        .where(awake(now))
    )


def waiting(uow: UnitOfWork, *, after: tuple[datetime, int] | None = None, limit: int = 50) -> list[Row]:
    """Messages with a prospect that wait for somebody, by the time they are due; the page behind `after`."""
    statement = _lines().where(awake(uow.now()), col(Inbound.prospect_id).is_not(None))
    if after is not None:
        statement = statement.where(tuple_(col(Triage.due_at), col(Triage.inbound_id)) > after)
    return rows(uow, statement.order_by(col(Triage.due_at), col(Triage.inbound_id)).limit(limit))


def unmatched(uow: UnitOfWork, *, before: int | None = None, limit: int = 50) -> list[Row]:
    """What belongs to nobody and nobody has looked at, with what could not be read at all; newest first.

    Not what was only ever seen beside inbox and spam folder: somebody (or a rule of theirs) has put it away.
    """
    lies = (
        select(col(InboundLocation.inbound_id))
        .join(Folder, col(Folder.id) == col(InboundLocation.folder_id))
        .where(col(InboundLocation.inbound_id) == col(Inbound.id))
        .correlate(Inbound)
    )
    sure = col(Folder.role).in_(("inbox", "junk"))
    put_away = and_(lies.where(~sure).exists(), ~lies.where(sure).exists())
    statement = _lines().where(
        col(Inbound.handled_at).is_(None),
        or_(
            col(Inbound.state) == InboundState.QUARANTINED,
            # A report that names none of our mails leaves an address in use that is dead: only a person can tell which.
            and_(col(Inbound.prospect_id).is_(None), col(Inbound.kind).in_((*FOR_PEOPLE, "bounce")), ~put_away),
        ),
        or_(col(Inbound.rule).is_(None), col(Inbound.rule) != OWN_COPY),
    )
    return _page(uow, statement, before, limit)


def finished(uow: UnitOfWork, *, before: int | None = None, limit: int = 50) -> list[Row]:
    """Everything that wants nobody now: dealt with, asleep, or a machine's mail. Newest first."""
    statement = _lines().where(
        or_(col(Inbound.handled_at).is_not(None), col(Triage.waits).is_(False), col(Triage.sleeps).is_(True))
    )
    return _page(uow, statement, before, limit)


def _page(uow: UnitOfWork, statement: Select[Any], before: int | None, limit: int) -> list[Row]:
    if before is not None:
        statement = statement.where(col(Inbound.id) < before)
    return rows(uow, statement.order_by(col(Inbound.id).desc()).limit(limit))


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail of a conversation. `text` is what its writer added, `quoted` the whole where that is more."""

    ours: bool
    id: int
    at: datetime
    who: str
    subject: str
    text: str
    address: str | None = None
    quoted: str | None = None
    state: str | None = None
    kind: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """One message with what its page needs. `letters` are oldest first; `possible`: it pauses until a person decides; `pitch` began the
    conversation, and `answer` is the newest version of what an answer to this class begins with (None: as delivered).
    """

    message: Inbound
    triage: Triage | None
    prospect: Prospect | None
    conversation: Conversation | None
    contact: Contact | None
    possible: bool
    letters: list[Letter]
    note: StageEvent | None = None
    pitch: Pitch | None = None
    answer: TemplateVersion | None = None


def opened(uow: UnitOfWork, inbound_id: int) -> Opened:
    """The message, its prospect and its conversation. Raises NotFound."""
    paused = (
        select(col(BlockingEvent.id))
        .where(
            col(BlockingEvent.inbound_id) == col(Inbound.id),
            col(BlockingEvent.kind) == Blocking.POSSIBLE_REPLY,
            col(BlockingEvent.cleared_at).is_(None),
        )
        .exists()
    )
    # With what an answer begins with, so that the page costs no statement more: the pitch, and the newest version of the text for this class.
    pitch_id = (
        select(col(SequenceRun.pitch_id))
        .where(col(SequenceRun.conversation_id) == col(Conversation.id))
        .order_by(col(SequenceRun.id).desc())
        .limit(1)
        .correlate(Conversation)
        .scalar_subquery()
    )
    wanted = literal(ANSWER) + func.coalesce(col(Triage.chosen), col(Triage.suggested))
    version_id = (
        select(col(TemplateVersion.id))
        .where(col(TemplateVersion.name) == wanted)
        .order_by(col(TemplateVersion.version).desc())
        .limit(1)
        .correlate(Triage)
        .scalar_subquery()
    )
    row = uow.session.execute(
        select(Inbound, Triage, Prospect, Conversation, Contact, StageEvent, paused, Pitch, TemplateVersion)
        .join(Triage, col(Triage.inbound_id) == col(Inbound.id), isouter=True)
        .join(Prospect, col(Prospect.id) == col(Inbound.prospect_id), isouter=True)
        .join(Conversation, col(Conversation.id) == col(Inbound.conversation_id), isouter=True)
        .join(Contact, col(Contact.id) == col(Conversation.contact_id), isouter=True)
        .join(StageEvent, col(StageEvent.id) == last_note(col(Prospect.id)), isouter=True)
        .join(Pitch, col(Pitch.id) == pitch_id, isouter=True)
        .join(TemplateVersion, col(TemplateVersion.id) == version_id, isouter=True)
        .where(col(Inbound.id) == inbound_id)
    ).one_or_none()
    if row is None:
        raise NotFound(say("there is no received message {inbound_id}", inbound_id=inbound_id))
    message, line, prospect, conversation, contact, note, possible, pitch, version = row
    letters = _letters(uow, conversation.id) if conversation is not None else []
    return Opened(
        message,
        line,
        prospect,
        conversation,
        contact,
        bool(possible),
        letters or [_theirs(message)],
        note,
        pitch,
        version,
    )


def _letters(uow: UnitOfWork, conversation_id: int) -> list[Letter]:
    theirs = uow.session.execute(select(Inbound).where(col(Inbound.conversation_id) == conversation_id)).scalars()
    ours = uow.session.execute(
        select(Outbound).where(
            col(Outbound.conversation_id) == conversation_id, col(Outbound.state) != OutboundState.CANCELLED
        )
    ).scalars()
    found = [_theirs(row) for row in theirs] + [_ours(row) for row in ours]
    return sorted(found, key=lambda letter: letter.at)


def _theirs(row: Inbound) -> Letter:
    text = row.text or ""
    whole = (row.parsed or {}).get("full_text") or ""
    return Letter(
        ours=False,
        id=row.id,
        at=row.received_at or row.stored_at,
        who=row.from_name or row.from_address or "",
        subject=row.subject or "",
        text=text,
        address=row.from_address,
        quoted=whole if whole.strip() != text.strip() else None,
        kind=row.kind or row.state.value,
        rule=row.rule,
    )


def _ours(row: Outbound) -> Letter:
    return Letter(
        ours=True,
        id=row.id,
        at=row.sent_at or row.not_before,
        who=row.approved_by,
        subject=row.subject,
        text=text_of(row.raw),
        state=row.state.value,
    )


def text_of(raw: bytes) -> str:
    """The text of a mail of ours; "" when its bytes hold none (they are made by app.mail.mime)."""
    part = message_from_bytes(raw, policy=policy.default).get_body(("plain",))
    return str(part.get_content()).strip() if part is not None else ""


def mailboxes(uow: UnitOfWork) -> list[Row]:
    """When each mailbox was last read to its end, and what is wrong with it; those that are not `active` are not read."""
    statement = columns(Mailbox.id, Mailbox.email, Mailbox.active, Mailbox.polled_at, Mailbox.poll_error)
    return rows(uow, statement.order_by(col(Mailbox.id)))
