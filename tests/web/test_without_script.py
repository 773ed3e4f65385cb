"""Import, gap review and suppression in a browser that runs no script: forms and links alone, from the file to the queue."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select
from sqlmodel import col

from app.gaps import uploads
from app.models import Competitor, ImportJob, Prospect, Role
from tests.support.screen import Served, browse
from tests.support.world import a_site

pytestmark = pytest.mark.browser

OURS = "where found;rank\nhttps://friend.test/a;5\n"
THEIRS = "where found;rank\n" + "".join(f"https://blog-{n}.test/x;{n}\n" for n in range(5))


def test_from_a_file_to_the_queue_and_to_a_rule_without_script(
    served_module: Served, chromium: Any, tmp_path: Path
) -> None:
    """U11."""
    house = served_module
    with house.db.work() as uow:
        site = a_site(uow)
        uow.session.add(Competitor(site_id=site.id, domain="alpha.test", created_at=uow.now()))
    with browse(chromium, house, Role.LEAD, script=False) as page:
        page.goto(f"{house.url}/imports/new")
        for name, text, whose in (("ours.csv", OURS, "acme.test"), ("theirs.csv", THEIRS, "alpha.test")):
            file = tmp_path / name
            file.write_text(text)
            page.get_by_label("File", exact=True).set_input_files(file)
            page.get_by_role("button", name="Upload").click()
            page.get_by_label("Whose links it holds").select_option(whose)
            page.get_by_label("Linking page or domain").select_option("where found")
            page.get_by_role("button", name="Import", exact=True).click()
            with house.db.read() as uow:
                number = (
                    uow.session.execute(select(col(ImportJob.id)).order_by(col(ImportJob.id).desc())).scalars().first()
                )
            uploads.run(house.container, number)
            page.get_by_role("link", name="Check progress").click()
            expect(page.get_by_text("State: done")).to_be_visible()
            if name == "ours.csv":
                page.get_by_role("link", name="Import another").click()
        page.get_by_role("link", name="Review the gap").click()
        page.get_by_label("Select blog-1.test").check(force=True)
        page.get_by_role("button", name="Add to queue").click()
        assert "1 domain is looked at now." in page.get_by_role("status").first.inner_text()
        page.get_by_label("Select blog-2.test").check(force=True)
        page.get_by_label("Reason").select_option("weak-site")
        page.get_by_role("button", name="Exclude").click()
        assert "1 domain was excluded." in page.get_by_role("status").first.inner_text()
        page.get_by_label("Topic fit at least").fill("50")
        page.get_by_role("button", name="Apply").click()
        expect(page).to_have_url(re.compile("fit=50"))
        page.goto(f"{house.url}/suppression")
        page.get_by_label("What", exact=True).select_option("domain")
        page.get_by_label("Value", exact=True).fill("never.test")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_text("never.test").first).to_be_visible()
        page.get_by_label("Address", exact=True).fill("somebody@never.test")
        page.get_by_role("button", name="Test", exact=True).click()
        expect(page.get_by_text("is not written to")).to_be_visible()
    with house.db.read() as uow:
        stages = {row[0]: row[1] for row in uow.session.execute(select(col(Prospect.domain), col(Prospect.stage)))}
    assert stages["blog-2.test"].value == "lost"
