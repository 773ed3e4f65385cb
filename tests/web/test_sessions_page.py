"""The sessions on the page of a person, and on the operator's page of somebody else."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import select

from app.models import Role, UserSession
from app.team import users
from tests.support.http import House
from tests.web.test_access import PASSWORD, csrf_of

NEW = "another horse battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


def post(browser: Any, path: str, **data: Any) -> Any:
    return browser.post(path, data={"csrf": csrf_of(browser.get("/me")), **data})


def test_one_is_ended_from_another_device_and_all_of_them_by_an_operator(house: House) -> None:
    here, there = house.browser(Role.LEAD), house.stranger()
    data = {"csrf": csrf_of(there.get("/signin")), "email": "lead@acme.test", "password": PASSWORD}
    assert there.post("/signin", data=data, headers={"User-Agent": FIREFOX}).status_code == 303
    page = here.get("/me").text
    assert "Firefox on Linux" in page
    assert page.count(">this one<") == 1
    with house.db.read() as uow:
        stored = uow.session.execute(select(UserSession.id_hash)).scalars().all()
    assert not any(one in page for one in stored)
    ends = re.findall(r'action="(/me/sessions/\w{16}/end)"', page)
    assert len(ends) == 1, "one's own session is ended by signing out"
    stranger = house.browser(Role.OUTREACH)
    assert post(stranger, ends[0]).status_code == 409
    assert there.get("/").status_code == 200
    assert post(here, ends[0]).headers["location"] == "/me?did=ended"
    assert there.get("/").status_code == 303
    assert here.get("/").status_code == 200

    also = house.browser(Role.LEAD)
    assert post(here, "/me/sessions/end-others").status_code == 303
    assert [one.get("/").status_code for one in (here, also)] == [200, 303]
    with house.db.read() as uow:
        lead = users.by_email(uow, "lead@acme.test")
    assert lead is not None
    boss = house.browser(Role.OPERATOR)
    assert "Nowhere signed in." not in boss.get(f"/settings/users/{lead.id}").text
    assert post(boss, f"/settings/users/{lead.id}/sessions").status_code == 303
    assert here.get("/").status_code == 303
    assert "Nowhere signed in." in boss.get(f"/settings/users/{lead.id}").text
    assert "ended sessions of" in boss.get("/audit").text
    assert "did not sign in" not in boss.get("/audit").text


def test_a_password_of_ones_own_is_taken_for_the_former_one(house: House) -> None:
    here, there = house.browser(Role.LEAD), house.browser(Role.LEAD)
    wrong = post(here, "/me/password", password="not mine at all", new_password=NEW, again=NEW)
    assert (wrong.status_code, 'href="#f-password"' in wrong.text) == (422, True)
    short = post(here, "/me/password", password=PASSWORD, new_password="short", again="short")
    assert (short.status_code, 'href="#f-new_password"' in short.text) == (422, True)
    assert 'value="short"' not in short.text
    differ = post(here, "/me/password", password=PASSWORD, new_password=NEW, again=f"{NEW}.")
    assert (differ.status_code, 'href="#f-again"' in differ.text) == (422, True)
    assert there.get("/").status_code == 200
    done = post(here, "/me/password", password=PASSWORD, new_password=NEW, again=NEW)
    assert done.headers["location"] == "/me?did=password"
    assert "gapbridge=" in done.headers["set-cookie"], "this browser goes on in a session of its own"
    assert here.get("/me").status_code == 200
    assert there.get("/").status_code == 303
    for password, status in ((PASSWORD, 401), (NEW, 303)):
        new = house.stranger()
        data = {"csrf": csrf_of(new.get("/signin")), "email": "lead@acme.test", "password": password}
        assert new.post("/signin", data=data).status_code == status


def test_what_was_asked_for_comes_back_with_its_filters(house: House) -> None:
    house.browser(Role.LEAD)
    stranger = house.stranger()
    asked = stranger.get("/gap?authority=50&tier=1&did=added").headers["location"]
    assert asked == "/signin?next=/gap%3Fauthority%3D50%26tier%3D1"
    page = stranger.get(asked)
    data = {"csrf": csrf_of(page), "email": "lead@acme.test", "password": PASSWORD, "next": "/gap?authority=50&tier=1"}
    assert 'value="/gap?authority=50&amp;tier=1"' in page.text
    assert stranger.post("/signin", data=data).headers["location"] == "/gap?authority=50&tier=1"
    assert 'name="back" value="/gap?tier=1"' in stranger.get("/gap?tier=1&did=added").text
