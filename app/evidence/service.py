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
from app.domain.ahead import due_or_under_way
from app.domain.angle_coverage import Covered, cover, topic_of
from app.domain.angle_evidence import GONE_AFTER, Compared, Look, State, compare
from app.domain.language import first_code
from app.domain.pipeline import Stage
from app.domain.said import say
from app.errors import Conflict
from app.evidence import repository
from app.evidence.reading import Reader, links_to, read_site, with_sitemap_date
from app.evidence.stored import coverage_row, linked_row
from app.fetch.ports import Fetcher
from app.gaps.fit import offer
from app.jobs import Job
from app.keys import start_page
from app.log import get_logger
from app.models import AngleEvidence, Page, Site
from app.prospects import service as prospects
from app.settings import Settings
from app.topics import subject_words

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


def waits(row: AngleEvidence | None, now: datetime) -> bool:
    """Whether a look is due or under way, or comes by itself within minutes."""
    return row is not None and due_or_under_way(row.due_at, _CLAIM, now)


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
            start_page(prospect.domain, prospect.best_page),
            prospect.target,
            said,
            found.page if found is not None and found.score else None,
            site.language or "",
            row.dns_unknown_since,
            now,
            row.tries,
        )


def _compare(reader: Reader, task: _Task, theirs: Look) -> tuple[Compared, Look | None]:
    """The linked page against ours; the look at ours is kept for its language."""
    if not task.target:
        return Compared(State.NO_FACT, say("no export names the page that they link to")), None
    page = theirs.outline
    if page is None:
        why = theirs.problem or say("it answers {status}", status=theirs.status)
        return Compared(State.UNKNOWN, say("their page could not be read ({why})", why=why)), None
    if not links_to(page, task.target):
        if not page.whole:
            return Compared(State.UNKNOWN, say("their page could not be read in full")), None
        return Compared(State.NO_FACT, say("their page does not link to {target} any more", target=task.target)), None
    linked = reader.page(task.target, "linked")
    ours = reader.page(task.ours.url, "ours") if task.ours is not None and linked.status == 200 else None
    if ours is not None:
        linked = with_sitemap_date(reader, linked)
    title, topic = (task.ours.title, task.ours.topic) if task.ours is not None else ("", None)
    gone = task.dns_unknown_since
    return compare(linked, ours, title, topic, subject_words, now=task.now, dns_unknown_since=gone), ours


def _cover(reader: Reader, task: _Task, theirs: Look, ours: Look | None) -> Covered:
    if task.ours is None:
        return Covered(State.NO_FACT, say("none of your pages shares a topic with theirs"))
    page = theirs.outline
    mine = first_code(task.our_language or (ours.outline.lang if ours is not None and ours.outline is not None else ""))
    said = [*task.said, page.title if page is not None else None]
    topic = topic_of(task.ours.title, task.ours.topic, said, mine, subject_words)
    today = task.now.date()
    if topic is None:
        return cover((), None, subject_words, one_language=True if mine else None, today=today)
    if reader.left < _FOR_THE_LINK:
        return Covered(
            State.UNKNOWN, say("the budget of {budget} requests does not reach for their site", budget=reader.budget)
        )
    site = read_site(reader, task.domain, task.their_page, topic)
    theirs_is = first_code(site.language) or first_code(page.lang if page is not None else None)
    same = theirs_is == mine if theirs_is else None
    return cover(site.articles, topic, subject_words, one_language=same, today=today)


def _record(
    uow: UnitOfWork, settings: Settings, task: _Task, compared: Compared, covered: Covered | None, reader: Reader
) -> AngleEvidence:
    row = _row(uow, task.prospect_id)
    row.page_id = task.ours.id if task.ours is not None else None
    row.linked_state, row.linked, row.linked_note = compared.state, linked_row(compared.fact), compared.sentence
    row.coverage_state = covered.state if covered else None
    row.coverage = coverage_row(covered.fact) if covered else None
    row.coverage_note = covered.sentence if covered else say("their site was not read, for a better reason was found")
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
