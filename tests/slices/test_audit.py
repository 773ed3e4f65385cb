"""The audit: written with the act or not at all, unchangeable, and read in one order with the history of prospects."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from app.audit import service as audit
from app.clock import FixedClock
from app.contacts import service as contact_search
from app.db.work import Database, UnitOfWork, acting
from app.desk import review
from app.domain.pipeline import Stage
from app.domain.verification import Verification
from app.errors import BadInput, Conflict
from app.evidence import service as evidence
from app.gaps import uploads, verify
from app.mail import accounts
from app.mentions import candidates
from app.models import AuditEvent, Role, SuppressionKind
from app.prospects import intake, suppression
from app.prospects import service as prospects
from app.reports import audit as reports
from app.settings import Settings
from app.team import api_keys, preferences, users
from tests.support.world import VAULT, a_mailbox, a_prospect, a_site


def lines(db: Database, **wanted: object) -> list[reports.Line]:
    with db.read() as look:
        return reports.listing(look, reports.Wanted(**wanted), limit=500)  # type: ignore[arg-type]


def test_each_room_writes_who_did_what(db: Database) -> None:
    with acting("ana@acme.test"), db.work() as uow:
        ben = users.create(uow, email="ben@acme.test", name="Ben", role=Role.LEAD, password="correct horse battery")
        users.create(uow, email="eve@acme.test", name="Eve", role=Role.OPERATOR, password="correct horse battery")
        users.change(uow, ben.id, role=Role.VIEWER, active=True)
        users.change(uow, ben.id, role=Role.VIEWER, active=True)
        key, secret = api_keys.create(uow, name="crm", scopes=["links:read"], actor=uow.actor)
        api_keys.revoke(uow, key.id)
        api_keys.revoke(uow, key.id)
        box = a_mailbox(uow)
        accounts.pause(uow, box.id, reason="moving house")
        rule = suppression.suppress(
            uow, VAULT, "no@x.test", kind=SuppressionKind.ADDRESS, reason="by hand", source="web", actor="ana@acme.test"
        )
        suppression.remove(uow, rule.id, reason="a slip", actor="ana@acme.test", is_lead=True)
    found = lines(db)
    assert [line.verb for line in reversed(found)] == [
        "user.created", "user.created", "user.changed", "key.created", "key.revoked", "mailbox.paused",
        "suppression.added", "suppression.removed",
    ]  # fmt: skip
    assert {line.actor for line in found} == {"ana@acme.test"}
    changed = next(line for line in found if line.verb == "user.changed")
    assert (changed.name, changed.changes) == ("ben@acme.test", [("role", "lead", "viewer")])
    assert [line.reason for line in found if line.verb == "mailbox.paused"] == ["moving house"]
    with db.read() as look:
        stored = " ".join(str(row) for row in look.session.execute(text("SELECT * FROM audit_event")).all())
    assert secret not in stored
    assert "argon2" not in stored


def test_what_people_ask_of_mentions_reasons_contacts_gap_and_digest(db: Database, settings: Settings) -> None:
    """Who asked for it and what it was about; what the system asks by itself is no act of anybody."""
    with db.work() as uow:
        user = users.create(
            uow, email="ana@acme.test", name="Ana", role=Role.OPERATOR, password="correct horse battery"
        )
        site = a_site(uow)
        prospect = a_prospect(uow, site, stage=Stage.CHECKED_MENTION)
        waiting = a_prospect(uow, site, "waits.test", verification=Verification.TO_VERIFY)
        gap = a_prospect(uow, site, "gap.test")
        site_id, prospect_id, gap_id, user_id = site.id, prospect.id, gap.id, user.id
        domain = waiting.domain
        evidence.request(uow, settings, prospect_id)
        contact_search.request(uow, settings, prospect_id)
        verify.request(uow, site_id, 5)
    assert [line.verb for line in lines(db)] == ["user.created"]
    job = uploads.receive(db, settings, site_id, "a.csv", io.BytesIO(b"Domain\nx.test\n"), actor="ana@acme.test")
    with acting("ana@acme.test"), db.work() as uow:
        candidates.take(uow, site_id, ["https://list.test/a", "nothing"], source="list: a tool", actor=uow.actor)
        evidence.request(uow, settings, prospect_id)
        contact_search.request(uow, settings, prospect_id)
        verify.request(uow, site_id, 5, again=True, actor=uow.actor)
        intake.take(uow, site_id, domain, actor=uow.actor)
        review.add_to_queue(uow, site_id, [gap_id])
        preferences.save(uow, user_id, preferences.Preferences(digest="daily"))
        preferences.save(uow, user_id, preferences.Preferences(digest="daily"))
        uploads.start(uow, job.id, target="acme.test", mapping={})
        uploads.cancel(uow, settings, job.id)
        uploads.cancel(uow, settings, job.id)
    found = [line for line in reversed(lines(db)) if line.actor == "ana@acme.test" and "." in line.verb]
    assert [line.verb for line in found] == [
        "mentions.listed", "reasons.asked", "contacts.asked", "gap.verification-asked", "prospect.accepted",
        "prospect.queued", "user.digest", "upload.started", "upload.cancelled",
    ]  # fmt: skip
    assert found[0].name == "list: a tool"
    assert found[6].changes == [("digest", "off", "daily")]


def test_what_is_refused_leaves_no_line(db: Database) -> None:
    with db.work() as uow:
        only = users.create(
            uow, email="ana@acme.test", name="Ana", role=Role.OPERATOR, password="correct horse battery"
        )
    assert lines(db)[0].actor == "system"
    with pytest.raises(Conflict), db.work() as uow:
        users.change(uow, only.id, role=Role.VIEWER, active=True)
    with pytest.raises(BadInput), db.work() as uow:
        _record_and_fail(uow, only.id)
    assert [line.verb for line in lines(db)] == ["user.created"]


def _record_and_fail(uow: UnitOfWork, user_id: int) -> None:
    audit.record(uow, "user.changed", "user", user_id)
    raise BadInput("later in the same transaction")


def test_the_database_refuses_to_change_a_line(db: Database) -> None:
    with db.work() as uow:
        audit.record(uow, "key.created", "key", 1)
    for statement in ("UPDATE audit_event SET actor = 'eve'", "DELETE FROM audit_event"):
        with pytest.raises(DatabaseError, match="append-only"), db.work() as uow:
            uow.session.execute(text(statement))


def test_acts_and_history_are_one_order_whatever_the_page(db: Database, clock: FixedClock) -> None:
    with db.work() as uow:
        prospect = a_prospect(uow, a_site(uow))
    for number in range(12):
        with db.work() as uow:
            audit.record(uow, "key.created", "key", number)
            prospects.note(uow, prospect.id, "noted", actor="ana", number=number)
            audit.record(uow, "key.revoked", "key", number)
        if number % 3 == 0:
            clock.advance(timedelta(minutes=1))
    whole = lines(db)
    assert len(whole) == 36
    assert [line.at for line in whole] == sorted((line.at for line in whole), reverse=True)
    for size in (1, 5, 7):
        paged: list[reports.Line] = []
        after = None
        while True:
            with db.read() as look:
                page = reports.listing(look, reports.Wanted(), after=after, limit=size)
            paged += page
            if len(page) < size:
                break
            after = reports.position(page[-1])
        assert paged == whole, size
    assert {line.kind for line in lines(db, kind="prospect")} == {"prospect"}
    assert lines(db, kind="prospect", verb="noted")[0].after == {"number": 11}
    assert [line.key for line in lines(db, kind="key", key="3")] == ["3", "3"]
    assert len(lines(db, actor="ana")) == 12
    since = whole[5].at
    assert len(lines(db, since=since)) + len(lines(db, until=since)) == 36


def test_a_file_of_it_holds_no_formula(db: Database) -> None:
    with db.work() as uow:
        audit.record(
            uow, "site.created", "site", 1, name="=HYPERLINK(1)", after={"a": "=1"}, reason="+41 22", actor="@eve"
        )
    out, told = io.StringIO(), io.StringIO()
    reports.write_csv(reports.every(db, reports.Wanted()), out)
    reports.write_json(reports.every(db, reports.Wanted()), told)
    row = out.getvalue().splitlines()[1]
    assert "'@eve" in row
    assert "'=HYPERLINK(1)" in row
    assert "'+41 22" in row
    one = json.loads(told.getvalue())
    assert (one["name"], one["actor"], one["after"]) == ("=HYPERLINK(1)", "@eve", {"a": "=1"})


def test_values_are_plain_and_bounded(db: Database) -> None:
    with db.work() as uow:
        audit.record(uow, "x.y", "x", after={"role": Role.LEAD, "when": uow.now(), "long": "x" * 5000, "set": {"a"}})
    with db.read() as look:
        kept = look.session.execute(select(AuditEvent.after)).scalar_one()
    assert (kept["role"], kept["set"], len(kept["long"])) == ("lead", ["a"], 2000)
