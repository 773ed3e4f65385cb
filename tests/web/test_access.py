"""Who may open what, sign-in and sessions by HTTP, and forged forms. The matrix is made from the table of pages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import func, select

from app.models import Role, Suppression, UserSession
from app.settings import Settings
from app.team import service, users
from app.web.door import PUBLIC, UNATTENDED
from app.web.routes import PAGES
from tests.support.http import House
from tests.web.manifest import MANIFEST, ROLES

TABLE = [route for pages in PAGES for route in pages.table]
PASSWORD = "correct horse battery"


def path_of(pattern: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: "token" if name[1] == "token" else "1", pattern)


def csrf_of(answer: Any) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
    assert found, answer.text
    return found[1]


def test_every_page_of_the_application_stands_in_the_table(house: House) -> None:
    seen = set()
    for route in house.app.router.routes:
        inner = getattr(route, "original_router", None)
        for one in inner.routes if inner else [route]:
            for method in getattr(one, "methods", None) or ():
                seen.add((method, one.path))
    known = {(route.method, route.path) for route in TABLE}
    probes = {("GET", path) for path in ("/healthz", "/readyz", "/metrics", "/api/v1/openapi.json")}
    api = {line for line in seen if not line[1].startswith("/api") and line not in known and line not in probes}
    from app.api.v1.routes import DOORS

    api -= {(route.method, route.path) for door in DOORS for route in door.table}
    assert {line for line in api if line[0] != "HEAD"} == set()


def test_the_manifest_holds_every_route_and_no_other() -> None:
    assert {(route.method, route.path) for route in TABLE} == set(MANIFEST)
    unseen = [line for line, row in MANIFEST.items() if line[0] == "GET" and not row.look and not row.file]
    assert unseen == [], "every page names an address at which it is looked at"


def _somebody(house: House, role: Role | None) -> tuple[Any, dict[str, str]]:
    """A browser in a new session, and what its forms hold."""
    if role is None:
        return house.stranger(), {}
    browser = house.browser(role)
    return browser, {"csrf": csrf_of(browser.get("/keys"))}


# Forms that end the session of the operator who sends them.
_ENDING = ("/signout", "/settings/users/{user_id}/sessions")


@pytest.mark.parametrize("role", [None, *Role])
def test_the_matrix_of_pages_and_roles(house: House, role: Role | None) -> None:
    """Every page for every role as the manifest has it. A 404 or 409 is an open door to an empty room."""
    browser, data = _somebody(house, role)
    for route in TABLE:
        if route.path == "/signout" or route.path.startswith(("/signin", "/setup")):
            continue
        wanted = MANIFEST[route.method, route.path].roles
        answer = browser.request(route.method, path_of(route.path), data=data if route.method == "POST" else {})
        if route.path in _ENDING:
            browser, data = _somebody(house, role)
        where = f"{route.method} {route.path} as {role}: {answer.status_code}"
        if wanted == "P":
            assert answer.status_code == 200, where
        elif role is None and UNATTENDED.fullmatch(route.path):
            assert answer.status_code == 204, where
        elif role is None:
            assert answer.status_code == 303, where
            assert answer.headers["location"].startswith("/signin"), where
        elif wanted == "S" or role in {ROLES[letter] for letter in wanted}:
            assert answer.status_code in (200, 303, 404, 409, 422), where + answer.text
        else:
            assert answer.status_code == 403, where


def test_every_form_is_refused_when_it_is_forged(house: House) -> None:
    browser, honest_form = _somebody(house, Role.OPERATOR)
    forms = [route for route in TABLE if route.form and route.needs != PUBLIC]
    assert forms
    for route in forms:
        path, token = path_of(route.path), honest_form["csrf"]
        for data, headers in (
            ({}, {}),
            ({"csrf": "x" * 43}, {}),
            ({"csrf": ""}, {}),
            ({"csrf": token}, {"Sec-Fetch-Site": "cross-site"}),
            ({"csrf": token}, {"Sec-Fetch-Site": "same-site"}),
            ({"csrf": token}, {"Origin": "https://evil.test"}),
            ({"csrf": token}, {"Origin": "null"}),
        ):
            answer = browser.post(path, data=data, headers=headers)
            assert answer.status_code == 403, (path, data, headers, answer.status_code)
        honest = browser.post(path, data=honest_form, headers={"Origin": "http://127.0.0.1:8321"})
        assert honest.status_code != 403, path
        if route.path in _ENDING:
            browser, honest_form = _somebody(house, Role.OPERATOR)
    with house.db.read() as uow:
        other = users.by_email(uow, "operator@acme.test")
    assert other is not None


def test_another_sessions_token_does_not_fit(house: House) -> None:
    stolen = csrf_of(house.browser(Role.OPERATOR).get("/"))
    assert house.browser(Role.LEAD).post("/theme", data={"csrf": stolen, "theme": "dark"}).status_code == 403


def set_up(house: House, browser: Any) -> Any:
    page = browser.get("/setup")
    data = {"csrf": csrf_of(page), "name": "Ana", "email": "ana@acme.test", "password": PASSWORD, "again": PASSWORD}
    return browser.post("/setup", data=data)


def test_a_name_that_anybody_may_point_here_makes_no_first_user(house: House) -> None:
    for called, answer in (("evil.test:8321", 403), ("127.0.0.1:8321", 303)):
        browser = house.stranger()
        headers = {"Host": called, "Origin": f"http://{called}"}
        page = browser.get("/setup", headers=headers)
        data = {"csrf": csrf_of(page), "name": "Ana", "email": "ana@acme.test", "password": PASSWORD, "again": PASSWORD}
        told = browser.post("/setup", data=data, headers=headers | {"Cookie": page.headers["set-cookie"].split(";")[0]})
        assert told.status_code == answer
        if answer == 403:
            assert "not known as evil.test:8321" in told.text
            assert "GAPBRIDGE_PUBLIC_URL" in told.text


def test_a_proxy_may_call_us_by_a_name_of_its_own(house: House) -> None:
    browser = house.stranger()
    page = browser.get("/setup", headers={"Host": "gapbridge:8321"})
    data = {"csrf": csrf_of(page), "name": "Ana", "email": "ana@acme.test", "password": PASSWORD, "again": PASSWORD}
    cookie = {"Cookie": page.headers["set-cookie"].split(";")[0], "Host": "gapbridge:8321"}
    for origin, answer in (("http://gapbridge:8321", 403), ("http://127.0.0.1:8321", 303)):
        assert browser.post("/setup", data=data, headers=cookie | {"Origin": origin}).status_code == answer


def test_the_first_user_sets_up_once_and_signs_in_and_out(house: House) -> None:
    browser = house.stranger()
    assert browser.get("/").headers["location"] == "/signin"
    assert browser.get("/signin").headers["location"] == "/setup"
    short = browser.post(
        "/setup",
        data={"csrf": csrf_of(browser.get("/setup")), "name": "Ana", "email": "x", "password": "a", "again": "a"},
    )
    assert short.status_code == 422
    assert 'value="Ana"' in short.text
    assert "<title>Error:" in short.text
    made = set_up(house, browser)
    assert (made.status_code, made.headers["location"]) == (303, "/setup")
    cookie = made.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert browser.get("/").status_code == 200
    assert house.stranger().get("/setup").headers["location"] == "/signin"

    other = house.stranger()
    form = {"csrf": csrf_of(other.get("/signin")), "email": "ana@acme.test"}
    wrong = other.post("/signin", data={**form, "password": "wrong wrong wrong"})
    assert wrong.status_code == 401
    unknown = other.post("/signin", data={**form, "email": "eve@acme.test", "password": "wrong wrong wrong"})
    assert unknown.status_code == 401
    assert wrong.text.replace("ana@", "") == unknown.text.replace("eve@", "")
    right = other.post("/signin?next=/x", data={**form, "password": PASSWORD, "next": "/queue"})
    assert (right.status_code, right.headers["location"]) == (303, "/queue")
    first = other.cookies["gapbridge"]
    token = csrf_of(other.get("/"))
    out = other.post("/signout", data={"csrf": token})
    assert out.headers["location"] == "/signin"
    thief = house.stranger()
    thief.cookies.set("gapbridge", first)
    assert thief.get("/").status_code == 303


def test_sign_in_goes_nowhere_else(house: House) -> None:
    set_up(house, house.stranger())
    for target in ("https://evil.test", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/a\r\nX: y"):
        browser = house.stranger()
        data = {"csrf": csrf_of(browser.get("/signin")), "email": "ana@acme.test", "password": PASSWORD, "next": target}
        assert browser.post("/signin", data=data).headers["location"] == "/", target


def test_sign_in_replaces_the_browsers_former_session_and_is_throttled(house: House) -> None:
    browser = house.stranger()
    set_up(house, browser)
    planted = browser.cookies["gapbridge"]
    data = {"csrf": csrf_of(browser.get("/")), "email": "ana@acme.test", "password": PASSWORD}
    assert browser.post("/signin", data=data).status_code == 303
    assert browser.cookies["gapbridge"] != planted
    thief = house.stranger()
    thief.cookies.set("gapbridge", planted)
    assert thief.get("/").status_code == 303
    again = house.stranger()
    data = {"csrf": csrf_of(again.get("/signin")), "email": "ana@acme.test", "password": "wrong wrong wrong"}
    statuses = [again.post("/signin", data=data).status_code for _ in range(service.TRIES_PER_WINDOW + 3)]
    assert statuses == [401] * service.TRIES_PER_WINDOW + [429] * 3
    assert int(again.post("/signin", data=data).headers["retry-after"]) > 0
    forged = house.stranger()
    assert forged.post("/signin", data={"email": "ana@acme.test", "password": PASSWORD}).status_code == 403


def test_https_binds_the_cookie_to_the_host(settings: Settings, clock: Any) -> None:
    house = House(settings.model_copy(update={"public_url": "https://links.acme.test"}), clock=clock)
    try:
        browser = house.stranger()
        browser.base_url = "https://links.acme.test"
        made = set_up(house, browser)
        cookies = made.headers.get_list("set-cookie")
        session = next(line for line in cookies if line.startswith("__Host-gapbridge="))
        assert "Secure" in session
        assert "Domain" not in session
        assert made.headers["strict-transport-security"]
    finally:
        house.close()


def test_headers_of_a_page(house: House) -> None:
    answer = house.browser().get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert " style=" not in answer.text
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", answer.text)), "no script stands in a page"
    assert house.stranger().get("/static/app.css").status_code == 200
    missing = house.browser().get("/nothing")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_opening_an_opt_out_link_changes_nothing(house: House) -> None:
    for _ in range(50):
        assert house.stranger().get("/u/sometoken").status_code == 200
    with house.db.read() as uow:
        assert uow.session.execute(select(func.count()).select_from(Suppression)).scalar_one() == 0
    assert house.stranger().get("/u/" + "x" * 65).status_code == 404


def test_a_stolen_database_signs_nobody_in(house: House) -> None:
    browser = house.browser()
    with house.db.read() as uow:
        stored = uow.session.execute(select(UserSession.id_hash)).scalar_one()
    thief = house.stranger()
    thief.cookies.set("gapbridge", stored)
    assert browser.get("/").status_code == 200
    assert thief.get("/").status_code == 303


def test_a_refusal_leaves_the_ways_open_and_asks_the_database_nothing(house: House) -> None:
    viewer = house.browser(Role.VIEWER)
    refused = viewer.get("/settings/users")
    assert refused.status_code == 403
    assert "as viewer you may not do this: it needs team:write" in refused.text
    assert re.findall(r'<a href="(/\w*)"[^>]*data-key', refused.text) == [
        "/",
        "/pipeline",
        "/gap",
        "/links",
        "/reports",
    ]
    assert 'action="/signout"' in refused.text
    assert "<nav" not in house.stranger().get("/no-such-page").text


@pytest.mark.parametrize("path", ["//[x", "https://[", "//evil.test", "/\\evil.test"])
def test_an_address_that_is_none_leads_to_today(house: House, path: str) -> None:
    house.browser(Role.LEAD)
    stranger = house.stranger()
    page = stranger.get("/signin", params={"next": path})
    assert page.status_code == 200
    data = {"csrf": csrf_of(page), "email": "lead@acme.test", "password": PASSWORD, "next": path}
    assert stranger.post("/signin", data=data).headers["location"] == "/"
