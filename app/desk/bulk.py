"""Approving several at once, for leads: alike, without a warning, never of the first tier, and three of them read before."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import col

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.desk import service as desk
from app.desk.service import Person
from app.domain.said import say
from app.errors import Conflict, Refused, Skip
from app.models import Contact, Decision, DecisionKind, Pitch, PitchState, Prospect
from app.pitches import service as pitches
from app.prospects import service as prospects
from app.reports.prospects import Lane, queue
from app.settings import Settings

MOST = 25
MUST_OPEN = 3
_LOOK_AT = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """One line of the review: the draft, to whom, and how many words."""

    pitch: Pitch
    prospect: Prospect
    contact: Contact
    words: int

    @property
    def opening(self) -> str:
        """The first two lines that say something."""
        return " ".join([line for line in self.pitch.body_text.splitlines() if line.strip()][:2])


def candidates(uow: UnitOfWork, vault: Vault, settings: Settings, person: Person, lane: Lane) -> list[Candidate]:
    """The drafts of a lane that may be approved together now: of the commonest pitch and template version, at most 25."""
    listed = queue(uow, lane, limit=_LOOK_AT, free_for=(person.id, person.caller))
    ids = [row["id"] for row in listed if row["tier"] != 1]
    drafts = {
        pitch.prospect_id: pitch
        for pitch in uow.session.execute(
            select(Pitch).where(col(Pitch.prospect_id).in_(ids), col(Pitch.state) == PitchState.DRAFT)
        ).scalars()
    }
    kinds = Counter((pitch.angle, pitch.template_version) for pitch in drafts.values())
    if not kinds:
        return []
    (kind, _), *_rest = kinds.most_common(1)
    found: list[Candidate] = []
    for prospect_id in ids:
        pitch = drafts.get(prospect_id)
        if pitch is not None and (pitch.angle, pitch.template_version) == kind and len(found) < MOST:
            made = _candidate(uow, vault, settings, pitch)
            if isinstance(made, Candidate):
                found.append(made)
    return found


def to_open(vault: Vault, person: Person, chosen: Iterable[Pitch]) -> list[Pitch]:
    """The three drafts of a batch that must have been read: nobody can guess which, and they stay the same ones."""
    key = {pitch.id: vault.sign("bulk-pick", f"{person.id}:{pitch.id}:{pitch.version}") for pitch in chosen}
    return sorted(chosen, key=lambda pitch: key[pitch.id])[:MUST_OPEN]


def proof(vault: Vault, person: Person, pitch: Pitch) -> str:
    """What only the page of a draft gives out: that this person has opened this version."""
    return vault.sign("bulk-read", f"{person.id}:{pitch.id}:{pitch.version}")


def approve(
    uow: UnitOfWork,
    vault: Vault,
    settings: Settings,
    person: Person,
    chosen: list[tuple[int, int]],
    proofs: set[str],
    *,
    undo_seconds: int | None = None,
) -> list[Decision]:
    """Approve drafts, given as (pitch, version), all or none; each is an outbox row of its own that can be undone.

    Every rule is asked again, whatever the page has shown. Raises Refused that names the draft, Conflict for a stale one.
    """
    if not chosen:
        raise Refused(say("Nothing was approved."), Skip("bulk-empty", say("Choose at least one draft.")))
    if len(chosen) > MOST:
        raise Refused(
            say("Nothing was approved."),
            Skip("bulk-many", say("At most {most} at once; {count} were chosen.", most=MOST, count=len(chosen))),
        )
    loaded = []
    problems = []
    for pitch_id, version in chosen:
        pitch = pitches.get(uow, pitch_id)
        if pitch.version != version or pitch.state is not PitchState.DRAFT:
            raise Conflict(say("a draft was changed or approved meanwhile; look at the list again"))
        made = _candidate(uow, vault, settings, pitch)
        loaded.append(pitch)
        if isinstance(made, Skip):
            problems.append(made)
    if len({(pitch.angle, pitch.template_version) for pitch in loaded}) > 1:
        problems.append(Skip("bulk-mixed", say("They are not all of one pitch and one version of its template.")))
    unread = [pitch for pitch in to_open(vault, person, loaded) if proof(vault, person, pitch) not in proofs]
    if unread:
        names = ", ".join(prospects.get(uow, pitch.prospect_id).domain for pitch in unread)
        problems.append(Skip("bulk-unread", say("These must be opened and read first: {names}.", names=names)))
    if problems:
        raise Refused(say("Nothing was approved."), *problems)
    done = [
        desk.approve(uow, vault, settings, person, pitch_id, version, undo_seconds=undo_seconds)
        for pitch_id, version in chosen
    ]
    for decision in done:
        decision.data = {**decision.data, "batch": done[0].id}
    uow.session.flush()
    return done


def undo(uow: UnitOfWork, person: Person, batch: int) -> int:
    """Take a batch back, as far as its mails have not left; how many were taken back."""
    rows = (
        uow.session.execute(
            select(Decision).where(
                col(Decision.user_id) == person.id,
                col(Decision.kind) == DecisionKind.APPROVE,
                col(Decision.id) >= batch,
                col(Decision.id) < batch + 10 * MOST,
                col(Decision.undone_at).is_(None),
            )
        )
        .scalars()
        .all()
    )
    back = 0
    for decision in rows:
        if decision.data.get("batch") != batch:
            continue
        with contextlib.suppress(Conflict), uow.session.begin_nested():
            desk.undo_pitch(uow, decision.data["pitch_id"], actor=person.actor)
            back += 1
    return back


def _candidate(uow: UnitOfWork, vault: Vault, settings: Settings, pitch: Pitch) -> Candidate | Skip:
    prospect = uow.session.get_one(Prospect, pitch.prospect_id)
    contact = uow.session.get(Contact, pitch.contact_id) if pitch.contact_id else None
    if prospect.tier == 1:
        return Skip(
            "bulk-tier",
            say("{domain} is of the first tier: each of those is read by a person.", domain=prospect.domain),
        )
    view = pitches.view(uow, vault, settings, pitch)
    if view.skips or contact is None:
        sentence = view.skips[0].sentence if view.skips else "there is nobody to write to"
        return Skip("bulk-refused", say("{domain}: {sentence}", domain=prospect.domain, sentence=sentence))
    if not contact.source_url:
        return Skip(
            "bulk-warned", say("{domain}: nobody has seen this address on a page of theirs.", domain=prospect.domain)
        )
    return Candidate(pitch, prospect, contact, view.words)
