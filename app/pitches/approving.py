"""Approval: every gate once more, and then the pitch, its conversation and its sequence run in one transaction; and the way back."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.exc import IntegrityError

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.said import say
from app.domain.sequence_rules import STARTER, STARTER_NAME
from app.errors import Conflict, Refused, Skip
from app.models import (
    Contact,
    Conversation,
    ConversationState,
    Outbound,
    OutboundKind,
    Pitch,
    PitchState,
    RunState,
    Sequence,
    SequenceRun,
)
from app.outbox import service as outbox
from app.outbox.recipients import recipient_key
from app.pitches import gates, repository
from app.pitches.drafting import draft_at, get, touch
from app.prospects import leases
from app.prospects import repository as prospect_repository
from app.prospects import service as prospects
from app.settings import Settings


def approve(
    uow: UnitOfWork,
    vault: Vault,
    settings: Settings,
    pitch_id: int,
    version: int,
    *,
    actor: str,
    caller: str | None = None,
    undo_window: timedelta | None = None,
) -> Outbound:
    """Freeze the pitch into the outbox, with its conversation and its sequence run; it leaves after the undo window.

    Every gate is asked again under the lock of the prospect. `caller` is who may hold the lease on the domain; with another
    holder it is refused. `undo_window` None is the installation's. Raises Refused with each reason, and Conflict when the draft
    was changed or approved meanwhile.
    """
    pitch = draft_at(uow, pitch_id, version)
    prospect = prospects.get(uow, pitch.prospect_id)
    uow.session.refresh(prospect)
    skips = gates.gates(uow, vault, settings, pitch)
    leased = leases.refusal(uow.session, prospect.domain, uow.now(), caller)
    if leased is not None:
        skips.append(leased)
    chosen = gates.mailbox_for(uow, pitch)
    if skips or chosen is None:
        raise Refused(say("The pitch to {domain} was not approved.", domain=prospect.domain), *skips)
    contact = uow.session.get_one(Contact, pitch.contact_id)
    conversation = _conversation(uow, vault, settings, pitch, contact, chosen[0].id)
    sequence = repository.newest_sequence(uow.session, prospect.site_id) or _starter(uow, prospect.site_id)
    run = SequenceRun(
        prospect_id=prospect.id,
        sequence_id=sequence.id,
        conversation_id=conversation.id,
        pitch_id=pitch.id,
        state=RunState.ACTIVE,
        started_at=uow.now(),
    )
    uow.session.add(run)
    uow.session.flush()  # The outbox row needs the run's id.
    if not repository.move(uow.session, pitch.id, version, PitchState.DRAFT, PitchState.APPROVED):
        raise Conflict(say("the pitch was changed at the same moment; look again"))
    uow.session.refresh(pitch)
    pitch.approved_by, pitch.approved_at, pitch.updated_at = actor, uow.now(), uow.now()
    outbound = outbox.enqueue(
        uow,
        vault,
        settings,
        conversation=conversation,
        kind=OutboundKind.PITCH,
        subject=pitch.subject,
        body_text=pitch.body_text,
        body_html=pitch.body_html,
        sequence_run_id=run.id,
        step_no=0,
        not_before=uow.now() + (settings.undo_window if undo_window is None else undo_window),
        approved_by=actor,
    )
    prospects.note(
        uow,
        prospect.id,
        "pitch_approved",
        actor=actor,
        pitch_id=pitch.id,
        outbound_id=outbound.id,
        angle=pitch.angle,
        mailbox=chosen[1],
    )
    return outbound


def undo(uow: UnitOfWork, pitch_id: int, *, actor: str) -> Pitch:
    """Take an approved pitch back out of the outbox while nobody has begun to send it; it is a draft again.

    Raises Conflict once a worker has taken it: what may have left cannot be taken back.
    """
    pitch = get(uow, pitch_id)
    prospect_repository.lock(uow.session, pitch.prospect_id)
    uow.session.refresh(pitch)
    run = repository.run_of(uow.session, pitch_id)
    outbound = repository.first_message(uow.session, run.id) if run else None
    if pitch.state is not PitchState.APPROVED or run is None or outbound is None:
        raise Conflict(say("this pitch is not in the outbox"))
    outbox.cancel(uow, outbound.id, actor=actor, reason="undone")
    run.state, run.end_reason, run.ended_at = RunState.ENDED, "undone", uow.now()
    conversation = uow.session.get_one(Conversation, run.conversation_id)
    conversation.state, conversation.closed_at = ConversationState.CLOSED, uow.now()
    newer = repository.draft_of(uow.session, pitch.prospect_id)
    pitch.state = PitchState.WITHDRAWN if newer else PitchState.DRAFT
    pitch.approved_by = pitch.approved_at = None
    return touch(uow, pitch, actor, "pitch_undone")


def _conversation(
    uow: UnitOfWork, vault: Vault, settings: Settings, pitch: Pitch, contact: Contact, mailbox_id: int
) -> Conversation:
    prospect = prospects.get(uow, pitch.prospect_id)
    floor = prospect_repository.newest_blocking_id(uow.session, prospect.id)
    recipient = recipient_key(uow, vault, contact.email)
    try:
        with uow.session.begin_nested():
            conversation = gates.old_thread(uow, pitch)
            if conversation is not None:
                conversation.state, conversation.closed_at = ConversationState.OPEN, None
                conversation.event_floor, conversation.agreed = floor, False
                conversation.contact_id, conversation.recipient = contact.id, recipient
            else:
                conversation = Conversation(
                    site_id=prospect.site_id,
                    prospect_id=prospect.id,
                    contact_id=contact.id,
                    mailbox_id=mailbox_id,
                    domain=prospect.domain,
                    recipient=recipient,
                    subject=pitch.subject,
                    event_floor=floor,
                    started_at=uow.now(),
                )
            uow.session.add(conversation)
    except IntegrityError:
        # Two people, or two sites, approved for one domain at the same moment: the index let one through, and by now its
        # thread can be read and named.
        unknown = Skip(
            "in-conversation",
            say("Somebody else began a conversation with {domain} just now. Not sent.", domain=prospect.domain),
        )
        raise Refused(
            say("The pitch was not approved."), gates.domain_gate(uow, vault, settings, pitch) or unknown
        ) from None
    return conversation


def _starter(uow: UnitOfWork, site_id: int) -> Sequence:
    made = Sequence(
        site_id=site_id,
        name=STARTER_NAME,
        version=1,
        steps=[dict(step) for step in STARTER],
        created_by="system",
        created_at=uow.now(),
    )
    uow.session.add(made)
    uow.session.flush()  # The run needs its id.
    return made
