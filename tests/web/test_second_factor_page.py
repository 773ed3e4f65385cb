"""The pages of the second factor, without script."""

from __future__ import annotations

import re
from typing import Any

from app.models import Role
from app.settings import Settings
from app.team import users
from tests.slices.test_second_factor import code_of
from tests.support.http import House
from tests.web.test_access import PASSWORD, csrf_of

PAGE = "/me/second-factor"


def post(browser: Any, path: str, **data: Any) -> Any:
    return browser.post(path, data={"csrf": csrf_of(browser.get(PAGE)), **data})


def sign_in(house: House, email: str, **more: str) -> tuple[Any, Any]:
    browser = house.stranger()
    data = {"csrf": csrf_of(browser.get("/signin")), "email": email, "password": PASSWORD, **more}
    return browser, browser.post("/signin", data=data)


def set_up(house: House, browser: Any) -> tuple[str, list[str]]:
    assert post(browser, f"{PAGE}/begin", password=PASSWORD).headers["location"] == PAGE
    page = browser.get(PAGE)
    found = re.search(r'<code class="secret">([A-Z2-7]{32})</code>', page.text)
    assert found
    assert 'class="segno"' in page.text
    assert page.headers["cache-control"] == "no-store"
    done = post(browser, f"{PAGE}/confirm", code=code_of(found[1], house.clock.now()))
    codes = re.findall(r"<li><code>([a-z2-7-]{19})</code></li>", done.text)
    assert (done.status_code, len(codes), done.headers["cache-control"]) == (200, 10, "no-store")
    return found[1], codes


def test_it_is_set_up_asked_for_and_switched_off(house: House, clock: Any) -> None:
    browser, other = house.browser(Role.LEAD), house.browser(Role.LEAD)
    wrong = post(browser, f"{PAGE}/begin", password="wrong wrong wrong")
    assert (wrong.status_code, 'href="#f-password"' in wrong.text) == (422, True)
    secret, codes = set_up(house, browser)
    assert other.get("/").status_code == 303, "what was opened without a code is over"
    page = browser.get(PAGE).text
    assert secret not in page
    assert codes[0] not in page
    assert "10 recovery codes are left" in page

    half, answer = sign_in(house, "lead@acme.test", next="/queue")
    assert answer.headers["location"] == "/signin/code?next=/queue"
    assert half.get("/").status_code == 303
    form = half.get(answer.headers["location"])
    data = {"csrf": csrf_of(form), "next": "/queue"}
    bad = half.post("/signin/code", data={**data, "code": "000000"})
    assert (bad.status_code, 'href="#f-code"' in bad.text) == (422, True)
    good = half.post("/signin/code", data={**data, "code": codes[0]})
    assert (good.status_code, good.headers["location"]) == (303, "/queue")
    assert half.get("/").status_code == 200
    assert house.stranger().get("/signin/code").headers["location"] == "/signin"
    assert house.stranger().post("/signin/code", data={**data, "code": codes[1]}).status_code == 403

    renewed = post(browser, f"{PAGE}/codes", code=codes[1])
    fresh = re.findall(r"<li><code>([a-z2-7-]{19})</code></li>", renewed.text)
    assert (len(fresh), set(fresh) & set(codes)) == (10, set())
    assert post(browser, f"{PAGE}/off", code=codes[2]).status_code == 422
    assert post(browser, f"{PAGE}/off", code=fresh[0]).headers["location"] == f"{PAGE}?did=off"
    assert sign_in(house, "lead@acme.test")[1].headers["location"] == "/"


def test_an_operator_takes_a_lost_one_away(house: House) -> None:
    browser = house.browser(Role.LEAD)
    set_up(house, browser)
    boss = house.browser(Role.OPERATOR)
    with house.db.read() as uow:
        lead = users.by_email(uow, "lead@acme.test")
    assert lead is not None
    assert ">second factor<" in boss.get("/settings/users").text
    path = f"/settings/users/{lead.id}/second-factor"
    assert post(boss, path).status_code == 303
    assert post(boss, path).status_code == 409
    assert browser.get("/").status_code == 303
    assert sign_in(house, "lead@acme.test")[1].headers["location"] == "/"
    assert "took away the second factor of" in boss.get("/audit").text


def test_where_a_role_needs_one_nothing_else_opens_before(settings: Settings, clock: Any) -> None:
    house = House(settings.model_copy(update={"second_factor_roles": ["operator"]}), clock=clock)
    try:
        boss, lead = house.browser(Role.OPERATOR), house.browser(Role.LEAD)
        assert lead.get("/").status_code == 200
        for path in ("/", "/setup", "/settings/users", "/me", "/nothing-there/../queue"):
            assert boss.get(path).headers["location"] == PAGE, path
        assert "Your role needs a second factor" in boss.get(PAGE).text
        token = csrf_of(boss.get(PAGE))
        made = boss.post("/settings/keys", data={"csrf": token, "name": "x", "scope-links:read": "on"})
        assert made.status_code == 403
        set_up(house, boss)
        assert boss.get("/").status_code == 200
    finally:
        house.close()
