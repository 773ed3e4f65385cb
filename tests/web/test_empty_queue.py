"""Each of the empty queues says which it is, with its figures and the way on."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.domain.verification import Verification
from app.models import DomainLease, MailboxDay, Prospect, RemovedGap, Role, Site, Snapshot
from app.models.snapshot import SnapshotRole
from tests.support.http import House
from tests.support.world import a_mailbox, a_prospect, a_site

_READY: dict[str, Any] = {"stage": Stage.CHECKED_MENTION, "mention": MentionVerdict.NO_MENTION, "tier": 1}


@pytest.fixture
def site(house: House) -> Site:
    with house.db.work() as uow:
        made = a_site(uow)
        uow.session.expunge(made)
        return made


def said(house: House, address: str = "/queue") -> str:
    """The words of the empty queue."""
    page = house.browser(Role.OUTREACH).get(address)
    assert page.status_code == 200
    box = re.search(r'<div class="empty">(.*?)</div>', page.text, re.DOTALL)
    assert box
    return (
        re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", box[1])).strip()
        + " "
        + " ".join(re.findall(r'href="([^"]+)"', box[1]))
    )


def test_no_import(house: House, site: Site) -> None:
    assert said(house).startswith("No gap data yet.")


def _imported(uow: Any, site: Site) -> None:
    uow.session.add(
        Snapshot(
            site_id=site.id,
            role=SnapshotRole.OURS,
            target="acme.test",
            provider="ahrefs",
            format="ahrefs",
            filename="ours.csv",
            sha256="0" * 64,
            path="none",
            rows_read=1,
            rows_taken=1,
            rows_lost=0,
            rows_rejected=0,
            report={},
            created_by="ana",
            created_at=uow.now(),
        )
    )


def test_no_gap(house: House, site: Site) -> None:
    with house.db.work() as uow:
        _imported(uow, site)
    assert "Every site that links to a competitor links to you, too." in said(house)


def test_all_filtered_names_the_rule_that_costs_most(house: House, site: Site) -> None:
    with house.db.work() as uow:
        _imported(uow, site)
        for number, rules in enumerate((["directory"], ["directory", "news"], ["news"], ["directory"])):
            uow.session.add(RemovedGap(site_id=site.id, domain=f"r{number}.test", removed_by=rules, rank_key="1"))
    words = said(house)
    assert words.startswith("Rules removed all 4 gap domains.")
    assert "directory removed 3, more than any other." in words
    assert words.endswith("/gap/removed")
    assert "links to you, too" not in words, "they do not"


def test_held_by_others_says_by_how_many(house: House, site: Site) -> None:
    until = house.clock.now() + timedelta(minutes=9)
    with house.db.work() as uow:
        for number, holder in enumerate(("user:901", "user:902", "user:902")):
            held = a_prospect(uow, site, f"held-{number}.test")
            uow.session.add(
                DomainLease(domain=held.domain, prospect_id=held.id, holder=holder, holder_name="Ben", until=until)
            )
    assert "2 people hold 3 domains." in said(house)


def test_all_snoozed_says_when_the_next_one_wakes(house: House, site: Site) -> None:
    with house.db.work() as uow:
        for days in (3, 2):
            wakes = datetime(2030, 1, days, 9, tzinfo=UTC)
            a_prospect(uow, site, f"asleep-{days}.test", **_READY, snoozed_until=wakes)
    assert "2 prospects sleep. The next one wakes 2 Jan 2030 09:00 UTC" in said(house)


def test_pages_are_being_checked_and_that_ends(house: House, site: Site) -> None:
    with house.db.work() as uow:
        number = a_prospect(uow, site, mention_due_at=uow.now()).id
    assert said(house).startswith("Nothing is ready yet.")
    with house.db.work() as uow:
        found = uow.session.get_one(Prospect, number)
        found.mention_due_at, found.verification = None, Verification.NOT_FOUND
    words = said(house)
    assert words.startswith("One domain is named by the web graph alone."), "nobody checks it"
    assert words.endswith("/gap")


def test_done_for_today_when_every_mailbox_is_at_its_cap(house: House, site: Site) -> None:
    with house.db.work() as uow:
        a_prospect(uow, site, stage=Stage.LOST)
        boxes = [a_mailbox(uow, daily_cap=40), a_mailbox(uow, "lee@acme.test", daily_cap=20)]
        off = a_mailbox(uow, "off@acme.test", active=False)
        assert off.id
        uow.session.add(MailboxDay(mailbox_id=boxes[0].id, day=uow.now().date(), used=40, cap=40))
        second = MailboxDay(mailbox_id=boxes[1].id, day=uow.now().date(), used=19, cap=20)
        uow.session.add(second)
    assert said(house).startswith("Done: nothing waits."), "one mail may still leave"
    with house.db.work() as uow:
        uow.session.merge(MailboxDay(mailbox_id=boxes[1].id, day=uow.now().date(), used=20, cap=20))
    words = said(house)
    assert words.startswith("Done for today: nothing waits.")
    assert "have sent 60 of 60 mails" in words
    assert "leaves tomorrow" in words


def test_an_empty_lane_shows_the_way_to_the_others(house: House, site: Site) -> None:
    with house.db.work() as uow:
        a_prospect(uow, site, **_READY, rank_key="1x")
    assert said(house, "/queue?tier=2").startswith("Nothing waits in this lane.")
