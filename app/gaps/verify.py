"""Verifies domains out of the web graph: reads pages of theirs within a budget until one really links to a competitor.

The front page first, then what it, the sitemap, the feed and the site's own search name, most likely pages first. Every request goes
through the guarded client and counts against the budget. A claim and a record are two transactions with the network between them.
"""

from __future__ import annotations

import heapq
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Protocol, cast
from urllib.parse import quote

from sqlalchemy import CursorResult, and_, or_, select, update
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.parts import parts
from app.db.work import Database, UnitOfWork
from app.domain.link_target import Target, on_site
from app.domain.link_verdict import COLLAPSED, LinkFact, SeenLink, judge
from app.domain.pipeline import Stage
from app.domain.said import say
from app.domain.verification import OPEN, Verification, labels, ranked
from app.errors import NotFound
from app.fetch.parsing import PageTooComplex, parser_pool
from app.fetch.ports import Fetched, Fetcher, NotFetched, Reason
from app.fetch.urls import resolve
from app.fetch.visit import read
from app.fetch.whereabouts import feed_of, sitemap_of
from app.jobs import Job
from app.models import Prospect, Snapshot
from app.settings import Settings

#: Domains of a site that are looked at by themselves after the web graph was read, best first.
AT_ONCE = 200
_PROVIDER = "common-crawl"
_CLAIM = timedelta(minutes=15)
_LISTED = 300
_ITEM = re.compile(r"<(?:item|entry)[\s>]", re.IGNORECASE)
_ITEM_LINK = re.compile(r"<link>\s{0,20}([^<\s]{8,2000})|<link[^>]{0,300}?href=[\"']([^\"'\s]{8,2000})", re.IGNORECASE)


class Deps(Protocol):
    """The wired dependencies that a look uses."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def fetcher(self) -> Fetcher:
        """The guarded client."""

    @property
    def settings(self) -> Settings:
        """The settings."""

    @property
    def stopping(self) -> threading.Event:
        """Set when the workers stop."""


@dataclass(slots=True)
class Outcome:
    """What became of a look: the verdict, the link with the page that it stands on, and every page that was asked for."""

    verdict: Verification
    page: str | None = None
    title: str | None = None
    link: SeenLink | None = None
    pages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def read(self) -> int:
        """How many pages could be read."""
        return sum(1 for line in self.pages if line["kind"] == "page" and line["problem"] is None)


def mark(uow: UnitOfWork, site_id: int, snapshots: Sequence[Snapshot]) -> int:
    """Hold back the domains that only the web graph names until they are verified, and let go those that a tool names by now.

    Called after a gap was written into the prospects. The best `AT_ONCE` are due to be looked at; how many are.
    """
    session = uow.session
    graphs = [one.provider == _PROVIDER for one in snapshots if one.role.value != "ours"]
    of_site = (col(Prospect.site_id) == site_id, col(Prospect.stage) == Stage.PROSPECT, col(Prospect.mention).is_(None))
    plain = {"synchronize_session": False}
    known = and_(*of_site, col(Prospect.best_page).is_not(None), col(Prospect.verification).in_(OPEN))
    session.execute(
        update(Prospect)
        .where(known)
        .values(verification=None, verify_due_at=None, mention_due_at=uow.now())
        .execution_options(**plain)
    )
    if not any(graphs):
        return 0
    only = col(Prospect.authority_provider) == _PROVIDER
    if all(graphs):
        only = or_(only, col(Prospect.authority_provider).is_(None))
    claim = and_(*of_site, col(Prospect.best_page).is_(None), col(Prospect.verification).is_(None), only)
    session.execute(
        update(Prospect)
        .where(claim)
        .values(verification=Verification.TO_VERIFY, mention_due_at=None)
        .execution_options(**plain)
    )
    session.expire_all()
    # The gap knows no page of these; the look did.
    lost = select(Prospect).where(
        col(Prospect.site_id) == site_id,
        col(Prospect.verification) == Verification.VERIFIED,
        col(Prospect.best_page).is_(None),
    )
    for prospect in session.execute(lost).scalars():
        _show(prospect, dict(prospect.verified or {}))
    return request(uow, site_id, AT_ONCE)


def request(uow: UnitOfWork, site_id: int, limit: int, *, again: bool = False, actor: str | None = None) -> int:
    """Let the best `limit` domains that wait for it be verified; `again`: also those that were looked at without a link.

    With `actor`, who asked for it, it stands in the audit.
    """
    wanted = OPEN if again else (Verification.TO_VERIFY,)
    best = (
        select(col(Prospect.id))
        .where(
            col(Prospect.site_id) == site_id,
            col(Prospect.stage) == Stage.PROSPECT,
            col(Prospect.verification).in_(wanted),
            col(Prospect.verify_due_at).is_(None),
        )
        .order_by(col(Prospect.rank_key), col(Prospect.id))
        .limit(limit)
    )
    ids = list(uow.session.execute(best).scalars())
    for some in parts(ids):
        due = update(Prospect).where(col(Prospect.id).in_(some)).values(verify_due_at=uow.now())
        uow.session.execute(due.execution_options(synchronize_session=False))
    uow.session.expire_all()
    if actor is not None:
        after = {"domains": len(ids), "again": again}
        audit.record(uow, "gap.verification-asked", "site", site_id, after=after, actor=actor)
    return len(ids)


def due(session: Session, now: datetime) -> Sequence[int]:
    """Domains that are to be verified now, best first."""
    statement = (
        select(col(Prospect.id))
        .where(col(Prospect.verify_due_at) <= now)
        .order_by(col(Prospect.verify_due_at), col(Prospect.rank_key))
        .limit(1000)
    )
    return session.execute(statement).scalars().all()


def due_of(session: Session, site_id: int, now: datetime) -> Sequence[int]:
    """The same for one site."""
    statement = (
        select(col(Prospect.id))
        .where(col(Prospect.site_id) == site_id, col(Prospect.verify_due_at) <= now)
        .order_by(col(Prospect.rank_key), col(Prospect.id))
    )
    return session.execute(statement).scalars().all()


def verify(deps: Deps, prospect_id: int) -> Verification | None:
    """Look for the link of one domain if that is due; the verdict, or None when there was nothing to do."""
    with deps.db.work() as uow:
        now = uow.now()
        claimed = uow.session.execute(
            update(Prospect)
            .where(col(Prospect.id) == prospect_id, col(Prospect.verify_due_at) <= now)
            .values(verify_due_at=now + _CLAIM)
            .execution_options(synchronize_session=False)
        )
        if cast(CursorResult[object], claimed).rowcount != 1:
            return None
        prospect = uow.session.get(Prospect, prospect_id)
        if prospect is None:
            raise NotFound(say("there is no prospect {prospect_id}", prospect_id=prospect_id))
        domain, competitors = prospect.domain, tuple(prospect.competitors)
    outcome = look(deps.fetcher, domain, competitors, deps.settings.verify_pages, deps.stopping)
    with deps.db.work() as uow:
        found = uow.session.get_one(Prospect, prospect_id)
        found.verify_due_at = uow.now() if outcome is None else None
        if outcome is None:
            return None
        if found.verification not in OPEN:
            return found.verification  # a person has taken it on meanwhile
        found.verification = outcome.verdict
        evidence: dict[str, Any] = {"at": uow.now().isoformat(), "read": outcome.read, "pages": outcome.pages}
        if outcome.link is not None:
            link = outcome.link
            evidence |= {"page": outcome.page, "title": outcome.title, "target": link.final_url, "anchor": link.anchor}
            evidence |= {"rel": list(link.rel), "dofollow": link.follow}
            _show(found, evidence)
            found.mention_due_at, found.mention_tries = uow.now(), 0
            uow.ring(Job.MENTIONS_CHECK, prospect_id)
        found.verified = evidence
        found.updated_at = uow.now()
    return outcome.verdict


def _show(prospect: Prospect, evidence: dict[str, Any]) -> None:
    """Write the link that was seen where the evidence of a tool would stand."""
    prospect.best_page, prospect.best_page_title = evidence.get("page"), evidence.get("title") or None
    prospect.target, prospect.anchor = evidence.get("target"), evidence.get("anchor") or None
    prospect.dofollow = evidence.get("dofollow")
    prospect.known_pages = [evidence["page"]] if evidence.get("page") else []


def look(
    fetcher: Fetcher, domain: str, competitors: Sequence[str], budget: int, stopping: threading.Event | None = None
) -> Outcome | None:
    """Read pages of `domain` with at most `budget` requests until one links to a competitor.

    None when `stopping` was set before the end: what was read so far says nothing.
    """
    search = _Search(fetcher, domain, Target(tuple(competitors)), labels(competitors), budget)
    return search.run(stopping or threading.Event())


class _Search:
    """One search on one site: a queue of its pages, best first."""

    def __init__(self, fetcher: Fetcher, domain: str, target: Target, names: Sequence[str], budget: int) -> None:
        self._fetcher = fetcher
        self._domain = domain
        self._target = target
        self._names = names
        self._budget = budget
        self._pages: list[dict[str, Any]] = []
        self._queue: list[tuple[int, int, str]] = []
        self._known: set[str] = set()
        self._order = count()
        # Where the first page and its robots.txt say that the lists of the site are.
        self._feeds: tuple[str, ...] = ()
        self._sitemaps: tuple[str, ...] = ()

    def run(self, stopping: threading.Event) -> Outcome | None:
        origin = f"https://{self._domain}"
        seen = self._page(f"{origin}/")
        if seen is None and self._pages[-1]["problem"] in {Reason.TLS.value, Reason.CONNECTION.value}:
            origin = f"http://{self._domain}"
            seen = self._page(f"{origin}/")
        if isinstance(seen, Outcome):
            return seen
        if seen is None:
            return self._end()
        self._list(feed_of(self._feeds, origin), "feed")
        self._list(sitemap_of(self._sitemaps, origin), "sitemap")
        if self._names:
            found = self._page(f"{origin}/?s={quote(self._names[0])}", "search")
            if isinstance(found, Outcome):
                return found
        while self._queue and len(self._pages) < self._budget:
            if stopping.is_set():
                return None
            found = self._page(heapq.heappop(self._queue)[2])
            if isinstance(found, Outcome):
                return found
        return self._end()

    def _end(self) -> Outcome:
        read = any(line["kind"] == "page" and line["problem"] is None for line in self._pages)
        return Outcome(Verification.NOT_FOUND if read else Verification.COULD_NOT_CHECK, pages=self._pages)

    def _page(self, url: str, kind: str = "page") -> Outcome | bool | None:
        """One page: the outcome where it has the link, True where it was read and has not, None where it could not be read."""
        answer = self._ask(url, kind)
        if answer is None:
            return None
        line = self._pages[-1]
        try:
            facts = read(answer, self._target)
        except PageTooComplex:
            line["problem"] = "page-too-complex"
            return None
        if len(self._pages) == 1:
            self._feeds, self._sitemaps = _feeds(answer), answer.sitemaps
        visible = [link for link in judge(facts, self._target).links if not link.hidden]
        if visible and kind == "page":
            return Outcome(Verification.VERIFIED, answer.final_url, facts.title or None, visible[0], self._pages)
        if facts.needs_scripts:
            line["problem"] = "needs-rendering"
        elif facts.wall:
            line["problem"] = COLLAPSED
        self._want(facts.links)
        return True if line["problem"] is None else None

    def _list(self, url: str, kind: str) -> None:
        """The pages that a feed or sitemap names; an entry of a feed that names a competitor's host comes first of all."""
        answer = self._ask(url, kind)
        if answer is None:
            return
        line = self._pages[-1]
        try:
            listed = parser_pool().listing(answer.text, answer.final_url, cut=answer.truncated)
        except PageTooComplex:
            line["problem"] = "page-too-complex"
            return
        if listed.kind == "none":
            line["problem"] = "no-list"
        elif listed.kind == "index":
            part = next((url for url in listed.parts if on_site(url, self._domain)), None)
            if part is not None and kind != "sitemap-part":
                self._list(part, "sitemap-part")
        elif listed.kind == "feed":
            near = self._items_with_them(answer.text, answer.final_url)
            for entry in listed.entries[:_LISTED]:
                self._put(entry.article.url, 9 if entry.article.url in near else 1)
        else:
            self._want([LinkFact(entry.article.url, entry.article.title, (), 0, 0) for entry in listed.entries])

    def _items_with_them(self, text: str, base: str) -> set[str]:
        """The pages of those items of a feed whose source has the address of a competitor anywhere."""
        near: set[str] = set()
        for piece in _ITEM.split(text)[1:_LISTED]:
            link = _ITEM_LINK.search(piece)
            address = resolve(base, link[1] or link[2]) if link else None
            if address and any(host in piece.lower() for host in self._target.hosts):
                near.add(address)
        return near

    def _want(self, links: Sequence[LinkFact]) -> None:
        for place, url in enumerate(ranked(links, self._domain, self._names)[:_LISTED]):
            named = any(name in url.lower() for name in self._names)
            self._put(url, (6 if named else 3) - min(place // 10, 3))

    def _put(self, url: str, score: int) -> None:
        if url not in self._known and on_site(url, self._domain):
            self._known.add(url)
            heapq.heappush(self._queue, (-score, next(self._order), url))

    def _ask(self, url: str, kind: str) -> Fetched | None:
        if len(self._pages) >= self._budget:
            return None
        self._known.add(url)
        answer = self._fetcher.fetch(url, read="html" if kind in {"page", "search"} else "any")
        line: dict[str, Any] = {"url": url, "kind": kind, "status": None, "problem": None}
        self._pages.append(line)
        if isinstance(answer, NotFetched):
            line["problem"] = answer.reason.value
            return None
        line["status"] = answer.status
        if answer.status != 200:
            line["problem"] = f"status-{answer.status}"
        elif not on_site(answer.final_url, self._domain):
            line["problem"] = "left-the-site"
        return answer if line["problem"] is None else None


def _feeds(page: Fetched) -> tuple[str, ...]:
    try:
        return tuple(parser_pool().outline(page.text, page.final_url, cut=page.truncated).feeds)
    except PageTooComplex:
        return ()
