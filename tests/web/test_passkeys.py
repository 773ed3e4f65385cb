"""Passkeys in a browser with a device of its own (Chromium's virtual authenticator), and their pages where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.models import Role
from app.settings import Settings
from app.team import passkeys, users
from tests.conftest import START
from tests.support.databases import Templates
from tests.support.http import House
from tests.support.screen import Served, axe_faults, browse, serve, wide
from tests.web.test_access import PASSWORD, csrf_of

PAGE = "/me/passkeys"


@pytest.fixture
def named(templates: Templates, tmp_path: Path) -> Iterator[Served]:
    """An installation that browsers reach by a name: they know no passkeys for an address."""
    with templates.copy("sqlite", tmp_path) as url:
        settings = Settings(_env_file=None, data_dir=tmp_path / "data", database_url=url)
        with serve(settings, START, name="localhost") as house:
            yield house


def plug_in(page: Any, *, verifies: bool = True) -> tuple[Any, str]:
    """A device that holds passkeys and says yes."""
    wire = page.context.new_cdp_session(page)
    wire.send("WebAuthn.enable")
    kind = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verifies,
        "automaticPresenceSimulation": True,
    }
    return wire, wire.send("WebAuthn.addVirtualAuthenticator", {"options": kind})["authenticatorId"]


def add(page: Any, name: str) -> None:
    page.get_by_label("Your password, once more").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Its name in this list").fill(name)
    page.get_by_role("button", name="Make the passkey").click()


def test_one_is_made_and_signs_in_until_it_is_removed(named: Served, chromium: Any) -> None:
    with browse(chromium, named, allowed=("401 (Unauthorized)", "409 (Conflict)")) as page:
        wire, device = plug_in(page)
        page.goto(f"{named.url}{PAGE}")
        add(page, "Office laptop")
        page.get_by_text("The passkey is kept").wait_for()
        assert page.get_by_text("never used").is_visible()
        # The device has one: it makes no second, and says which page wanted it.
        add(page, "Twice")
        page.get_by_text("holds a passkey of yours already").wait_for()
        page.goto(f"{named.url}/me")
        assert page.get_by_text("Office laptop").is_visible()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/signin")
        page.goto(f"{named.url}/signin?next=/queue")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url(f"{named.url}/queue**")
        page.goto(f"{named.url}{PAGE}")
        assert "last used" in page.locator(".sessions").inner_text()
        # A device that is asked for the finger of somebody else gives nothing, and no form was sent.
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/signin")
        wire.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.get_by_text("No passkey was used. Try again, or sign in by your password.").wait_for()
        wire.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True})
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url(f"{named.url}/")
        page.goto(f"{named.url}{PAGE}")
        page.get_by_role("button", name="Remove").click()
        page.get_by_text("opens nothing here any more").wait_for()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/signin")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.get_by_text("this passkey opens nothing here; sign in by your password").wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 320])
def test_its_pages_can_be_read_by_everybody(named: Served, chromium: Any, width: int, theme: str) -> None:
    with browse(chromium, named, width=width, theme=theme) as page:
        plug_in(page)
        page.goto(f"{named.url}{PAGE}")
        add(page, "A password manager with quite a long name, of sixty letters.")
        page.get_by_text("The passkey is kept").wait_for()
        page.get_by_label("Your password, once more").fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
        page.get_by_label("Its name in this list").wait_for()
        assert (axe_faults(page), wide(page)) == ([], 0)
    with browse(chromium, named, role=None, width=width, theme=theme) as page:
        page.goto(f"{named.url}/signin")
        page.get_by_role("button", name="Sign in with a passkey").wait_for()
        assert (axe_faults(page), wide(page)) == ([], 0)


def test_without_a_script_the_pages_say_so(named: Served, chromium: Any) -> None:
    with browse(chromium, named, script=False) as page:
        page.goto(f"{named.url}{PAGE}")
        page.get_by_label("Your password, once more").fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
        assert page.get_by_text("This browser makes no passkeys, or its scripts are off.").is_visible()
        assert not page.get_by_role("button", name="Make the passkey").is_visible()
        page.get_by_role("button", name="Sign out").click()
        assert not page.get_by_role("button", name="Sign in with a passkey").is_visible()


def test_the_password_is_asked_for_and_an_address_has_none(house: House) -> None:
    browser = house.browser(Role.LEAD)
    page = browser.get(PAGE)
    assert "Browsers make no passkeys for http://127.0.0.1" in page.text
    for path in ("begin", "add"):
        refused = browser.post(f"{PAGE}/{path}", data={"csrf": csrf_of(page), "password": PASSWORD})
        assert (refused.status_code, "know no passkeys for the address" in refused.text) == (409, True)
    assert "Sign in with a passkey" not in house.stranger().get("/signin").text


def test_the_wrong_password_offers_nothing(named: Served) -> None:
    browser = named.browser(Role.LEAD)
    wrong = browser.post(f"{PAGE}/begin", data={"csrf": csrf_of(browser.get(PAGE)), "password": "wrong wrong wrong"})
    assert (wrong.status_code, "data-offer" in wrong.text) == (422, False)
    assert 'href="#f-password"' in wrong.text


def test_the_question_is_for_the_form_that_asks(named: Served) -> None:
    named.browser(Role.LEAD)
    stranger, other = named.stranger(), named.stranger()
    mine, theirs = csrf_of(stranger.get("/signin")), csrf_of(other.get("/signin"))
    asked = stranger.post("/signin/passkey/ask", data={"csrf": mine})
    assert (asked.json()["rpId"], asked.json()["userVerification"]) == ("localhost", "required")
    assert asked.headers["cache-control"] == "no-store"
    assert other.post("/signin/passkey/ask", data={"csrf": mine}).status_code == 403
    assert mine != theirs


def test_an_operator_sees_and_takes_away(named: Served, chromium: Any) -> None:
    with browse(chromium, named) as page:
        plug_in(page)
        page.goto(f"{named.url}{PAGE}")
        add(page, "Office laptop")
        page.get_by_text("The passkey is kept").wait_for()
    with named.db.read() as uow:
        person = users.by_email(uow, "outreach@acme.test")
    assert person is not None
    browser, path = named.browser(Role.OPERATOR), f"/settings/users/{person.id}"
    page = browser.get(path)
    assert "Office laptop" in page.text
    browser.post(f"{path}/second-factor", data={"csrf": csrf_of(page)})
    with named.db.read() as uow:
        assert passkeys.of_person(uow, person.id) == []
