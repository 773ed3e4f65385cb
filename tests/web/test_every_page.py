"""Every page of the manifest, opened once at 320 px in a made-up language from right to left: whatever can be seen there.

One walk notes what it finds; each test looks at one kind of finding. tests/web/test_look.py shows that the finders find.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.models import ApiKey, Mailbox, Role, User, UserSession, UserSetting
from tests.support.desk import DOMAINS
from tests.support.screen import Served, browse, clipped, hidden_stops, ready, wide
from tests.web.conftest import Copies
from tests.web.manifest import addresses

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]  # The first test pays for the walk of all.

Notes = dict[str, list[str]]
OUTSIDE = ("/signin", "/u/", "/about")

# Every printable key, and some letters that no key of ours is, in each field that can be seen; then what an editor of
# signs, a held key and a third level send; then, with the focus nowhere, every key that no control of the page is bound to.
PRESS = """() => {
  const printable = [...Array(95).keys()].map((n) => String.fromCharCode(32 + n)).concat("\u00e4", "\u00df", "\u65e5");
  const press = (where, key, more = {}) => where.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
  const fields = [...document.querySelectorAll("input, textarea, select")].filter((one) => !["hidden", "checkbox"].includes(one.type) && one.checkVisibility());
  for (const field of fields) {
    field.focus();
    for (const key of printable) press(field, key);
    for (const more of [{ isComposing: true }, { keyCode: 229 }]) press(field, "a", more);
    field.blur();
  }
  for (const key of ["a", "s", "z", "h", "e", "w", "1"]) {
    for (const more of [{ repeat: true }, { altKey: true }, { modifierAltGraph: true }, { isComposing: true }]) press(document.body, key, more);
  }
  const taken = new Set();
  for (const one of document.querySelectorAll("[data-key], [data-menu]")) {
    const name = one.dataset.key ?? one.dataset.menu;
    for (const part of name.split(" ")) taken.add(part.replace("Shift+", "").toLowerCase());
  }
  const unbound = printable.filter((key) => !taken.has(key.toLowerCase()));
  for (const key of [...unbound, "F2", "Delete", "Backspace", "PageDown", "Home", "End", "Enter", "Tab"]) press(document.body, key);
  return [fields.length, unbound.length, document.querySelectorAll("dialog[open]").length];
}"""
MOVING = """() => [...document.querySelectorAll("*")].filter((one) => {
  const style = getComputedStyle(one);
  return style.animationName !== "none" || style.transitionDuration.split(", ").some((time) => parseFloat(time) > 0);
}).map((one) => one.outerHTML.slice(0, 80)).concat(document.getAnimations().map(String))"""


@pytest.fixture(scope="module")
def house(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with copies(tmp_path_factory.mktemp("walk"), more=5) as made:
        yield made


def secrets(house: Served) -> dict[str, str]:
    """What no page may ever hold: as it is stored, and as it was given."""
    given = house.key(name="a key of the walk")
    with house.db.read() as uow:
        stored = {
            "mailbox": uow.session.execute(select(Mailbox.secret)).scalars().first(),
            "key": uow.session.execute(select(ApiKey.key_hash)).scalars().first(),
            "password": uow.session.execute(select(User.password_hash)).scalars().first(),
            "session": uow.session.execute(select(UserSession.id_hash)).scalars().first(),
        }
    return {"given key": given, **{name: value for name, value in stored.items() if value}}


@pytest.fixture(scope="module")
def walk(house: Served, chromium: Any) -> Notes:
    notes: Notes = {
        name: []
        for name in ("wide", "clipped", "hidden", "sent", "moving", "stored", "secret", "seen", "plain", "foreign")
    }
    with (
        browse(chromium, house, Role.OPERATOR, width=320, reduced_motion="reduce") as inside,
        browse(chromium, house, None, width=320, reduced_motion="reduce") as outside,
    ):
        outside.context.add_cookies([{"name": "gapbridge-language", "value": "x-pseudo", "url": house.url}])
        with house.db.work() as uow:
            for number in uow.session.execute(select(User.id)).scalars():
                uow.session.add(UserSetting(user_id=number, language="x-pseudo"))
        kept_away = secrets(house)
        for path in addresses(house.ids):
            page = outside if path.startswith(OUTSIDE) else inside
            page.goto(house.url + path)
            if page.evaluate("document.querySelector('meta[name=htmx-config]') === null"):
                notes["foreign"].append(path)
                continue
            ready(page)
            text = page.content()
            notes["secret"] += [f"{path}: {name}" for name, value in kept_away.items() if value in text]
            if "[" not in page.locator("h1").first.inner_text():
                notes["plain"].append(path)
            page.evaluate("document.documentElement.dir = 'rtl'")
            notes["wide"] += [f"{path}: {wide(page)} px"] if wide(page) > 0 else []
            notes["clipped"] += [f"{path}: {one}" for one in clipped(page)]
            notes["hidden"] += [f"{path}: {one}" for one in hidden_stops(page)]
            notes["moving"] += [f"{path}: {one}" for one in page.evaluate(MOVING)]
            page.posts.clear()
            before = page.url
            fields, unbound, opened = page.evaluate(PRESS)
            assert unbound > 30
            notes["sent"] += [
                f"{path}: {url}"
                for url in page.posts
                if not url.endswith(("/hold", "/keep", "/here")) and "/next" not in url
            ]
            if page.url.split("#")[0] != before.split("#")[0] or opened:
                notes["sent"].append(f"{path}: went to {page.url}, {opened} dialogs")
            kept = page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
            # htmx notes the address of the page that is open, and nothing else.
            if not re.fullmatch(r'\[\{\},\{("htmx-current-path-for-history":"[^" ]*")?\}\]', kept):
                notes["stored"].append(f"{path}: {kept}")
            notes["seen"].append(f"{path} {fields}")
    return notes


def test_the_walk_has_seen_the_pages(walk: Notes) -> None:
    """Or the tests below would be green for nothing."""
    assert len(walk["seen"]) > 60
    assert sum(int(line.split()[-1]) for line in walk["seen"]) > 100, "fields"
    # Names of prospects and subjects of mails are headings that no catalog holds; a page of errors knows no person.
    named = (
        "/oauth/",
        "/no-such-page",
        "/queue/",
        "/inbox/",
        "/prospects/",
        "/mailboxes/",
        "/settings/users/",
        "/imports/",
        "/templates/",
        "/suppression/",
        "/sites/",
        "/pages/",
        "/audit/export",
    )
    assert [path for path in walk["plain"] if not path.startswith(named)] == []


def test_nothing_scrolls_sideways_or_is_cut_off(walk: Notes) -> None:
    """U29: 320 px are 1280 px at 400 %; words 40 % longer, from right to left."""
    assert (walk["wide"], walk["clipped"]) == ([], [])


def test_every_tab_stop_is_seen(walk: Notes) -> None:
    """U29: what has the focus is in sight and not under a bar."""
    assert walk["hidden"] == []


def test_nothing_moves_for_whoever_wants_it_still(walk: Notes) -> None:
    """U29."""
    assert walk["moving"] == []


def test_keys_that_are_typed_or_unbound_do_nothing(walk: Notes) -> None:
    """U07, U08: in every field of every page, and beside the fields."""
    assert walk["sent"] == []


def test_the_browser_stores_nothing(walk: Notes) -> None:
    """U30: neither storage holds more than an address, whatever page was open."""
    assert walk["stored"] == []


def test_no_page_shows_a_secret_again(walk: Notes) -> None:
    """U30: API keys, passwords, sessions, in clear or as stored."""
    assert walk["secret"] == []


def test_a_hostile_mail_is_text(house: Served, chromium: Any) -> None:
    """U30: nothing of it runs and nothing is loaded; `browse` fails for any request to elsewhere."""
    said: list[str] = []
    with browse(chromium, house, Role.LEAD) as page:
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(f"{house.url}/inbox/2")
        ready(page)
        assert "<script>alert(1)</script>" in page.locator(".letters").inner_text()
        assert page.locator(".letters script, .letters img, .letters iframe").count() == 0
    assert said == []


def test_a_ninth_tab_opens_at_once(house: Served, chromium: Any) -> None:
    """U30: over HTTP/1.1 a browser has six connections to a host; no tab may hold one of its own for live news."""
    with browse(chromium, house, Role.LEAD) as first:
        tabs = [first, *(first.context.new_page() for _ in range(8))]
        streams: list[str] = []
        for tab in tabs:
            tab.on(
                "request",
                lambda request: streams.append(request.url) if request.resource_type == "eventsource" else None,
            )
        for tab, path in zip(
            tabs, ("/queue", "/inbox", "/links", "/gap", "/outbox", "/pipeline", "/", "/me"), strict=False
        ):
            tab.goto(house.url + path)
            ready(tab)
        # The server's own part, without what a busy machine adds.
        tabs[-1].goto(f"{house.url}/queue/{house.ids[DOMAINS[0]]}")
        ready(tabs[-1])
        waited = tabs[-1].evaluate("performance.getEntriesByType('navigation')[0].requestStart")
        assert waited <= 2_000, "the ninth page waited for a connection"
        assert len(streams) <= 1


def test_the_theme_is_there_before_any_script(house: Served, chromium: Any, tmp_path: Path) -> None:
    """U29: with every script kept away, the stored theme is what is painted first, against the system's."""
    with browse(chromium, house, Role.LEAD, theme="light", allowed=("ERR_FAILED",)) as page:
        page.goto(f"{house.url}/keys")
        page.get_by_role("button", name="Theme: system").click()
        page.locator("html[data-theme=dark]").wait_for()
        page.route("**/*.js*", lambda route: route.abort())
        page.goto(f"{house.url}/queue")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 27)"


def test_forced_colours_leave_the_page_usable(house: Served, chromium: Any, tmp_path: Path) -> None:
    """U29: controls keep an edge, the chosen one of several differs, and the focus is drawn."""
    with browse(chromium, house, Role.LEAD, forced_colors="active") as page:
        page.goto(f"{house.url}/queue/{house.ids[DOMAINS[0]]}")
        ready(page)
        edges = page.evaluate(
            """() => [...document.querySelectorAll("button:not(.quiet), .button:not(.quiet), input:not([type=hidden], [type=radio]), select, textarea")]
            .filter((one) => one.getClientRects().length && getComputedStyle(one).borderTopStyle === "none").map((one) => one.outerHTML.slice(0, 80))"""
        )
        assert edges == []
        chips = page.evaluate(
            """() => [...document.querySelectorAll(".chip input")].map((one) => { const box = getComputedStyle(one.nextElementSibling);
            return [one.checked, box.borderTopColor + box.borderTopWidth + box.outlineStyle + box.backgroundColor]; })"""
        )
        chosen = {look for checked, look in chips if checked}
        others = {look for checked, look in chips if not checked}
        assert chosen
        assert not chosen & others
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
