"""The mention check: a prospect's known pages are fetched and read, and the verdict moves it on, with its evidence kept.

A check is two transactions with the network between them: the first claims it, the second records what was seen. A
worker that dies in between leaves a claim that runs out; the check is then done again, which harms nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

from app.db.work import Database, UnitOfWork
from app.domain.link_target import Target
from app.domain.link_verdict import COLLAPSED, Finding
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Event, Facts, Stage
from app.domain.said import say
from app.domain.verification import OPEN, Verification
from app.domain.wins import as_a_win
from app.errors import BadInput, Conflict
from app.fetch.memories import PageMemories
from app.fetch.ports import Fetched, Fetcher, Renderer
from app.fetch.visit import Visit, visit
from app.gaps import fit
from app.jobs import Job
from app.keys import page_url, site_key, start_page
from app.log import get_logger
from app.mentions import asking, further, repository
from app.models import MentionCheck, Prospect, Site, StageEvent
from app.prospects import contacts, placements
from app.prospects import service as prospects
from app.settings import Settings

log = get_logger("mentions")

ACTOR = "checker"
MAX_PAGES = 5
MAX_TRIES = 3
_FOUND = (MentionVerdict.LINKED, MentionVerdict.UNLINKED_MENTION)
_MAX_CANDIDATES = 10
_CLAIM = timedelta(minutes=15)
_RETRY = timedelta(hours=1)
# What may be otherwise in an hour; everything else waits for a person.
_PASSING = frozenset(
    {
        "timeout",
        "dns",
        "connection",
        "tls",
        "server-error",
        "crawl-delay",
        "robots-unavailable",
        "bad-response",
        COLLAPSED,
    }
)


class Deps(Protocol):
    """The wired dependencies that a check uses."""

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
class _Task:
    prospect_id: int
    pages: tuple[str, ...]
    target: Target
    brands: tuple[str, ...]
    others: tuple[str, ...]
    tries: int
    site_id: int
    domain: str
    candidates: tuple[tuple[str, str], ...]


def request(uow: UnitOfWork, prospect_id: int) -> None:
    """Let the pages of a prospect be looked at (again), as soon as a worker is free."""
    prospect = prospects.get(uow, prospect_id)
    prospect.mention_due_at, prospect.mention_tries = uow.now(), 0
    if prospect.verification in OPEN:
        prospect.verification = Verification.ACCEPTED  # somebody takes it on although no link was seen
    uow.session.flush()
    uow.ring(Job.MENTIONS_CHECK, prospect_id)


def check(deps: Deps, prospect_id: int) -> MentionVerdict | None:
    """Look at a prospect's pages if that is due; the verdict, or None when there was nothing to do.

    Safe to run twice, late, or at the same time by two workers.
    """
    task = _claim(deps, prospect_id)
    if task is None:
        return None
    visits: list[Visit] = []
    sources = dict(task.candidates)
    for page in dict.fromkeys((*task.pages, *sources)):
        visits.append(_look(deps, task, page))
        if visits[-1].finding.verdict is MentionVerdict.LINKED:
            break
    finding = conclude([look.finding for look in visits])
    if finding.verdict is MentionVerdict.NO_MENTION:
        more = _look_further(deps, task, visits)
        sources |= {look.finding.url: source for look, source in more}
        visits += [look for look, _ in more]
        named = [look.finding for look, _ in more if look.finding.verdict in _FOUND]
        finding = conclude([finding, *named])
    with deps.db.work() as uow:
        _record(uow, task, visits, finding, sources, search=deps.settings.contact_pages > 0)
    log.info("mentions.checked", prospect_id=prospect_id, verdict=finding.verdict.value, reason=finding.reason or None)
    return finding.verdict


def _look(deps: Deps, task: _Task, page: str) -> Visit:
    look = visit(
        deps.fetcher,
        page,
        task.target,
        brands=task.brands,
        others=task.others,
        memory=PageMemories(deps.db, deps.settings.fetch_full_after),
        renderer=deps.renderer,
    )
    return replace(look, finding=as_a_win(look.finding))


def _look_further(deps: Deps, task: _Task, seen: Sequence[Visit]) -> list[tuple[Visit, str]]:
    """Pages that the site's own lists or the search provider name, read until one holds a mention or the budget ends."""
    left = deps.settings.mention_pages
    if not left or not task.brands:
        return []
    known = {look.finding.url for look in seen}
    first = next(
        (
            look.answer
            for look in seen
            if isinstance(look.answer, Fetched) and site_key(look.answer.final_url) == task.domain
        ),
        None,
    )
    found, asked = further.named_pages(deps.fetcher, task.domain, task.pages[0], task.brands, task.others, left, first)
    left -= asked
    if not found:
        hits = asking.search_domain(deps.db, deps.settings, task.site_id, task.domain, task.brands)
        found = [(url, f"search: {deps.settings.search_provider}") for url in hits if site_key(url) == task.domain]
    visits: list[tuple[Visit, str]] = []
    for url, source in found:
        if left <= 0:
            break
        if url in known:
            continue
        left -= 1
        visits.append((_look(deps, task, url), source))
        if visits[-1][0].finding.verdict in _FOUND:
            break
    return visits


def conclude(findings: list[Finding]) -> Finding:
    """One finding over several pages: a link before a mention, and "no mention" only when every page was read.

    A page that is gone holds nothing, so it does not stand in the way; when all are gone, nothing could be checked.
    """
    for wanted in (MentionVerdict.LINKED, MentionVerdict.UNLINKED_MENTION):
        for finding in findings:
            if finding.verdict is wanted:
                return finding
    unread = [finding for finding in findings if finding.verdict is MentionVerdict.COULD_NOT_CHECK]
    doubtful = [finding for finding in unread if finding.reason != "page-gone"]
    if doubtful:
        return doubtful[0]
    return next((finding for finding in findings if finding.verdict is MentionVerdict.NO_MENTION), findings[0])


def confirm_unchecked(uow: UnitOfWork, prospect_id: int, *, actor: str, reason: str) -> StageEvent:
    """A person takes it on that the pages could not be checked: the prospect moves on to checked-mention.

    Raises Conflict when the latest check has a verdict (or there was none), BadInput without a reason.
    """
    if not reason.strip():
        raise BadInput(say("give the reason why the pitch may go on although the page could not be checked"))
    prospect = prospects.get(uow, prospect_id)
    if prospect.mention is not MentionVerdict.COULD_NOT_CHECK:
        state = "has a verdict" if prospect.mention else "has not been tried yet"
        raise Conflict(
            say("{domain}: there is nothing to confirm, the mention check {state}", domain=prospect.domain, state=state)
        )
    prospect.mention_due_at = None
    facts = Facts(verdict=prospect.mention.value, confirmed=True)
    return prospects.apply(uow, prospect_id, Event.MENTION_CHECKED, facts, actor=actor, reason=reason.strip())


def pages_of(prospect: Prospect) -> tuple[str, ...]:
    """The pages to look at: first the one on which our own lists show a link to us, then the best known one, then those that the
    export names, at most `MAX_PAGES`. Without any, the front page.
    """
    ours = (prospect.gap_seen or {}).get("page")
    known = dict.fromkeys(
        page_url(page) for page in (ours, prospect.best_page, *prospect.known_pages) if page and page.strip()
    )
    return tuple(known)[:MAX_PAGES] or (start_page(prospect.domain, None),)


def _claim(deps: Deps, prospect_id: int) -> _Task | None:
    with deps.db.work() as uow:
        now = uow.now()
        if not repository.claim(uow.session, prospect_id, now, now + _CLAIM):
            return None
        prospect = prospects.get(uow, prospect_id)
        uow.session.refresh(prospect)
        site = uow.session.get(Site, prospect.site_id)
        return _Task(
            prospect_id,
            pages_of(prospect),
            placements.target_of(uow.session, prospect.site_id),
            tuple(site.brand_names) if site else (),
            tuple(repository.competitor_names(uow.session, prospect.site_id)),
            prospect.mention_tries,
            prospect.site_id,
            prospect.domain,
            tuple(
                (row.url, row.source)
                for row in repository.waiting_candidates(uow.session, prospect_id, _MAX_CANDIDATES)
            ),
        )


def _record(
    uow: UnitOfWork, task: _Task, visits: list[Visit], finding: Finding, sources: dict[str, str], *, search: bool
) -> None:
    prospect = prospects.get(uow, task.prospect_id)
    row = MentionCheck(
        prospect_id=prospect.id,
        verdict=finding.verdict,
        url=finding.final_url or finding.url,
        quote=finding.mention.quote if finding.mention else None,
        link_target=finding.link.final_url if finding.link else None,
        reason=finding.reason or None,
        pages=[_tried(look, sources.get(look.finding.url)) for look in visits],
        checked_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    prospect.mention, prospect.mention_check_id = finding.verdict, row.id
    _reschedule(uow, prospect, task, finding)
    if prospect.mention_due_at is None:
        # What could not be read is read once more with the next try.
        repository.candidates_read(uow.session, prospect.id, [look.finding.url for look in visits], uow.now())
    prospects.rerank(prospect, repository.competitors_with_data(uow.session, prospect.site_id))
    for look in visits:
        if look.finding.url == prospect.best_page:
            prospect.best_page_title = look.finding.title or prospect.best_page_title
            if look.text:
                fit.page_was_read(uow, prospect, lang=look.finding.lang, text=look.text)
    uow.session.flush()
    data = {"mention_check_id": row.id, "url": row.url, "verdict": finding.verdict.value, "reason": row.reason}
    if finding.verdict is MentionVerdict.LINKED:
        placements.record_seen(uow, prospect.id, finding, actor=ACTOR)
    elif finding.verdict is MentionVerdict.COULD_NOT_CHECK:
        prospects.note(
            uow,
            prospect.id,
            "mention_unchecked",
            actor=ACTOR,
            reason=finding.reason,
            mention_check_id=row.id,
            url=row.url,
            sentence=finding.sentence,
        )
    elif prospect.stage is Stage.PROSPECT:
        facts = Facts(verdict=finding.verdict.value)
        prospects.apply(uow, prospect.id, Event.MENTION_CHECKED, facts, actor=ACTOR, data=data)
    if search and finding.verdict in (MentionVerdict.UNLINKED_MENTION, MentionVerdict.NO_MENTION):
        contacts.want_search(uow, prospect.id)


def _reschedule(uow: UnitOfWork, prospect: Prospect, task: _Task, finding: Finding) -> None:
    passing = finding.verdict is MentionVerdict.COULD_NOT_CHECK and finding.reason in _PASSING
    if passing and task.tries < MAX_TRIES:
        prospect.mention_due_at = uow.now() + _RETRY * 4 ** (task.tries - 1)
    else:
        prospect.mention_due_at, prospect.mention_tries = None, 0


def _tried(look: Visit, source: str | None) -> dict[str, Any]:
    finding = look.finding
    return {
        "url": finding.url,
        "final_url": finding.final_url or None,
        "status": finding.status,
        "verdict": finding.verdict.value,
        "reason": finding.reason or None,
        "sentence": finding.sentence or None,
        "at": look.at.isoformat(),
        # Who named the page, where it was not known from an import.
        **({"source": source} if source else {}),
    }
