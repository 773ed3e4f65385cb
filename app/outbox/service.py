"""What staff and other rooms do with the outbox: put a message in, undo it, decide an unsure one, and ask why it waits."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlmodel import col

from app.addresses import clean_address
from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.deliverability import service as deliverability
from app.domain.blocking import Blocking
from app.domain.delivery import KEEP_FOR, OutboundState
from app.domain.pipeline import LostReason, Stage
from app.domain.said import Moment, say
from app.errors import Conflict, NotFound, Refused
from app.inbox import unanswered
from app.jobs import Job
from app.log import correlation_id
from app.mail import mime
from app.mail.ids import new_ids
from app.models import Contact, Conversation, Mailbox, Outbound, OutboundKind, SendAttempt, Site, SuppressionKind
from app.outbox import recipients, repository
from app.outbox.waiting import why_all, why_waiting
from app.prospects import address_check, suppression, working_hours
from app.prospects import repository as prospects_repository
from app.prospects import service as prospects

__all__ = [
    "attempts",
    "cancel",
    "check",
    "enqueue",
    "get",
    "goes_on",
    "opt_out",
    "send_again",
    "treat_as_sent",
    "why_all",
    "why_waiting",
]

if TYPE_CHECKING:
    from app.settings import Settings


def enqueue(
    uow: UnitOfWork,
    vault: Vault,
    settings: Settings,
    *,
    conversation: Conversation,
    kind: OutboundKind,
    subject: str,
    body_text: str,
    body_html: str | None,
    approved_by: str,
    not_before: datetime,
    step_no: int = 0,
    sequence_run_id: int | None = None,
    answers: str | None = None,
    to_address: str | None = None,
) -> Outbound:
    """Freeze a message and put it into the outbox, in the caller's transaction: row first, bell after the commit.

    The thread (In-Reply-To, References) is that of the conversation's earlier messages; `answers` is the Message-ID of the
    message of theirs that a person answers, and `to_address` who wrote it (by default: the conversation's contact). Raises
    Refused when the address is suppressed or a pitch's sending domain is held, BadInput when the bytes fail their check, Conflict for a second row of the same step.
    """
    contact = uow.session.get(Contact, conversation.contact_id)
    mailbox = uow.session.get(Mailbox, conversation.mailbox_id)
    site = uow.session.get(Site, conversation.site_id)
    if contact is None or mailbox is None or site is None:
        raise NotFound(say("conversation {id} has lost its contact, mailbox or site", id=conversation.id))
    to_address = to_address or contact.email
    skip = suppression.refusal(uow.session, vault, to_address, site.id)
    if skip is not None:
        raise Refused(say("{email}: {sentence}", email=to_address, sentence=skip.sentence), skip)
    if kind is not OutboundKind.REPLY:
        address_check.want(uow, to_address)
        unfit = address_check.refusal(uow.session, uow.now(), to_address)
        if unfit is not None:
            raise Refused(say("{email}: {sentence}", email=to_address, sentence=unfit.sentence), unfit)
    held = deliverability.hold_of(uow.session, mailbox.email) if kind is OutboundKind.PITCH else None
    if held is not None:
        raise Refused(say("{email}: {sentence}", email=mailbox.email, sentence=held.sentence), held)
    # What a person answers leaves at once; what the machine sends waits for the recipient's hours.
    wanted_at, hours, closes_at = not_before, None, None
    if kind is not OutboundKind.REPLY:
        prospect = prospects.get(uow, conversation.prospect_id)
        hours = working_hours.known(uow.session, prospect, mailbox).hours(settings)
    if hours is not None:
        slot = recipients.slot(hours, not_before)
        not_before, closes_at = slot.start, slot.end
    earlier = repository.thread_of(uow.session, conversation.id)
    # One that no header can hold is left out: their program finds the thread by ours, which it has named.
    thread = [message.message_id for message in earlier]
    thread += [answers] if answers and mime.is_message_id(answers) else []
    message_id, token = new_ids(vault, uow.now(), mailbox.email.rpartition("@")[2])
    local, _, domain = mailbox.email.rpartition("@")
    raw = mime.freeze(
        mime.Draft(
            from_name=mailbox.from_name,
            from_address=mailbox.email,
            # Another's name is theirs to say: what stands in a From header is not copied into mail of ours.
            to_name=(contact.name or "") if to_address == contact.email else "",
            to_address=to_address,
            subject=subject,
            body_text=body_text,
            body_html=body_html,
            message_id=message_id,
            date=not_before,
            in_reply_to=thread[-1] if thread else None,
            # The first names the thread (RFC 5322 3.6.4); readers that know only the newest still find their place.
            references=tuple(thread[:1] + thread[1:][-9:]),
            reply_to=f"{local}+{token}@{domain}" if mailbox.plus_addressing else None,
            unsubscribe_url=f"{settings.public_url.rstrip('/')}/u/{token}",
            # The answer by mail carries the token in its subject, so that it works without plus addresses, too.
            unsubscribe_mailto=mailbox.email,
            unsubscribe_subject=f"unsubscribe-{token}",
        )
    )
    # A conversation's floor is the newest event when it began; a person's answer knows everything up to now.
    floor = (
        prospects_repository.newest_blocking_id(uow.session, conversation.prospect_id)
        if kind is OutboundKind.REPLY
        else conversation.event_floor
    )
    row = Outbound(
        site_id=conversation.site_id,
        mailbox_id=mailbox.id,
        prospect_id=conversation.prospect_id,
        conversation_id=conversation.id,
        sequence_run_id=sequence_run_id,
        step_no=step_no,
        kind=kind,
        message_id=message_id,
        token=token,
        to_address=to_address,
        subject=subject,
        raw=raw,
        raw_sha256=hashlib.sha256(raw).hexdigest(),
        event_floor=floor,
        recipient=recipients.recipient_key(uow, vault, to_address),
        hours=hours,
        wanted_at=wanted_at,
        not_before=not_before,
        closes_at=closes_at,
        expires_at=not_before + KEEP_FOR,
        approved_by=approved_by,
        correlation_id=correlation_id(),
        created_at=uow.now(),
    )
    check(row, mailbox, settings, mime.urls_in(body_text, body_html))
    if sequence_run_id is not None and _step_exists(uow, sequence_run_id, step_no):
        raise Conflict(say("step {step_no} of this sequence is in the outbox already", step_no=step_no))
    uow.session.add(row)
    uow.session.flush()
    uow.ring(Job.OUTBOX_DELIVER, mailbox.id)
    return row


def _step_exists(uow: UnitOfWork, sequence_run_id: int, step_no: int) -> bool:
    statement = select(col(Outbound.id)).where(
        col(Outbound.sequence_run_id) == sequence_run_id, col(Outbound.step_no) == step_no
    )
    return uow.session.execute(statement).first() is not None


def check(row: Outbound, mailbox: Mailbox, settings: Settings, urls: frozenset[str] | None = None) -> None:
    """The byte check of a frozen row; without `urls` (before the wire) the hash vouches that the bytes are those previewed."""
    if urls is None:
        mime.dated(row.raw, row.created_at)  # It can be dated when it leaves, which must not fail then.
        if hashlib.sha256(row.raw).hexdigest() != row.raw_sha256:
            raise Conflict(say("the frozen bytes of message {id} have changed; it will not be sent", id=row.id))
        return
    mime.check_bytes(
        row.raw,
        from_address=mailbox.email,
        to_address=row.to_address,
        urls=urls,
        https_only=not settings.mail_allow_plaintext,
    )


def wire_bytes(row: Outbound) -> bytes:
    """What leaves: the approved bytes with the moment of the commit in their Date field, and nothing else changed.

    What was approved days ago would else look days old to filters and lie deep in its reader's inbox (decision 19).
    """
    return row.raw if row.committed_at is None else mime.dated(row.raw, row.committed_at)


def get(uow: UnitOfWork, outbound_id: int) -> Outbound:
    """The row; raises NotFound."""
    row = uow.session.get(Outbound, outbound_id)
    if row is None:
        raise NotFound(say("there is no message {outbound_id} in the outbox", outbound_id=outbound_id))
    return row


def attempts(uow: UnitOfWork, outbound_id: int) -> list[SendAttempt]:
    """What was tried with a message, oldest first."""
    statement = select(SendAttempt).where(col(SendAttempt.outbound_id) == outbound_id).order_by(col(SendAttempt.id))
    return list(uow.session.execute(statement).scalars())


def cancel(uow: UnitOfWork, outbound_id: int, *, actor: str, reason: str = "undone") -> Outbound:
    """Take a waiting message back (undo). Raises Conflict once a worker holds it, or it has left or may have."""
    row = get(uow, outbound_id)
    if row.state is OutboundState.QUEUED and row.evidence is not None:
        raise Conflict(say("it may have left before this data was restored; decide about the mail before it first"))
    if not repository.resolve(
        uow.session,
        outbound_id,
        OutboundState.QUEUED,
        state=OutboundState.CANCELLED,
        hold_reason=say("{reason} by {actor}", reason=reason, actor=actor),
    ):
        uow.session.refresh(row)
        if row.state is OutboundState.SENT and row.sent_at is not None:
            raise Conflict(say("sent {sent_at}; it cannot be taken back", sent_at=Moment.of(row.sent_at)))
        raise Conflict(
            say("this message is {value}; only a waiting one can be taken back", value=row.state.value.lower())
        )
    uow.session.refresh(row)
    prospects.note(uow, row.prospect_id, "outbox_cancelled", actor=actor, reason=reason, outbound_id=row.id)
    unanswered.wait_again(uow, row)
    return row


def goes_on(uow: UnitOfWork, run_id: int) -> None:
    """A person lets the follow-ups of a run go on: what rested of them may wait as long as one that has just been queued."""
    resting = select(Outbound).where(
        col(Outbound.sequence_run_id) == run_id, col(Outbound.state) == OutboundState.QUEUED
    )
    for row in uow.session.execute(resting).scalars():
        row.expires_at = max(row.expires_at, uow.now() + KEEP_FOR)
        uow.ring(Job.OUTBOX_DELIVER, row.mailbox_id)


def treat_as_sent(uow: UnitOfWork, outbound_id: int, *, actor: str) -> Outbound:
    """A person decides that an ambiguous message has arrived."""
    from app.outbox import record

    row = get(uow, outbound_id)
    decided = record.sent_by_evidence(uow, row, f"decided by {actor}")
    uow.session.refresh(row)
    if not decided:
        raise Conflict(
            say("this message is {value}; only an ambiguous one can be decided", value=row.state.value.lower())
        )
    return row


def send_again(uow: UnitOfWork, outbound_id: int, *, actor: str) -> Outbound:
    """A person decides that an ambiguous message has not arrived: a new attempt with the same Message-ID and bytes."""
    row = get(uow, outbound_id)
    if not repository.resolve(uow.session, outbound_id, OutboundState.AMBIGUOUS, state=OutboundState.NOT_SENT):
        uow.session.refresh(row)
        raise Conflict(
            say("this message is {value}; only an ambiguous one can be sent again", value=row.state.value.lower())
        )
    repository.resolve(
        uow.session,
        outbound_id,
        OutboundState.NOT_SENT,
        state=OutboundState.QUEUED,
        attempt_no=row.attempt_no + 1,
        not_before=uow.now(),
        expires_at=uow.now() + KEEP_FOR,
        reconcile_at=None,
        hold_reason=None,
    )
    uow.session.refresh(row)
    prospects.note(uow, row.prospect_id, "send_again", actor=actor, outbound_id=row.id, attempt=row.attempt_no)
    uow.ring(Job.OUTBOX_DELIVER, row.mailbox_id)
    return row


def knows_token(uow: UnitOfWork, token: str) -> bool:
    """Whether an opt-out token is one of ours. It works for as long as the message is kept, whatever became of its campaign."""
    return uow.session.execute(select(col(Outbound.id)).where(col(Outbound.token) == token)).first() is not None


def opt_out_address(uow: UnitOfWork, vault: Vault, address: str, *, source: str) -> None:
    """Somebody asked by an address not to be written to at it: it is suppressed. Raises BadInput.

    Nothing proves that it is theirs, so nothing is lost for good: its prospects keep their stage, and a lead may lift the rule.
    """
    email = clean_address(address)
    suppression.suppress(
        uow, vault, email, kind=SuppressionKind.ADDRESS, reason="unsubscribed", source=source, actor="recipient"
    )
    written = select(col(Outbound.prospect_id)).where(func.lower(col(Outbound.to_address)) == email.lower()).distinct()
    for prospect_id in sorted(uow.session.execute(written).scalars()):
        prospects.note(uow, prospect_id, "opted_out_by_address", actor="recipient", reason=source)


def opt_out(uow: UnitOfWork, vault: Vault, token: str, *, source: str) -> bool:
    """They asked not to be written to, by the link in a mail: suppressed at once. False for a token that we did not make."""
    row: Outbound | None = uow.session.execute(
        select(Outbound).where(col(Outbound.token) == token)
    ).scalar_one_or_none()
    if row is None:
        return False
    suppression.suppress(
        uow,
        vault,
        row.to_address,
        kind=SuppressionKind.ADDRESS,
        reason="unsubscribed",
        source=source,
        actor="recipient",
    )
    _end(uow, row.prospect_id, source)
    return True


def _end(uow: UnitOfWork, prospect_id: int, source: str) -> None:
    prospects.block(uow, prospect_id, Blocking.UNSUBSCRIBE, detail=source)
    if prospects.get(uow, prospect_id).stage not in (Stage.WON, Stage.LOST):
        prospects.give_up(uow, prospect_id, LostReason.UNSUBSCRIBED, actor="recipient")
