"""The pages of pulls and of the web graph: accounts, the price, a start, what repeats, and what cannot be done here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.clock import FixedClock
from app.gaps import uploads
from app.jobs import RecordingDispatcher
from app.models import Competitor, ImportState, Role
from app.settings import Settings
from tests.support.http import House
from tests.support.world import a_prospect, a_site
from tests.web.test_pages import post

SECRET = "canary-7f31"


@pytest.fixture
def house(settings: Settings, clock: FixedClock, dispatcher: RecordingDispatcher) -> Iterator[House]:
    more: dict[str, Any] = {
        "semrush_key": SECRET,
        "moz_token": SECRET,
        "provider_budgets": {"semrush": 5_000.0},
        "web_graph": "/srv/graphs/cc-main-domain",
    }
    made = House(
        Settings(_env_file=None, **{**settings.model_dump(exclude_unset=True), **more}),
        clock=clock,
        dispatcher=dispatcher,
    )
    with made.db.work() as uow:
        site = a_site(uow)
        uow.session.add(Competitor(site_id=site.id, domain="alpha.test", created_at=uow.now()))
        a_prospect(uow, site, "claim.test", verification="to-verify")
    yield made
    made.close()


def test_a_pull_is_priced_started_and_followed(house: House) -> None:
    browser = house.browser(Role.LEAD)
    page = browser.get("/imports/pulls").text
    assert SECRET not in page
    assert "GAPBRIDGE_AHREFS_KEY" in page
    assert "5,000" in page
    assert "At most" not in page
    priced = browser.get("/imports/pulls?site=1&provider=semrush&rows=50").text
    assert "At most 4,000 units" in priced
    assert "2 domains, 50 rows each: acme.test, alpha.test" in priced
    assert "5,000 units of this month&#39;s budget are left." in priced
    over = browser.get("/imports/pulls?site=1&provider=semrush&rows=500").text
    assert "40,000 units are needed at most" in over
    assert "Pull now" not in over
    bare = browser.get("/imports/pulls?site=1&provider=ahrefs")
    assert bare.status_code == 422
    assert "set GAPBRIDGE_AHREFS_KEY" in bare.text
    fields = {"site": "1", "provider": "semrush", "rows": "50"}
    dear = post(browser, "/imports/pulls", **fields, most="10")
    assert dear.status_code == 409
    assert "and 10 were agreed to" in dear.text
    assert post(browser, "/imports/pulls", **fields, most="x").status_code == 422
    assert post(browser, "/imports/pulls", **{**fields, "rows": ""}).status_code == 422
    place = post(browser, "/imports/pulls", **fields, most="4000.0").headers["location"]
    assert place == "/imports/jobs/1"
    assert post(browser, "/imports/pulls", **fields, most="4000").status_code == 409
    shown = browser.get(place).text
    assert "Pull from Semrush API v3" in shown
    assert "State: waits for a worker" in shown
    assert "Pull from Semrush API v3" in browser.get("/imports").text
    # Whoever only reads sees it, and can start nothing.
    reader = house.browser(Role.OUTREACH)
    assert "Pull now" not in reader.get("/imports/pulls?site=1&provider=semrush&rows=50").text
    assert post(reader, "/imports/pulls", **fields).status_code == 403
    post(browser, f"{place}/cancel")
    cancelled = browser.get(place).text
    assert "State: cancelled" in cancelled
    assert "what was paid is paid" in cancelled
    with house.db.work() as uow:
        job = uploads.get(uow, 1)
        job.state, job.error = ImportState.FAILED, "the provider sleeps"
    failed = browser.get(place).text
    assert "the provider sleeps" in failed
    assert 'href="/imports/pulls?site=1&amp;provider=semrush&amp;rows=50#price"' in failed
    with house.db.work() as uow:
        job = uploads.get(uow, 1)
        job.state, job.error, job.counts = ImportState.DONE, None, {"added": 30, "gaps": 30}
        job.report = {"cost": 1280.0, "unit": "units", "rows": 32}
    done = browser.get(place).text
    assert "32 rows for 1,280 units" in done
    assert "30 new" in done


def test_schedules_on_the_page(house: House) -> None:
    browser = house.browser(Role.OPERATOR)
    fields = {"site": "1", "provider": "semrush", "rows": "20"}
    assert post(browser, "/imports/pulls/schedules", **fields, every_days="").status_code == 422
    refused = post(browser, "/imports/pulls/schedules", **{**fields, "provider": "moz"}, every_days="7")
    assert refused.status_code == 422
    assert "moz has no budget" in refused.text
    assert post(browser, "/imports/pulls/schedules", **fields, every_days="7").status_code == 303
    assert "7 days" in browser.get("/imports/pulls").text
    post(browser, "/imports/pulls/schedules/1/pause")
    assert "Resume" in browser.get("/imports/pulls").text
    assert "paused" in browser.get("/system").text
    post(browser, "/imports/pulls/schedules/1/resume")
    assert "Resume" not in browser.get("/imports/pulls").text
    post(browser, "/imports/pulls/schedules/1/end")
    assert "None repeats." in browser.get("/imports/pulls").text
    audit = browser.get("/audit").text
    for words in ("scheduled pulls from", "paused pulls from", "resumed pulls from", "stopped pulls from"):
        assert words in audit


def test_the_web_graph_and_its_verification(house: House) -> None:
    browser = house.browser(Role.LEAD)
    page = browser.get("/imports/web-graph").text
    assert "Configured: cc-main-domain" in page
    assert "/srv/graphs" not in page
    assert "1 not asked for" in page
    assert post(browser, "/imports/web-graph/verify", site="1", limit="0").status_code == 422
    assert post(browser, "/imports/web-graph/verify", site="1", limit="5").status_code == 303
    waiting = browser.get("/imports/web-graph").text
    assert "1 domain waits for a worker" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    post(browser, "/imports/web-graph/stop", site="1")
    assert "0 domains wait for a worker" in browser.get("/imports/web-graph").text
    place = post(browser, "/imports/web-graph", site="1").headers["location"]
    assert "Web graph: cc-main-domain" in browser.get(place).text
    again = post(browser, "/imports/web-graph", site="1")
    assert again.status_code == 409
    assert "is being read already" in again.text
    post(browser, f"{place}/cancel")
    assert "goes on where it was" in browser.get(place).text
    assert post(house.browser(Role.OUTREACH), "/imports/web-graph", site="1").status_code == 403
    bare = house.container.settings
    object.__setattr__(bare, "web_graph", "")
    assert "set GAPBRIDGE_WEB_GRAPH" in browser.get("/imports/web-graph").text
    assert "Read the graph" not in browser.get("/imports/web-graph").text
