"""Gathers what is known about a prospect and turns it into the values of a template."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import quote, urlsplit

from app.db.work import UnitOfWork
from app.domain.angles import (
    BROKEN,
    Angle,
    AngleFacts,
    CoverageFact,
    LinkedFact,
    coverage_clause,
    fault_clause,
    loss_clause,
    plain_date,
)
from app.domain.link_target import page_key
from app.domain.mention_verdict import MentionVerdict
from app.domain.said import say
from app.evidence import repository as evidence_repository
from app.evidence.stored import coverage_fact, linked_fact
from app.gaps.fit import Offer, offer
from app.keys import page_url
from app.mail.render.drafts import later_values
from app.mail.render.variables import DEFAULT_OPT_OUT, MAX_URL
from app.mentions import repository as mentions
from app.models import AngleEvidence, Contact, Link, MentionCheck, Page, Pitch, Prospect, Site
from app.pitches import repository
from app.prospects import contacts

_MAX_QUOTE = 240
_MAX_TITLE = 120
_NAME = re.compile(r"^[^\W\d_][^\W\d_'’.-]*(?:-[^\W\d_]+)*$")
_TITLES = frozenset({"dr", "mr", "mrs", "ms", "mx", "prof", "sir", "the", "team", "editor", "editors", "editorial"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a pitch is made of, before an angle is chosen."""

    prospect: Prospect
    site: Site
    contact: Contact | None
    angle: AngleFacts
    fit: Offer | None
    their_page: str | None
    their_page_title: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """Rows that somebody has read already: a page that shows them need not read them twice."""

    mention: MentionCheck | None
    lost: Link | None
    pages: list[Page]
    contact: Contact | None
    seen: AngleEvidence | None = None


def know(uow: UnitOfWork, prospect: Prospect) -> Known:
    """Read what evidence is made of."""
    session = uow.session
    return Known(
        mentions.newest(session, prospect.id),
        repository.lost_link(session, prospect.id),
        evidence_repository.pages_of(session, prospect.site_id),
        contacts.best(uow, prospect.id),
        evidence_repository.of_prospect(session, prospect.id),
    )


def gather(
    uow: UnitOfWork,
    prospect: Prospect,
    *,
    linked: LinkedFact | None = None,
    page_id: int | None = None,
    known: Known | None = None,
) -> Evidence:
    """What the database knows. `linked` is a fact that somebody checked, instead of the one that was kept; `page_id` sets our
    page instead of the best fit, and what was seen in comparison with another page of ours is left out then.
    """
    session = uow.session
    site = session.get_one(Site, prospect.site_id)
    known = known or know(uow, prospect)
    mention = known.mention
    unlinked = mention if mention is not None and mention.verdict is MentionVerdict.UNLINKED_MENTION else None
    lost = known.lost
    their_page = (lost.source_url if lost else None) or (unlinked.url if unlinked else None) or prospect.best_page
    their_page = page_url(their_page) if their_page else None
    title = prospect.best_page_title
    if not (their_page and prospect.best_page and page_key(their_page) == page_key(prospect.best_page)):
        title = None
    pages = (
        known.pages
        if page_id is not None
        else _of_angle(known.pages, lost=lost is not None, unlinked=unlinked is not None)
    )
    fit = _fit(
        site,
        [page for page in pages if page_id is None or page.id == page_id],
        prospect,
        their_page=their_page,
        quote=unlinked.quote if unlinked else None,
        target=lost.target_url if lost and page_id is None else None,
    )
    facts = AngleFacts(
        brand=site.brand_names[0] if site.brand_names else site.name,
        their_page=their_page,
        mention_checked=None if mention is None or mention.verdict is MentionVerdict.COULD_NOT_CHECK else True,
        mention_page=unlinked.url if unlinked else None,
        mention_quote=quotable(unlinked.quote, _MAX_QUOTE) if unlinked else None,
        lost_page=lost.source_url if lost else None,
        lost_on=lost.last_seen_at.date() if lost and lost.last_seen_at else None,
        lost_seen_on=lost.lost_at.date() if lost and lost.lost_at else None,
        lost_why=lost.trouble if lost else None,
        lost_detail=lost.trouble_detail if lost else None,
        competitors_linked=prospect.overlap,
        our_page_title=fit.page.title if fit else None,
        our_page_summary=_covers(fit.page) if fit else None,
    )
    facts = _with_reasons(facts, known.seen, linked, fit)
    return Evidence(prospect, site, known.contact, facts, fit, their_page, title)


def values_of(evidence: Evidence, reason: str | None, contact: Contact | None = None) -> dict[str, str | None]:
    """The values for the templates of first messages; what is unknown is None and never guessed."""
    facts, site, fit = evidence.angle, evidence.site, evidence.fit
    return {
        "first_name": first_name(contact or evidence.contact),
        "our_brand": quotable(facts.brand, _MAX_TITLE),
        "our_page": safe_url(fit.page.url) if fit else None,
        "our_page_summary": quotable(facts.our_page_summary, _MAX_QUOTE),
        "their_domain": evidence.prospect.domain,
        "their_page": safe_url(evidence.their_page),
        "their_page_title": quotable(evidence.their_page_title, _MAX_TITLE),
        "topic": quotable(fit.page.topic, _MAX_TITLE) if fit and fit.score else None,
        "mention_quote": facts.mention_quote,
        "linked_page": safe_url(facts.linked.page) if facts.linked else None,
        "linked_fault": quotable(fault_clause(facts.linked), _MAX_QUOTE),
        "linked_broken": "yes" if facts.linked and facts.linked.fault in BROKEN else None,
        "coverage": quotable(coverage_clause(facts.coverage), _MAX_QUOTE * 2),
        "lost_on": plain_date(facts.lost_on) if facts.lost_on else None,
        "loss": _loss(facts),
        "reason": quotable(reason, _MAX_QUOTE * 2),
        **sender_of(site),
        "opt_out": DEFAULT_OPT_OUT,
    }


#: What a message says of who writes it.
OF_SENDER = ("sender_name", "sender_address")


def sender_of(site: Site) -> dict[str, str | None]:
    """The values of OF_SENDER."""
    return {
        "sender_name": quotable(site.sender_name, _MAX_TITLE),
        "sender_address": quotable(site.postal_address, _MAX_QUOTE),
    }


def _loss(facts: AngleFacts) -> str | None:
    """The day and the fact of a loss, as the words after "When I looked again"."""
    clause = loss_clause(facts)
    if clause is None or facts.lost_seen_on is None:
        return None
    return quotable(f"on {plain_date(facts.lost_seen_on)}, {clause}", _MAX_QUOTE)


def _with_reasons(
    facts: AngleFacts, seen: AngleEvidence | None, linked: LinkedFact | None, fit: Offer | None
) -> AngleFacts:
    """The facts with what was seen on other pages, as far as it is about our page."""
    if seen is None:
        return replace(facts, linked=linked)
    same = fit is not None and fit.page.id == seen.page_id
    found, note = linked_fact(seen.linked), seen.linked_note
    if found is not None and found.needs_our_page and not same:
        found, note = None, "the page that they link to was compared with another page of yours"
    covers, covers_note = coverage_fact(seen.coverage), seen.coverage_note
    if not same and seen.coverage_state is not None:
        covers, covers_note = None, "their site was searched for another page of yours"
    return replace(
        facts,
        linked=linked or (_speakable(found) if found else None),
        linked_note=None if found else note,
        coverage=_tellable(covers) if covers else None,
        coverage_note=None if covers else covers_note,
    )


def _speakable(fact: LinkedFact) -> LinkedFact:
    """The fact with its quote as it can stand in a mail."""
    return replace(fact, heading=_quote(fact.heading, 80) if fact.heading else None)


def _tellable(fact: CoverageFact) -> CoverageFact:
    articles = tuple(replace(one, title=_quote(one.title, 100) or "") for one in fact.articles)
    return replace(fact, articles=articles, missing=_quote(fact.missing, 80) or fact.missing)


def _quote(text: str, limit: int) -> str | None:
    plain = quotable(text, limit)
    # It is put between quotation marks.
    return plain.replace('"', "'") if plain else None


def quotable(text: str | None, limit: int) -> str | None:
    """Somebody's words as they can stand in a mail: one line, at most `limit` characters, no links, brackets or braces."""
    if not text:
        return None
    flat = " ".join(re.sub(r"https?://|\bwww\.", "", text, flags=re.IGNORECASE).split())
    flat = flat.translate(str.maketrans("[]{}<>", "()()()")).replace("=?", "=")
    if len(flat) > limit:
        flat = f"{flat[: limit - 1].rsplit(' ', 1)[0]}…"
    return flat or None


def safe_url(url: str | None) -> str | None:
    """The address with every character that mail programs stumble over in percent form; None when it is none."""
    if not url:
        return None
    try:
        parts = urlsplit(url.strip())
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.username
    except ValueError:
        return None
    escaped = quote(url.strip(), safe="/:?#@!$&'()*+,;=%~-._")
    return escaped if good and parts.netloc.isascii() and len(escaped) <= MAX_URL else (url.strip() if good else None)


def first_name(contact: Contact | None) -> str | None:
    """The first name to greet with, or None where the name is a role, a title or no name at all."""
    if contact is None or contact.is_role_address or not contact.name:
        return None
    for part in contact.name.split():
        if part.rstrip(".").casefold() in _TITLES:
            if part.casefold() in {"the", "team", "editor", "editors", "editorial"}:
                return None
            continue
        return part if _NAME.match(part) and 1 < len(part) <= 30 else None
    return None


def _fit(
    site: Site, pages: list[Page], prospect: Prospect, *, their_page: str | None, quote: str | None, target: str | None
) -> Offer | None:
    if target is not None:
        for page in pages:
            if page_key(page.url) == page_key(target):
                return Offer(page, 1, say("Our page is the one that they linked to"))
    return offer(site, pages, prospect, their_page=their_page, quote=quote)


def _of_angle(pages: list[Page], *, lost: bool, unlinked: bool) -> list[Page]:
    """The pages that the angle may offer, which these facts speak for; all of them where none is kept for it."""
    if lost:
        angles = {Angle.LINK_RECLAMATION}
    elif unlinked:
        angles = {Angle.UNLINKED_MENTION}
    else:
        angles = {Angle.RESOURCE_REPLACEMENT, Angle.COVERAGE_GAP}
    return [page for page in pages if page.angle is None or page.angle in angles] or pages


def _covers(page: Page) -> str | None:
    text = page.summary or page.topic or page.title
    return text.strip().rstrip(".") or None


def afterwards(pitch: Pitch, *, sent_on: date | None = None) -> dict[str, str | None]:
    """The values for a mail after a pitch that was approved; without a day of its mail they name that of the approval."""
    return later_values(
        pitch.variables.get("values", {}), pitch.subject, sent_on or (pitch.approved_at or pitch.updated_at).date()
    )
