"""What pages ask for by themselves while they are open: eight tabs no more than one, and a running import every two seconds."""

from __future__ import annotations

import itertools
import time
from datetime import timedelta
from typing import Any

import pytest

from app.gaps import uploads
from app.models import ImportJob, ImportState, Role
from tests.support.screen import Served, browse, ready
from tests.support.world import a_site

pytestmark = pytest.mark.browser


def test_eight_tabs_ask_for_the_counts_as_often_as_one(served_module: Served, chromium: Any) -> None:
    """U30: where streams are refused, one of eight tabs asks and tells the others; and none of them asks for anything else."""
    with browse(chromium, served_module, Role.LEAD, allowed=("",)) as page:
        asked: list[str] = []

        def answer(route: Any) -> None:
            if route.request.resource_type == "eventsource":
                route.fulfill(status=503)
                return
            asked.append(route.request.url)
            route.fulfill(json={"/queue": str(70 + len(asked))})

        page.context.route("**/live", answer)
        tabs = [page, *(page.context.new_page() for _ in range(7))]
        for tab in tabs:
            tab.goto(served_module.url + "/pipeline")
            ready(tab)
        page.wait_for_timeout(1_000)
        others: list[str] = []
        page.context.on(
            "request", lambda request: others.append(request.url) if not request.url.endswith("/live") else None
        )
        asked.clear()
        begun = time.monotonic()
        page.wait_for_timeout(7_000)
        most = (time.monotonic() - begun) / 5 + 1
        assert 1 <= len(asked) <= most, f"{len(asked)} questions, where one tab asks every five seconds"
        assert others == []
        told = {tab.locator('nav a[href="/queue"] .count').inner_text() for tab in tabs}
        assert len(told) == 1, "what one is told, all show"


def test_the_title_says_how_many_wait_in_the_inbox(served_module: Served, chromium: Any) -> None:
    """A tab behind others tells it, also after the queue has changed its title; a page with an error begins with that."""
    from playwright.sync_api import expect

    with browse(chromium, served_module, Role.LEAD, allowed=("",)) as page:
        told = iter(("4", "999+"))

        def answer(route: Any) -> None:
            if route.request.resource_type == "eventsource":
                route.fulfill(status=503)
            else:
                route.fulfill(json={"/inbox": next(told, "")})

        page.context.route("**/live", answer)
        page.goto(served_module.url + "/pipeline")
        ready(page)
        bare = page.title()
        expect(page).to_have_title(f"(4) {bare}", timeout=10_000)
        page.evaluate("document.title = 'Queue – next.test – Gapbridge'")
        expect(page).to_have_title("(4) Queue – next.test – Gapbridge")
        expect(page).to_have_title("(999+) Queue – next.test – Gapbridge", timeout=10_000)
        expect(page).to_have_title("Queue – next.test – Gapbridge", timeout=10_000)
        page.evaluate("document.querySelector('main').innerHTML = '<p id=problems></p>'")
        page.evaluate(
            """() => { document.querySelector('nav a[href="/inbox"]').innerHTML = '<span class=count>2</span>';
                       document.title = 'Error: Queue'; }"""
        )
        page.wait_for_timeout(200)
        assert page.title() == "Error: Queue"


def test_a_running_import_is_shown_anew_every_two_seconds(served_module: Served, chromium: Any) -> None:
    """U28: the figure on the page follows the row of the job without a reload, and nothing is asked any more when it is over."""
    house = served_module
    with house.db.work() as uow:
        site = a_site(uow, name="Imports", domains=["imports.test"])
        made = ImportJob(
            site_id=site.id, filename="many.csv", path="x/many.csv", signature="", mapping={}, created_by="ana",
            created_at=uow.now(), state=ImportState.RUNNING, rows_total=100, rows_done=10,
        )  # fmt: skip
        uow.session.add(made)
        uow.session.flush()
        number = made.id
    with browse(chromium, house, Role.LEAD) as page:
        asked: list[float] = []
        page.on("request", lambda one: asked.append(time.monotonic()) if one.url.endswith(f"/jobs/{number}") else None)
        page.goto(f"{house.url}/imports/jobs/{number}")
        ready(page)
        page.get_by_text("10 of 100 rows").wait_for()
        with house.db.work() as uow:
            running = uploads.get(uow, number)
            running.rows_done = 50
            running.report = {"begun_at": (uow.now() - timedelta(seconds=150)).isoformat()}
        page.get_by_text("50 of 100 rows").wait_for(timeout=6_000)
        page.get_by_text("50 of 100 rows (50 %) · about 3 minutes left").wait_for()
        page.wait_for_timeout(2_500)
        steps = [later - earlier for earlier, later in itertools.pairwise(asked[1:])]
        assert steps, "it was asked again"
        assert all(1.5 <= step <= 5 for step in steps), steps
        # A busy machine may be late with one of them; the page itself asks every two seconds.
        assert page.locator("[hx-trigger='every 2s']").count() == 1
        assert min(steps) <= 2.5, steps
        with house.db.work() as uow:
            job = uploads.get(uow, number)
            job.state, job.rows_done, job.counts = ImportState.DONE, 100, {"added": 7}
        page.get_by_text("State: done").wait_for(timeout=6_000)
        before = len(asked)
        page.wait_for_timeout(2_500)
        assert len(asked) == before
