"""The doors of pacing, by API and command line on both databases: what is set moves what waits, and wrong input names its fix."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.clock import FixedClock
from app.mail import resting
from app.models import Mailbox, MailboxDay, OutboundKind, Site, SiteDay
from app.outbox import service
from app.settings import Settings
from tests.support.commands import Shell
from tests.support.http import House
from tests.support.world import a_contact, a_conversation, a_mailbox, a_prospect, a_site

# A Monday at nine: Tokyo has closed, Berlin is at work.
MAILBOX = {"daily_cap": 40, "gap_min_seconds": 30, "gap_max_seconds": 90, "ramp_start": 10, "ramp_step": 5,
           "language": "de", "site_ids": [1]}  # fmt: skip


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"send_window": "09:00-17:00"})


@pytest.fixture(autouse=True)
def _site(house: House) -> None:
    with house.db.work() as uow:
        a_site(uow)
        a_mailbox(uow, polled_at=uow.now())


@pytest.fixture
def shell(
    house: House, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Shell:
    made = Shell(monkeypatch, capsys, tmp_path)
    made.set(
        database_url=house.container.settings.resolved_database_url,
        data_dir=tmp_path / "data",
        send_window="09:00-17:00",
    )
    monkeypatch.setattr("app.container.SystemClock", lambda: clock)
    return made


def waits(house: House, domain: str) -> int:
    """A pitch that waits; returns its id, which is the prospect's, too."""
    with house.db.work() as uow:
        prospect = a_prospect(uow, uow.session.get_one(Site, 1), domain)
        conversation = a_conversation(uow, prospect, a_contact(uow, prospect), uow.session.get_one(Mailbox, 1))
        row = service.enqueue(
            uow, house.container.vault, house.container.settings, conversation=conversation, kind=OutboundKind.PITCH,
            subject="Your checklist", body_text="Hello,\n\nyour page names us.\n", body_html=None, approved_by="ana",
            not_before=uow.now(),
        )  # fmt: skip
        assert row.id == prospect.id
        return row.id


def reason(api: TestClient, row_id: int) -> dict[str, Any]:
    return api.get(f"/api/v1/outbox/{row_id}").json()["waiting"]  # type: ignore[no-any-return]


def problems(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [entry["field"] for entry in answer.json()["errors"]]


def test_why_has_a_sentence_and_a_time_at_both_doors(house: House, api: TestClient, shell: Shell) -> None:
    row_id = waits(house, "shimbun.jp")
    told = reason(api, row_id)
    assert told == {
        "reason": "hours",
        "sentence": "it is 18:00 there; mail leaves at 09:00-17:00 in Asia/Tokyo, by ccTLD .jp",
        "until": "2026-06-02T00:00:00+00:00",
    }
    said = shell("outbox", "why", str(row_id))
    assert (said.code, said.out.strip()) == (0, f"{told['sentence']}; it goes at {told['until']}")
    as_json = json.loads(shell("outbox", "why", str(row_id), "--json").out)
    assert as_json == {"id": row_id, "state": "QUEUED", **told}
    (line,) = json.loads(shell("outbox", "list", "--json").out)
    assert (line["id"], line["why"], line["goes"]) == (row_id, told["sentence"], told["until"])
    missing = shell("outbox", "why", "999")
    assert (missing.code, "999" in missing.err) == (1, True)


def test_a_holiday_is_named_with_its_country(house: House, api: TestClient, shell: Shell, clock: FixedClock) -> None:
    clock.at = datetime(2026, 7, 14, 9, 0, tzinfo=UTC)
    row_id = waits(house, "journal.fr")
    told = reason(api, row_id)
    assert (told["reason"], told["until"]) == ("holiday", "2026-07-15T07:00:00+00:00")
    assert told["sentence"].startswith("it is a holiday in FR: ")
    assert told["sentence"] in shell("outbox", "why", str(row_id)).out
    # Somebody who knows that they work from Tokyo says so: no French holiday there.
    assert api.put("/api/v1/prospects/1/hours", json={"country": "JP", "window": "17:00-19:00"}).status_code == 200
    assert "holiday" not in str(reason(api, row_id))


def test_the_zone_is_overridden_with_its_source_and_what_waits_moves(
    house: House, api: TestClient, shell: Shell
) -> None:
    row_id = waits(house, "shimbun.jp")
    at = f"/api/v1/prospects/{row_id}/hours"
    found = api.get(at).json()
    assert (found["country"], found["zone"], found["zone_source"]) == ("JP", "Asia/Tokyo", "ccTLD .jp")
    changed = api.put(at, json={"zone": "Europe/Berlin", "window": "12:00-14:00"}).json()
    assert (changed["zone"], changed["window"]) == ("Europe/Berlin", "12:00-14:00")
    assert changed["zone_source"] != "ccTLD .jp"
    told = reason(api, row_id)
    assert told["until"] == "2026-06-01T10:00:00+00:00"
    assert "Europe/Berlin" in told["sentence"]
    # The command shows the same, sets it, and goes back to the rules.
    shown = json.loads(shell("pacing", "prospect", str(row_id)).out)
    assert shown == changed
    moved = json.loads(shell("pacing", "prospect", str(row_id), "--zone", "America/Denver").out)
    assert (moved["zone"], moved["window_source"]) == ("America/Denver", found["window_source"])
    assert json.loads(shell("pacing", "prospect", str(row_id), "--by-rules").out) == found
    assert reason(api, row_id)["until"] == "2026-06-02T00:00:00+00:00"


def test_a_site_has_hours_cap_and_cooldown_of_its_own(house: House, api: TestClient, shell: Shell) -> None:
    row_id = waits(house, "zeitung.de")
    made = api.put("/api/v1/sites/1/pacing", json={"send_window": "13:00-15:00", "daily_cap": 5, "cooldown_days": 30})
    assert made.json() == {"site_id": 1, "send_window": "13:00-15:00", "daily_cap": 5, "cooldown_days": 30}
    assert api.get("/api/v1/sites/1/pacing").json() == made.json()
    assert reason(api, row_id)["until"] == "2026-06-01T11:00:00+00:00"
    with house.db.work() as uow:
        uow.session.add(SiteDay(site_id=1, day=uow.now().date(), used=7, cap=9))
    assert api.put("/api/v1/sites/1/pacing", json=made.json() | {"site_id": None}).status_code == 422
    again = {name: value for name, value in made.json().items() if name != "site_id"}
    assert api.put("/api/v1/sites/1/pacing", json=again).json() == made.json()
    with house.db.read() as uow:
        # A lower cap takes nothing back.
        day = uow.session.get_one(SiteDay, (1, uow.now().date()))
        assert (day.used, day.cap) == (7, 7)
    assert json.loads(shell("pacing", "site", "1", "--daily-cap", "80").out)["daily_cap"] == 80
    assert api.get("/api/v1/sites/1/pacing").json()["send_window"] is None


def test_a_mailbox_has_cap_ramp_language_and_sites(
    house: House, api: TestClient, shell: Shell, clock: FixedClock
) -> None:
    at = "/api/v1/mailboxes/1/pacing"
    made = api.put(at, json=MAILBOX).json()
    assert {name: made[name] for name in MAILBOX} == MAILBOX
    assert (made["days_used"], made["cap_today"], made["used_today"]) == (0, 10, 0)
    # Each day of sending brings the step, up to the cap.
    with house.db.work() as uow:
        for day in range(1, 5):
            uow.session.add(MailboxDay(mailbox_id=1, day=uow.now().date() - timedelta(days=day), used=3, cap=10))
    assert api.get(at).json()["cap_today"] == 30
    assert json.loads(shell("pacing", "mailbox", "ana@acme.test", "--ramp-step", "50").out)["cap_today"] == 40
    shown = json.loads(shell("pacing", "mailbox", "ana@acme.test", "--ramp-start", "0", "--language", "any").out)
    assert (shown["ramp_start"], shown["language"], shown["cap_today"], shown["site_ids"]) == (None, None, 40, [1])
    assert json.loads(shell("pacing", "mailbox", "ana@acme.test", "--sites", "all").out)["site_ids"] == []
    # Today's counter follows a lower cap, and never below what has left.
    with house.db.work() as uow:
        uow.session.add(MailboxDay(mailbox_id=1, day=uow.now().date(), used=6, cap=40))
    assert api.put(at, json={**MAILBOX, "daily_cap": 3}).json()["cap_today"] == 6


def test_a_mailbox_is_let_rest_and_woken(api: TestClient, shell: Shell) -> None:
    made = api.post("/api/v1/mailboxes/1/pause", json={"reason": "moving house"}).json()
    assert (made["paused_reason"].startswith("moving house ("), made["paused_until"]) == (True, None)
    assert api.post("/api/v1/mailboxes/1/resume").json()["paused_reason"] is None
    assert api.post("/api/v1/mailboxes/1/pause", json={"reason": ""}).status_code == 422
    assert api.post("/api/v1/mailboxes/7/pause", json={"reason": "x"}).status_code == 404
    assert shell("mailbox", "pause", "ana@acme.test", "--reason", "the provider wants to talk").code == 0
    assert (
        json.loads(shell("mailbox", "list", "--json").out)[0]["paused_reason"]
        == "the provider wants to talk (command line)"
    )
    assert shell("mailbox", "pause", "ana@acme.test", "--reason", " ").code == 2


def test_a_rest_that_ran_out_is_shown_by_nobody(house: House, api: TestClient, shell: Shell, clock: FixedClock) -> None:
    """It stands in the row until the mailbox has its next turn."""
    with house.db.work() as uow:
        resting.begin(uow.session.get_one(Mailbox, 1), "421 too fast", uow.now() + timedelta(hours=1), uow.now())

    def shown() -> list[tuple[object, object]]:
        [told] = json.loads(shell("mailbox", "list", "--json").out)
        [row] = api.get("/api/v1/mailboxes").json()
        return [(one["paused_reason"], one["paused_until"] is not None) for one in (row, told)]

    assert shown() == [("421 too fast", True)] * 2
    clock.advance(timedelta(hours=1, minutes=1))
    assert shown() == [(None, False)] * 2
    with house.db.read() as look:
        assert look.session.get_one(Mailbox, 1).paused_reason == "421 too fast"
    answer = api.put("/api/v1/mailboxes/1/aliases", json={"aliases": []}).json()
    assert (answer["paused_reason"], answer["paused_until"]) == (None, None)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("prospects/1/hours", {"zone": "Mars/Base"}, "zone"),
        ("prospects/1/hours", {"country": "de"}, "country"),
        ("prospects/1/hours", {"country": "ZZ"}, "country"),
        ("prospects/1/hours", {"window": "17:00-09:00"}, "window"),
        ("prospects/1/hours", {"window": "nine to five"}, "window"),
        ("sites/1/pacing", {"send_window": "25:00-26:00"}, "send_window"),
        ("sites/1/pacing", {"daily_cap": 0}, "daily_cap"),
        ("sites/1/pacing", {"cooldown_days": -1}, "cooldown_days"),
        ("mailboxes/1/pacing", {**MAILBOX, "daily_cap": 5000}, "daily_cap"),
        ("mailboxes/1/pacing", {**MAILBOX, "gap_min_seconds": 91}, "gap_max_seconds"),
        ("mailboxes/1/pacing", {**MAILBOX, "ramp_start": 0}, "ramp_start"),
        ("mailboxes/1/pacing", {**MAILBOX, "language": "Deutsch"}, "language"),
        ("mailboxes/1/pacing", {**MAILBOX, "site_ids": [77]}, "site_ids"),
    ],
)
def test_wrong_input_names_the_field_and_changes_nothing(
    house: House, api: TestClient, path: str, body: dict[str, Any], field: str
) -> None:
    waits(house, "zeitung.de")
    before = api.get(f"/api/v1/{path}").json()
    answer = api.put(f"/api/v1/{path}", json=body)
    assert problems(answer) == [field]
    assert answer.json()["errors"][0]["problem"]
    assert api.get(f"/api/v1/{path}").json() == before


@pytest.mark.parametrize("path", ["prospects/99/hours", "sites/99/pacing", "mailboxes/99/pacing"])
def test_what_does_not_exist_is_not_found(api: TestClient, path: str) -> None:
    assert api.get(f"/api/v1/{path}").status_code == 404
    assert api.put(f"/api/v1/{path}", json=MAILBOX if "mailboxes" in path else {}).status_code == 404


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("prospect", "1", "--zone", "Mars/Base"), "zone: 'Mars/Base' is no zone"),
        (("prospect", "1", "--country", "Deutschland"), "country: 'Deutschland' is no code"),
        (("prospect", "1", "--window", "x"), "window:"),
        (("prospect", "77"), "77"),
        (("site", "1", "--daily-cap", "0"), "daily_cap: must be at least 1"),
        (("site", "1", "--window", "9-5"), "send_window:"),
        (("mailbox", "ana@acme.test", "--sites", "one"), "--sites: 'one' is no list"),
        (("mailbox", "ana@acme.test", "--sites", "9"), "site_ids: there is no site 9"),
        (("mailbox", "ana@acme.test", "--language", "Deutsch"), "language: 'Deutsch' is no code"),
        (("mailbox", "ana@acme.test", "--gap-min-seconds", "99999"), "gap_max_seconds:"),
        (("mailbox", "nobody@acme.test"), "there is no mailbox nobody@acme.test"),
    ],
)
def test_the_command_says_what_is_wrong_and_fails(
    house: House, shell: Shell, arguments: tuple[str, ...], said: str
) -> None:
    waits(house, "zeitung.de")
    ran = shell("pacing", *arguments)
    assert ran.code in (1, 2)
    assert said in ran.err
    assert ran.out == ""
