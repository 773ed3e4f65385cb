"""A link to us that was seen, or that a person vouches for: the one place where links are recorded and prospects are won.

The mention check, the link check and the look before a follow-up all end here, so that a win is always the same thing: a
row in `link`, a stage event, and a blocking event that ends whatever is under way.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.db.work import UnitOfWork
from app.domain.blocking import Blocking
from app.domain.link_target import Target, on_site
from app.domain.link_verdict import Finding
from app.domain.link_watch import DayState, Trouble
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import TRANSITIONS, Event, Facts
from app.domain.said import say
from app.domain.wins import why_doubtful
from app.errors import BadInput, FieldProblem, NotFound
from app.models import Link, LinkCheck, LinkState, Page, Site
from app.prospects import repository, service

_MAX_URL = 2000
_FIRST_CHECK = timedelta(days=1)


def target_of(session: Session, site_id: int) -> Target:
    """What counts as ours for a site: its domains, old ones included, and its pages; of those put away, the ones on its domains."""
    site = session.get(Site, site_id)
    if site is None:
        raise NotFound(say("there is no site {site_id}", site_id=site_id))
    pages = session.execute(select(col(Page.url), col(Page.archived_at)).where(col(Page.site_id) == site_id)).all()
    ours = Target(tuple(site.domains))
    return Target(ours.domains, tuple(url for url, archived_at in pages if archived_at is None or ours.match(url)))


def require_theirs(url: str, domain: str) -> None:
    """Raise BadInput (field `url`) where `url` is not a page of `domain`."""
    if not on_site(url, domain):
        raise BadInput(
            say("{url} is not a page of {domain}", url=url, domain=domain),
            FieldProblem("url", say("Enter an address on {domain}", domain=domain)),
        )


def record_seen(uow: UnitOfWork, prospect_id: int, finding: Finding, *, actor: str) -> Link:
    """Keep the best link of a `linked` finding, and let the prospect be won if it was not.

    The same page of a prospect has one link row: seen again, it is brought up to date. Raises BadInput when the finding
    holds no link, or none that is a win by itself (`app.domain.wins`).
    """
    seen = finding.link
    if seen is None or finding.verdict is not MentionVerdict.LINKED or why_doubtful(seen):
        raise BadInput(say("only a link that was parsed from a page can be recorded as seen"))
    prospect = service.get(uow, prospect_id)
    repository.lock(uow.session, prospect_id)
    now = uow.now()
    source = (finding.final_url or finding.url)[:_MAX_URL]
    link = link_at(uow.session, prospect_id, source) or link_at(uow.session, prospect_id, finding.url)
    if link is None:
        link = Link(
            site_id=prospect.site_id,
            prospect_id=prospect_id,
            source_url=source,
            state=LinkState.LIVE,
            verified=True,
            first_seen_at=now,
        )
    else:
        link.first_seen_at = link.first_seen_at if link.verified else now
        link.state = LinkState.CHANGED if link.state is LinkState.CHANGED else LinkState.LIVE
    link.verified = True
    show(link, finding)
    link.lost_at = link.first_missing_at = None
    if link.state is not LinkState.CHANGED:
        link.changed_at = link.changed_proved_at = link.trouble = link.trouble_detail = None
    link.last_seen_at = link.last_checked_at = now
    link.check_due_at = now + _FIRST_CHECK
    uow.session.add(link)
    uow.session.flush()
    uow.session.add(check_row(link.id, finding, uow, DayState(link.state.value), link.trouble))
    _win(uow, prospect_id, Facts(link_parsed=True), actor=actor, link=link)
    return link


def record_override(uow: UnitOfWork, prospect_id: int, *, url: str, reason: str, actor: str) -> Link:
    """A person vouches for a link that the checker does not see. It wins the prospect, and no report counts it as verified.

    Raises BadInput without a reason, and for a page of another site (field `url`).
    """
    if not reason.strip():
        raise BadInput(say("give the reason why this is a win although no link was seen"))
    prospect = service.get(uow, prospect_id)
    require_theirs(url, prospect.domain)
    repository.lock(uow.session, prospect_id)
    now = uow.now()
    link = link_at(uow.session, prospect_id, url[:_MAX_URL])
    if link is None:
        link = Link(
            site_id=prospect.site_id,
            prospect_id=prospect_id,
            source_url=url[:_MAX_URL],
            state=LinkState.UNKNOWN,
            verified=False,
            first_seen_at=now,
        )
    link.override_reason = reason.strip()
    # The checker goes on looking: once it sees the link, the win is verified.
    link.check_due_at = now + _FIRST_CHECK
    uow.session.add(link)
    uow.session.flush()
    _win(uow, prospect_id, Facts(reason=reason.strip()), actor=actor, link=link)
    return link


def link_at(session: Session, prospect_id: int, source_url: str) -> Link | None:
    """The link row of one page of a prospect."""
    return session.execute(
        select(Link).where(col(Link.prospect_id) == prospect_id, col(Link.source_url) == source_url)
    ).scalar_one_or_none()


def show(link: Link, finding: Finding) -> None:
    """Write what was seen of the link onto its row."""
    seen = finding.link
    if seen is None:
        return
    link.target_url = seen.final_url[:_MAX_URL]
    link.rel = list(seen.rel)
    link.dofollow = seen.follow
    link.anchor = seen.anchor or None
    link.context = seen.surrounding or None


def check_row(link_id: int, finding: Finding, uow: UnitOfWork, state: DayState, trouble: Trouble | None) -> LinkCheck:
    """One line of a link's history, with what the look made of the link."""
    return LinkCheck(
        link_id=link_id,
        verdict=finding.verdict.value,
        good_fetch=finding.good_fetch,
        state=state,
        trouble=trouble,
        facts=facts_of(finding),
        at=uow.now(),
    )


def facts_of(finding: Finding) -> dict[str, Any]:
    """A finding as JSON for the history: status, reason, what the page says about itself, and the link."""
    seen = finding.link
    facts: dict[str, Any] = {
        "status": finding.status,
        "final_url": finding.final_url or None,
        "reason": finding.reason or None,
        "sentence": finding.sentence or None,
        "robots": list(finding.robots),
        "canonical": finding.canonical,
        "canonical_elsewhere": finding.canonical_elsewhere,
    }
    if finding.unchanged_since is not None:
        facts["unchanged_since"] = finding.unchanged_since.isoformat()
    if finding.rendered:
        facts["rendered"] = True
    if finding.words is not None:
        facts |= {"words": finding.words, "own_words": finding.own_words}
    if seen is not None:
        facts |= {
            "url": seen.url,
            "target": seen.final_url,
            "match": seen.match,
            "rel": list(seen.rel),
            "dofollow": seen.follow,
            "anchor": seen.anchor,
            "hidden": seen.hidden,
            "via": list(seen.via),
        }
    return facts


def _win(uow: UnitOfWork, prospect_id: int, facts: Facts, *, actor: str, link: Link) -> None:
    stage = service.get(uow, prospect_id).stage
    if Event.LINK_SEEN not in TRANSITIONS[stage]:
        return  # won already: one more link is one more row, not one more win
    data = {"link_id": link.id, "source_url": link.source_url, "target_url": link.target_url, "verified": link.verified}
    # The block first: whatever waits in the outbox is stopped by it, also when the move is lost to somebody else.
    service.block(uow, prospect_id, Blocking.LINK_SEEN, detail=link.source_url)
    service.apply(uow, prospect_id, Event.LINK_SEEN, facts, actor=actor, data=data)
