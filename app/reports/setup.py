"""What a new installation still needs before it can win links: a list of tasks, each judged by what the rows say now.

Nothing is ticked off by hand and nothing is stored: a task that was done and broke since stands here as open again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.pacing import ALWAYS
from app.domain.said import say
from app.mail import resting
from app.mail.render.templates import template_names
from app.models import (
    Competitor,
    ImportJob,
    ImportKind,
    ImportState,
    Mailbox,
    MailboxOAuth,
    Page,
    SendingDomain,
    Sequence,
    Site,
    SitePacing,
    Snapshot,
    SnapshotRole,
    TemplateVersion,
    User,
)
from app.reports.sql import Row, columns, rows
from app.settings import Settings
from app.sites.looking import FAULTS
from app.sites.service import ADVISED_COMPETITORS

FEW_COMPETITORS = 3
#: Exports that are older than this say little about who links today.
STALE_AFTER = timedelta(days=90)
_LEAD, _OPERATOR = "sites:write", "mailboxes:write"


class TaskState(StrEnum):
    """Where a task stands."""

    DONE = "done"
    TO_DO = "to-do"
    ATTENTION = "needs-attention"


@dataclass(frozen=True, slots=True)
class Task:
    """One task: `href` is the page that does it, `needs` the scope for that. An `optional` one keeps nobody from working."""

    name: str
    state: TaskState
    sentence: str
    href: str
    needs: str = _LEAD
    optional: bool = False

    @property
    def is_open(self) -> bool:
        """Whether somebody has to do something before the work can go on."""
        return self.state is not TaskState.DONE and not self.optional


def tasks(uow: UnitOfWork, settings: Settings) -> list[Task]:
    """Every task, in the order in which most people do them; any order works. Five statements."""
    sites, team = _sites(uow), _counts(uow)
    rivals = _rivals(uow)
    return [
        _site(sites),
        _competitors(sites, rivals),
        _import(sites, rivals, uow.now()),
        _pages(sites),
        _mailbox(_mailboxes(uow), _held(uow)),
        _templates(team),
        _rules(sites, settings),
        _people(team),
    ]


def still_open(found: Iterable[Task]) -> list[Task]:
    """Those that keep people from working, what broke first."""
    return sorted((one for one in found if one.is_open), key=lambda one: one.state is not TaskState.ATTENTION)


def _of_site(value: Any, *where: Any) -> Any:
    return select(value).where(*where).correlate(Site).scalar_subquery()


def _sites(uow: UnitOfWork) -> list[Row]:
    """The sites with the counts of what belongs to each, and the newest import job where that one failed."""
    page = (col(Page.site_id) == col(Site.id), col(Page.archived_at).is_(None))
    ours = (
        col(Snapshot.site_id) == col(Site.id),
        col(Snapshot.role).in_([SnapshotRole.OURS, SnapshotRole.MATRIX]),
    )
    newest = _of_site(
        func.max(col(ImportJob.id)), col(ImportJob.site_id) == col(Site.id), col(ImportJob.kind) != ImportKind.TAKEBACK
    )
    statement = (
        columns(
            Site.id,
            Site.name,
            Site.sender_name,
            Site.postal_address,
            SitePacing.send_window,
            SitePacing.daily_cap,
            _of_site(func.count(), *page).label("pages"),
            _of_site(func.min(col(Page.id)), *page, col(Page.check_state).in_(FAULTS)).label("faulty"),
            _of_site(func.count(), *ours).label("ours"),
            col(ImportJob.id).label("failed_job"),
            ImportJob.error,
        )
        .select_from(Site)
        .outerjoin(SitePacing, col(SitePacing.site_id) == col(Site.id))
        .outerjoin(ImportJob, and_(col(ImportJob.id) == newest, col(ImportJob.state) == ImportState.FAILED))
        .where(col(Site.archived_at).is_(None))
        .order_by(col(Site.id))
    )
    return rows(uow, statement)


def _rivals(uow: UnitOfWork) -> list[Row]:
    """Every competitor with the moment of its newest export (None: it has none): site_id, domain, newest."""
    statement = (
        columns(Competitor.site_id, Competitor.domain, func.max(col(Snapshot.created_at)).label("newest"))
        .select_from(Competitor)
        .join(Site, col(Site.id) == col(Competitor.site_id))
        .outerjoin(
            Snapshot,
            and_(
                col(Snapshot.site_id) == col(Competitor.site_id),
                or_(col(Snapshot.target) == col(Competitor.domain), col(Snapshot.role) == SnapshotRole.MATRIX),
            ),
        )
        .where(col(Site.archived_at).is_(None))
        .group_by(col(Competitor.id), col(Competitor.site_id), col(Competitor.domain))
        .order_by(col(Competitor.site_id), col(Competitor.id))
    )
    return rows(uow, statement)


def _mailboxes(uow: UnitOfWork) -> list[Row]:
    """The mailboxes in use, those with something wrong first: id, email, ended, rests, poll_error."""
    wrong = or_(
        resting.resting(uow.now()), col(Mailbox.poll_error).is_not(None), col(MailboxOAuth.ended_reason).is_not(None)
    )
    statement = (
        columns(
            Mailbox.id,
            Mailbox.email,
            case((resting.resting(uow.now()), col(Mailbox.paused_reason))).label("rests"),
            Mailbox.poll_error,
            col(MailboxOAuth.ended_reason).label("ended"),
            wrong.label("wrong"),
        )
        .outerjoin(MailboxOAuth, col(MailboxOAuth.mailbox_id) == col(Mailbox.id))
        .where(col(Mailbox.active).is_(True))
        .order_by(wrong.desc(), col(Mailbox.id))
    )
    return rows(uow, statement)


def _held(uow: UnitOfWork) -> list[Row]:
    """Sending domains whose records hold new pitches: domain, hold_reason."""
    statement = columns(SendingDomain.domain, SendingDomain.hold_reason)
    return rows(uow, statement.where(col(SendingDomain.hold_reason).is_not(None)).order_by(col(SendingDomain.domain)))


def _counts(uow: UnitOfWork) -> Row:
    """How many people may sign in, and how many templates and sequences were saved: people, versions, sequences."""
    parts = {
        "people": select(func.count()).select_from(User).where(col(User.active).is_(True)),
        "versions": select(func.count(func.distinct(col(TemplateVersion.name)))),
        "sequences": select(func.count()).select_from(Sequence),
    }
    return rows(uow, select(*(part.scalar_subquery().label(name) for name, part in parts.items())))[0]


def _site(sites: list[Row]) -> Task:
    if not sites:
        return Task("site", TaskState.TO_DO, say("Name your site: its domains and its brand names."), "/sites")
    names = ", ".join(site["name"] for site in sites)
    return Task("site", TaskState.DONE, say("Links are won for {names}.", names=names), "/sites")


def _competitors(sites: list[Row], rivals: list[Row]) -> Task:
    for site in sites:
        count = sum(one["site_id"] == site["id"] for one in rivals)
        if count < FEW_COMPETITORS:
            told = say(
                "{site} is compared with {count} domains; three to five show best who links to such sites.",
                site=site["name"],
                count=count,
            )
            return Task("competitors", TaskState.TO_DO, told, f"/sites/{site['id']}#rivals")
    if not sites:
        return Task("competitors", TaskState.TO_DO, say("They are added on the page of your site."), "/sites")
    names = ", ".join(dict.fromkeys(one["domain"] for one in rivals))
    if any(sum(one["site_id"] == site["id"] for one in rivals) > ADVISED_COMPETITORS for site in sites):
        told = say("Compared with {names}. More than five add noise.", names=names)
    else:
        told = say("Compared with {names}.", names=names)
    return Task("competitors", TaskState.DONE, told, "/sites")


def _import(sites: list[Row], rivals: list[Row], now: datetime) -> Task:
    name, href, needs = "import", "/imports/new", "imports:write"
    failed = next((site for site in sites if site["failed_job"]), None)
    if failed is not None:
        told = say("The last import of {site} failed: {why}", site=failed["name"], why=failed["error"] or "–")
        return Task(name, TaskState.ATTENTION, told, f"/imports/jobs/{failed['failed_job']}", needs)
    without = [one["domain"] for one in rivals if one["newest"] is None]
    if not rivals or len(without) == len(rivals):
        told = say("Import the exports of the links to your site and to each competitor.")
        return Task(name, TaskState.TO_DO, told, href, needs)
    if without:
        told = say("No export yet of the links to {names}; they count as unknown.", names=", ".join(without))
        return Task(name, TaskState.ATTENTION, told, href, needs)
    bare = next((site for site in sites if not site["ours"]), None)
    if bare is not None:
        told = say(
            "No export of the links to {site} itself: who links to it already looks like a gap.", site=bare["name"]
        )
        return Task(name, TaskState.ATTENTION, told, href, needs)
    oldest = min(rivals, key=lambda one: one["newest"])
    if now - oldest["newest"] > STALE_AFTER:
        told = say(
            "The export of {domain} is {days} days old; import a new one.",
            domain=oldest["domain"],
            days=(now - oldest["newest"]).days,
        )
        return Task(name, TaskState.ATTENTION, told, href, needs)
    return Task(name, TaskState.DONE, say("Your links and those of every competitor are known."), href, needs)


def _pages(sites: list[Row]) -> Task:
    bare = next((site for site in sites if not site["pages"]), None)
    if bare is not None or not sites:
        told = say("Add pages of yours that are worth a link: a pitch offers one of them, never the homepage.")
        return Task("pages", TaskState.TO_DO, told, f"/pages?site={bare['id']}" if bare else "/pages")
    faulty = next((site["faulty"] for site in sites if site["faulty"]), None)
    if faulty is not None:
        told = say("A page that you promote does not answer as it should.")
        return Task("pages", TaskState.ATTENTION, told, f"/pages/{faulty}")
    count = sum(site["pages"] for site in sites)
    return Task("pages", TaskState.DONE, say("Pages that a pitch may offer: {count}.", count=count), "/pages")


def _mailbox(mailboxes: list[Row], held: list[Row]) -> Task:
    if not mailboxes:
        told = say("Connect the mailbox that sends and reads.")
        return Task("mailbox", TaskState.TO_DO, told, "/mailboxes/new", _OPERATOR)
    first = mailboxes[0]
    if first["wrong"]:
        why = first["ended"] or first["rests"] or first["poll_error"]
        href = f"/mailboxes/{first['id']}" + ("/sign-in" if first["ended"] else "")
        told = say("{email}: {why}", email=first["email"], why=why)
        return Task("mailbox", TaskState.ATTENTION, told, href, _OPERATOR)
    mine = {one["email"].rpartition("@")[2].lower(): one["id"] for one in mailboxes}
    bad = next((one for one in held if one["domain"] in mine), None)
    if bad is not None:
        told = say("{domain} holds new pitches: {why}", domain=bad["domain"], why=bad["hold_reason"])
        return Task("mailbox", TaskState.ATTENTION, told, f"/mailboxes/{mine[bad['domain']]}/checks", _OPERATOR)
    names = ", ".join(one["email"] for one in mailboxes)
    return Task("mailbox", TaskState.DONE, say("Mail leaves from {names}.", names=names), "/mailboxes", _OPERATOR)


def _templates(team: Row) -> Task:
    shipped, own = len(template_names()), team["versions"]
    if not own and not team["sequences"]:
        told = say(
            "The {shipped} shipped templates hold. Read them, and save your own words where you say it otherwise.",
            shipped=shipped,
        )
        return Task("templates", TaskState.TO_DO, told, "/templates", "templates:write", optional=True)
    told = say("Templates: {shipped}, of which {own} have your own words.", shipped=shipped, own=own)
    return Task("templates", TaskState.DONE, told, "/templates", "templates:write", optional=True)


def _rules(sites: list[Row], settings: Settings) -> Task:
    for site in sites:
        href = f"/sites/{site['id']}"
        if not (site["postal_address"] or "").strip():
            told = say("{site} has no postal address; the mail that you send has to state one.", site=site["name"])
            return Task("rules", TaskState.TO_DO, told, href)
        if not (site["sender_name"] or "").strip():
            told = say("{site} names nobody who signs its mail.", site=site["name"])
            return Task("rules", TaskState.TO_DO, told, href)
    if not sites:
        told = say("Who signs, the postal address, hours and caps are set on the page of your site.")
        return Task("rules", TaskState.TO_DO, told, "/sites")
    first = sites[0]
    window = first["send_window"] or settings.send_window
    hours = say("at any time") if window == ALWAYS else say("{window} at the recipient's", window=window)
    cap = first["daily_cap"] or settings.site_daily_cap
    most = say("without a daily cap of its own") if cap is None else say("at most {cap} a day", cap=cap)
    told = say("Mail of {site} leaves {hours}, {most}.", site=first["name"], hours=hours, most=most)
    return Task("rules", TaskState.DONE, told, f"/sites/{first['id']}")


def _people(team: Row) -> Task:
    if team["people"] < 2:
        told = say("Add those who work with you; skip this if you work alone.")
        return Task("people", TaskState.TO_DO, told, "/settings/users", "team:write", optional=True)
    told = say("People who may sign in: {count}.", count=team["people"])
    return Task("people", TaskState.DONE, told, "/settings/users", "team:write", optional=True)
