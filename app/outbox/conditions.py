"""What the outbox's statements share: tables, parameters, and the conditions under which a mail may leave.

Built once: the statements run for every mail, and building one costs as much as running it.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import BindParameter, ColumnElement, String, Table, and_, bindparam, exists, literal, or_, select
from sqlmodel import Session

from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.models import (
    BlockingEvent,
    Conversation,
    ConversationState,
    Installation,
    Mailbox,
    MailboxDay,
    Outbound,
    OutboundKind,
    RecipientDay,
    RunState,
    SendAttempt,
    SendingDomain,
    SequenceRun,
    SiteDay,
    Suppression,
)


def _table(model: Any) -> Table:
    return cast(Table, model.__table__)


OUTBOUND, MAILBOX, DAY = _table(Outbound), _table(Mailbox), _table(MailboxDay)
ATTEMPT, _BLOCK, CONVERSATION = _table(SendAttempt), _table(BlockingEvent), _table(Conversation)
SUPPRESSION, _DOMAIN = _table(Suppression), _table(SendingDomain)
SITE_DAY, RECIPIENT_DAY = _table(SiteDay), _table(RecipientDay)
INSTALLATION, _RUN = _table(Installation), _table(SequenceRun)
NOW: BindParameter[Any] = bindparam("b_now")
FENCE: BindParameter[Any] = bindparam("b_fence")
MAILBOX_ID: BindParameter[Any] = bindparam("b_mailbox")
ROW: BindParameter[Any] = bindparam("b_row")
REST_MOST: BindParameter[Any] = bindparam("b_rest_most")


def run(session: Session, statement: Any, **values: Any) -> Any:
    """Run a prebuilt statement on the session's connection, past its object map."""
    return session.connection().execute(statement, values)


def blocked(*kinds: Any) -> ColumnElement[bool]:
    """An event that is younger than the mail's approval stops it: one of `kinds`, or any."""
    conditions = [
        _BLOCK.c.prospect_id == OUTBOUND.c.prospect_id,
        _BLOCK.c.id > OUTBOUND.c.event_floor,
        _BLOCK.c.cleared_at.is_(None),
    ]
    if kinds:
        conditions.append(_BLOCK.c.kind.in_(kinds))
    return exists(select(_BLOCK.c.id).where(*conditions))


# A person's answer may go into a closed conversation; what the machine sends may not.
CONVERSATION_OPEN = or_(
    OUTBOUND.c.kind == OutboundKind.REPLY,
    exists(
        select(CONVERSATION.c.id).where(
            CONVERSATION.c.id == OUTBOUND.c.conversation_id, CONVERSATION.c.state == ConversationState.OPEN
        )
    ),
)
# A sending domain that fails its checks begins no new conversation; those that run go on (app.deliverability).
DOMAIN_HOLDS = and_(
    OUTBOUND.c.kind == OutboundKind.PITCH,
    exists(
        select(_DOMAIN.c.id).where(
            _DOMAIN.c.hold_reason.is_not(None),
            MAILBOX.c.id == OUTBOUND.c.mailbox_id,
            MAILBOX.c.email.like(literal("%@") + _DOMAIN.c.domain),
        )
    ),
)
# A person has stopped its follow-ups: what waits of them rests until somebody lets them go on (app.sequences.service).
RESTING = and_(
    OUTBOUND.c.kind == OutboundKind.FOLLOW_UP,
    exists(
        select(_RUN.c.id).where(
            _RUN.c.id == OUTBOUND.c.sequence_run_id,
            _RUN.c.state == RunState.PAUSED,
            _RUN.c.end_reason == Blocking.STAFF_STOP,
        )
    ),
)
WAITING = and_(OUTBOUND.c.mailbox_id == MAILBOX_ID, OUTBOUND.c.state == OutboundState.QUEUED)
# In the recipient's hours: the slot that the row carries is open. An answer that a person writes has no hours.
IN_SLOT = and_(OUTBOUND.c.not_before <= NOW, or_(OUTBOUND.c.closes_at.is_(None), OUTBOUND.c.closes_at > NOW))
UTC_DAY: BindParameter[Any] = bindparam("b_utc_day")
PERIOD: BindParameter[Any] = bindparam("b_period")

SPELLINGS = ("b_written", "b_normal")
# A rule about the address itself, its domain or host, or a glob over the whole of it (app.prospects.suppression).
SUPPRESSED = or_(
    exists(select(SUPPRESSION.c.id).where(SUPPRESSION.c.key.in_(bindparam("b_keys", expanding=True)))),
    exists(
        select(SUPPRESSION.c.id).where(
            SUPPRESSION.c.pattern.is_not(None),
            or_(SUPPRESSION.c.site_id.is_(None), SUPPRESSION.c.site_id == bindparam("b_site")),
            or_(*(bindparam(name, type_=String()).like(SUPPRESSION.c.pattern, escape="!") for name in SPELLINGS)),
        )
    ),
)
