"""No page shows a value by the name that the database has for it: each has a word, in the reader's language."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.domain import link_verdict
from app.domain.delivery import OutboundState, Verdict
from app.domain.inbound import Intent, Kind
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import LostReason
from app.domain.said import Day, say
from app.domain.winnability import FLAG_WEIGHTS
from app.fetch.ports import Reason
from app.gaps import words as gap_words
from app.installation.rules import SAVABLE
from app.models import Inbound, LinkState, Outbound, OutboundKind, Role, SendAttempt, SequenceRun
from app.prospects import service as prospects
from app.sites import pages as promoted
from app.sites import service as sites
from app.web import i18n
from app.web.words import NAMES
from tests.support.desk import DOMAINS, furnish
from tests.support.http import House
from tests.web.test_pages import draft_form, post


@pytest.mark.parametrize(
    ("what", "values"),
    [
        ("mail kind", OutboundKind),
        ("mail state", OutboundState),
        ("received kind", Kind),
        ("intent", Intent),
        ("attempt", Verdict),
        ("lost reason", LostReason),
        ("verdict", MentionVerdict),
        ("link state", LinkState),
    ],
)
def test_every_value_has_a_word(what: str, values: type[StrEnum]) -> None:
    assert {one.value for one in values} <= set(NAMES[what])


def test_every_rule_of_the_chance_has_a_word() -> None:
    rules = {one.name for one in gap_words.winnability_rules()} | set(FLAG_WEIGHTS)
    assert rules == set(NAMES["chance rule"])


def shown(page: str) -> str:
    """The words of the main part, without mails, addresses and tags."""
    main = page.split("<main", 1)[1].split("</main>", maxsplit=1)[0]
    main = re.sub(r'<div class="paper".*?</div>', " ", main, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


# Names of the database that are no German words, and stages, which have a word of their own.
CODES = (
    *(one.value for one in LostReason if one.value != "other"),
    *(one.value.lower() for one in OutboundState),
    *(one.value for one in Verdict),
    *(one.value for one in MentionVerdict),
    *(one.value for one in Intent if one is not Intent.NO),
    "auto-reply",
    "checked-mention",
    "followed-up",
    "news-event",
    "editorial",
    "title:",
    "path:",
    "tool:",
)


def coded(text: str) -> set[str]:
    return {code for code in CODES if re.search(rf"(?<![\w@.-]){re.escape(code)}(?![\w.-])", text)}


@contextmanager
def in_german() -> Iterator[None]:
    i18n.read_by("de")
    try:
        yield
    finally:
        i18n.read_by("en")


def test_every_field_that_two_may_save_at_once_has_a_word() -> None:
    """The table of what differs names fields of sites, of pages that are promoted, of pacing, and of the rules."""
    named = {*SAVABLE, *sites.FIELDS, *promoted.FIELDS, "send_window", "daily_cap", "cooldown_days"}
    assert named <= NAMES["field"].keys()
    with in_german():
        same = {name for name in named if i18n._(NAMES["field"][name]) == NAMES["field"][name]}
    assert same == {"name", "domains"}, "these are written alike in both"


def test_numbers_inside_of_sentences_are_written_as_in_the_readers_language() -> None:
    texts = (
        "A number from 1 to {most:,}",
        "{path}: unpacks to {unpacked:,} MiB, which is no export; unpack it yourself and look.",
    )
    values = {"most": 10_000, "path": "a.zip", "unpacked": 1234567}
    assert i18n._(texts[0], **values) == "A number from 1 to 10,000"
    assert (i18n.amount(1234.5), i18n.amount(3), i18n._("{share} of it", share=0.25)) == ("1,234.5", "3", "0.25 of it")
    with in_german():
        assert i18n._(texts[0], **values) == "Eine Zahl von 1 bis 10.000"
        assert "1.234.567 MiB" in i18n._(say(texts[1], **values))
        assert (i18n.amount(1234.5), i18n.amount(0.0004), i18n._("{share} of it", share=0.25)) == (
            "1.234,5",
            "0,0004",
            "0,25 of it",
        )
        assert i18n._("{when} {on} {n}", when=Day(2026, 5, 3), on=True, n=2026) == "3. Mai 2026 True 2026"


def test_german_pages_show_no_name_of_the_database(house: House) -> None:
    ids = furnish(house)
    browser = house.browser(Role.OUTREACH)
    browser.headers["Accept-Language"] = "de"
    number, sent = ids[DOMAINS[0]], ids["sent.test"]
    with house.db.work() as uow:
        mails = {row.prospect_id: row for row in uow.session.execute(select(Outbound)).scalars()}
        for outcome in ("committed", "mailbox-deferred", "rejected"):
            uow.session.add(
                SendAttempt(
                    outbound_id=mails[sent].id,
                    attempt_no=1,
                    fence=1,
                    stage="dot",
                    outcome=outcome,
                    at=uow.now(),
                )
            )
        row: Any = uow.session.get_one(Inbound, 2)
        row.kind, row.intent = "auto-reply", "not-now"
        prospects.give_up(uow, number, LostReason.WEAK_SITE, actor="ana")
    third = ids[DOMAINS[2]]
    paths = (f"/prospects/{number}", f"/prospects/{sent}", f"/prospects/{third}", f"/queue/{number}", "/pipeline")
    for path in (*paths, "/outbox?tab=sent", "/inbox/1", "/inbox/2"):
        page = browser.get(path)
        assert page.status_code == 200, path
        assert not coded(shown(page.text)), path
    assert coded(shown(browser.get(f"/prospects/{sent}", headers={"Accept-Language": "en"}).text)), "the guard can see"


def test_what_machines_say_of_themselves_is_said_in_the_readers_language(house: House) -> None:
    """The mailbox that was chosen, in the history; and what the checks of this installation have found."""
    furnish(house)
    browser = house.browser(Role.OPERATOR)
    browser.headers["Accept-Language"] = "de"
    history, checks = shown(browser.get("/audit").text), shown(browser.get("/system").text)
    assert "sind vergeben" in history
    assert "are taken" not in history
    assert "auf dem Stand" in checks
    assert "at revision" not in checks


def test_what_cannot_be_taken_back_says_so_in_the_readers_language(house: House) -> None:
    furnish(house)
    browser = house.browser(Role.OUTREACH)
    browser.headers["Accept-Language"] = "de"
    assert post(browser, "/inbox/1/class", **{"class": "unsubscribe"}).status_code == 303
    done = post(browser, "/inbox/undo")
    page = shown(browser.get(done.headers["location"]).text)
    assert "das lässt sich hier nicht zurücknehmen" in page
    assert "cannot be taken back" not in page


def test_what_has_left_says_when_on_the_readers_clock_and_what_follows_can_be_stopped(house: House) -> None:
    number = furnish(house)[DOMAINS[0]]
    browser = house.browser(Role.OUTREACH)
    post(browser, "/me", language="de", time_zone="Europe/Berlin", density="compact", undo_seconds="", single_keys="on")
    form = draft_form(browser.get(f"/queue/{number}").text)
    post(browser, f"/queue/{number}/decide", do="approve", **form)
    with house.db.work() as uow:
        gone = uow.session.execute(
            select(Outbound).where(Outbound.prospect_id == number, Outbound.state == OutboundState.QUEUED)
        ).scalar_one()
        gone.state, gone.committed_at = OutboundState.SENT, uow.now()
        gone.sent_at = datetime(2026, 5, 3, 7, 5, tzinfo=UTC)
    page = browser.get(post(browser, "/queue/undo").headers["location"]).text
    assert "gesendet 3. Mai 2026 09:05; das lässt sich nicht zurücknehmen" in page
    assert f'action="/prospects/{number}/stop-follow-ups"' in page
    done = post(browser, f"/prospects/{number}/stop-follow-ups")
    assert done.headers["location"] == f"/prospects/{number}?did=stopped"
    stopped = browser.get(done.headers["location"]).text
    assert "Es gehen keine Nachfragen mehr hinaus" in stopped
    assert "Die Nachfragen stehen still." in stopped
    assert "stop-follow-ups" not in stopped
    assert "growth-notes.test" in browser.get("/sequences/paused").text
    again = post(browser, f"/prospects/{number}/stop-follow-ups")
    assert (again.status_code, "gehen ohnehin keine Nachfragen mehr" in again.text) == (409, True)


@pytest.mark.parametrize("state", [OutboundState.QUEUED, OutboundState.COMMITTED])
def test_who_stops_follow_ups_is_told_of_the_one_that_is_leaving(house: House, state: OutboundState) -> None:
    number = furnish(house)[DOMAINS[0]]
    browser = house.browser(Role.OUTREACH)
    form = draft_form(browser.get(f"/queue/{number}").text)
    post(browser, f"/queue/{number}/decide", do="approve", **form)
    with house.db.work() as uow:
        pitch = uow.session.execute(select(Outbound).where(Outbound.prospect_id == number)).scalar_one()
        pitch.state, pitch.committed_at, pitch.sent_at = OutboundState.SENT, uow.now(), uow.now()
        run = uow.session.execute(select(SequenceRun).where(SequenceRun.prospect_id == number)).scalar_one()
        run.next_step = 2
        values = {name: getattr(pitch, name) for name in type(pitch).model_fields if name != "id"}
        uow.session.add(
            Outbound(
                **{
                    **values,
                    "kind": OutboundKind.FOLLOW_UP,
                    "state": state,
                    "step_no": 1,
                    "message_id": "<late@acme.test>",
                    "token": "late",
                }
            )
        )
    done = post(browser, f"/prospects/{number}/stop-follow-ups")
    late = state is OutboundState.COMMITTED
    assert done.headers["location"] == f"/prospects/{number}?did={'stopped-late' if late else 'stopped'}"
    assert ("One is leaving at this moment." in browser.get(done.headers["location"]).text) is late
    assert ("somebody has stopped their follow-ups" in browser.get("/outbox").text) is not late


def test_a_word_with_two_meanings_is_said_in_each(house: House) -> None:
    """Whom a mail goes to is not until when; what is still open is no button; what is theirs is not yours."""
    ids = furnish(house)
    browser = house.browser(Role.OPERATOR)
    browser.headers["Accept-Language"] = "de"
    item = browser.get(f"/queue/{ids[DOMAINS[0]]}").text
    assert '<label for="f-contact_id">An</label>' in item
    assert '<label for="f-until">Bis</label>' in browser.get("/audit").text
    assert '" aria-current="page">Offen</a>' in browser.get("/gap").text
    i18n.read_by("de")
    assert i18n._("Open it") == "Öffnen"
    i18n.read_by("en")
    catalog = (i18n.CATALOGS / "de/LC_MESSAGES/messages.po").read_text(encoding="utf-8")
    theirs = re.findall(r'msgid "([^"]*\b(?:[Tt]heir|[Tt]heirs)\b[^"]*)"\nmsgstr "([^"]*)"', catalog)
    assert len(theirs) > 40
    yours = [said for said in theirs if not re.search(r"\byour", said[0], re.I) and re.search(r"\bdein", said[1], re.I)]
    assert yours == []


def test_every_reason_for_which_a_page_was_not_read_has_words() -> None:
    words = NAMES["why unread"]
    assert {one.value for one in Reason} <= set(words)
    source = Path(link_verdict.__file__).read_text()
    judged = set(re.findall(r'reason, sentence = "([a-z-]+)"', source)) | set(
        re.findall(r'_unchecked\(\s*\w+, "([a-z-]+)"', source)
    )
    assert len(judged) >= 6
    assert judged | {link_verdict.COLLAPSED} <= set(words)
