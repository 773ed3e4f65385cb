"""Links that were won: looked at every day, lost only on proof, and found again.

Each look is two transactions with the network between them: the first claims it, the second records what was seen.
A fetch that failed is "unknown". A link is lost after two good fetches without it that lie at least `link_lost_after`
apart, with none between them that saw it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from app.db.work import Database, UnitOfWork
from app.domain.ahead import due_or_under_way
from app.domain.link_target import page_key
from app.domain.link_verdict import Finding, collapsed
from app.domain.link_watch import DayState, Trouble, changes, doubt_of, loss_of
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Event, Facts, Stage
from app.domain.said import say
from app.domain.wins import as_a_win
from app.errors import NotFound
from app.fetch.memories import PageMemories
from app.fetch.ports import Fetcher, Renderer
from app.fetch.visit import visit
from app.jobs import Job
from app.keys import page_url
from app.links import repository
from app.log import get_logger
from app.models import Link, LinkState, MentionCheck, Site
from app.prospects import placements
from app.prospects import service as prospects
from app.settings import Settings

log = get_logger("links")

ACTOR = "checker"
_CLAIM = timedelta(minutes=15)
_MAX_DETAIL = 2000


class Deps(Protocol):
    """The wired dependencies that a look uses."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def fetcher(self) -> Fetcher:
        """The guarded client."""

    @property
    def renderer(self) -> Renderer | None:
        """What draws pages that show nothing without scripts; None: nothing does."""

    @property
    def settings(self) -> Settings:
        """The settings."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One look for a link: whether it was seen (and then recorded as a win), and the finding that says why or why not."""

    seen: bool
    finding: Finding


def check_link(deps: Deps, link_id: int) -> LinkState | None:
    """Look at a link's page if that is due; its state after it, or None when there was nothing to do."""
    with deps.db.work() as uow:
        now = uow.now()
        if not repository.claim(uow.session, link_id, now, now + _CLAIM):
            return None
        link = get(uow, link_id)
        source = link.source_url
        target = placements.target_of(uow.session, link.site_id)
        brands = _brands(uow, link.site_id)
        # A loss, a change and a way back are proved by the page itself, never by a server that says "unchanged".
        sure = link.state is LinkState.LIVE and link.verified and link.trouble is None
    memory = PageMemories(deps.db, deps.settings.fetch_full_after)
    finding = visit(
        deps.fetcher, source, target, brands=brands, memory=memory, trust=sure, renderer=deps.renderer
    ).finding
    with deps.db.work() as uow:
        state = _record(uow, deps.settings, link_id, finding)
    log.info(
        "links.checked", link_id=link_id, state=state.value, verdict=finding.verdict.value, good=finding.good_fetch
    )
    return state


def look_for_link(deps: Deps, prospect_id: int, page: str | None = None, *, actor: str = ACTOR) -> Sighting:
    """Look for a link on `page` (or the prospect's best page); one that is there is recorded, and the prospect is won.

    For the look before each follow-up, and for a person who says "it is live". Makes its own transactions: call it
    outside of any. Never raises for what the page or its server does; BadInput when `page` is not on their domain.
    """
    with deps.db.read() as look:
        prospect = prospects.get(look, prospect_id)
        target = placements.target_of(look.session, prospect.site_id)
        brands = _brands(look, prospect.site_id)
        if page is not None:
            placements.require_theirs(page, prospect.domain)
        url = page_url(page or prospect.best_page or f"{prospect.domain}/")
    finding = as_a_win(visit(deps.fetcher, url, target, brands=brands, renderer=deps.renderer).finding)
    if finding.verdict is not MentionVerdict.LINKED:
        return Sighting(False, finding)
    with deps.db.work() as uow:
        placements.record_seen(uow, prospect_id, finding, actor=actor)
    return Sighting(True, finding)


def record_seen(uow: UnitOfWork, prospect_id: int, finding: Finding, *, actor: str = ACTOR) -> Link:
    """See `app.prospects.placements.record_seen`."""
    return placements.record_seen(uow, prospect_id, finding, actor=actor)


def override_win(uow: UnitOfWork, prospect_id: int, *, url: str, reason: str, actor: str) -> Link:
    """A person vouches for a link that the checker does not see: won, but not counted as verified."""
    return placements.record_override(uow, prospect_id, url=url, reason=reason, actor=actor)


def request(uow: UnitOfWork, link_id: int) -> Link:
    """Let a link be looked at now, as soon as a worker is free."""
    link = get(uow, link_id)
    link.check_due_at = uow.now()
    uow.ring(Job.LINKS_CHECK, link_id)
    return link


def waits(check_due_at: datetime | None, now: datetime) -> bool:
    """Whether a look is due or under way, or comes by itself within minutes."""
    return due_or_under_way(check_due_at, _CLAIM, now)


def get(uow: UnitOfWork, link_id: int) -> Link:
    """The link; raises NotFound."""
    found = uow.session.get(Link, link_id)
    if found is None:
        raise NotFound(say("there is no link {link_id}", link_id=link_id))
    return found


def _record(uow: UnitOfWork, settings: Settings, link_id: int, finding: Finding) -> LinkState:
    link = get(uow, link_id)
    now = uow.now()
    finding = collapsed(finding, *repository.words_when_seen(uow.session, link_id))
    if not link.verified or link.state is LinkState.LOST:
        finding = as_a_win(finding)
    if finding.verdict is MentionVerdict.LINKED:
        _still_there(uow, settings, link, finding, now)
    elif finding.good_fetch:
        _missing(uow, settings, link, finding, now)
    else:
        trouble = doubt_of(finding.reason)
        uow.session.add(placements.check_row(link_id, finding, uow, DayState.UNKNOWN, trouble))
        if link.state is not LinkState.LOST:
            link.state = LinkState.UNKNOWN
            if link.first_missing_at is None and link.changed_at is None:
                link.trouble, link.trouble_detail = trouble, finding.sentence[:_MAX_DETAIL] or None
    link.last_checked_at = now
    link.check_due_at = _next_check(settings, link, now)
    uow.session.flush()
    return link.state


def _still_there(uow: UnitOfWork, settings: Settings, link: Link, finding: Finding, now: datetime) -> None:
    if not link.verified or link.state is LinkState.LOST:
        # Vouched for and now seen, or lost and now back: the same as a link that is seen for the first time.
        placements.record_seen(uow, link.prospect_id, finding, actor=ACTOR)
        return
    before = repository.first_seen_facts(uow.session, link.id)
    worse = changes(before, placements.facts_of(finding))
    link.state = LinkState.CHANGED if worse else LinkState.LIVE
    link.trouble, link.trouble_detail = (worse[0] if worse else None), _detail(finding, worse)
    known = link.changed_at is not None
    # A look that could not be made between two that saw it does not begin the count anew.
    link.changed_at = (link.changed_at or now) if worse else None
    if link.changed_at is None:
        link.changed_proved_at = None
    elif link.changed_proved_at is None and now - link.changed_at >= settings.link_lost_after:
        link.changed_proved_at = now
    uow.session.add(placements.check_row(link.id, finding, uow, DayState(link.state.value), link.trouble))
    placements.show(link, finding)
    link.last_seen_at, link.first_missing_at = now, None
    if worse and not known:
        names = [trouble.value for trouble in worse]
        prospects.note(uow, link.prospect_id, "link_changed", actor=ACTOR, link_id=link.id, changes=names)


def _detail(finding: Finding, worse: list[Trouble]) -> str | None:
    """The proof of a change in words of the page itself."""
    if not worse or finding.link is None:
        return None
    rel, robots = " ".join(finding.link.kinds), ", ".join(finding.robots)
    detail = {
        Trouble.NOFOLLOW: f'rel="{rel}"'
        if rel and not {"nofollow", "none"} & set(finding.robots)
        else f"robots: {robots}",
        Trouble.NOINDEX: f"robots: {robots}",
        Trouble.CANONICAL: finding.canonical,
        Trouble.TARGET: finding.link.final_url,
    }.get(worse[0])
    return detail[:_MAX_DETAIL] if detail else None


def _missing(uow: UnitOfWork, settings: Settings, link: Link, finding: Finding, now: datetime) -> None:
    moved = page_key(finding.final_url or link.source_url) != page_key(link.source_url)
    reason = loss_of(finding.reason, moved=moved)
    proved = (
        link.first_missing_at is not None
        and now - link.first_missing_at >= settings.link_lost_after
        and link.state is not LinkState.LOST
    )
    lost = link.verified and (proved or link.state is LinkState.LOST)
    state = DayState.LOST if lost else DayState.MISSING
    uow.session.add(placements.check_row(link.id, finding, uow, state, reason))
    if not link.verified:
        # Nobody but a person has ever seen it, so there is nothing that could be lost.
        return
    link.trouble = reason
    link.trouble_detail = {
        Trouble.PAGE_GONE: str(finding.status),
        Trouble.REDIRECTED: finding.final_url[:_MAX_DETAIL],
    }.get(reason)
    if link.state is LinkState.UNKNOWN:
        link.state = LinkState.LIVE  # the page could be read again; `first_missing_at` says that the link is in doubt
    if link.first_missing_at is None:
        link.first_missing_at = now
    if not proved:
        return
    link.state, link.lost_at = LinkState.LOST, now
    prospect = prospects.get(uow, link.prospect_id)
    data = {"link_id": link.id, "source_url": link.source_url, "target_url": link.target_url}
    if prospect.stage is not Stage.WON or repository.others_standing(uow.session, link):
        prospects.note(uow, link.prospect_id, "link_gone", actor=ACTOR, reason=reason.value, **data)
        return
    row = MentionCheck(
        prospect_id=prospect.id,
        verdict=finding.verdict,
        url=finding.final_url or finding.url,
        quote=finding.mention.quote if finding.mention else None,
        reason=finding.reason or None,
        pages=[{"url": finding.url, "status": finding.status, "verdict": finding.verdict.value, "at": now.isoformat()}],
        checked_at=now,
    )
    uow.session.add(row)
    uow.session.flush()
    prospect.mention, prospect.mention_check_id = finding.verdict, row.id
    prospects.apply(
        uow, prospect.id, Event.LINK_LOST, Facts(good_failed_checks=2), actor=ACTOR, reason=reason.value, data=data
    )


def _next_check(settings: Settings, link: Link, now: datetime) -> datetime | None:
    if link.state is LinkState.LOST:
        # Somebody may put it back by themselves; a look each week finds that.
        return now + 7 * settings.link_check_interval
    due = now + settings.link_check_interval
    if link.first_missing_at is not None:
        due = min(due, max(now + timedelta(hours=1), link.first_missing_at + settings.link_lost_after))
    return due


def _brands(uow: UnitOfWork, site_id: int) -> list[str]:
    site = uow.session.get(Site, site_id)
    return list(site.brand_names) if site else []
