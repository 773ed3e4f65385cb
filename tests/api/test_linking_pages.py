"""Every page of a prospect that links to a competitor, by the API and on its page."""

from __future__ import annotations

from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlmodel import Session, col

from app.gaps import domain_pages, service
from app.models import Prospect
from app.sites import service as sites
from tests.support import exports
from tests.support.http import House


@pytest.fixture
def prospect(house: House, tmp_path: Path) -> int:
    """A prospect in a list that counts."""
    with house.db.work() as uow:
        site = sites.create(uow, name="Us", domains=["us.example"], brand_names=["Us"]).id
        sites.add_competitor(uow, site, "alpha.example")
    name = tmp_path / "alpha.example-backlinks-subdomains_2026-05-02_10-00-00.csv"
    own = tmp_path / "us.example-Top linking sites-2026-05-01.csv"
    files = [
        exports.search_console_sites(own, [("linked.test", 3, 1)]),
        exports.ahrefs_backlinks(name, [exports.link("https://good.test/weak", "https://alpha.example/x", UR="3")]),
    ]
    folder = service.snapshot_folder(house.container.settings)
    service.import_and_refresh(house.db, site, files, folder=folder, actor="test")
    with house.db.read() as look:
        return int(look.session.execute(select(col(Prospect.id))).scalar_one())


def test_long_lists_are_read_outside_of_a_transaction(
    house: House, prospect: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, browser = house.api(), house.browser()
    held: list[int] = []
    read = domain_pages._read

    def watched(*given: Any) -> Any:
        held.append(sum(session.in_transaction() for session in opened))
        return read(*given)

    def begun(session: Session, *_: object) -> None:
        opened.append(session)

    opened: list[Session] = []
    monkeypatch.setattr(domain_pages, "_read", watched)
    event.listen(Session, "after_begin", begun)
    try:
        assert api.get(f"/api/v1/prospects/{prospect}/pages").json()[0]["page"] == "https://good.test/weak"
        assert "good.test/weak" in browser.get(f"/prospects/{prospect}/pages").text
    finally:
        event.remove(Session, "after_begin", begun)
    assert opened
    assert held == [0, 0]


def test_only_so_many_read_the_lists_at_once(house: House, prospect: int, monkeypatch: pytest.MonkeyPatch) -> None:
    slots = BoundedSemaphore(1)
    monkeypatch.setattr(domain_pages, "_SLOTS", slots)
    monkeypatch.setattr(domain_pages, "_PATIENCE", 0.01)
    api, browser = house.api(), house.browser()
    with slots:
        for answer in (api.get(f"/api/v1/prospects/{prospect}/pages"), browser.get(f"/prospects/{prospect}/pages")):
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
            assert "the lists are being read for others" in answer.text
    for answer in (api.get(f"/api/v1/prospects/{prospect}/pages"), browser.get(f"/prospects/{prospect}/pages")):
        assert answer.status_code == 200


def test_the_pages_of_a_prospect(house: House, tmp_path: Path) -> None:
    with house.db.work() as uow:
        site = sites.create(uow, name="Us", domains=["us.example"], brand_names=["Us"]).id
        sites.add_competitor(uow, site, "alpha.example")
    to = "https://alpha.example/x"
    files = [
        exports.search_console_sites(tmp_path / "us.example-Top linking sites-2026-05-01.csv", [("linked.test", 3, 1)]),
        exports.ahrefs_backlinks(
            tmp_path / "alpha.example-backlinks-subdomains_2026-05-02_10-00-00.csv",
            [
                exports.link("https://good.test/weak", to, UR="3", Anchor="Alpha"),
                exports.link("https://good.test/strong", to, UR="60", Referring_page_title="<b>Ten</b> tools"),
            ],
        ),
    ]
    folder = service.snapshot_folder(house.container.settings)
    service.import_and_refresh(house.db, site, files, folder=folder, actor="test")
    api = house.api()
    [prospect] = api.get("/api/v1/prospects", params={"site_id": site}).json()["items"]
    where = f"prospects/{prospect['id']}"
    rows = api.get(f"/api/v1/{where}/pages").json()
    assert [(row["number"], row["page"], row["page_authority"]) for row in rows] == [
        (1, "https://good.test/strong", 60.0),
        (2, "https://good.test/weak", 3.0),
    ]
    assert (rows[0]["competitors"], rows[0]["followed"], rows[1]["anchor"]) == (["alpha.example"], True, "Alpha")
    assert "page rating 60" in rows[0]["reason"]
    assert api.get("/api/v1/prospects/999/pages").status_code == 404
    browser = house.browser()
    assert f'href="/{where}/pages"' in browser.get(f"/{where}").text
    page = browser.get(f"/{where}/pages").text
    assert page.index("good.test/strong") < page.index("good.test/weak")
    assert ('<td class="num">60</td>' in page, '<td class="num">60.0</td>' in page) == (True, False)
    assert "&lt;b&gt;Ten" in page
