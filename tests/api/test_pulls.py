"""Provider accounts, prices, pulls by a worker, their runs and their schedules by the API; nobody is asked here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.clock import FixedClock
from app.gaps import uploads
from app.jobs import Job, RecordingDispatcher
from app.models import Competitor
from app.settings import Settings
from tests.api.test_frame import problem_of
from tests.support.http import House
from tests.support.world import a_site

SECRET = "canary-7f31"


@pytest.fixture
def house(settings: Settings, clock: FixedClock, dispatcher: RecordingDispatcher) -> Iterator[House]:
    more = {"semrush_key": SECRET, "moz_token": SECRET, "provider_budgets": {"semrush": 5_000.0}}
    made = House(
        Settings(_env_file=None, **{**settings.model_dump(exclude_unset=True), **more}),
        clock=clock,
        dispatcher=dispatcher,
    )
    with made.db.work() as uow:
        site = a_site(uow)
        uow.session.add(Competitor(site_id=site.id, domain="alpha.test", created_at=uow.now()))
    yield made
    made.close()


def test_accounts_and_prices(api: TestClient) -> None:
    answer = api.get("/api/v1/provider-accounts")
    found = {one["provider"]: one for one in answer.json()}
    assert SECRET not in answer.text
    assert found["semrush"]["missing"] == []
    assert (found["semrush"]["budget"], found["semrush"]["spent"], found["semrush"]["left"]) == (5_000, 0, 5_000)
    assert found["ahrefs"]["missing"] == ["GAPBRIDGE_AHREFS_KEY"]
    assert found["ahrefs"]["budget"] is None
    address = "/api/v1/provider-pulls/estimate?site_id=1&provider={}&rows={}"
    price = api.get(address.format("semrush", 50)).json()
    assert (price["cost"], price["unit"], price["left"], price["kept"]) == (4_000, "units", 5_000, [])
    assert price["targets"] == ["acme.test", "alpha.test"]
    assert "set GAPBRIDGE_AHREFS_KEY" in problem_of(api.get(address.format("ahrefs", 5)), 422, "bad-input")["detail"]
    problem_of(api.get(address.format("nobody", 5)), 422, "bad-input")
    problem_of(api.get("/api/v1/provider-pulls/estimate?site_id=9&provider=semrush"), 404, "not-found")


def test_a_pull_is_started_followed_and_stopped(house: House, api: TestClient, dispatcher: Any) -> None:
    def start(**more: Any) -> Any:
        body = {"site_id": 1, "provider": "semrush", "rows": 50, **more}
        return api.post("/api/v1/provider-pulls", json=body, headers=keys)

    keys = {"Idempotency-Key": "one"}
    made = start()
    assert made.status_code == 202, made.text
    job = made.json()
    assert (job["kind"], job["state"], job["filename"]) == ("pull", "queued", "Semrush API v3")
    assert job["asked"] == {"provider": "semrush", "rows": 50, "most": 4_000, "unit": "units"}
    assert (Job.GAPS_ASKED_PULL, job["id"]) in dispatcher.rung
    assert start().json()["id"] == job["id"]
    keys = {}
    problem_of(start(), 409, "conflict")
    over = problem_of(start(rows=100), 409, "refused")
    assert [one["reason"] for one in over["reasons"]] == ["budget"]
    dear = problem_of(start(most=10), 409, "refused")
    assert [one["reason"] for one in dear["reasons"]] == ["price"]
    assert api.get(f"/api/v1/import-jobs/{job['id']}").json() == job
    page = api.get("/api/v1/import-jobs?kind=pull&site_id=1&limit=1").json()
    assert (page["items"], page["next"]) == ([job], None)
    assert api.get("/api/v1/import-jobs?kind=links").json()["items"] == []
    stopped = api.post(f"/api/v1/import-jobs/{job['id']}/cancel").json()
    assert (stopped["state"], stopped["cancel_asked"]) == ("cancelled", True)
    second = start().json()
    pages = api.get("/api/v1/import-jobs?limit=1").json()
    assert [one["id"] for one in pages["items"]] == [second["id"]]
    rest = api.get(f"/api/v1/import-jobs?limit=1&cursor={pages['next']}").json()
    assert ([one["id"] for one in rest["items"]], rest["next"]) == ([job["id"]], None)
    problem_of(api.get("/api/v1/import-jobs/99"), 404, "not-found")
    with house.db.read() as uow:
        assert len(uploads.latest(uow)) == 2


def test_schedules_are_made_changed_rested_and_ended(api: TestClient) -> None:
    def schedule(provider: str, **more: Any) -> Any:
        return api.post("/api/v1/provider-schedules", json={"site_id": 1, "provider": provider, **more})

    refused = problem_of(schedule("moz", rows=10), 422, "bad-input")
    assert "moz has no budget" in refused["detail"]
    made = schedule("semrush", rows=10, every_days=7).json()
    assert (made["rows"], made["every_days"], made["paused_at"], made["last_result"]) == (10, 7, None, None)
    changed = schedule("semrush", rows=20, every_days=14).json()
    assert (changed["id"], changed["rows"], changed["every_days"]) == (made["id"], 20, 14)
    place = f"/api/v1/provider-schedules/{made['id']}"
    assert api.post(f"{place}/pause").json()["paused_at"] is not None
    assert api.get("/api/v1/provider-schedules?site_id=1").json()[0]["paused_at"] is not None
    assert api.post(f"{place}/resume").json()["paused_at"] is None
    assert api.delete(place).json()["id"] == made["id"]
    problem_of(api.delete(place), 404, "not-found")
    problem_of(api.post(f"{place}/pause"), 404, "not-found")
    assert api.get("/api/v1/provider-schedules").json() == []
