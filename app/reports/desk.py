"""What lies on the desk when a person decides about a prospect: the draft, what refuses it, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.angles import Angle, choice_for
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.domain.pitch_contract import MAX_WORDS
from app.domain.ranking import rank_reason
from app.models import (
    Competitor,
    Contact,
    MentionCheck,
    Outbound,
    OutboundKind,
    Page,
    Pitch,
    PitchState,
    Prospect,
    SequenceRun,
    Snapshot,
)
from app.pitches import facts
from app.pitches import repository as pitch_repository
from app.pitches import service as pitches
from app.pitches.service import PitchView
from app.prospects import repository as prospect_repository
from app.prospects import service as prospects
from app.reports.sql import columns, rows
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Offer:
    """An angle that can be taken, with why."""

    angle: str
    why: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """One prospect, ready for a decision."""

    prospect: Prospect
    rank: str
    matrix: list[tuple[str, bool]]
    mention: MentionCheck | None
    mention_words: str
    contacts: list[Contact]
    pages: list[dict[str, Any]]
    view: PitchView | None
    offers: list[Offer]
    most_words: int = MAX_WORDS

    @property
    def can_be_drafted(self) -> bool:
        """Whether a draft can be written now."""
        return self.view is None and self.prospect.stage in (Stage.PROSPECT, Stage.CHECKED_MENTION)

    @property
    def needs_confirmation(self) -> bool:
        """Whether a person has to say that it may go on without a check."""
        return self.prospect.stage is Stage.PROSPECT and self.prospect.mention is MentionVerdict.COULD_NOT_CHECK


def mention_words(check: MentionCheck | None, verdict: MentionVerdict | None) -> str:
    """The state of the mention check in words: five states, and two of them know nothing."""
    if verdict is None:
        return "Not checked yet"
    pages = len(check.pages) if check else 0
    looked = f"{pages} page{'s' if pages != 1 else ''} checked"
    return {
        MentionVerdict.LINKED: "Links to you already",
        MentionVerdict.UNLINKED_MENTION: "Mentions you without a link",
        MentionVerdict.NO_MENTION: f"Not found ({looked})",
        MentionVerdict.COULD_NOT_CHECK: f"Could not check: {(check.reason if check else None) or 'no page answered'}",
    }[verdict]


def draft_of(uow: UnitOfWork, prospect_id: int) -> Pitch | None:
    """The draft of a prospect, if it has one."""
    return pitch_repository.draft_of(uow.session, prospect_id)


def sheet(uow: UnitOfWork, vault: Vault, settings: Settings, prospect_id: int) -> Sheet:
    """Everything for the decision; the number of statements does not depend on how much there is."""
    prospect = prospects.get(uow, prospect_id)
    check = pitch_repository.newest_mention(uow.session, prospect_id)
    listed = select(col(Competitor.domain)).where(col(Competitor.site_id) == prospect.site_id)
    competitors = list(uow.session.execute(listed.order_by(col(Competitor.id))).scalars())
    names = competitors or list(prospect.competitors)
    draft = draft_of(uow, prospect_id)
    our_pages = columns(Page.id, Page.title, Page.url).where(
        col(Page.site_id) == prospect.site_id, col(Page.archived_at).is_(None)
    )
    return Sheet(
        prospect=prospect,
        rank=rank_reason(
            tier=prospect.tier, mention=prospect.mention, overlap=prospect.overlap, competitors=len(names)
        ),
        matrix=[(name, name in prospect.competitors) for name in names],
        mention=check,
        mention_words=mention_words(check, prospect.mention),
        contacts=prospect_repository.contacts_of(uow.session, prospect_id),
        pages=rows(uow, our_pages.order_by(col(Page.id))),
        view=pitches.view(uow, vault, settings, draft) if draft else None,
        offers=_offers(uow, prospect, draft) if draft else [],
    )


def _offers(uow: UnitOfWork, prospect: Prospect, draft: Pitch) -> list[Offer]:
    evidence = facts.gather(uow, prospect, linked=facts.linked_fact_of(draft), page_id=draft.page_id)
    found = []
    for angle in Angle:
        choice = choice_for(angle, evidence.angle)
        if choice is not None or angle.value == draft.angle:
            chosen = angle.value == draft.angle
            found.append(Offer(angle.value, draft.why if chosen or choice is None else choice.why, chosen))
    return found


def name_of(uow: UnitOfWork, prospect_id: int) -> tuple[str, int | None] | None:
    """The domain of a prospect and its newest approved pitch, for the line that offers to undo; None without one."""
    found = uow.session.execute(
        columns(Prospect.domain, func.max(col(Pitch.id)))
        .join(
            Pitch,
            (col(Pitch.prospect_id) == col(Prospect.id)) & (col(Pitch.state) == PitchState.APPROVED),
            isouter=True,
        )
        .where(col(Prospect.id) == prospect_id)
        .group_by(col(Prospect.domain))
    ).first()
    return (found[0], found[1]) if found else None


def why_empty(uow: UnitOfWork) -> str:
    """Why nothing waits in the queue, and what to do about it."""
    if uow.session.execute(columns(Prospect.id).limit(1)).first() is None:
        if uow.session.execute(columns(Snapshot.id).limit(1)).first() is None:
            return "No gap data yet. Import the backlink exports of your site and of each competitor."
        return "The imports hold no gap: every site that links to a competitor links to you, too."
    unchecked = columns(Prospect.id).where(col(Prospect.stage) == Stage.PROSPECT).limit(1)
    if uow.session.execute(unchecked).first() is not None:
        return "Nothing is ready yet: the prospects' pages are being checked for mentions of you."
    return "Nothing waits: every prospect is under way, won or lost."


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
