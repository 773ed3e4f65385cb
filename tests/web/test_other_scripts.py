"""Domains with signs of other languages: shown as they are read, beside them as they are written in an address, and never as another."""

from __future__ import annotations

import idna
import pytest

from app.keys import readable
from app.models import Link, Prospect, Role
from tests.support.desk import DOMAINS, furnish
from tests.support.http import House

ASCII, READ = "xn--bcher-kva.example", "bücher.example"


def ascii_of(name: str) -> str:
    # The checks of the library are for names that somebody may register, and not only for these.
    return ".".join(idna.alabel(label).decode() if not label.isascii() else label for label in name.split("."))


@pytest.mark.parametrize(
    "name",
    [
        READ,
        "пример.рф",
        "δοκιμή.gr",
        "例え.テスト",
        "日本語ひらがなカタカナ.jp",
        "한국漢字.kr",
        "مثال.example",
        "blog.bücher.example",
    ],
)
def test_a_name_of_one_script_is_read(name: str) -> None:
    assert readable(ascii_of(name)) == name
    assert readable(f"{ascii_of(name)}/@someone") == f"{name}/@someone"


@pytest.mark.parametrize(
    "name", ["pаypal.example", "exаmple.com", "gοοgle.example", "bücherб.example", "кириллица漢.example"]
)
def test_a_name_of_mixed_scripts_is_never_read(name: str) -> None:
    assert not name.isascii()
    assert readable(ascii_of(name)) is None


@pytest.mark.parametrize("name", ["example.com", "xn--", "xn--a.example", "xn--0.example", "medium.com/@xn--x", ""])
def test_what_has_no_other_form_keeps_its_own(name: str) -> None:
    assert readable(name) is None


def test_lists_and_pages_show_both_forms(house: House) -> None:
    ids = furnish(house, more=3)
    first, won = ids[DOMAINS[0]], 0
    with house.db.work() as uow:
        uow.session.get_one(Prospect, first).domain = ASCII
        won = uow.session.get_one(Link, 1).prospect_id
        uow.session.get_one(Prospect, won).domain = "xn--exmple-4nf.com"
    browser = house.browser(Role.OPERATOR)
    both = f'<bdi>{READ}</bdi> <span class="hint mono">{ASCII}</span>'
    for path in ("/queue", f"/queue/{first}", f"/prospects/{first}", "/pipeline?view=table"):
        assert both in browser.get(path).text, path
    links = browser.get("/links").text
    assert f'<a href="/prospects/{won}">xn--exmple-4nf.com</a>' in links
    assert "exаmple" not in links
