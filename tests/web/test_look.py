"""Every page of the manifest in a real browser: axe, contrast in both themes, no sideways scroll at 320 px, the policy."""

from __future__ import annotations

from typing import Any

import pytest

from app.models import Role
from tests.support.desk import furnish
from tests.support.screen import Served, axe_faults, browse, ready, wide
from tests.web.manifest import addresses

pytestmark = pytest.mark.browser

BAD = """<main><h1>Bad</h1><button data-css="width:14px;height:14px;padding:0;border:0">x</button>
<button data-css="width:14px;height:14px;padding:0;border:0">y</button>
<div tabindex="0" data-css="height:40px;overflow:auto;background:#fff"><p>one</p><p>two</p><p>three</p><p>four</p>
<p id="faint" data-css="color:#bbb">A line that hardly anybody can read.</p></div></main>"""


@pytest.fixture(scope="module")
def furnished(served_module: Served) -> tuple[Served, list[str]]:
    return served_module, addresses(furnish(served_module, more=5))


def test_the_guard_sees_what_it_is_for(furnished: tuple[Served, list[str]], chromium: Any) -> None:
    """U02: small targets and faint text in a scrolled pane are found, or every green run below would mean nothing."""
    house, _ = furnished
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/keys")
        # Our policy forbids style attributes, so the faults are planted by script.
        plant = "(html) => { document.body.innerHTML = html; for (const e of document.querySelectorAll('[data-css]')) e.style.cssText = e.dataset.css }"
        page.evaluate(plant, BAD)
        found = "\n".join(axe_faults(page))
    assert "target-size" in found
    assert "color-contrast" in found
    assert "faint" in found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_passes_axe_and_fits(furnished: tuple[Served, list[str]], chromium: Any, theme: str) -> None:
    """U01, U10 and the reflow of U29: the whole of axe wide in light and narrow in dark, contrast everywhere."""
    house, paths = furnished
    faults: list[str] = []
    with browse(chromium, house, Role.OPERATOR, theme=theme) as page:
        stranger = browse(chromium, house, None, theme=theme)
        with stranger as outside:
            for path in paths:
                look = outside if path.startswith(("/signin", "/u/", "/about", "/setup")) else page
                full = 1400 if theme == "light" else 320
                for width in (1400, 320):
                    look.set_viewport_size({"width": width, "height": 900})
                    if width == 1400:
                        look.goto(house.url + path)
                        ready(look)
                    if look.evaluate("document.querySelector('meta[name=htmx-config]') === null"):
                        faults.append(f"{path}: not a page of ours")
                    if width == 320 and wide(look) > 0:
                        faults.append(f"{path} at 320 px scrolls sideways by {wide(look)} px")
                    found = axe_faults(look, rules=None if width == full else ["color-contrast", "target-size"])
                    faults += [f"{path} {theme} {width}: {line}" for line in found]
    assert faults == [], "\n".join(faults)


def test_tab_stops_are_seen_at_320_px(furnished: tuple[Served, list[str]], chromium: Any) -> None:
    """U29: what has the focus is in sight and not under a bar, on every page."""
    house, paths = furnished
    hidden: list[str] = []
    with browse(chromium, house, Role.OPERATOR, width=320) as page:
        for path in paths:
            page.goto(house.url + path)
            ready(page)
            for _ in range(45):
                page.keyboard.press("Tab")
                seen = page.evaluate(
                    """() => { const e = document.activeElement; if (!e || e === document.body) return null;
                    const r = e.getClientRects()[0] ?? e.getBoundingClientRect();
                    const x = Math.min(Math.max(r.x + r.width / 2, 1), innerWidth - 1);
                    const y = Math.min(Math.max(r.y + Math.min(r.height, 40) / 2, 1), innerHeight - 1);
                    const hit = document.elementFromPoint(x, y);
                    return (hit && (e === hit || e.contains(hit) || hit.contains(e))) ? "seen" : e.outerHTML.slice(0, 120); }"""
                )
                if seen is None:
                    break
                if seen != "seen":
                    hidden.append(f"{path}: {seen}")
    assert hidden == []


def test_the_pseudo_language_is_not_cut_off(furnished: tuple[Served, list[str]], chromium: Any) -> None:
    """U29: longer words, and words from right to left, still fit; what is not in the catalog shows up unchanged."""
    house, paths = furnished
    faults = []
    with browse(chromium, house, None, width=320) as page:
        page.context.add_cookies([{"name": "gapbridge-language", "value": "x-pseudo", "url": house.url}])
        for path in ("/signin", "/setup", "/u/token", "/about-this-bot"):
            page.goto(house.url + path)
            ready(page)
            if wide(page) > 0:
                faults.append(path)
            assert "[" in page.locator("h1").first.inner_text()
    with browse(chromium, house, Role.OPERATOR, width=320) as page:
        for path in paths:
            page.goto(house.url + path)
            page.evaluate("document.documentElement.dir = 'rtl'")
            if wide(page) > 0:
                faults.append(f"{path} from right to left")
    assert faults == []
