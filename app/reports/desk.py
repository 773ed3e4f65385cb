"""What lies on the desk when a person decides about a prospect: the draft, what refuses it, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.angles import Angle, choice_for, why_not
from app.domain.delivery import NOT_LEFT
from app.domain.gap import Follow, follow_of
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.domain.pitch_contract import MAX_WORDS
from app.domain.said import say
from app.errors import NotFound, Skip
from app.evidence import repository as evidence_repository
from app.evidence.stored import linked_fact
from app.models import (
    AngleEvidence,
    Competitor,
    Contact,
    Conversation,
    ConversationState,
    Decision,
    DomainLease,
    KeptText,
    Link,
    LinkState,
    MentionCheck,
    Outbound,
    OutboundKind,
    Page,
    Pitch,
    PitchState,
    Prospect,
    QueuePin,
    SequenceRun,
    Site,
    StageEvent,
)
from app.pitches import facts, gates
from app.pitches import repository as pitch_repository
from app.pitches import service as pitches
from app.prospects import leases
from app.reports import timeline
from app.reports.sql import columns
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Offer:
    """An angle that can be taken, with why; or one that cannot (`offered` False), with why not."""

    angle: str
    why: str
    chosen: bool
    offered: bool = True


@dataclass(frozen=True, slots=True)
class Sheet:
    """One prospect, ready for a decision. `sites` are the names of all that are worked on, by id; `matrix` has None for a competitor without a link. `skips` None: the gates that ask the database were not asked yet."""

    prospect: Prospect
    site: Site
    sites: dict[int, str]
    matrix: list[tuple[str, Follow | None]]
    mention: MentionCheck | None
    contacts: list[Contact]
    pages: list[Page]
    draft: Pitch | None
    words: int
    broken: tuple[Skip, ...]
    skips: tuple[Skip, ...] | None
    offers: list[Offer]
    lease: DomainLease | None
    kept: KeptText | None
    pinned: bool
    last_contact: datetime | None
    seen: AngleEvidence | None = None
    note: StageEvent | None = None
    most_words: int = MAX_WORDS
    colleagues_text: KeptText | None = field(default=None)
    waiting: int | None = None  # the approved pitch whose mail waits in the outbox

    @property
    def can_be_drafted(self) -> bool:
        """Whether a draft can be written now."""
        open_still = self.prospect.stage in (Stage.PROSPECT, Stage.CHECKED_MENTION)
        return self.draft is None and self.waiting is None and open_still

    @property
    def needs_confirmation(self) -> bool:
        """Whether a person has to say that it may go on without a check."""
        return self.prospect.stage is Stage.PROSPECT and self.prospect.mention is MentionVerdict.COULD_NOT_CHECK


def draft_of(uow: UnitOfWork, prospect_id: int) -> Pitch | None:
    """The draft of a prospect, if it has one."""
    return pitch_repository.draft_of(uow.session, prospect_id)


def sheet(
    uow: UnitOfWork,
    prospect_id: int,
    *,
    user_id: int,
    asks: tuple[Vault, Settings] | None = None,
) -> Sheet:
    """Everything for the decision, in three statements; with `asks` also what every gate says now. Raises NotFound."""
    mine, theirs = aliased(KeptText), aliased(KeptText)
    names = (
        select(func.aggregate_strings(col(Competitor.domain), ","))
        .where(col(Competitor.site_id) == col(Prospect.site_id))
        .scalar_subquery()
    )
    every = aliased(Site)
    # Apart by the characters that are made for it, which no name holds.
    called = (
        select(func.aggregate_strings(cast(col(every.id), String) + "\x1f" + col(every.name), "\x1e"))
        .where(col(every.archived_at).is_(None))
        .scalar_subquery()
    )
    gone = aliased(Link)
    lost = (
        select(func.max(col(gone.id)))
        .where(col(gone.prospect_id) == col(Prospect.id), col(gone.state) == LinkState.LOST)
        .correlate(Prospect)
        .scalar_subquery()
    )
    contacted = (
        select(func.max(col(Conversation.started_at)))
        .where(col(Conversation.domain) == col(Prospect.domain), col(Conversation.state) == ConversationState.CLOSED)
        .scalar_subquery()
    )
    others = (
        select(func.max(col(KeptText.user_id)))
        .where(col(KeptText.prospect_id) == prospect_id, col(KeptText.user_id) != user_id)
        .scalar_subquery()
    )
    waits = (
        select(func.max(col(SequenceRun.pitch_id)))
        .join(Outbound, col(Outbound.sequence_run_id) == col(SequenceRun.id))
        .where(
            col(Outbound.prospect_id) == prospect_id,
            col(Outbound.kind) == OutboundKind.PITCH,
            col(Outbound.state).in_(NOT_LEFT),
        )
        .scalar_subquery()
    )
    noted = timeline.last_note(prospect_id)
    row = uow.session.execute(
        select(
            Prospect,
            Site,
            MentionCheck,
            Pitch,
            DomainLease,
            mine,
            theirs,
            Link,
            QueuePin,
            AngleEvidence,
            StageEvent,
            names,
            contacted,
            called,
            waits,
        )
        .join(Site, col(Site.id) == col(Prospect.site_id))
        .outerjoin(MentionCheck, col(MentionCheck.id) == col(Prospect.mention_check_id))
        .outerjoin(Pitch, (col(Pitch.prospect_id) == col(Prospect.id)) & (col(Pitch.state) == PitchState.DRAFT))
        .outerjoin(DomainLease, (col(DomainLease.domain) == col(Prospect.domain)) & leases.running(uow.now()))
        .outerjoin(mine, (col(mine.prospect_id) == col(Prospect.id)) & (col(mine.user_id) == user_id))
        .outerjoin(theirs, (col(theirs.prospect_id) == col(Prospect.id)) & (col(theirs.user_id) == others))
        .outerjoin(Link, col(Link.id) == lost)
        .outerjoin(AngleEvidence, col(AngleEvidence.prospect_id) == col(Prospect.id))
        .outerjoin(StageEvent, col(StageEvent.id) == noted)
        .outerjoin(QueuePin, col(QueuePin.prospect_id) == col(Prospect.id))
        .where(col(Prospect.id) == prospect_id)
    ).first()
    if row is None:
        raise NotFound(say("there is no prospect {prospect_id}", prospect_id=prospect_id))
    (
        prospect,
        site,
        mention,
        draft,
        lease,
        own,
        other,
        lost_link,
        pin,
        seen,
        note,
        listed,
        last_contact,
        told,
        waiting,
    ) = row
    contacts = list(
        uow.session.execute(
            select(Contact)
            .where(col(Contact.prospect_id) == prospect_id)
            .order_by(col(Contact.is_role_address), col(Contact.id))
        ).scalars()
    )
    pages = evidence_repository.pages_of(uow.session, prospect.site_id)
    competitors = listed.split(",") if listed else list(prospect.competitors)
    linking = follow_of(prospect.competitors, prospect.follow, prospect.dofollow)
    words, broken = gates.contract(uow, draft) if draft else (0, ())
    known = facts.Known(mention, lost_link, pages, contacts[0] if contacts else None, seen)
    return Sheet(
        prospect=prospect,
        site=site,
        sites={
            int(number): name
            for number, _, name in (one.partition("\x1f") for one in (told or "").split("\x1e") if one)
        },
        matrix=[(name, linking.get(name)) for name in competitors],
        mention=mention,
        contacts=contacts,
        pages=pages,
        draft=draft,
        words=words,
        broken=tuple(Skip(rule.name, rule.sentence) for rule in broken),
        skips=pitches.view(uow, *asks, draft).skips if draft and asks else None,
        offers=_offers(uow, prospect, draft, known),
        seen=seen,
        lease=lease,
        kept=own if own is not None and (draft is None or own.pitch_id == draft.id) else None,
        colleagues_text=other if other is not None and draft is not None and other.pitch_id == draft.id else None,
        note=note,
        pinned=pin is not None,
        last_contact=last_contact,
        waiting=waiting,
    )


def _offers(uow: UnitOfWork, prospect: Prospect, draft: Pitch | None, known: facts.Known) -> list[Offer]:
    stored = linked_fact(draft.variables.get("linked")) if draft is not None and known.seen is None else None
    page_id = draft.page_id if draft is not None else None
    evidence = facts.gather(uow, prospect, linked=stored, page_id=page_id, known=known)
    found = []
    for angle in Angle:
        choice = choice_for(angle, evidence.angle)
        chosen = draft is not None and angle.value == draft.angle
        if draft is not None and (choice is not None or chosen):
            found.append(Offer(angle.value, draft.why if chosen or choice is None else choice.why, chosen))
        else:
            found.append(Offer(angle.value, why_not(angle, evidence.angle) or "", False, offered=False))
    return found


def name_of(uow: UnitOfWork, prospect_id: int) -> str | None:
    """The domain of a prospect, for the line about what was just done."""
    return uow.session.execute(select(col(Prospect.domain)).where(col(Prospect.id) == prospect_id)).scalar_one_or_none()


def pitches_behind(uow: UnitOfWork, outbound_ids: list[int]) -> dict[int, int]:
    """Outbox row -> the pitch that it is the first mail of; for the button that makes it a draft again."""
    if not outbound_ids:
        return {}
    found = uow.session.execute(
        columns(Outbound.id, SequenceRun.pitch_id)
        .join(SequenceRun, col(SequenceRun.id) == col(Outbound.sequence_run_id))
        .where(col(Outbound.id).in_(outbound_ids), col(Outbound.kind) == OutboundKind.PITCH)
    )
    return {row[0]: row[1] for row in found}


def skipped(uow: UnitOfWork, *, before: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """Decisions by which prospects were skipped, newest first, while they still are."""
    statement = (
        columns(
            Decision.id,
            Decision.at,
            Decision.data,
            Prospect.domain,
            col(Prospect.id).label("prospect_id"),
            Prospect.tier,
        )
        .join(Prospect, col(Prospect.id) == col(Decision.prospect_id))
        .where(col(Decision.kind) == "skip", col(Decision.undone_at).is_(None), col(Prospect.stage) == Stage.LOST)
        .order_by(col(Decision.id).desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(col(Decision.id) < before)
    return [dict(row) for row in uow.session.execute(statement).mappings()]
