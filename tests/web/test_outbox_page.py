"""The outbox: what each mail waits for, by whose clock, what to do about one that failed; and what the page costs."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.domain.delivery import OutboundState
from app.domain.pipeline import LostReason, Stage
from app.models import Mailbox, Outbound, OutboundKind, Prospect, RecipientDay, Role, SendAttempt, Site, SiteDay
from app.outbox import service
from app.prospects import service as prospects
from tests.support.http import House
from tests.support.world import a_contact, a_conversation, a_mailbox, a_prospect, a_site
from tests.web.test_pages import Counter, post

_BERLIN = "Europe/Berlin DE 09:00-17:00"


class Desk:
    """A site, two mailboxes, and mails in the outbox."""

    def __init__(self, house: House) -> None:
        self.house = house
        with house.db.work() as uow:
            self.site = a_site(uow).id
            self.mailboxes = [a_mailbox(uow).id, a_mailbox(uow, "lee@acme.test", time_zone="America/New_York").id]

    def mail(self, number: int, **values: Any) -> int:
        """One mail to a prospect of its own; its id. `values` go into its row."""
        with self.house.db.work() as uow:
            prospect = a_prospect(uow, uow.session.get_one(Site, self.site), f"to-{number:02}.test", tier=2)
            contact = a_contact(uow, prospect)
            mailbox = uow.session.get_one(Mailbox, self.mailboxes[number % 2])
            conversation = a_conversation(uow, prospect, contact, mailbox)
            row = Outbound(
                **{
                    "site_id": self.site,
                    "mailbox_id": mailbox.id,
                    "prospect_id": prospect.id,
                    "conversation_id": conversation.id,
                    "kind": OutboundKind.PITCH,
                    "message_id": f"<{number}@acme.test>",
                    "token": f"token-{number}",
                    "to_address": contact.email,
                    "subject": f"Mail {number}",
                    "raw": b"x",
                    "raw_sha256": "0" * 64,
                    "recipient": prospect.domain,
                    "not_before": uow.now(),
                    "wanted_at": uow.now(),
                    "expires_at": uow.now() + timedelta(days=30),
                    "approved_by": "ana",
                    "created_at": uow.now(),
                    **values,
                }
            )
            uow.session.add(row)
            uow.session.flush()
            return row.id


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk(house)


def test_the_page_costs_the_same_whatever_waits(desk: Desk) -> None:
    house, now = desk.house, desk.house.clock.now()
    browser, counter = house.browser(Role.OUTREACH), Counter(house)
    later = {"hours": _BERLIN, "not_before": now + timedelta(days=1), "wanted_at": now}

    def wait(numbers: range) -> None:
        for number in numbers:
            kind = (OutboundKind.PITCH, OutboundKind.FOLLOW_UP, OutboundKind.REPLY)[number % 3]
            desk.mail(number, kind=kind, **(later if number % 4 == 0 else {}))

    wait(range(12))
    browser.get("/outbox")
    few = counter.during(browser, "/outbox")
    wait(range(12, 49))
    many = counter.during(browser, "/outbox")
    assert browser.get("/outbox").text.count('class="mail"') == 49
    assert len(many) == len(few) <= 26, "\n".join(many)


def test_reasons_of_many_are_those_of_each(desk: Desk) -> None:
    """A list tells what one row alone tells, with caps, hours and a line before it."""
    house, now = desk.house, desk.house.clock.now()
    ids = [
        desk.mail(0),
        desk.mail(1, kind=OutboundKind.FOLLOW_UP),
        desk.mail(2, kind=OutboundKind.FOLLOW_UP, not_before=now + timedelta(hours=2), hours=_BERLIN, wanted_at=now),
        desk.mail(4, closes_at=now + timedelta(hours=4), hours=_BERLIN),
        desk.mail(6, to_address="noreply@to-06.test"),
        desk.mail(
            8,
            hold_reason="the server asked to try later: 451 4.3.0 later",
            not_before=now + timedelta(minutes=5),
        ),
        desk.mail(3, kind=OutboundKind.REPLY),
        desk.mail(5),
        desk.mail(7, state=OutboundState.AMBIGUOUS),
    ]
    with house.db.work() as uow:
        today = now.date()
        uow.session.add(RecipientDay(recipient="to-05.test", day=today - timedelta(days=9), used=1, cap=3))
        uow.session.add(RecipientDay(recipient="to-05.test", day=today, used=3, cap=3))
        uow.session.add(SiteDay(site_id=desk.site, day=today, used=1, cap=5))
    with house.db.read() as uow:
        rows = [service.get(uow, row_id) for row_id in ids]
        together = service.why_all(uow, rows, house.container.settings)
        assert together == [service.why_waiting(uow, row, house.container.settings) for row in rows]
    reasons = [skip.reason for skip in together if skip]
    assert reasons[2:] == ["hours", "queue", "machine-address", "deferred", "next", "recipient-cap", "ambiguous"]
    first = together[0]
    assert first is not None
    # The follow-up that may leave today goes before it; the other one waits for its hours and does not.
    assert "1 goes before it" not in first.sentence, "that is the other mailbox's"
    assert together[3] is not None
    assert "goes before it" in together[3].sentence or "go before it" in together[3].sentence


def test_a_waiting_mail_names_its_mailbox_and_both_clocks(desk: Desk) -> None:
    now = desk.house.clock.now()
    desk.mail(0, hours=_BERLIN, not_before=now + timedelta(days=1), wanted_at=now)
    desk.mail(1, kind=OutboundKind.FOLLOW_UP)
    page = desk.house.browser(Role.OUTREACH).get("/outbox").text
    first = page.split("Mail 0")[1].split("</li>")[0]
    assert "from ana@acme.test" in first
    there = (now + timedelta(days=1)).astimezone(ZoneInfo("Europe/Berlin"))
    assert f"theirs: {there:%a %H:%M} (Europe/Berlin)" in first
    second = page.split("Mail 1<")[1].split("</li>")[0]
    assert "from lee@acme.test" in second
    assert ">follow-up</span>" in second
    assert "theirs" not in second, "nobody has said where they work"
    german = desk.house.browser(Role.OUTREACH).get("/outbox", headers={"Accept-Language": "de"}).text
    assert ">Nachfrage</span>" in german
    assert ">follow-up</span>" not in german


@pytest.mark.parametrize(
    ("stage", "text", "step"),
    [
        ("rcpt", "5.1.1 unknown user", "Nobody has this address there"),
        ("dot", "5.7.1 looks like bulk mail", "Their server refuses mail like yours"),
        ("dot", "5.6.0 cannot read it", "Mend what their server says"),
    ],
)
def test_each_refusal_says_what_to_do_next(desk: Desk, stage: str, text: str, step: str) -> None:
    house = desk.house
    row_id = desk.mail(0, state=OutboundState.REJECTED, reply_code=550, reply_text=text)
    with house.db.work() as uow:
        row = service.get(uow, row_id)
        uow.session.add(
            SendAttempt(
                outbound_id=row_id, attempt_no=1, fence=1, stage=stage, outcome="rejected", code=550, at=uow.now()
            )
        )
        prospects.give_up(uow, row.prospect_id, LostReason.BOUNCED, actor="system")
        number = row.prospect_id
    browser = house.browser(Role.OUTREACH)
    page = browser.get("/outbox?tab=failed").text
    assert f"refused by the server: 550 {text}" in re.sub(r"\s+", " ", page)
    assert step in page
    assert ("/mailboxes/" in page.split("Mail 0")[1].split("</li>")[0]) is ("5.7" in text)
    assert f'action="/outbox/{row_id}/begin-anew"' in page
    done = post(browser, f"/outbox/{row_id}/begin-anew")
    assert done.headers["location"] == f"/queue/{number}"
    with house.db.read() as uow:
        assert uow.session.get_one(Prospect, number).stage is Stage.PROSPECT
    after = browser.get("/outbox?tab=failed").text
    assert "begin-anew" not in after
    again = post(browser, f"/outbox/{row_id}/begin-anew")
    assert again.status_code == 409
    assert step in again.text
    assert post(browser, f"/outbox/{desk.mail(1)}/begin-anew").status_code == 409
