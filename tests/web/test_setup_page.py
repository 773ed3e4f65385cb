"""The page of setting up, and its short form on Today."""

from __future__ import annotations

import pytest

from app.models import Role
from tests.support.desk import furnish
from tests.support.http import House
from tests.support.world import a_site


def test_the_list_is_for_those_who_may_do_it_and_leads_to_the_pages(house: House) -> None:
    boss = house.browser(Role.OPERATOR)
    page = boss.get("/setup").text
    assert page.count(">To do<") == 6
    assert page.count(">Optional<") == 2
    assert 'href="/sites">Next: Your site' in page
    assert 'href="/mailboxes/new">A mailbox' in page
    lead = house.browser(Role.LEAD).get("/setup").text
    assert 'href="/mailboxes/new"' not in lead
    assert "An operator does this." in lead
    for role in (Role.OUTREACH, Role.VIEWER):
        assert house.browser(role).get("/setup").status_code == 403
    with house.db.work() as uow:
        a_site(uow)
    assert ">Done<" in boss.get("/setup").text
    told = house.api({"installation:read"}).get("/api/v1/installation/setup").json()["items"]
    assert [(one["name"], one["state"]) for one in told][:2] == [("site", "done"), ("competitors", "to-do")]
    assert house.api({"sites:read"}).get("/api/v1/installation/setup").status_code == 403


@pytest.mark.parametrize("role", list(Role))
def test_today_shows_what_is_left_while_nothing_is_ready(house: House, role: Role) -> None:
    page = house.browser(role).get("/").text
    assert ("what is left to set up" in page) is (role in (Role.LEAD, Role.OPERATOR))
    assert ('href="/mailboxes/new"' in page) is (role is Role.OPERATOR)
    furnish(house)
    after = house.browser(role).get("/").text
    assert "what is left to set up" not in after
    # What is missing still keeps mail from leaving.
    assert ("setup task" in after) is (role in (Role.LEAD, Role.OPERATOR))
