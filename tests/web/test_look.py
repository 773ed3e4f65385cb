"""Every page of the manifest in a real browser: axe, contrast in both themes, no sideways scroll at 320 px, the policy."""

from __future__ import annotations

from typing import Any

import pytest

from app.models import Role
from tests.support.desk import furnish
from tests.support.screen import Served, axe_faults, browse, clipped, hidden_stops, ready, wide
from tests.web.manifest import addresses

pytestmark = pytest.mark.browser

# The pages are shared out, so that no test is long and the workers of the suite take turns.
PARTS = 6

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


def test_the_other_guards_see_what_they_are_for(furnished: tuple[Served, list[str]], chromium: Any) -> None:
    """U02 for what axe does not look at: sideways scroll, covered stops, words that are cut off, and the policy."""
    house, _ = furnished
    plant = """([html, bar]) => { document.querySelector('main').innerHTML = html;
    for (const e of document.querySelectorAll('[data-css]')) e.style.cssText = e.dataset.css; if (bar) document.body.append(bar) }"""
    with browse(chromium, house, width=320) as page:
        page.goto(f"{house.url}/keys")
        ready(page)
        assert (wide(page), hidden_stops(page), clipped(page)) == (0, [], [])
        page.evaluate(plant, ["<p data-css='width:400px'>wide</p>", None])
        assert wide(page) > 0
        page.evaluate(plant, ["<h2 data-css='width:40px;overflow:hidden;white-space:nowrap'>A long heading</h2>", None])
        assert len(clipped(page)) == 1
        bar = "<div data-css='position:fixed;inset:0;z-index:9;background:#fff'></div><button>below</button>"
        page.evaluate(plant, [bar, None])
        assert "<button>below</button>" in hidden_stops(page)
    with pytest.raises(AssertionError, match="Content Security Policy"), browse(chromium, house) as page:  # noqa: PT012
        page.goto(f"{house.url}/keys")
        page.evaluate("document.body.append(Object.assign(document.createElement('script'), { textContent: '1' }))")
    with pytest.raises(AssertionError, match=r"evil\.test"), browse(chromium, house) as page:  # noqa: PT012
        page.goto(f"{house.url}/keys")
        page.evaluate("document.body.append(Object.assign(new Image(), { src: 'http://evil.test/x.png' }))")
        page.wait_for_timeout(50)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_passes_axe_and_fits(
    furnished: tuple[Served, list[str]], chromium: Any, theme: str, part: int
) -> None:
    """U01, U10 and the reflow of U29: the whole of axe wide in light and narrow in dark, contrast everywhere."""
    house, paths = furnished
    faults: list[str] = []
    with browse(chromium, house, Role.OPERATOR, theme=theme) as page:
        stranger = browse(chromium, house, None, theme=theme)
        with stranger as outside:
            for path in paths[part::PARTS]:
                look = outside if path.startswith(("/signin", "/u/", "/about")) else page
                full = 1400 if theme == "light" else 320
                look.set_viewport_size({"width": 320, "height": 900})
                look.goto(house.url + path)
                ready(look)
                if look.evaluate("document.querySelector('meta[name=htmx-config]') === null"):
                    faults.append(f"{path}: not a page of ours")
                # Before axe opens up what scrolls, which makes the page as wide as its widest table.
                if wide(look) > 0:
                    faults.append(f"{path} at 320 px scrolls sideways by {wide(look)} px")
                for width in (1400, 320):
                    look.set_viewport_size({"width": width, "height": 900})
                    found = axe_faults(look, rules=None if width == full else ["color-contrast", "target-size"])
                    faults += [f"{path} {theme} {width}: {line}" for line in found]
    assert faults == [], "\n".join(faults)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_a_menu_holds_can_be_read(furnished: tuple[Served, list[str]], chromium: Any, theme: str) -> None:
    """U01: a closed menu shows axe nothing, so each is opened, alone, as a person opens it."""
    house, paths = furnished
    menus = 0
    with browse(chromium, house, Role.LEAD, theme=theme) as page:
        for path in ("/inbox/1", next(one for one in paths if one.startswith("/queue/") and one[-1].isdigit())):
            page.goto(house.url + path)
            ready(page)
            for menu in page.locator("details.menu").all():
                if not menu.locator("summary").is_visible():
                    continue  # It holds what a narrow page has no room for.
                menu.locator("summary").click()
                # What lies below the menu is covered, and undecided.
                found = axe_faults(page, rules=["color-contrast", "target-size"])
                faults = [line for line in found if line.startswith("fault")]
                assert faults == [], "\n".join([path, *faults])
                page.keyboard.press("Escape")
                menus += 1
    assert menus >= 6


@pytest.mark.parametrize("width", [1400, 320])
def test_the_longest_bar_fills_its_cell(furnished: tuple[Served, list[str]], chromium: Any, width: int) -> None:
    """U27: a picture is drawn as long as it says, whatever else a style sheet gives to its class."""
    house, _ = furnished
    with browse(chromium, house, Role.OPERATOR, width=width) as page:
        page.goto(f"{house.url}/reports")
        ready(page)
        box = page.locator("[data-step=gap] svg").bounding_box()
        drawn = page.locator("[data-step=gap] rect").bounding_box()
    assert (round(box["width"]), round(box["height"])) == (160, 16)
    assert (round(drawn["x"] - box["x"]), round(drawn["width"]), round(drawn["height"])) == (0, 160, 12)
