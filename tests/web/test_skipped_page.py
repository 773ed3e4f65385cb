"""The page of what was skipped: its suggestions for the floors, and the list of what a floor hides, to be excluded as a whole."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.desk import service as desk
from app.desk.service import Person
from app.domain.pipeline import LostReason, Stage
from app.models import Prospect, Role, Site
from app.reports import gap, skip_advice
from app.reports.gap import Filter
from tests.support.http import House
from tests.support.world import a_prospect, a_site
from tests.web.test_gap import gaps
from tests.web.test_pages import post

CHECKED = {"stage": Stage.CHECKED_MENTION, "overlap": 1, "competitors": ["alpha.test"], "tier": 3}


def skip(house: House, reason: LostReason, count: int, **values: Any) -> None:
    """As a person skips them in the queue."""
    person = Person(1, "user:1", "lead@acme.test", "Lead")
    with house.db.work() as uow:
        site = uow.session.get_one(Site, 1)
        made = [a_prospect(uow, site, f"{reason.value}-{n}.test", **CHECKED, **values) for n in range(count)]
        ids = [one.id for one in made]
    for number in ids:
        with house.db.work() as uow:
            desk.skip(uow, person, number, reason)


def test_weak_sites_suggest_a_floor_and_lead_to_what_it_hides(house: House) -> None:
    site_id = gaps(house.db)
    lead = house.browser(Role.LEAD)
    with house.db.work() as uow:
        site = uow.session.get_one(Site, site_id)
        a_prospect(uow, site, "written.test", stage=Stage.PITCHED, authority=70.0, authority_provider="ahrefs")
    skip(house, LostReason.WEAK_SITE, 9, authority=12.0, authority_provider="Ahrefs")
    page = lead.get("/queue/skipped").text
    assert "9 of 9 that were skipped as weak have an authority below 15 (ahrefs)." in page
    assert "Of 1 that were written to, 0 lie below it. In the gap, 3 more lie below it." in page
    href = page.split('class="button" href="')[1].split('"')[0].replace("&amp;", "&")
    shown = lead.get(href).text
    for name in ("weak.test", "both.test", "none.test"):
        assert f">{name}</a>" in shown
    for name in ("strong.test", "unknown.test", "other-scale.test"):
        assert f">{name}</a>" not in shown
    assert '<option value="weak-site" selected>' in shown
    fields = dict(part.split("=") for part in href.partition("?")[2].split("&"))
    refused = post(lead, "/gap/decide", **{**fields, "do": "exclude-all", "reason": ""})
    assert "Choose a reason" in refused.text
    post(lead, "/gap/decide", **{**fields, "do": "exclude-all", "reason": "weak-site"})
    with house.db.read() as uow:
        lost = uow.session.execute(select(Prospect.domain).where(Prospect.stage == Stage.LOST)).scalars()
        assert {name for name in lost if "-" not in name} == {"weak.test", "both.test", "none.test"}
    assert "What the reasons suggest" not in lead.get("/queue/skipped").text, "the floor would hide nothing any more"


def test_what_was_taken_back_suggests_nothing(house: House) -> None:
    gaps(house.db)
    lead = house.browser(Role.LEAD)
    skip(house, LostReason.WEAK_SITE, 8, authority=12.0, authority_provider="ahrefs")
    assert "What the reasons suggest" in lead.get("/queue/skipped").text
    with house.db.work() as uow:
        number = uow.session.execute(select(Prospect.id).where(Prospect.stage == Stage.LOST)).scalars().first()
        desk.put_back(uow, int(number or 0), actor="ana")
    assert "What the reasons suggest" not in lead.get("/queue/skipped").text


def test_another_language_suggests_the_languages_of_the_site(house: House) -> None:
    with house.db.work() as uow:
        a_site(uow, language="en")
    lead = house.browser(Role.LEAD)
    skip(house, LostReason.WRONG_LANGUAGE, 8, language="fr-FR")
    page = lead.get("/queue/skipped").text
    assert "8 of 8 that were skipped for their language are in fr" in page
    assert "pages in en only" in page
    assert 'href="/sites/1#f-languages"' in page


def test_what_is_not_relevant_suggests_a_topic_fit(house: House) -> None:
    with house.db.work() as uow:
        site = a_site(uow)
        a_prospect(uow, site, "off.test", **CHECKED, fit=10)
        a_prospect(uow, site, "on.test", **CHECKED, fit=80)
    house.browser(Role.LEAD)
    skip(house, LostReason.NOT_RELEVANT, 8, fit=22)
    with house.db.read() as uow:
        [one] = skip_advice.advice(uow)
    assert isinstance(one, skip_advice.FloorAdvice)
    assert (one.advised.floor, one.hides, one.asked.fit) == (25, 1, 25)


def test_the_list_of_what_floors_hide_is_the_rest_of_the_view(house: House) -> None:
    site_id = gaps(house.db)
    for floors in ({"authority": 50}, {"authority": 50, "traffic": 1_000, "dofollow": True}, {"traffic": 10**9}, {}):
        with house.db.read() as uow:
            everything = {row["domain"] for row in gap.listing(uow, Filter(site_id))}
            passes = {row["domain"] for row in gap.listing(uow, Filter(site_id, **floors))}
            hidden = {row["domain"] for row in gap.listing(uow, Filter(site_id, hidden_only=True, **floors))}
            assert hidden == everything - passes
            assert len(hidden) == gap.account(uow, Filter(site_id, **floors)).hidden


def test_what_was_skipped_twice_counts_once_and_each_site_by_whom_it_wrote_to(house: House) -> None:
    gaps(house.db)
    house.browser(Role.LEAD)
    skip(house, LostReason.WEAK_SITE, 7, authority=12.0, authority_provider="ahrefs")
    with house.db.work() as uow:
        number = uow.session.execute(select(Prospect.id).where(Prospect.stage == Stage.LOST)).scalars().first() or 0
        desk.put_back(uow, number, actor="ana")
    with house.db.work() as uow:
        desk.skip(uow, Person(1, "user:1", "lead@acme.test", "Lead"), number, LostReason.WEAK_SITE)
    with house.db.read() as uow:
        assert skip_advice.advice(uow) == [], "seven are no habit, however often one is skipped"
    skip_one_more(house)
    with house.db.read() as uow:
        [one] = skip_advice.advice(uow)
        assert isinstance(one, skip_advice.FloorAdvice)
        assert (one.advised.skipped, one.advised.written) == (8, 0)
    with house.db.work() as uow:
        other = a_site(uow, name="Other", domains=["other.test"])
        a_prospect(uow, other, "theirs.test", stage=Stage.PITCHED, authority=3.0, authority_provider="ahrefs")
        mine = uow.session.get_one(Site, 1)
        a_prospect(uow, mine, "ours.test", stage=Stage.PITCHED, authority=3.0, authority_provider="ahrefs")
    with house.db.read() as uow:
        assert skip_advice.advice(uow) == [], "somebody has written to what lies below it"


def skip_one_more(house: House) -> None:
    with house.db.work() as uow:
        made = a_prospect(
            uow,
            uow.session.get_one(Site, 1),
            "one-more.test",
            **CHECKED,  # type: ignore[arg-type]
            authority=12.0,
            authority_provider="ahrefs",
        )
        number = made.id
    with house.db.work() as uow:
        desk.skip(uow, Person(1, "user:1", "lead@acme.test", "Lead"), number, LostReason.WEAK_SITE)


def test_languages_are_suggested_to_who_may_set_them(house: House) -> None:
    with house.db.work() as uow:
        a_site(uow, language="en")
    house.browser(Role.LEAD)
    skip(house, LostReason.WRONG_LANGUAGE, 8, language="fr-FR")
    assert "pages in en only" in house.browser(Role.LEAD).get("/queue/skipped").text
    assert "What the reasons suggest" not in house.browser(Role.OUTREACH).get("/queue/skipped").text
