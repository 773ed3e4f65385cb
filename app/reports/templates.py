"""How a mail template reads for the prospects that wait: words, gaps, cases worth a look, and what each version brought."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.angles import propose
from app.domain.delivery import OutboundState
from app.domain.figures import Share
from app.domain.pipeline import Stage
from app.domain.pitch_contract import MAX_WORDS, count_words
from app.domain.places import language_of
from app.mail.render.templates import TemplateSource, fallbacks_of, fill_texts, use_of, variables_of
from app.mail.render.variables import VARIABLES, clean_values
from app.models import (
    Contact,
    Inbound,
    Link,
    LinkState,
    MentionCheck,
    Outbound,
    OutboundKind,
    Page,
    Pitch,
    PitchState,
    Prospect,
    RunState,
    SequenceRun,
    Site,
)
from app.pitches import facts
from app.reports.prospects import waiting
from app.reports.sql import columns, rows

# The best prospects of the queue that a page looks at: a template is one text, and more would only cost time.
MOST = 400


@dataclass(frozen=True, slots=True)
class Sample:
    """One prospect with the values that a template would be filled with; `words` and `gaps` once it was measured."""

    prospect_id: int
    domain: str
    title: str
    language: str | None
    our_domains: list[str]
    values: dict[str, str]
    words: int = 0
    gaps: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether the message would be refused for its length or for a variable without a value."""
        return self.words > MAX_WORDS or bool(self.gaps)


@dataclass(frozen=True, slots=True)
class Measured:
    """A text held against samples. `coverage`: (variable, share of 0 to 1 that has it, what stands in its place or None)."""

    samples: tuple[Sample, ...]
    least: int
    median: int
    most: int
    too_long: tuple[Sample, ...]
    coverage: tuple[tuple[str, float, str | None], ...]


def samples(uow: UnitOfWork, name: str) -> list[Sample]:
    """The ready prospects whose pitch takes this angle; for a follow-up, the pitches that wait for an answer; for the beginning of an
    answer, those that have one. At most `MOST`.
    """
    use = use_of(name)
    return _ready(uow, name) if use == "first" else _written_to(uow, answered=use == "answer")


def measure(source: TemplateSource, given: Sequence[Sample]) -> Measured:
    """The words of `source` for each sample. Raises BadInput for a text outside the subset of the renderer."""
    used = variables_of(source)
    fallbacks = fallbacks_of(source)
    needed = needed_of(source)
    made = []
    for sample, (_, body) in zip(given, fill_texts(source, [one.values for one in given]), strict=True):
        gaps = tuple(name for name in needed if name not in sample.values)
        words = count_words(body, sample.values.get("opt_out", ""))
        made.append(
            Sample(
                sample.prospect_id,
                sample.domain,
                sample.title,
                sample.language,
                sample.our_domains,
                sample.values,
                words,
                gaps,
            )
        )
    counts = [one.words for one in made] or [0]
    coverage = [
        (name, sum(name in one.values for one in made) / len(made), fallbacks.get(name)) for name in used if made
    ]
    return Measured(
        tuple(made),
        min(counts),
        round(statistics.median(counts)),
        max(counts),
        tuple(sorted((one for one in made if one.words > MAX_WORDS), key=lambda one: -one.words)),
        tuple(coverage),
    )


def needed_of(source: TemplateSource) -> list[str]:
    """The variables that leave a gap in the text when they have no value: those that no `if` and no fallback guards."""
    used = variables_of(source)
    examples = {name: VARIABLES[name].example for name in used}
    without = [{name: value for name, value in examples.items() if name != left} for left in used]
    texts = fill_texts(source, without)
    return [name for name, (subject, body) in zip(used, texts, strict=True) if "{{" in subject + body]


def cases(measured: Measured, ours: Iterable[str | None] = ()) -> list[tuple[str, Sample]]:
    """Up to five prospects to read the text for: typical, missing first name, longest, another language, failing.

    `ours` are the languages of our sites (English where none is set); a prospect appears once.
    """
    known = {language_of(given)[0] for given in ours if given} | {"en"}
    by_words = sorted(measured.samples, key=lambda one: one.words)
    longest = max(measured.samples, key=lambda one: len(one.domain) + len(one.title), default=None)
    picked = [
        ("typical", by_words[len(by_words) // 2] if by_words else None),
        ("no-first-name", next((one for one in by_words if "first_name" not in one.values), None)),
        ("longest", longest),
        ("language", next((one for one in by_words if (language_of(one.language)[0] or "en") not in known), None)),
        ("failing", next((one for one in reversed(by_words) if one.fails), None)),
    ]
    return [(why, one) for why, one in picked if one is not None]


@dataclass(frozen=True, slots=True)
class Results:
    """What one version brought, of the pitches sent with it: prospects that replied, and links that were seen."""

    replies: Share
    wins: Share


def results(uow: UnitOfWork, name: str) -> dict[str, Results]:
    """What each version of a first message brought, by its label. A version of which nothing was sent is not there."""
    replied = (
        columns(Inbound.id)
        .where(
            col(Inbound.prospect_id) == col(Pitch.prospect_id),
            col(Inbound.conversation_id) == col(Outbound.conversation_id),
            col(Inbound.kind) == "reply",
        )
        .exists()
    )
    won = columns(Link.id).where(col(Link.prospect_id) == col(Pitch.prospect_id), col(Link.verified).is_(True)).exists()
    each = (
        select(
            col(Pitch.template_version).label("label"),
            col(Pitch.prospect_id),
            replied.label("replied"),
            won.label("won"),
        )
        .select_from(Pitch)
        .join(SequenceRun, col(SequenceRun.pitch_id) == col(Pitch.id))
        .join(Outbound, col(Outbound.sequence_run_id) == col(SequenceRun.id))
        .where(
            col(Pitch.angle) == name,
            col(Pitch.state) == PitchState.APPROVED,
            col(Outbound.kind) == OutboundKind.PITCH,
            col(Outbound.state) == OutboundState.SENT,
        )
        .distinct()
        .subquery()
    )
    statement = select(each.c.label, each.c.replied, each.c.won, func.count()).group_by(
        each.c.label, each.c.replied, each.c.won
    )
    found: dict[str, list[int]] = {}
    for label, has_replied, has_won, count in uow.session.execute(statement):
        line = found.setdefault(label, [0, 0, 0])
        line[0] += count
        line[1] += count if has_replied else 0
        line[2] += count if has_won else 0
    return {label: Results(Share(replies, sent), Share(wins, sent)) for label, (sent, replies, wins) in found.items()}


def _ready(uow: UnitOfWork, angle: str) -> list[Sample]:
    session = uow.session
    statement = (
        select(Prospect)
        .where(*waiting(uow.now()), col(Prospect.stage) == Stage.CHECKED_MENTION)
        .order_by(col(Prospect.rank_key), col(Prospect.id))
        .limit(MOST)
    )
    found = list(session.execute(statement).scalars())
    ids = [one.id for one in found]
    sites = {one.id: one for one in session.execute(select(Site)).scalars()}
    drafts = {
        one.prospect_id: one
        for one in session.execute(
            select(Pitch).where(col(Pitch.prospect_id).in_(ids), col(Pitch.state) == PitchState.DRAFT)
        ).scalars()
    }
    checks = [one.mention_check_id for one in found if one.mention_check_id is not None]
    mentions = {
        one.prospect_id: one
        for one in session.execute(select(MentionCheck).where(col(MentionCheck.id).in_(checks))).scalars()
    }
    lost: dict[int, Link] = {}
    statement_lost = select(Link).where(col(Link.prospect_id).in_(ids), col(Link.state) == LinkState.LOST)
    for link in session.execute(statement_lost.order_by(col(Link.lost_at), col(Link.id))).scalars():
        lost[link.prospect_id] = link
    people: dict[int, Contact] = {}
    statement_people = select(Contact).where(col(Contact.prospect_id).in_(ids))
    for contact in session.execute(statement_people.order_by(col(Contact.is_role_address), col(Contact.id))).scalars():
        people.setdefault(contact.prospect_id, contact)
    pages: dict[int, list[Page]] = {}
    for page in session.execute(select(Page).where(col(Page.archived_at).is_(None)).order_by(col(Page.id))).scalars():
        pages.setdefault(page.site_id, []).append(page)
    made = []
    for one in found:
        draft = drafts.get(one.id)
        if draft is not None:
            if draft.angle != angle:
                continue
            values = draft.variables["values"]
        else:
            known = facts.Known(mentions.get(one.id), lost.get(one.id), pages.get(one.site_id, []), people.get(one.id))
            evidence = facts.gather(uow, one, known=known)
            proposal = propose(evidence.angle, by_hand=True)
            if proposal is None or proposal.angle.value != angle:
                continue
            values = facts.values_of(evidence, proposal.reason)
        made.append(_sample(one, sites[one.site_id], values))
    return made


def _written_to(uow: UnitOfWork, *, answered: bool) -> list[Sample]:
    replied = (
        columns(Inbound.id)
        .where(col(Inbound.conversation_id) == col(SequenceRun.conversation_id), col(Inbound.kind) == "reply")
        .exists()
    )
    statement = (
        select(Prospect, Pitch, Site)
        .join(Pitch, col(Pitch.prospect_id) == col(Prospect.id))
        .join(SequenceRun, col(SequenceRun.pitch_id) == col(Pitch.id))
        .join(Site, col(Site.id) == col(Prospect.site_id))
        .where(
            replied if answered else col(SequenceRun.state) == RunState.ACTIVE, col(Pitch.state) == PitchState.APPROVED
        )
        .order_by(col(SequenceRun.id).desc())
        .limit(MOST)
    )
    made = []
    for prospect, pitch, site in uow.session.execute(statement).all():
        made.append(_sample(prospect, site, facts.afterwards(pitch)))
    return made


def _sample(prospect: Prospect, site: Site, values: dict[str, Any]) -> Sample:
    return Sample(
        prospect.id,
        prospect.domain,
        prospect.best_page_title or "",
        prospect.language,
        list(site.domains),
        clean_values(values),
    )


def site_languages(uow: UnitOfWork) -> list[str | None]:
    """The languages that our sites are written in."""
    return [line["language"] for line in rows(uow, columns(Site.language))]
