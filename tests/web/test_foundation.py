"""What all pages stand on: htmx out of a package, the catalogs, the settings of a person, charts, and the rules for templates."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.domain.figures import Share, wilson
from app.models import Role
from app.web import i18n, rendering
from tests.support.http import House
from tests.web.test_access import csrf_of

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "app/web/templates"


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, templates: Any, tmp_path: Path) -> Any:
    with templates.copy(request.param, tmp_path) as url:
        yield url


def post(browser: Any, path: str, **data: Any) -> Any:
    return browser.post(path, data={"csrf": csrf_of(browser.get("/")), **data})


def imported(house: House, address: str) -> set[str]:
    """The names of the modules that a module imports."""
    return set(re.findall(r'^import .*"\./([^"]+)";$', house.stranger().get(address).text, re.MULTILINE))


def test_htmx_is_served_from_here_small_and_for_ever(house: House) -> None:
    page = house.stranger().get("/u/token").text
    scripts = re.findall(r'<script[^>]* src="([^"]+)"', page)
    first = scripts[0].removesuffix("lib/htmx.min.js")
    assert re.fullmatch(r"/static/[0-9a-f]{12}/", first)
    assert scripts == [f"{first}lib/htmx.min.js", f"{first}app.js"]
    # What a module asks for stands beside it, so its address names a content as well.
    modules = {"app.js"}
    while more := {name for module in modules for name in imported(house, first + module)} - modules:
        modules |= more
    assert modules == {"app.js", "desk.js", "page.js"}
    total = 0
    for address in [
        *scripts,
        *(first + name for name in modules - {"app.js"}),
        *re.findall(r'<link rel="stylesheet" href="([^"]+)"', page),
    ]:
        answer = house.stranger().get(address, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert answer.headers["content-encoding"] == "gzip"
        assert "immutable" in answer.headers["cache-control"]
        total += int(answer.headers["content-length"])
    assert total < 60_000
    # A page from before an upgrade finds its files; they are those of today, and nobody keeps them under that name.
    for old in ("/static/app.css", "/static/0123456789ab/app.css"):
        answer = house.stranger().get(old)
        assert answer.status_code == 200
        assert "immutable" not in answer.headers.get("cache-control", "")
    # The repository holds no copy of it.
    tracked = subprocess.run(
        ["git", "ls-files", "app/web/static"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert "htmx" not in tracked.stdout


def test_htmx_may_not_evaluate_store_or_go_elsewhere(house: House) -> None:
    import json

    content = re.search(r"<meta name=\"htmx-config\" content='([^']+)'", house.stranger().get("/u/token").text)
    assert content
    config = json.loads(content[1])
    wanted = {"allowEval": False, "includeIndicatorStyles": False, "historyCacheSize": 0, "selfRequestsOnly": True}
    assert wanted.items() <= config.items()
    assert config["allowScriptTags"] is False


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_no_template_filters_a_trigger_or_holds_script_and_style(path: Path) -> None:
    """A filter in hx-trigger needs eval; without it htmx sends on every key. The policy forbids the rest."""
    text = path.read_text(encoding="utf-8")
    assert [found for found in re.findall(r'hx-trigger="([^"]*)"', text) if "[" in found] == []
    assert not re.search(r"\s(style|on\w+)=|<style|hx-on|javascript:", text)
    assert not [tag for tag in re.findall(r"<script[^>]*>", text) if "src=" not in tag]


def test_every_word_between_tags_goes_through_the_catalog() -> None:
    loose = []
    for path in sorted(TEMPLATES.rglob("*.html")):
        text = re.sub(
            r"{#.*?#}|{%.*?%}|{{.*?}}|<(svg|pre|code)\b.*?</\1>", "", path.read_text("utf-8"), flags=re.DOTALL
        )
        text = re.sub(r"<(?:[^<>\"]|\"[^\"]*\")*>", "\n", text)
        # A macro may hold attributes alone.
        text = re.sub(r'[\w-]+="[^"]*"', "", text)
        loose += [
            f"{path.name}: {line.strip()}"
            for line in text.splitlines()
            if re.search(r"[A-Za-z]{3,}", line) and "aria-" not in line
        ]
    allowed = {"Gapbridge", "Gapbridge – Gapbridge", "Esc"}
    assert [line for line in loose if line.split(": ", 1)[1].strip("– ") not in allowed] == []


def test_the_catalogs_are_complete_and_current() -> None:
    command = [sys.executable, "scripts/catalogs", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_reader_gets_words_dates_and_numbers_of_the_language(house: House) -> None:
    german = house.stranger().get("/u/token", headers={"Accept-Language": "fr;q=0.9, de-AT;q=0.8, en;q=0.1"})
    assert '<html lang="de"' in german.text
    assert "Keine Mails mehr" in german.text
    missing = house.stranger().get("/no-such-page", headers={"Accept-Language": "de"})
    assert "Diese Seite gibt es nicht." in missing.text
    assert '<html lang="en"' in house.stranger().get("/u/token", headers={"Accept-Language": "fr"}).text
    from datetime import UTC, date, datetime

    i18n.read_by("de", "Europe/Berlin")
    assert i18n.when(datetime(2026, 7, 1, 9, tzinfo=UTC)) == "1. Juli 2026 11:00"
    assert i18n.when(date(2026, 12, 1)) == "1. Dez. 2026"
    assert i18n.day(date(2026, 12, 1)) == "1. Dez."
    assert i18n.figure(1234.5) == "1.234,5"
    i18n.read_by("en")
    assert i18n.when(datetime(2026, 7, 1, 9, tzinfo=UTC)).endswith("UTC")
    assert i18n.ngettext("{number} row", "{number} rows", 1200) == "1,200 rows"


def test_settings_go_with_the_person_to_another_device(house: House) -> None:
    """U09's second half: what is stored with the user holds in a browser that has never been used."""
    browser = house.browser(Role.OUTREACH)
    assert 'data-keys="on"' in browser.get("/").text
    wanted = {"language": "de", "time_zone": "Europe/Berlin", "density": "compact", "undo_seconds": "600"}
    assert post(browser, "/me", **wanted).status_code == 303
    other = house.browser(Role.OUTREACH)
    page = other.get("/me").text
    for held in ('lang="de"', 'data-density="compact"', 'data-keys="off"', 'value="600"', 'value="Europe/Berlin"'):
        assert held in page, held
    assert "Sprache" in page
    assert post(other, "/me/keys", single_keys="on", back="/queue").headers["location"] == "/queue"
    assert 'data-keys="on"' in browser.get("/").text
    assert 'data-density="compact"' in browser.get("/").text


@pytest.mark.parametrize(
    ("field", "value"),
    [("language", "xx"), ("time_zone", "Mars/Olympus"), ("time_zone", "../etc"), ("density", "airy"), ("undo_seconds", "9"),
     ("undo_seconds", "1801"), ("undo_seconds", "x")],
)  # fmt: skip
def test_wrong_settings_are_named_and_kept_in_the_form(house: House, field: str, value: str) -> None:
    browser = house.browser(Role.OUTREACH)
    answer = post(browser, "/me", **{"density": "compact", "time_zone": "UTC", field: value})
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert f'id="e-{field}"' in answer.text
    assert 'data-density="comfortable"' in house.browser(Role.OUTREACH).get("/").text


def test_charts_say_the_same_in_pictures_and_words() -> None:
    source = (
        '{% from "charts.html" import bar, sparkline, interval %}'
        '{% for words, count in [("paid & more", 12), ("news", 3), ("none", 0)] %}{{ bar(words, count, 12) }}{% endfor %}'
        '{{ sparkline("Days", [1, none, 3]) }}{{ interval("1 Jun", some, 0.2) }}'
        '{{ interval("8 Jun", few, 0.2, true) }}'
    )
    i18n.read_by("en")
    made = rendering._env.from_string(source).render(some=Share(6, 61), few=Share(3, 7))
    for words in (
        "<desc>paid &amp; more: 12</desc>", "Days: 1, 3", "<desc>9.8 % (4.6 % – 19.8 %), n 61</desc>",
        "<desc>too few, n 7, still open</desc>",
    ):  # fmt: skip
        assert words in made, words
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)"', made)]
    assert widths == [160, 40, 0]
    # Of the two weeks only the one with enough cases has a share to draw, and only the other is hatched.
    assert (made.count('class="whisker"'), made.count('class="dot"'), made.count('class="hatch"')) == (1, 1, 1)
    ends = wilson(6, 61) or (0.0, 0.0)
    low, high = re.findall(r'<line x1="([\d.]+)" y1="8" x2="([\d.]+)" y2="8" class="whisker"', made)[0]
    assert (float(low), float(high)) == pytest.approx((160 * ends[0] / 0.2, 160 * ends[1] / 0.2), abs=0.1)
    assert made.count("<svg") == made.count("<title>") == 6
    # Text inside a drawing would have a contrast that nobody can judge.
    assert "<text" not in made
    assert "style=" not in made
    assert "<script" not in made
