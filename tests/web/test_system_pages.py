"""The page of the system, the one banner of Today, and the pages of errors."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from app import health
from app.clock import FixedClock
from app.container import Container
from app.errors import Conflict, Unavailable
from app.installation import hold
from app.jobs import Job, RecordingDispatcher
from app.mail.sealed import bound_to
from app.models import JobFault, ProviderSchedule, Role
from tests.support.http import House
from tests.support.world import a_mailbox, a_site
from tests.web.test_team_pages import post
from workers.heartbeat import Faults, Heartbeat


def test_a_worker_that_is_silent_for_a_minute_is_missed(house: House, clock: FixedClock) -> None:
    boss = house.browser(Role.OPERATOR)
    assert "No process that runs jobs" in boss.get("/system").text
    process = Heartbeat(house.container, threads=4)
    process.beat()
    assert 'tag ok">runs' in boss.get("/system").text
    clock.advance(timedelta(seconds=59))
    assert "A worker is missing." not in boss.get("/").text
    clock.advance(timedelta(seconds=2))
    assert 'tag bad">missing' in boss.get("/system").text
    assert "A worker is missing." in boss.get("/").text
    assert "A worker is missing." not in house.browser(Role.LEAD).get("/").text
    process.beat()
    assert "A worker is missing." not in boss.get("/").text


def test_a_failed_job_is_listed_retried_and_forgotten(house: House, dispatcher: RecordingDispatcher) -> None:
    boss, faults = house.browser(Role.OPERATOR), Faults(house.container)
    for _ in range(2):
        faults.failed(Job.LINKS_CHECK, 7, ValueError("it broke\nhere"))
    page = boss.get("/system").text
    assert "ValueError: it broke" in page
    assert "2 times" in page
    assert post(boss, "/system/jobs/links.check/7/retry").headers["location"] == "/system?did=retried"
    assert (Job.LINKS_CHECK, 7) in dispatcher.rung
    assert "None. Every job" in boss.get("/system").text
    assert post(boss, "/system/jobs/links.check/7/retry").status_code == 404
    assert "retried the job" in boss.get("/audit").text
    faults.failed(Job.LINKS_CHECK, 8, ValueError("again"))
    other = Faults(house.container)
    other.succeeded(Job.LINKS_CHECK, 9)
    with house.db.read() as look:
        assert look.session.get(JobFault, ("links.check", 8)) is not None
    other.succeeded(Job.LINKS_CHECK, 8)
    with house.db.read() as look:
        assert look.session.get(JobFault, ("links.check", 8)) is None


def test_today_shows_the_most_important_alarm_only(house: House) -> None:
    boss = house.browser(Role.OPERATOR)
    with house.db.work() as uow:
        box = a_mailbox(uow)
        box.poll_error = "the password is refused"
        box.secret = house.container.vault.seal("x", bound_to(box.id))
    assert "A mailbox needs attention." in boss.get("/").text
    assert "A mailbox" not in house.browser(Role.VIEWER).get("/").text
    hold.begin(house.db, house.container.settings)
    with house.db.work() as uow:
        hold.hold(uow, "it was restored from a backup")
    page = boss.get("/").text
    assert "Nothing is sent." in page
    assert page.count('class="notice bad"') == 1
    assert "A mailbox needs attention." not in page
    held = boss.get("/system").text
    assert "Let this installation send" in held
    assert held.count("Nothing is sent") == 1
    refused = post(boss, "/system/release")
    assert (refused.status_code, "cannot be read" in refused.text) == (409, True)
    assert post(boss, "/system/release", despite_unread="on").status_code == 303
    assert "Let this installation send" not in boss.get("/system").text
    assert post(boss, "/system/release").status_code == 409
    assert "let sending go on" in boss.get("/audit").text


def test_a_pull_that_does_not_come_is_told_to_the_operator(house: House) -> None:
    boss = house.browser(Role.OPERATOR)
    assert "Pulls that repeat" not in boss.get("/system").text
    assert health.check_pulls(house.container) == "none repeats"
    with house.db.work() as uow:
        site = a_site(uow)
        row = ProviderSchedule(
            site_id=site.id, provider="semrush", rows=500, every_days=30, created_by="test",
            due_at=uow.now() + timedelta(days=29), created_at=uow.now(),
        )  # fmt: skip
        uow.session.add(row)
        uow.session.flush()
        site_id, row_id = site.id, row.id
    page = boss.get("/system").text
    assert "Pulls that repeat by themselves" in page
    assert "30 days" in page
    assert health.check_pulls(house.container) == "1 repeat, next at 2026-06-30 09:00 UTC"
    assert "Data of a paid tool does not come." not in boss.get("/").text
    with house.db.work() as uow:
        uow.session.get_one(ProviderSchedule, row_id).last_error = "semrush is not asked: the budget is spent"
    assert "semrush is not asked: the budget is spent" in boss.get("/system").text
    assert "Data of a paid tool does not come." in boss.get("/").text
    assert "Data of a paid tool does not come." not in house.browser(Role.LEAD).get("/").text
    with pytest.raises(
        Unavailable, match=r"site 1: semrush was last asked in vain .*the budget is spent.*2026-06-30 09:00"
    ):
        health.check_pulls(house.container)
    api = house.api()
    [one] = api.get("/api/v1/provider-schedules").json()
    assert (one["provider"], one["last_error"]) == ("semrush", "semrush is not asked: the budget is spent")
    assert api.get(f"/api/v1/provider-schedules?site_id={site_id + 1}").json() == []
    assert api.get(f"/api/v1/provider-pulls?site_id={site_id}").json() == []


def test_pages_of_errors_say_what_was_kept_and_what_to_do(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    boss = house.browser(Role.OPERATOR)
    for answer, status, words in (
        (house.browser(Role.VIEWER).get("/system"), 403, "give you the role"),
        (boss.get("/nothing"), 404, "begin at Today"),
        (boss.post("/me", content=b"x", headers={"content-length": "9000000"}), 413, "smaller file"),
        (boss.get("/audit/export.csv?since=x"), 422, "correct what is named"),
    ):
        assert answer.status_code == status
        assert words in answer.text, status

    def breaks(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("app.web.pages.system.system.workers", breaks)
    crash = boss.get("/system")
    assert crash.status_code == 500
    assert re.search(r"<code>[0-9a-f]{16}</code>", crash.text)
    assert "give the reference" in crash.text
    monkeypatch.setattr("app.web.pages.system.system.workers", lambda _: _conflict())
    assert "look at what is there now" in boss.get("/system").text


def _conflict() -> list[Container]:
    raise Conflict("somebody was faster")
