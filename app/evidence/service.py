"""The look for a reason: fetches the page that theirs links to and ours, reads what their site covers, and keeps what that proves.

A look is two transactions with the network between them, as the mention check is. It is repeated when it is older than
`evidence_days`, so that no mail states what was true a month ago.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from app.audit import service as audit
from app.db.work import SYSTEM, Database, UnitOfWork
from app.domain.angle_evidence import (
    GONE_AFTER,
    Compared,
    Covered,
    Look,
    State,
    compare,
    cover,
    topic_of,
)
from app.domain.pipeline import Stage
from app.domain.said import say
from app.errors import Conflict
from app.evidence import repository
from app.evidence.reading import Reader, links_to, read_site, with_sitemap_date
from app.evidence.stored import coverage_row, linked_row
from app.fetch.ports import Fetcher
from app.gaps.fit import offer
from app.jobs import Job
from app.log import get_logger
from app.models import AngleEvidence, Page, Prospect, Site
from app.prospects import service as prospects
from app.settings import Settings

log = get_logger("evidence")

MAX_TRIES = 3
_CLAIM = timedelta(minutes=15)
_OPEN = (Stage.PROSPECT, Stage.CHECKED_MENTION)
# The least of a budget that the comparison of two pages needs: their page, the linked one, ours.
_FOR_THE_LINK = 3


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


@dataclass(frozen=True, slots=True)
class _Task:
    prospect_id: int
    domain: str
    their_page: str
    target: str | None
    said: tuple[str, ...]
    ours: Page | None
    our_language: str
    dns_unknown_since: datetime | None
    now: datetime
    tries: int


def request(uow: UnitOfWork, settings: Settings, prospect_id: int) -> AngleEvidence:
    """Let the pages of a prospect be read for a reason (again), as soon as a worker is free.

    Raises Conflict when the operator has turned it off, or there is nothing to pitch now.
    """
    prospect = prospects.get(uow, prospect_id)
    if not settings.evidence_pages:
        raise Conflict(say("the look for reasons is turned off (GAPBRIDGE_EVIDENCE_PAGES is 0)"))
    if prospect.stage not in _OPEN:
        raise Conflict(
            say(
                "{domain} is {value}: there is nothing to pitch now", domain=prospect.domain, value=prospect.stage.value
            )
        )
    row = _row(uow, prospect_id)
    row.due_at, row.tries = uow.now(), 0
    uow.session.flush()
    uow.ring(Job.EVIDENCE_LOOK, prospect_id)
    if uow.actor != SYSTEM:
        audit.record(uow, "reasons.asked", "prospect", prospect_id, name=prospect.domain)
    return row


def is_fresh(row: AngleEvidence | None, settings: Settings, now: datetime) -> bool:
    """Whether what was seen may still be said."""
    return (
        row is not None and row.looked_at is not None and now - row.looked_at < timedelta(days=settings.evidence_days)
    )


def look(deps: Deps, prospect_id: int) -> AngleEvidence | None:
    """Look for a reason now, due or not; None when that is turned off or there is nothing to pitch. Safe to run twice."""
    if not deps.settings.evidence_pages:
        return None
    with deps.db.work() as uow:
        if prospects.get(uow, prospect_id).stage not in _OPEN:
            row = repository.of_prospect(uow.session, prospect_id)
            if row is not None:
                row.due_at = None
            return None
        _row(uow, prospect_id).due_at = uow.now()
        uow.session.flush()
    return look_if_due(deps, prospect_id)


def look_if_due(deps: Deps, prospect_id: int) -> AngleEvidence | None:
    """Look for a reason if that is due; what was seen, or None when there was nothing to do."""
    task = _claim(deps, prospect_id)
    if task is None:
        return None
    reader = Reader(deps.fetcher, deps.settings.evidence_pages)
    theirs = reader.page(task.their_page, "theirs")
    compared, ours = _compare(reader, task, theirs)
    # One reason is enough: their site is not read for a second one.
    covered = None if compared.state is State.FACT else _cover(reader, task, theirs, ours)
    with deps.db.work() as uow:
        row = _record(uow, deps.settings, task, compared, covered, reader)
    log.info(
        "evidence.looked",
        prospect_id=prospect_id,
        requests=len(reader.pages),
        linked=compared.state.value,
        coverage=covered.state.value if covered else None,
    )
    return row


def _row(uow: UnitOfWork, prospect_id: int) -> AngleEvidence:
    row = repository.of_prospect(uow.session, prospect_id)
    if row is None:
        row = AngleEvidence(prospect_id=prospect_id)
        uow.session.add(row)
        uow.session.flush()
    return row


def _claim(deps: Deps, prospect_id: int) -> _Task | None:
    with deps.db.work() as uow:
        now = uow.now()
        if not repository.claim(uow.session, prospect_id, now, now + _CLAIM):
            return None
        prospect = prospects.get(uow, prospect_id)
        row = _row(uow, prospect_id)
        uow.session.refresh(row)
        if prospect.stage not in _OPEN:
            row.due_at, row.tries = None, 0
            return None
        site = uow.session.get_one(Site, prospect.site_id)
        said = tuple(text for text in (prospect.best_page_title, prospect.anchor, prospect.best_page) if text)
        found = offer(site, repository.pages_of(uow.session, site.id), prospect)
        return _Task(
            prospect_id,
            prospect.domain,
            _start(prospect),
            prospect.target,
            said,
            found.page if found is not None and found.score else None,
            site.language or "",
            row.dns_unknown_since,
            now,
            row.tries,
        )


def _start(prospect: Prospect) -> str:
    text = (prospect.best_page or "").strip().replace(" ", "%20")
    return (text if "://" in text else f"https://{text}") if text else f"https://{prospect.domain}/"


def _compare(reader: Reader, task: _Task, theirs: Look) -> tuple[Compared, Look | None]:
    """The linked page against ours; the look at ours is kept for its language."""
    if not task.target:
        return Compared(State.NO_FACT, "no export names the page that they link to"), None
    page = theirs.outline
    if page is None:
        why = theirs.problem or f"it answers {theirs.status}"
        return Compared(State.UNKNOWN, f"their page could not be read ({why})"), None
    if not links_to(page, task.target):
        if not page.whole:
            return Compared(State.UNKNOWN, "their page could not be read in full"), None
        return Compared(State.NO_FACT, f"their page does not link to {task.target} any more"), None
    linked = reader.page(task.target, "linked")
    ours = reader.page(task.ours.url, "ours") if task.ours is not None and linked.status == 200 else None
    if ours is not None:
        linked = with_sitemap_date(reader, linked)
    about = (task.ours.title, task.ours.topic) if task.ours is not None else ()
    return compare(linked, ours, about, now=task.now, dns_unknown_since=task.dns_unknown_since), ours


def _cover(reader: Reader, task: _Task, theirs: Look, ours: Look | None) -> Covered:
    if task.ours is None:
        return Covered(State.NO_FACT, "none of your pages shares a topic with theirs")
    title = theirs.outline.title if theirs.outline is not None else None
    topic = topic_of(task.ours.title, task.ours.topic, [*task.said, title])
    if topic is None:
        return cover((), None, one_language=None, today=task.now.date())
    if reader.left < _FOR_THE_LINK:
        return Covered(State.UNKNOWN, f"the budget of {reader.budget} requests does not reach for their site")
    site = read_site(reader, task.domain, task.their_page, sorted(topic.shared))
    language = site.language or (theirs.outline.lang if theirs.outline is not None else "")
    mine = task.our_language or (ours.outline.lang if ours is not None and ours.outline is not None else "")
    same = language[:2].lower() == mine[:2].lower() if language and mine else None
    return cover(site.articles, topic, one_language=same, today=task.now.date())


def _record(
    uow: UnitOfWork, settings: Settings, task: _Task, compared: Compared, covered: Covered | None, reader: Reader
) -> AngleEvidence:
    row = _row(uow, task.prospect_id)
    row.page_id = task.ours.id if task.ours is not None else None
    row.linked_state, row.linked, row.linked_note = compared.state, linked_row(compared.fact), compared.sentence
    row.coverage_state = covered.state if covered else None
    row.coverage = coverage_row(covered.fact) if covered else None
    row.coverage_note = covered.sentence if covered else "their site was not read, for a better reason was found"
    row.pages, row.looked_at = reader.pages, uow.now()
    row.dns_unknown_since = (row.dns_unknown_since or uow.now()) if compared.dns_gone else None
    unsure = State.UNKNOWN in (compared.state, row.coverage_state)
    if State.FACT in (compared.state, row.coverage_state):
        # Before it is too old to be said: `evidence_days` less the time of a look.
        row.due_at, row.tries = uow.now() + timedelta(days=settings.evidence_days), 0
    elif unsure and task.tries < MAX_TRIES:
        row.due_at = uow.now() + GONE_AFTER
    else:
        row.due_at, row.tries = None, 0
    prospects.note(
        uow,
        task.prospect_id,
        "reasons_looked_for",
        actor="checker",
        linked=compared.state.value,
        coverage=covered.state.value if covered else None,
        sentence=compared.sentence if compared.state is State.FACT or not covered else covered.sentence,
        requests=len(reader.pages),
    )
    uow.session.flush()
    return row
