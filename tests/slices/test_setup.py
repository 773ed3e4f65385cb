"""The tasks of a new installation, judged by the rows, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import event, select, update

from app.clock import FixedClock
from app.db.work import Database, UnitOfWork
from app.models import (
    Competitor,
    ImportJob,
    ImportState,
    Mailbox,
    MailboxOAuth,
    Page,
    Role,
    SendingDomain,
    Site,
    SitePacing,
    Snapshot,
    SnapshotRole,
)
from app.reports import setup
from app.reports.setup import TaskState
from app.sequences import service as sequences
from app.settings import Settings
from app.team import users
from tests.support.world import a_mailbox, a_page, a_site

RIVALS = ("alpha.test", "beta.test", "gamma.test")


def look(db: Database, settings: Settings) -> dict[str, setup.Task]:
    with db.read() as uow:
        return {task.name: task for task in setup.tasks(uow, settings)}


def states(found: dict[str, setup.Task]) -> dict[str, str]:
    return {name: task.state.value for name, task in found.items()}


def an_export(uow: UnitOfWork, site: Site, target: str, role: SnapshotRole = SnapshotRole.COMPETITOR) -> None:
    given: dict[str, Any] = dict.fromkeys(("rows_read", "rows_taken", "rows_lost", "rows_rejected"), 1)
    uow.session.add(
        Snapshot(
            site_id=site.id,
            role=role,
            target=target,
            provider="Ahrefs",
            format="x",
            filename=f"{target}.csv",
            sha256=target.ljust(64, "0"),
            path=target,
            report={},
            created_by="ana",
            created_at=uow.now(),
            **given,
        )
    )


def everything(uow: UnitOfWork) -> Site:
    site = a_site(uow)
    for domain in RIVALS:
        uow.session.add(Competitor(site_id=site.id, domain=domain, created_at=uow.now()))
        an_export(uow, site, domain)
    an_export(uow, site, "acme.test", SnapshotRole.OURS)
    a_page(uow, site)
    a_mailbox(uow)
    sequences.ensure_starter(uow, site)
    for name in ("ana", "ben"):
        users.create(uow, email=f"{name}@acme.test", name=name, role=Role.LEAD, password="correct horse battery")
    return site


def test_a_new_installation_has_everything_to_do_and_a_whole_one_nothing(db: Database, settings: Settings) -> None:
    found = look(db, settings)
    assert set(states(found).values()) == {"to-do"}
    assert [task.name for task in setup.still_open(found.values())][:3] == ["site", "competitors", "import"]
    assert not found["people"].is_open, "who works alone is not kept from working"
    with db.work() as uow:
        everything(uow)
    found = look(db, settings)
    assert set(states(found).values()) == {"done"}, found
    assert setup.still_open(found.values()) == []
    assert "alpha.test, beta.test, gamma.test" in found["competitors"].sentence
    assert "leaves at any time, without" in found["rules"].sentence


def test_what_breaks_later_needs_attention_and_says_what(db: Database, settings: Settings, clock: FixedClock) -> None:
    with db.work() as uow:
        site = everything(uow)
        mailbox = uow.session.execute(select(Mailbox)).scalar_one()
        box, page = mailbox.id, uow.session.execute(select(Page.id)).scalar_one()

    def after(name: str, *changes: Any) -> setup.Task:
        with db.work() as uow:
            for change in changes:
                uow.session.add(change) if hasattr(change, "metadata") else uow.session.execute(change)
        task = look(db, settings)[name]
        assert task.state is not TaskState.DONE, name
        return task

    paused = after("mailbox", update(Mailbox).values(paused_reason="535 who are you"))
    assert (paused.state, paused.sentence) == (TaskState.ATTENTION, f"{mailbox.email}: 535 who are you")
    assert paused.href == f"/mailboxes/{box}"
    with db.work() as uow:
        uow.session.execute(update(Mailbox).values(paused_until=uow.now()))
    assert look(db, settings)["mailbox"].state is TaskState.DONE, "a rest that is over is none"
    revoked = after(
        "mailbox",
        MailboxOAuth(mailbox_id=box, provider="google", ended_reason="the token was revoked", created_at=clock.now()),
    )
    assert (revoked.href, "revoked" in revoked.sentence) == (f"/mailboxes/{box}/sign-in", True)
    with db.work() as uow:
        uow.session.delete(uow.session.get(MailboxOAuth, box))
        domain = mailbox.email.rpartition("@")[2]
        uow.session.add(
            SendingDomain(domain=domain, hold_reason="no SPF record", due_at=uow.now(), created_at=uow.now())
        )
    held = look(db, settings)["mailbox"]
    assert (held.state, held.href) == (TaskState.ATTENTION, f"/mailboxes/{box}/checks")
    assert "no SPF record" in held.sentence
    assert after("mailbox", update(Mailbox).values(active=False)).state is TaskState.TO_DO

    assert after("pages", update(Page).values(check_state="not-200")).href == f"/pages/{page}"
    assert "postal address" in after("rules", update(Site).values(postal_address=" ")).sentence
    clock.advance(timedelta(days=91))
    assert "91 days" in after("import").sentence
    extra = Competitor(site_id=site.id, domain="delta.test", created_at=clock.now())
    assert "delta.test" in after("import", extra).sentence
    failed = ImportJob(
        site_id=site.id,
        filename="x.csv",
        path="x",
        state=ImportState.FAILED,
        error="line 3 has no domain",
        created_by="ana",
        created_at=clock.now(),
    )
    job = after("import", failed)
    assert (job.state, "line 3 has no domain" in job.sentence) == (TaskState.ATTENTION, True)
    newer = {"filename": "y.csv", "path": "y", "created_by": "ana", "created_at": clock.now()}
    assert "line 3" not in after("import", ImportJob(site_id=site.id, state=ImportState.DONE, **newer)).sentence


def test_a_site_of_its_own_rules_and_one_put_away(db: Database, settings: Settings) -> None:
    with db.work() as uow:
        site = everything(uow)
        uow.session.add(SitePacing(site_id=site.id, send_window="08:00-12:00", daily_cap=7))
    assert "08:00-12:00" in look(db, settings)["rules"].sentence
    with db.work() as uow:
        for domain in ("delta.test", "epsilon.test", "zeta.test"):
            uow.session.add(Competitor(site_id=site.id, domain=domain, created_at=uow.now()))
    assert "noise" in look(db, settings)["competitors"].sentence
    with db.work() as uow:
        second = a_site(uow, name="Second", domains=["second.test"])
    assert (look(db, settings)["competitors"].href) == f"/sites/{second.id}#rivals"
    with db.work() as uow:
        uow.session.get_one(Site, second.id).archived_at = uow.now()
    assert look(db, settings)["competitors"].state is TaskState.DONE


def test_it_costs_a_handful_of_statements(db: Database, settings: Settings) -> None:
    with db.work() as uow:
        everything(uow)
    seen: list[str] = []
    event.listen(db.read_engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    look(db, settings)
    assert len([one for one in seen if "SELECT" in one]) == 5
